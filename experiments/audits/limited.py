"""What can be said where an exact search is refused: the best deviation found by a limited one, a *lower bound*.

Every family's menu is tried on a pilot, the families' best members on a second one; the best of them, per agent, is
played then on draws of its own. The lower end of its interval, allowing for all agents, bounds the worst gain from
below.
"""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from dynmech.agents.strategies.base import AgentContext
from dynmech.experiments.catalog.names import STRATEGIES, make_strategy
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.runs.pilot_choice import PILOT, PILOT_LEFT, pick
from dynmech.experiments.runs.simulation import Progress, Sampling, lone_deviation, pilot, silent
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.ties import first_largest
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game, shortened


@dataclass(frozen=True)
class Found:
    """The best deviation found for one agent; `gain` is simulated, `at_least` the lower end of its interval."""

    agent: str
    strategy: str
    words: str
    gain: float
    half_width: float
    at_least: float


@dataclass(frozen=True)
class LimitedAudit:
    """An audit that was refused, with its reason, and what a limited search found instead."""

    environment: str
    mechanism: str
    reason: str
    found: list[Found]
    conditions: list[Condition] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """One JSON object; gains are lower bounds."""
        return {
            "schema": 1,
            "environment": self.environment,
            "mechanism": self.mechanism,
            "agents": [one.agent for one in self.found],
            "refused": self.reason,
            "gains": {
                "best_response": {"ex_ante": [max(0.0, one.at_least) for one in self.found], "kind": "lower_bound"}
            },
            "conditions": {
                c.name: {"holds": c.holds, "value": c.value, "where": c.where, "note": c.note} for c in self.conditions
            },
            "witness": [vars(one) for one in self.found],
        }


def limited_audit(game: Game, mechanism: str, reason: str, seed: int = 0, progress: Progress = silent) -> LimitedAudit:
    """Search the menus of all families."""
    sampling = Sampling(PILOT, seed, PILOT)
    first = shortened(game, PILOT_LEFT)
    agents, families = game.environment.agents, STRATEGIES.all().values()
    advance = progress("looking for deviations", len(agents) * len(families))
    chosen = []
    for agent, family in product(range(len(agents)), families):
        chosen += [one] if (one := pick((first, agent, family), sampling)) else []
        advance(1)
    cases = [lone_deviation(game, c["agent"], make_strategy(c["strategy"]), f"{k}.x") for k, c in enumerate(chosen)]
    trial = pilot(first, cases, sampling, scope="second pilot")
    out = []
    for i, name in enumerate(agents):
        mine = [case for case, c in zip(cases, chosen, strict=True) if c["agent"] == i]
        if not mine:
            continue
        best = mine[first_largest([float(trial[case.key][i].mean()) for case in mine])]
        judged = pilot(game, [best], replace(sampling, episodes=4 * PILOT, shard=4 * PILOT), scope="lower bound")
        moments = Moments.of(judged[best.key][i])
        gain, half = float(moments.mean), float(moments.half(len(agents)))
        strategy = best.strategies[i]
        words = strategy.describe(AgentContext.of(game, i))
        out.append(Found(name, strategy.key(), words, gain, half, gain - half - 2 * game.tail))
    return LimitedAudit(game.environment.name, mechanism, reason, out, _conditions(game))


def _conditions(game: Game) -> list[Condition]:
    """Of a mechanism for numbers; those of a finite economy that is too large would take as long as the audit."""
    if isinstance(game.environment, TableEnvironment) or not isinstance(game.mechanism, Mechanism):
        return []
    return game.mechanism.conditions()
