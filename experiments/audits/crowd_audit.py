"""The audit of many agents who are alike: each deviator against the numbers of the others, exactly.

Rules that are written by counts serve economies of which no table exists. Tables that are too large for the full search
are cut down to crowds, where exchanging agents proves that only numbers matter. Either way a mechanism must have no
memory, and decisions must not move signals.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynmech.agents.crowds.alike_problem import AlikeRules
from dynmech.agents.crowds.crowd_gains import CrowdGains, search_crowds
from dynmech.agents.crowds.crowd_problem import CrowdProblem
from dynmech.agents.crowds.table_problem import crowd_problems
from dynmech.agents.oracle.gains import FAMILIES, KINDS
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import UNKNOWN, Audit, AuditedGain, Truth
from dynmech.experiments.runs.simulation import Progress
from dynmech.experiments.runs.verdicts import NOT_PROMISED, UNDECIDED, Verdict, excused, status, violated
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.mechanisms.rules.by_counts import cases_of, decide_by_counts
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.counted_budget import least_takings
from dynmech.mechanisms.rules.values_of_truth import Least
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import figure, first_largest, rounded_up
from dynmech.sim.economy.chains import crowd_states
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.play.roles import Acts, Situation

LARGEST = 2_500
"""Vectors of numbers that one crowd may have."""

WORK = 3e8
"""States of all deviators together, times the vectors of their largest crowd."""

TRIED = 200
"""Profiles of reports at which rules are held to what they say by counts."""


def audit_by_crowds(request: AuditRequest, progress: Progress) -> Audit:
    """Search every agent's deviations against the numbers of the others.

    Raises:
        Refusal: agents are not alike for what a deviator gets and pays, the mechanism remembers, decisions move
            signals, or there are too many numbers; which, and what would make it possible.
    """
    environment, mechanism = request.environment, request.mechanism
    if isinstance(environment, ExchangeableEnvironment):
        problems, proof = _by_rules(environment, mechanism), BY_RULES
    elif isinstance(environment, TableEnvironment):
        problems, proof = _by_tables(environment, request), BY_TABLES
    else:
        raise Refusal(f"crowds: environment {environment.name!r} is neither one of agents who are alike nor finite")
    _require_size(problems)
    found = search_crowds(problems, request.scale, progress("searching", len(problems)))
    result = Audit(
        request=request,
        backend="crowds",
        method=f"{METHOD} {proof}",
        reason="",
        figures=[gain for family in FAMILIES for one in found for gain in _gains(request, one, family)],
        truth=_truth(request, found),
        verdicts=[],
        conditions=_conditions(proof),
        said=_sentence(request, found),
        budget=_budget(request, found),
        verified=proof,
        details={"crowds": [_crowds(request, problem) for problem in problems]},
    )
    verdicts = [_incentive(request, found), *_others(request, result)]
    return replace(result, verdicts=excused(verdicts, violated(mechanism.promises.assumptions, result.conditions)))


METHOD = (
    "Largest exact gains against prescribed play at the same information state; everything public. The others count by "
    "their numbers: how many, of those before the deviator and of those after it, hold each signal."
)
BY_RULES = (
    "That exchanging agents changes nothing else follows from how economy and rules are written: one agent's law and "
    "utilities for all, payments by own report, decision and numbers."
)
BY_TABLES = (
    "Proved by exchanging agents at every profile of reports; those whose exchange changes what the deviator gets or "
    "pays stand apart."
)


def _by_rules(environment: ExchangeableEnvironment, mechanism: Mechanism) -> list[CrowdProblem]:
    """Return every agent's problem, of rules that are written by counts.

    Raises:
        Refusal: they are not.
        FalseDeclaration: the rules do something else than what they say by counts.
    """
    if not isinstance(mechanism, DirectMechanism) or not mechanism.by_counts:
        raise Refusal(
            f"audit: the rules of mechanism {mechanism.name!r} are not written by counts, so that exchanging agents "
            "may matter: "
            f"{_exchange(environment, mechanism)}; a DirectMechanism with `charge_by_counts`, or fewer agents, would "
            "make it possible"
        )
    _require_honest(environment, mechanism)
    largest = [len(environment.agents) - 1]
    _require_states(largest, len(environment.prior))
    rules = AlikeRules(environment, mechanism)
    return [rules.problem(i) for i in range(len(environment.agents))]


def _require_states(sizes: Sequence[int], signals: int) -> None:
    if (most := max(crowd_states(n, signals) for n in sizes)) > LARGEST:
        raise Refusal(
            f"audit: {max(sizes)} others with {signals} signals have {most:,} vectors of numbers, more than "
            f"{LARGEST:,}; fewer agents or signals would make it possible"
        )


def _require_size(problems: Sequence[CrowdProblem]) -> None:
    for problem in problems:
        for crowd in problem.crowds:
            _require_states([crowd.size], len(crowd.prior))
    work = sum(problem.states * max((c.states for c in problem.crowds), default=1) for problem in problems)
    if work > 100 * WORK:
        raise Refusal(
            f"audit: {sum(problem.states for problem in problems):,} states of numbers are too many to search; fewer "
            "agents or signals would make it possible"
        )


def _drawn_reports(environment: ExchangeableEnvironment) -> Array:
    rng = np.random.default_rng(0)
    size, count = len(environment.prior), len(environment.agents)
    chances = rng.dirichlet(np.full(size, 0.5), TRIED)
    return np.stack([rng.choice(size, count, p=chance) for chance in chances])


def _asked(mechanism: Mechanism, reports: Array) -> tuple[Array, Array]:
    nowhere = np.zeros(len(reports), np.intp)
    now, nobody = Situation(0, nowhere, nowhere), Acts(np.zeros(reports.shape, np.intp), np.zeros(reports.shape))
    decision = np.asarray(mechanism.decide(now, reports))
    return decision, np.asarray(mechanism.charge(now, reports, decision, nobody))


def _require_honest(environment: ExchangeableEnvironment, mechanism: DirectMechanism) -> None:
    """Raise where decisions or charges are not what the rules by counts say.

    Raises:
        FalseDeclaration: the agent and the charge.
    """
    reports = _drawn_reports(environment)
    decision, charge = _asked(mechanism, reports)
    if (decision != decide_by_counts(environment, reports)).any():
        raise mechanism.false_declaration(
            "its decisions are not the efficient ones that its payments by counts go with"
        )
    cases = cases_of(environment, reports, decision)
    expected = np.stack([mechanism.charge_by_counts(environment, case) for case in cases], axis=1)
    off = np.abs(charge - expected) > 1e-9 * environment.scale
    if off.any():
        k, i = (int(place) for place in np.argwhere(off)[0])
        raise mechanism.false_declaration(
            f"it charges agent {environment.agents[i]!r} {charge[k, i]:g} where its rule by counts says "
            f"{expected[k, i]:g}: exchanging agents changes what is paid"
        )


def _exchange(environment: ExchangeableEnvironment, mechanism: Mechanism) -> str:
    """Return, in words, an exchange of two agents that matters for a third, or that none was found by trying."""
    reports = _drawn_reports(environment)
    _, charge = _asked(mechanism, reports)
    for j in range(1, min(len(environment.agents) - 1, 20)):
        swapped = reports.copy()
        swapped[:, [j, j + 1]] = reports[:, [j + 1, j]]
        _, other = _asked(mechanism, swapped)
        if (np.abs(other[:, 0] - charge[:, 0]) > 1e-9 * environment.scale).any():
            first, *_ = environment.agents
            pair = f"{environment.agents[j]!r} and {environment.agents[j + 1]!r}"
            return f"exchanging the reports of {pair} changes what {first!r} pays"
    return "no exchange that was tried changes anything, which proves nothing"


def _by_tables(environment: TableEnvironment, request: AuditRequest) -> list[CrowdProblem]:
    """Return every agent's problem, from tables."""
    return crowd_problems(environment, request.mechanism, list(range(len(environment.agents))))


