"""The exact audit: every deviation searched over the tables of a finite game, every promise held against a figure."""

from dataclasses import replace

from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.oracle.gains import FAMILIES, KINDS, PIECES, Search, participation, search_deviator
from dynmech.agents.oracle.patience_thresholds import patience
from dynmech.agents.oracle.payment_search import search_payments
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, AuditedGain, Truth
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.audits.payment_details import payment_details, payment_method
from dynmech.experiments.audits.promise_verdicts import judge_promises
from dynmech.experiments.runs.simulation import Advance, Progress
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.conditions.yoon_property_a import property_a
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import budget, largest_transfer
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
    game = FiniteGame(environment, mechanism)
    truth, largest = prescribed_play(game, progress("prescribed play", 3)), largest_transfer(environment, game.truthful)
    least = budget(environment, game.truthful, silent=game.silence)
    advance = progress("searching", len(request.deviators) * PIECES)
    searches: list[Search] = []
    every, terms = request.all_states, request.terms
    for who in request.deviators:  # no function of its own: once down on the oracle's floor, the walk stays there
        if terms is None:
            problem = build_problem(game, who, exit=request.exit)
            searches.append(search_deviator(problem, all_states=every, advance=advance))
        else:
            searches.append(search_payments(game, who, terms, all_states=every, advance=advance))
    advance = progress("participation and conditions", len(environment.agents) + 2)
    stays = participation(game, all_states=request.all_states, advance=advance)
    own = _own_conditions(mechanism)
    advance(1)
    conditions = [*_conditions(environment, mechanism), property_a(game), *own]
    advance(1)
    result = Audit(
        request=request,
        backend="exact",
        method=_method(request),
        reason="",
        figures=[
            gain
            for family in (*FAMILIES, Family.LIES)
            for search in searches
            if family in search.figures
            for gain in _gains(request, search, family)
        ],
        truth=truth,
        verdicts=[],
        conditions=conditions,
        own=[condition.name for condition in own],
        budget=least,
        participation=stays,
        largest_transfer=largest,
        verified=game.tables[0 if environment.horizon == 1 else 1].verified,
        searches=searches,
        game=game,
        details={} if request.terms is None else payment_details(request, searches),
    )
    return replace(result, verdicts=judge_promises(result))


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
    return text if request.terms is None else text + payment_method(request)


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


def prescribed_play(game: FiniteGame, advance: Advance) -> Truth:
    """Return what prescribed play is worth, ex ante; the rules as tables, values and the plan are pieces of work."""
    for part in ("tables", "truthful", "plan"):
        getattr(game, part)
        advance(1)
    truthful = game.truthful
    revenue = float(truthful.transfer.sum())
    return Truth(
        payoff=(truthful.utility - truthful.transfer).tolist(),
        utility=truthful.utility.tolist(),
        transfer=truthful.transfer.tolist(),
        welfare=truthful.welfare,
        first_best=game.first_best,
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
