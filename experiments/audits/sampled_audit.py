"""What can be said where an exact search is refused: the best deviation found by a limited one, a *lower bound*.

Every family's candidates are tried on a pilot, the families' best members on a second one; the best of them, per agent,
is then played on draws of its own. The lower end of its interval, allowing for all agents, bounds the worst gain from
below.
"""

from dataclasses import dataclass, replace
from itertools import product

from dynmech.agents.oracle.gains import KINDS
from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.base import AgentContext
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, AuditedGain, Truth
from dynmech.experiments.catalog.names import STRATEGIES, make_strategy
from dynmech.experiments.runs.moments import ZERO, Moments
from dynmech.experiments.runs.pilot_choice import PILOT, PILOT_LEFT, pick
from dynmech.experiments.runs.simulation import Case, Progress, Sampling, blaming, lone_deviation, pilot
from dynmech.experiments.runs.verdicts import (
    BREAKS,
    NOT_PROMISED,
    NOT_REFUTED,
    UNDECIDED,
    Verdict,
    excused,
    violated,
)
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.ties import figure, first_largest, first_of, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game, make_game, shortened

TAIL = 1e-4
"""What may be left out of a payoff by cutting an infinite horizon, relative to the economy's scale."""


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

    @property
    def scale(self) -> float:
        """The size of what was simulated; the bound of an economy that is not finite says nothing."""
        return scale_of(self.gain, self.half_width)


def audit_by_sampling(request: AuditRequest, reason: str, progress: Progress) -> Audit:
    """Search the candidates of all families, and play the best of them once more on draws of its own.

    `reason` says why there is no exact search.
    """
    with blaming(f"mechanism {request.mechanism.name!r}"):
        game = make_game(request.environment, request.mechanism, None, tail=TAIL)
    tried = search_candidates(game, request.seed, progress)
    conditions = _conditions(game)
    return Audit(
        request=request,
        backend="sampled",
        method=(
            "The best of a sample of deviations, played on draws of its own; the lower end of its 95 % interval, "
            "allowing for all agents, bounds the gain from below."
        ),
        reason=reason,
        figures=[gain for best in tried for gain in _gains(best)],
        truth=Truth(),
        verdicts=_verdicts(game, tried, conditions),
        conditions=conditions,
        own=[condition.name for condition in conditions],
        said=_sentence(game, tried),
        verified="not verified",
        details={"refused": reason, "tried": [vars(best) for best in tried]},
    )


def search_candidates(game: Game, seed: int, progress: Progress) -> list[BestTried]:
    """Return the best deviation found for each agent, played on draws of its own."""
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
    return tried


def _gains(best: BestTried) -> list[AuditedGain]:
    """Return a gain ex ante as a lower bound of the gain at every information; other families were not searched."""
    lower, unknown = max(0.0, best.at_least), float("nan")
    fewer = [
        AuditedGain(best.agent, family.value, kind, unknown, unknown, unknown, unknown, "refused", "reachable")
        for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION)
        for kind in KINDS
    ]
    family = Family.BEST_RESPONSE.value
    return fewer + [
        AuditedGain(best.agent, family, kind, unknown, unknown, lower, unknown, "lower_bound", "reachable", 0.95)
        for kind in KINDS
    ]


def _sentence(game: Game, tried: list[BestTried]) -> str:
    """Return the largest lower bound, or that nothing that was tried is sure to gain."""
    beyond = "truth is not promised to be best; " if game.mechanism.promises.incentive == "none" else ""
    best = first_of(tried, lambda one: one.at_least) if tried else None
    if best is None or best.at_least <= 0:
        return f"{beyond}of the deviations that were tried, none is sure to gain anything."
    least = figure(best.at_least, 4, scale=best.scale)
    return f"{beyond}lower bound: {best.agent} {best.words} and gains at least {least}."


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
    found = BREAKS if worst is not None and gain > ZERO * worst.scale else NOT_REFUTED
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