def _crowds(request: AuditRequest, problem: CrowdProblem) -> dict[str, object]:
    """Return whom a deviator faces, as plain data."""
    return {
        "agent": request.environment.agents[problem.agent],
        "crowds": [crowd.size for crowd in problem.crowds],
        "states": problem.states,
    }


def _gains(request: AuditRequest, found: CrowdGains, family: Family) -> list[AuditedGain]:
    """Return one deviator's gains by one family."""
    name = request.environment.agents[found.agent]
    out = []
    for kind in KINDS:
        gain, bound = found.gains[family, kind]
        out.append(AuditedGain.exact(name, family, kind, gain, rounded_up(bound, request.scale), "reachable"))
    return out


def _truth(request: AuditRequest, found: Sequence[CrowdGains]) -> Truth:
    """Return what prescribed play is worth; on tables the designer's costs are not worked out here."""
    utility, transfer = [one.utility for one in found], [one.charge for one in found]
    welfare, revenue, first_best = float(sum(utility)), float(sum(transfer)), None
    environment = request.environment
    if isinstance(environment, TableEnvironment):
        if any(stage.cost is not None for stage in environment.stages):
            return Truth([u - p for u, p in zip(utility, transfer, strict=True)], utility, transfer, revenue=revenue)
        first_best = float((plan(environment).value[0] * environment.prior).sum())
    else:
        first_best = welfare  # what is decided is efficient, period by period
    payoff = [u - p for u, p in zip(utility, transfer, strict=True)]
    return Truth(payoff, utility, transfer, welfare, first_best, revenue, revenue)


