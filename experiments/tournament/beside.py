"""Simulated gains of a tournament beside exact ones: of leaving truth alone, and of coalitions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dynmech.agents.oracle.best_response import BestResponse
from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.figures.comparisons import standard_errors_apart
from dynmech.experiments.tournament.bootstrap import standard_error
from dynmech.experiments.tournament.coalitions import CoalitionGain
from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.profiles import Move, Profile
from dynmech.experiments.tournament.truth import TruthSearch
from dynmech.sim.core.arrays import FloatArray

NAMES = ("environment", "mechanism", "who", "deviation")
"""What tells a comparison from others."""


def may_leave(strategies: Iterable[Strategy]) -> bool:
    """Return whether any of some strategies may leave."""
    return any(one.leaves for one in strategies)


def exact_strategies(strategies: Mapping[str, Strategy]) -> set[str]:
    """Return the names of strategies that are the best response of the exact search itself.

    Where a strategy may leave, the search lets deviators leave, too (`may_leave`): then it is the one that may.
    """
    leaving = may_leave(strategies.values())
    own = {name: one for name, one in strategies.items() if isinstance(one, BestResponse) and not one.spies}
    return {name for name, one in own.items() if one.leaves == leaving}


def compared_strategies(strategies: Mapping[str, Strategy]) -> set[str]:
    """Return the names of strategies that the exact best response bounds: those that see no other agent's signal."""
    ours = exact_strategies(strategies)
    return ours | {name for name, one in strategies.items() if not any(part.spies for part in one.components())}


def truth_rows(
    game: EmpiricalGame,
    truth: str,
    search: TruthSearch,
    agents: Sequence[str],
    strategies: Mapping[str, Strategy],
) -> list[dict[str, Any]]:
    """Return a row per deviation from truth by all that stands beside an exact figure.

    Agents of a role take turns, so that what a role gains is the mean over its agents.
    """
    profile = game.truth(truth)
    if profile is None or not search.known:
        return []
    rows, exact, compared = [], exact_strategies(strategies), compared_strategies(strategies)
    for move in game.moves(profile):
        if move.new in compared:
            role = game.roles[move.role]
            figure = sum(search.gains[agents[a]] for a in role.agents) / len(role.agents)
            gains = _gains(game, profile, move)
            one_sided = move.new not in exact
            rows.append(_row(role.name, move.new, gains, figure, search, one_sided, game.scale))
    return rows


def _gains(game: EmpiricalGame, profile: Profile, move: Move) -> FloatArray:
    """Return what a deviation gains by batch, in the batches that both profiles have."""
    after, before = (
        game.batches[game.cell(at, move.role, name)] for at, name in ((move.to, move.new), (profile, move.old))
    )
    common = min(len(after), len(before))
    return after[:common] - before[:common]


def _row(
    who: str, deviation: str, gains: FloatArray, exact: float, search: TruthSearch, one_sided: bool, scale: float
) -> dict[str, Any]:
    gain, error = float(gains.mean()), standard_error(gains)
    return {
        "who": who,
        "deviation": deviation,
        "gain": gain,
        "error": error,
        "exact": exact,
        "apart": standard_errors_apart(gain, exact, error, 2 * search.tail + search.bound, scale),
        "one_sided": one_sided,
    }


def coalition_rows(coalitions: Sequence[CoalitionGain]) -> list[dict[str, Any]]:
    """Return a row per coalition whose gain in play stands beside the exact one."""
    return [
        {
            "who": one.name,
            "deviation": "joint best response",
            "gain": one.gain,
            "error": None,
            "exact": one.exact,
            "apart": one.apart,
            "one_sided": False,
        }
        for one in coalitions
        if one.apart is not None
    ]
