"""The penalties that are tried where rules are asked along paths."""

from dataclasses import dataclass

from dynmech.agents.bounds.regressed_value import Features, default_features, fit_value
from dynmech.agents.bounds.rule_calls import RuleCalls
from dynmech.agents.bounds.sampled_paths import SampledCandidate
from dynmech.agents.bounds.state_values import GivenValue, SimulatedTruth, StateValue, UserValue
from dynmech.sim.play.game import Game

AGAIN = (16, 64)
"""How often the others' signals are drawn anew."""

DRAWS = 16
"""Paths that prescribed play is simulated on."""

FOLLOWED = 4
"""Periods that it is simulated for."""

GRID = 21
"""Messages that are tried from an interval, besides the prescribed one."""


@dataclass(frozen=True, eq=False)
class Ideas:
    """What a user gives: functions H to try beside ours, and features in place of the default ones."""

    penalties: tuple[UserValue, ...] = ()
    features: Features | None = None


def sampled_candidates(
    game: Game, agent: int, seed: int, ideas: Ideas | None = None, grid: int = GRID
) -> list[SampledCandidate]:
    """Return the candidates; H other than 0 where there is more than one memory, or the user gives some."""
    ideas, calls = ideas or Ideas(), RuleCalls(game, agent)
    values: list[StateValue | None] = [None]
    mechanism = game.mechanism
    if any(mechanism.memory_size(t) != 1 for t in range(1, min(3, game.periods))):
        lags = max(1, min(mechanism.lags or FOLLOWED, FOLLOWED))
        values.append(SimulatedTruth(calls, DRAWS, lags, seed))
        declared = getattr(mechanism, "value_features", None)
        if ideas.features is not None:
            chosen = ideas.features, "given"
        elif declared is not None and declared():
            chosen = declared(), "declared"
        else:
            chosen = default_features(mechanism.memory_size), "default"
        values.append(fit_value(calls, *chosen, seed))
    values += [GivenValue(function, agent) for function in ideas.penalties]
    return [SampledCandidate(game, agent, again, seed, grid, value) for value in values for again in AGAIN]
