"""The audit of transfers that are right up to ε: gains on a grid of the signals, and the limit that ε sets to them."""

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, AuditedGain, Truth
from dynmech.experiments.audits.continuous import Miss, measure
from dynmech.experiments.runs.simulation import Progress
from dynmech.experiments.runs.verdicts import BREAKS, HOLDS, NOT_PROMISED, Verdict
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity
from dynmech.sim.core.ties import figure, first_largest

LIMIT = "gains: within the limit that ε sets"


def audit_up_to_epsilon(request: AuditRequest, progress: Progress) -> Audit:
    """Measure ε, and search deviations on a grid that holds none of the mechanism's own nodes."""
    mechanism = request.mechanism
    assert isinstance(mechanism, ContingentDensity)
    progress("measuring", 1)
    miss = measure(mechanism)
    return Audit(
        request=request,
        backend="epsilon",
        method=(
            f"Gains are exact on a grid of {miss.nodes} signals and reports per agent, none of them the mechanism's "
            "own; the miss there is the sum of its parts at most. Everywhere: at "
            f"{miss.points} even points per agent, 0 and 1 included, by the true densities."
        ),
        reason="",
        figures=_gains(request, miss),
        truth=Truth(),
        verdicts=_verdicts(request, miss),
        conditions=(conditions := mechanism.conditions()),
        own=[condition.name for condition in conditions],
        said=_sentence(miss),
        verified="on the grid",
        details={"approximate": miss.data()},
    )


def within_limit(miss: Miss) -> bool:
    """Whether gains keep to their limit."""
    return miss.gain <= miss.limit + miss.bound


def _gains(request: AuditRequest, miss: Miss) -> list[AuditedGain]:
    return [
        AuditedGain.exact(agent, family, "ex_post", max(gain, 0.0), miss.bound, "reachable")
        for family in (Family.ONE_SHOT, Family.BEST_RESPONSE)
        for agent, gain in zip(request.environment.agents, miss.by_agent[family.value], strict=True)
    ]


def _verdicts(request: AuditRequest, miss: Miss) -> list[Verdict]:
    gains = miss.by_agent[Family.BEST_RESPONSE.value]
    where = {"agent": request.environment.agents[first_largest(gains)]}
    beyond = miss.gain - miss.limit
    return [
        Verdict("incentive", NOT_PROMISED, miss.gain, miss.bound, where),
        Verdict(LIMIT, HOLDS if within_limit(miss) else BREAKS, beyond, miss.bound, where),
    ]


def _sentence(miss: Miss) -> str:
    """Return what is kept, and up to what."""
    if not within_limit(miss):
        return f"a deviation gains {figure(miss.gain, 4)}, more than the limit {figure(miss.limit, 4)}."
    return (
        "truth is not promised to be best, only up to ε: transfers miss their target by at most "
        f"{figure(miss.epsilon_everywhere, 4)}, so that no deviation gains more than "
        f"{figure(miss.limit_everywhere, 4)}; on a grid of {miss.nodes} signals the best one "
        f"gains {figure(max(miss.gain, 0.0), 4)} (± {miss.bound:.1g}), the others' signals known."
    )
