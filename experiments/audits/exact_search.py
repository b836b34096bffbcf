"""The exact audit: every deviation searched over the tables of a finite game, every promise held against a figure."""

from dataclasses import replace

from dynmech.agents.oracle.budget_and_participation import Least, budget, largest_transfer, participation
from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.oracle.gains import Gain, ex_ante_gain, ties, worst_gain, worst_stay
from dynmech.agents.oracle.patience_thresholds import patience
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, Value, solve
from dynmech.agents.oracle.story import Story, find_story
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import (
    FAMILIES,
    KINDS,
    NOT_SEARCHED,
    Audit,
    AuditedGain,
    Search,
    Truth,
)
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.audits.promise_verdicts import judge_promises
from dynmech.experiments.audits.witness_text import story_text, witness_data
from dynmech.experiments.runs.simulation import Progress
from dynmech.experiments.runs.tally import first_best
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.conditions.yoon_property_a import property_a
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.mechanisms.rules.values_of_truth import TruthfulValues, truthful_values
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment


def audit_exactly(request: AuditRequest, progress: Progress) -> Audit:
    """Search every deviator's deviations, every family at every information.

    Raises:
        Refusal: the environment or the mechanism is not finite or too large; the size is given.
    """
    environment, mechanism = request.environment, request.mechanism
    if not isinstance(environment, TableEnvironment):
        raise Refusal(f"audit: environment {environment.name!r} is not finite; it can be simulated only")
    truthful = truthful_values(environment, mechanism)
    advance = progress("searching", len(request.deviators))
    searches = []
    for who in request.deviators:
        searches.append(_search(build_problem(environment, mechanism, who, exit=request.exit), request.all_states))
        advance(1)
    own = _own_conditions(mechanism)
    result = Audit(
        request=request,
        backend="exact",
        method=_method(request),
        reason="",
        figures=[gain for family in FAMILIES for search in searches for gain in _gains(request, search, family)],
        truth=_truth(environment, truthful),
        verdicts=[],
        conditions=[*_conditions(environment, mechanism), property_a(environment, mechanism), *own],
        own=[condition.name for condition in own],
        budget=budget(environment, mechanism, truthful),
        participation=_participation(request, truthful),
        largest_transfer=largest_transfer(environment, truthful),
        verified=tabulate(mechanism, 0 if environment.horizon == 1 else 1).verified,
        searches=searches,
        truth_values=truthful,
    )
    result = replace(result, verdicts=judge_promises(result))
    return replace(result, sentence=story_text(result), story=witness_data(result))


def _method(request: AuditRequest) -> str:
    """Return what the figures are."""
    reach = "over all states" if request.all_states else "that some play leads to"
    text = (
        "Largest exact gains against prescribed play at the same information state; everything public. "
        f"On path, interim (own past lies included) and ex post: the worst state {reach}. "
        "Best response: any deviation at all."
    )
    if request.exit:
        text += (
            " Deviators may leave; the deposit is what they must have put down so that staying (and lying) is better."
        )
    return text


def _participation(request: AuditRequest, truthful: TruthfulValues) -> dict[str, list[Least]]:
    environment = request.environment
    assert isinstance(environment, TableEnvironment)
    return participation(environment, request.mechanism, truthful, all_states=request.all_states)


def _gains(request: AuditRequest, search: Search, family: Family) -> list[AuditedGain]:
    """Return one deviator's gains by one family, by kind."""
    states = "all" if request.all_states else "reachable"
    return [
        AuditedGain.exact(
            request.name(search.who),
            family,
            kind,
            search.figures[family][kind].gain,
            search.figures[family][kind].bound,
            states if kind in ("interim", "ex_post") else "reachable",
        )
        for kind in KINDS
    ]


def _truth(environment: TableEnvironment, truthful: TruthfulValues) -> Truth:
    """Return what prescribed play is worth, ex ante."""
    revenue = float(truthful.transfer.sum())
    return Truth(
        payoff=(truthful.utility - truthful.transfer).tolist(),
        utility=truthful.utility.tolist(),
        transfer=truthful.transfer.tolist(),
        welfare=truthful.welfare,
        first_best=first_best(environment),
        revenue=revenue,
        net_revenue=revenue - float(truthful.periods[0].cost_ahead[0] @ truthful.prior),
    )


def _conditions(environment: TableEnvironment, mechanism: Mechanism) -> list[Condition]:
    """Return the conditions of the economy, as the mechanism sees it."""
    special = separable_conditions(environment.economy) if isinstance(environment, SeparableEnvironment) else []
    return [*all_conditions(environment, mechanism.sees), *special]


def _own_conditions(mechanism: Mechanism) -> list[Condition]:
    """Return the conditions of the mechanism: its own, of patience, of first reports."""
    own = list(mechanism.conditions())
    own += patience(mechanism) if isinstance(mechanism, SelfEnforcing) else []
    if isinstance(mechanism, VirtualPivot):
        searches = [search_frozen(mechanism, i) for i in range(mechanism.count)]
        own += first_report_conditions(mechanism, searches)
    return own


Values = dict[tuple[Family, Information], Value]


def _search(problem: Problem, all_states: bool) -> Search:
    """Every family under both kinds of information, for one deviator."""
    values, refused = _values(problem)
    figures = {family: _figures(problem, values, family, all_states) for family in FAMILIES}
    stories = {
        information: _story(problem, values, information, figures[Family.BEST_RESPONSE])
        for information in (Information.INTERIM, Information.EX_POST)
    }
    truth = values.get((Family.PRESCRIBED, Information.INTERIM))
    level = ties(problem, truth if truth is not None else values[Family.PRESCRIBED, Information.EX_POST])
    deposit = _deposit(problem) if problem.exit and truth is not None else None
    return Search(problem.deviator, problem, values, figures, refused, stories, level, deposit)


def _values(problem: Problem) -> tuple[Values, str]:
    """What every family is worth, and why interim values are missing, if they are."""
    values: Values = {}
    refused = ""
    for information in Information:
        for family in (Family.PRESCRIBED, *FAMILIES):
            try:
                values[family, information] = solve(problem, family, information)
            except Refusal as error:
                refused = str(error)
    return values, refused


def _figures(problem: Problem, values: Values, family: Family, all_states: bool) -> dict[str, Gain]:
    """One family's gains by kind; `NOT_SEARCHED` where the search was refused."""
    gains = dict.fromkeys(KINDS, NOT_SEARCHED)
    best, truth = (values.get((which, Information.INTERIM)) for which in (family, Family.PRESCRIBED))
    if best is not None and truth is not None:
        gains["ex_ante"] = ex_ante_gain(best, truth)
        gains["on_path"] = worst_gain(problem, best, truth, on_path=True)
        gains["interim"] = worst_gain(problem, best, truth, all_states=all_states)
    best, truth = (values[which, Information.EX_POST] for which in (family, Family.PRESCRIBED))
    gains["ex_post"] = worst_gain(problem, best, truth, all_states=all_states)
    return gains


def _story(problem: Problem, values: Values, information: Information, gains: dict[str, Gain]) -> Story | None:
    """The smallest case in which the best response gains most; None where nothing gains, or was not searched."""
    best, truth = (values.get((family, information)) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    if best is None or truth is None:
        return None
    return find_story(problem, best, truth, gains["ex_post" if information is Information.EX_POST else "interim"])


def _deposit(problem: Problem) -> float:
    """What the deviator would have to leave as security so that it never pays to leave."""
    staying = replace(problem, exit=False)
    return max(0.0, -worst_stay(staying, solve(staying, Family.BEST_RESPONSE, Information.INTERIM)))
