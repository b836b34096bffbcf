"""Equilibria of an empirical game. Degenerate games are the rule here: what is listed need not be all there is.

Pure ones: profiles whose regret is surely small; where its interval is wider they are undecided. Mixed ones by nashpy
(optional extra `games`), for two roles of one agent each or one role of two: support enumeration within a time limit,
and if that is too short, where Lemke and Howson's paths end.
"""

import warnings
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from time import monotonic

import numpy as np

from dynmech.experiments.runs.verdicts import NOT_REFUTED
from dynmech.experiments.tournament.empirical import EmpiricalGame, Regret
from dynmech.experiments.tournament.profiles import canonical
from dynmech.experiments.workers.sandbox import Limits, confined
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import scale_of


@dataclass(frozen=True)
class Mixed:
    """A mixed equilibrium of a game of two: shares of strategies by player."""

    shares: tuple[tuple[float, ...], tuple[float, ...]]
    payoffs: tuple[float, float]


@dataclass(frozen=True)
class MixedSearch:
    """What a search for mixed equilibria found; `note` says why it is not the whole truth, if so."""

    found: tuple[Mixed, ...]
    note: str = ""


def pure(game: EmpiricalGame) -> list[Regret]:
    """Return the profiles that are not refuted to be equilibria, smallest regret first."""
    return [regret for regret in game.regrets if regret.verdict(game.scale) == NOT_REFUTED]


def bimatrix(game: EmpiricalGame) -> tuple[FloatArray, FloatArray]:
    """Return the payoff matrices of two players, rows for the first.

    Raises:
        InputError: the game is not one of two players with all profiles played.
    """
    roles = game.roles
    if game.players != 2:
        raise InputError("mixed equilibria are searched for in games of two players only")
    if not game.whole:
        raise InputError("mixed equilibria need every profile")
    mine, other = roles[0], roles[-1]
    first, second = (np.zeros((len(mine.strategies), len(other.strategies))) for _ in range(2))
    for i, s in enumerate(mine.strategies):
        for j, z in enumerate(other.strategies):
            if len(roles) == 2:
                profile = ((s,), (z,))
                first[i, j], second[i, j] = (game.mean[game.cell(profile, r, x)] for r, x in enumerate((s, z)))
            else:
                way = canonical((s, z), mine)
                first[i, j], second[i, j] = (game.mean[game.cell((way,), 0, x)] for x in (s, z))
    return first, second


def mixed(game: EmpiricalGame, seconds: float = 20.0, most: int = 20) -> MixedSearch:
    """Return mixed equilibria of a game of two, as many as are found within the time limit.

    Raises:
        InputError: the game is not one of two, or nashpy is not installed.
    """
    if find_spec("nashpy") is None:
        raise InputError("mixed equilibria need nashpy: pip install 'dynmech[games]'")
    first, second = bimatrix(game)
    import nashpy  # noqa: F401 - here, so that no search has to load it

    answer = confined(partial(_support_enumeration, first, second, most), Limits(seconds))
    if answer.error is not None:
        found = _quick(first, second, seconds)
        told = f"the search was broken off: {answer.error}"
        return MixedSearch(tuple(found), f"{told}; there may be more" if found else told)
    every, whole, degenerate = answer.opened().value
    notes = [] if whole else [f"only the first {most} are listed"]
    notes += ["the game is degenerate: there may be more"] if degenerate or _tied(first, second) else []
    return MixedSearch(tuple(every), "; ".join(notes))


def _tied(first: FloatArray, second: FloatArray) -> bool:
    """Return whether the game is degenerate: some pure strategy has two best replies."""
    replies = (first == first.max(axis=0)).sum(axis=0), (second.max(axis=1) == second.T).sum(axis=0)
    return bool(max(counts.max() for counts in replies) > 1)


def _support_enumeration(first: FloatArray, second: FloatArray, most: int) -> tuple[list[Mixed], bool, bool]:
    """Return equilibria up to a limit, whether the enumeration was complete, and whether the game is degenerate."""
    import nashpy

    found: list[Mixed] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for x, y in nashpy.Game(first, second).support_enumeration():
            if len(found) == most:
                return found, False, bool(caught)
            found.append(_mixed(first, second, x, y))
    return found, True, bool(caught)


def _quick(first: FloatArray, second: FloatArray, seconds: float) -> list[Mixed]:
    """Return the ends of Lemke–Howson paths: few equilibria, but fast; a path that rounding makes cycle is dropped."""
    found: list[Mixed] = []
    deadline = monotonic() + seconds
    for start in range(sum(first.shape)):
        if (left := deadline - monotonic()) <= 0:
            break
        answer = confined(partial(_lemke_howson, first, second, start), Limits(min(left, seconds / 4)))
        one = None if answer.error is not None else answer.opened().value
        if one is not None and not any(_alike(one, other) for other in found):
            found.append(one)
    return found


def _lemke_howson(first: FloatArray, second: FloatArray, start: int) -> Mixed | None:
    """Return the end of the path that drops one label first; None if that is no equilibrium."""
    import nashpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of degenerate games
        x, y = nashpy.Game(first, second).lemke_howson(initial_dropped_label=start)
    whole = (len(x), len(y)) == first.shape and np.isfinite([*x, *y]).all()
    return _mixed(first, second, x, y) if whole and _is_equilibrium(first, second, x, y) else None


def _alike(one: Mixed, other: Mixed) -> bool:
    return all(np.allclose(x, y, atol=1e-9) for x, y in zip(one.shares, other.shares, strict=True))


def _mixed(first: FloatArray, second: FloatArray, x: FloatArray, y: FloatArray) -> Mixed:
    payoffs = float(x @ first @ y), float(x @ second @ y)
    return Mixed((tuple(map(float, x)), tuple(map(float, y))), payoffs)


def _is_equilibrium(first: FloatArray, second: FloatArray, x: FloatArray, y: FloatArray) -> bool:
    """Return whether no pure strategy gains; in degenerate games a path may end elsewhere."""
    scale = scale_of(first, second)
    gain = max(float((first @ y).max() - x @ first @ y), float((x @ second).max() - x @ second @ y))
    return gain <= 1e-9 * scale
