"""What can be said where an exact search is refused: the best deviation found by a limited one, a *lower bound*.

Every family's candidates are tried on a pilot, the families' best members on a second one; the best of them, per agent,
is then played on draws of its own. The lower end of its interval, allowing for all agents, bounds the worst gain from
below.
"""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.base import AgentContext
from dynmech.experiments.audits.audit_json import condition_data
from dynmech.experiments.catalog.names import STRATEGIES, make_strategy
from dynmech.experiments.runs.moments import ZERO, Moments
from dynmech.experiments.runs.pilot_choice import PILOT, PILOT_LEFT, pick
from dynmech.experiments.runs.simulation import Case, Progress, Sampling, lone_deviation, pilot, silent
from dynmech.experiments.runs.verdicts import (
    BREAKS,
    NOT_PROMISED,
    NOT_REFUTED,
    OPEN,
    UNDECIDED,
    Verdict,
    excused,
    together,
    verdict_data,
    violated,
)
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.ties import first_largest
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game, shortened


@dataclass(frozen=True)
class BestTried:
    """The best deviation that was tried for one agent.

    Attributes:
        words: what it does, after the agent's name.
        gain: simulated, ex ante.
        half_width: of its 95 % interval, allowing for all agents.
        at_least: the lower end of the interval, less the tail that was cut.
    """

    agent: str
    strategy: str
    words: str
    gain: float
    half_width: float
    at_least: float


@dataclass(frozen=True)
class LimitedAudit:
    """An audit that was refused, with its reason, and what a limited search has found instead.

    Attributes:
        reason: why there is no exact audit.
        tried: the best deviation that was tried, per agent.
        promises: a verdict per promise, as far as what was tried can tell.
    """

    environment: str
    mechanism: str
    reason: str
    tried: list[BestTried]
    promises: list[Verdict]
    conditions: list[Condition] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The most serious status of all promises."""
        return together(verdict.status for verdict in self.promises)

    @property
    def holds(self) -> bool:
        """Whether no promise breaks or is open."""
        return self.verdict not in OPEN

    def data(self) -> dict[str, Any]:
        """One JSON object; gains are lower bounds."""
        at_least = [max(0.0, best.at_least) for best in self.tried]
        return {
            "schema": 1,
            "environment": self.environment,
            "mechanism": self.mechanism,
            "agents": [best.agent for best in self.tried],
            "refused": self.reason,
            "verdict": self.verdict,
            "gains": {Family.BEST_RESPONSE.value: {"ex_ante": at_least, "kind": "lower_bound"}},
            "promises": [verdict_data(verdict) for verdict in self.promises],
            "conditions": condition_data(self.conditions),
            "witness": [vars(best) for best in self.tried],
        }


def limited_audit(game: Game, mechanism: str, reason: str, seed: int = 0, progress: Progress = silent) -> LimitedAudit:
    """Search the candidates of all families, and play the best of them once more on draws of its own."""
    sampling = Sampling(PILOT, seed, PILOT)
    first = shortened(game, PILOT_LEFT)
    agents, families = game.environment.agents, STRATEGIES.all().values()
    advance = progress("looking for deviations", len(agents) * len(families))
    chosen = []
    for agent, family in product(range(len(agents)), families):
        chosen += [choice] if (choice := pick((first, agent, family), sampling)) else []
        advance(1)
    cases = [lone_deviation(game, c["agent"], make_strategy(c["strategy"]), f"{k}.x") for k, c in enumerate(chosen)]
    trial = pilot(first, cases, sampling, scope="second pilot")
    tried = []
    for i in range(len(agents)):
        own = [case for case, c in zip(cases, chosen, strict=True) if c["agent"] == i]
        if own:
            best = own[first_largest([float(trial[case.key][i].mean()) for case in own])]
            tried.append(_played(game, i, best, sampling))
    conditions = _conditions(game)
    return LimitedAudit(game.environment.name, mechanism, reason, tried, _verdicts(game, tried, conditions), conditions)


def _played(game: Game, agent: int, best: Case, sampling: Sampling) -> BestTried:
    """One deviation on fresh draws."""
    judged = pilot(game, [best], replace(sampling, episodes=4 * PILOT, shard=4 * PILOT), scope="lower bound")
    moments = Moments.of(judged[best.key][agent])
    gain, half = float(moments.mean), float(moments.half(len(game.environment.agents)))
    strategy = best.strategies[agent]
    words = strategy.describe(AgentContext.of(game, agent))
    name = game.environment.agents[agent]
    return BestTried(name, strategy.key(), words, gain, half, gain - half - 2 * game.tail)


def _verdicts(game: Game, tried: list[BestTried], conditions: list[Condition]) -> list[Verdict]:
    """What a lower bound of an ex ante gain says of each promise; a gain ex ante is one at every information."""
    promises, unknown = game.mechanism.promises, float("nan")
    worst = tried[first_largest([best.at_least for best in tried])] if tried else None
    gain, where = (max(worst.at_least, 0.0), {"agent": worst.agent}) if worst else (0.0, {})
    found = BREAKS if gain > ZERO else NOT_REFUTED
    if promises.incentive == "none":
        verdicts = [Verdict("incentive", NOT_PROMISED, gain, unknown, where)]
    else:
        verdicts = [Verdict(f"incentive: {promises.incentive}", found, gain, unknown, where)]
    other = {"budget": promises.budget, "participation": promises.participation}
    names = [f"{name}: {promised}" for name, promised in other.items() if promised != "none"]
    names += ["efficient"] if promises.efficient else []
    verdicts += [Verdict(name, UNDECIDED, unknown, unknown, {}) for name in names]
    return excused(verdicts, violated(promises.assumptions, conditions))


def _conditions(game: Game) -> list[Condition]:
    """Conditions of a mechanism for numbers; those of a large finite economy would take as long as the audit."""
    if isinstance(game.environment, TableEnvironment) or not isinstance(game.mechanism, Mechanism):
        return []
    return game.mechanism.conditions()
