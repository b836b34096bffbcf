"""Equilibria of an empirical game. Degenerate games are the rule here: what is listed need not be all there is.

Pure ones: profiles whose regret is not seen to be above 0. Mixed ones by nashpy's support enumeration (optional extra
`games`), for two roles of one agent each or one symmetric role of two, within a time limit.
"""

import warnings
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import numpy as np

from experiments.guard import Limits, confined
from experiments.tournament.empirical import EmpiricalGame, Regret
from sim.arrays import FloatArray
from sim.errors import InputError


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
    """Profiles of which no deviation is seen to gain, smallest regret first."""
    return [regret for regret in game.regrets if regret.stable]


def bimatrix(game: EmpiricalGame) -> tuple[FloatArray, FloatArray]:
    """Payoffs of two players, rows for the first.

    Raises:
        InputError: the game is not one of two players with all profiles played.
    """
    roles = game.roles
    if sum(len(role.agents) for role in roles) != 2:
        raise InputError("mixed equilibria are searched for in games of two players only")
    if not game.whole:
        raise InputError("mixed equilibria need every profile")
    mine, other = (roles[0], roles[0]) if len(roles) == 1 else (roles[0], roles[1])
    first, second = (np.zeros((len(mine.strategies), len(other.strategies))) for _ in range(2))
    for i, s in enumerate(mine.strategies):
        for j, z in enumerate(other.strategies):
            if len(roles) == 2:
                profile = ((s,), (z,))
                first[i, j], second[i, j] = (game.mean[game.cell(profile, r, x)] for r, x in enumerate((s, z)))
            else:
                way = tuple(sorted((s, z), key=mine.strategies.index)) if mine.symmetric else (s, z)
                first[i, j], second[i, j] = (game.mean[game.cell((way,), 0, x)] for x in (s, z))
    return first, second


def mixed(game: EmpiricalGame, seconds: float = 20.0, most: int = 20) -> MixedSearch:
    """Mixed equilibria of a game of two, as many as are found within the time.

    Raises:
        InputError: the game is not one of two, or nashpy is not installed.
    """
    if find_spec("nashpy") is None:
        raise InputError("mixed equilibria need nashpy: pip install 'dynmech[games]'")
    first, second = bimatrix(game)
    answer = confined(partial(_support_enumeration, first, second, most), Limits(seconds))
    if answer.error is not None:
        return MixedSearch((), f"the search was broken off: {answer.error}")
    found, whole, degenerate = answer.value
    notes = [] if whole else [f"only the first {most} are listed"]
    notes += ["the game is degenerate: there may be more"] if degenerate else []
    return MixedSearch(tuple(found), "; ".join(notes))


def _support_enumeration(first: FloatArray, second: FloatArray, most: int) -> tuple[list[Mixed], bool, bool]:
    import nashpy

    found: list[Mixed] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        equilibria = nashpy.Game(first, second).support_enumeration()
        for x, y in equilibria:
            if len(found) == most:
                return found, False, bool(caught)
            payoffs = float(x @ first @ y), float(x @ second @ y)
            found.append(Mixed((tuple(map(float, x)), tuple(map(float, y))), payoffs))
    return found, True, bool(caught)