def _conditions(proof: str) -> list[Condition]:
    """Return what is known of the economy: types are independent, and decisions do not move them."""
    known = [Condition("independent types", True, 0.0, {}, "decisions do not move them")]
    if proof == BY_RULES:
        known.append(Condition("private values", True, 0.0, {}))
    return [*known, Condition("agents are alike", True, 0.0, {}, "by the numbers of those before and after a deviator")]


def _budget(request: AuditRequest, found: Sequence[CrowdGains]) -> dict[str, Least]:
    """Return the least that the designer takes in."""
    least = {"ex_ante": Least(float(sum(one.charge for one in found)), {})}
    environment, mechanism = request.environment, request.mechanism
    if isinstance(environment, ExchangeableEnvironment) and isinstance(mechanism, DirectMechanism):
        least |= {kind: Least(value, {}) for kind, value in least_takings(environment, mechanism).items()}
    return least


def _incentive(request: AuditRequest, found: Sequence[CrowdGains]) -> Verdict:
    """Hold the largest gain against the promise on incentives."""
    promised, tolerance = request.mechanism.promises.incentive, request.relative_tolerance * request.scale
    kind = "ex_post" if promised == "periodic ex post" else "interim"
    gains = [one.gains[Family.BEST_RESPONSE, kind] for one in found]
    worst = first_largest([gain for gain, _ in gains], request.scale)
    gain, bound = gains[worst][0], rounded_up(gains[worst][1], request.scale)
    where = {"agent": request.environment.agents[found[worst].agent]}
    if promised == "none":
        return Verdict("incentive", NOT_PROMISED, gain, bound, where)
    return Verdict(f"incentive: {promised}", status(gain, bound, tolerance), gain, bound, where)


def _others(request: AuditRequest, audit: Audit) -> list[Verdict]:
    """Return the verdicts on prescribed play, as far as it is known."""
    promises, tolerance = request.mechanism.promises, request.relative_tolerance * request.scale
    bound, out = rounded_up(1e-12 * request.scale, request.scale), []
    if promises.budget != "none":
        kind = "ex_post" if promises.budget == "no deficit" else promises.budget.replace(" ", "_")
        known = kind in audit.budget and promises.budget != "ex post"
        worst = -audit.budget[kind].value if known else UNKNOWN
        said = status(worst, bound, tolerance) if known else UNDECIDED
        out.append(Verdict(f"budget: {promises.budget}", said, worst, bound if known else UNKNOWN, {}))
    if promises.participation != "none":
        out.append(Verdict(f"participation: {promises.participation}", UNDECIDED, UNKNOWN, UNKNOWN, {}))
    if promises.efficient:
        truth = audit.truth
        known = truth.welfare is not None and truth.first_best is not None
        missing = (truth.first_best or 0.0) - (truth.welfare or 0.0) if known else UNKNOWN
        said = status(missing, bound * len(request.environment.agents), tolerance) if known else UNDECIDED
        out.append(Verdict("efficient", said, missing, bound if known else UNKNOWN, {}))
    return out


def _sentence(request: AuditRequest, found: Sequence[CrowdGains]) -> str:
    """Return who gains most, and at which information; or that nobody does."""
    tolerance, scale = request.relative_tolerance * request.scale, request.scale
    beyond = "truth is not promised to be best; " if request.mechanism.promises.incentive == "none" else ""
    for kind, words in SAID.items():
        gains = [one.gains[Family.BEST_RESPONSE, kind][0] for one in found]
        worst = first_largest(gains, scale)
        if gains[worst] > tolerance:
            name = request.environment.agents[found[worst].agent]
            return f"{beyond}{name} gains {figure(gains[worst], scale=scale)}, {words}."
    return f"{beyond}no deviation of any agent gains anything."


SAID = {
    "ex_ante": "before anything is known",
    "interim": "at the worst numbers of the others a period ago, knowing its own signal",
    "ex_post": "at the worst numbers of the others, which it would have to see",
}
"""Information at which a gain is first looked for, in words."""
