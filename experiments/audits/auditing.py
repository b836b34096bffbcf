"""`audit`: one function for every economy and mechanism; what fits decides how gains are found."""

from collections.abc import Sequence
from typing import NamedTuple

from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, Backend
from dynmech.experiments.audits.belief_audit import audit_beliefs
from dynmech.experiments.audits.bounds_audit import audit_by_bounds
from dynmech.experiments.audits.epsilon_audit import audit_up_to_epsilon
from dynmech.experiments.audits.exact_search import audit_exactly
from dynmech.experiments.audits.first_report_audit import audit_by_first_report, too_large
from dynmech.experiments.audits.sampled_audit import audit_by_sampling
from dynmech.experiments.audits.sampled_bounds import audit_by_sampled_bounds
from dynmech.experiments.catalog.accepted import MechanismLike
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.errors import FalseDeclaration, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.payment_terms import payment_terms

ALL = ("--coalition", "--exit", "--tolerance", "--all-states", "--payments")


class Offer(NamedTuple):
    """A backend, what it is called, and which options it honours."""

    name: str
    audit: Backend
    honours: Sequence[str]


EXACT = Offer("the exact search", audit_exactly, ALL)
FIRST_REPORTS = Offer("the search first report by first report", audit_by_first_report, ("--tolerance", "--all-states"))
BELIEFS = Offer("the search over beliefs", audit_beliefs, ("--coalition", "--tolerance", "--profile", "--disclosure"))
EPSILON = Offer("the audit up to ε on a grid", audit_up_to_epsilon, ())
BOUNDS = Offer("the bounds by sampling", audit_by_bounds, ("--coalition", "--tolerance", "--bounds", "--width"))


def audit(
    environment: object,
    mechanism: MechanismLike,
    *,
    coalitions: Sequence[Sequence[int | str]] = (),
    exit: bool = False,
    tolerance: float | None = None,
    all_states: bool = False,
    seed: int = 0,
    payments: str = "enforced",
    default: str | None = None,
    grace: int | None = None,
    deposit: float | str | None = None,
    bounds: bool = False,
    width: float | None = None,
    profile: object = None,
    disclosure: str = "everything",
    progress: Progress = silent,
) -> Audit:
    """Audit a mechanism: the most that every agent, or every coalition, can gain, and every promise.

    Parameters
    ----------
    environment : str, path or Environment
        The economy, or its name or file.
    mechanism : str, class or Mechanism
        A mechanism, a class, or a name with options. A mechanism must have been made for this very environment.
    coalitions : sequence of sequences of int or str
        Agents that deviate together, by index or name. Without any, every agent deviates alone.
    exit : bool
        Whether deviators may leave when they report, what they owe unpaid and their payoff 0 from then on.
    tolerance : float, optional
        Up to which a promise holds, relative to the economy's scale; 1e-6 unless given.
    all_states : bool
        Whether maxima are over all states, or over those only that some play leads to.
    seed : int
        Of a sampled search, where there is no exact one, and of bounds.
    payments : {"enforced", "voluntary"}
        Whether agents must pay what they are billed, or choose; then the family `best_response` ranges over lies and
        payments, and the family `lies` pays every bill.
    default : {"exclude", "ignore"}, optional
        What follows where an agent has not paid: it is out, its payoff 0 from then on (unless said otherwise), or
        nothing.
    grace : int, optional
        Periods within which a bill can still be paid; 0 unless given.
    deposit : float or "auto", optional
        What is lost at default, in units of utility; `auto` works out, for each agent, the least with which no default
        gains.
    bounds : bool
        Whether to bound the gain ex ante from both sides along drawn paths, instead of searching exactly.
    width : float, optional
        With `bounds`, how close both sides are to be, in units of utility; otherwise 10 % of the lower bound, or 1 %
        of the economy's scale.
    profile : path, dict or Profile, optional
        What everybody plays; what the mechanism asks unless given. A profile file, its data, or what
        `dynmech.equilibrium` found.
    disclosure : {"everything", "decisions", "own"}
        What agents are told of a period once it is over, as in a run; gains are those of a deviator who sees no more.
    progress : callable
        Told the name and the number of pieces of every phase; returns what is called as pieces are done.

    Returns
    -------
    Audit
        Gains by deviator, family and information; budget, participation, conditions; a verdict per promise.

    Raises
    ------
    InputError
        No such name; a coalition names nobody, or an agent twice; the tolerance is negative; an option that cannot be
        honoured here.
    Refusal
        There is no exact search, and something was asked that only an exact search can answer; or the mechanism's
        rules do not do what it declares.

    Notes
    -----
    A gain compares the best deviation with prescribed play at the same information state, the others playing as
    prescribed. A promise *holds*, *breaks*, or is *undecided* (its figure lies within its own error bound of the
    tolerance). A promise that breaks where an assumption of the mechanism is shown not to hold is *outside its
    assumptions*.

    Gains are found by the exact search of a finite game; of a mechanism that freezes weights at the first report, and
    is too large for that, first report by first report; of transfers that are right up to ε only, on a grid. Where an
    exact search is refused, bounds from both sides along drawn paths are tried for a finite economy, and else a limited
    search, which gives lower bounds. Where less than everything is disclosed, or the others
    play another profile, what a deviator believes is part of the state (a search over beliefs): exact where its beliefs
    are finitely many, else between two bounds.

    Examples
    --------
    >>> import dynmech as dm
    >>> result = dm.audit("oil-leases-prior", "cremer-mclean")
    >>> result.verdict
    'breaks'
    >>> result.promises[["promise", "status"]].values.tolist()
    [['incentive: bayesian', 'breaks'], ['efficient', 'holds']]
    >>> row = result.gains.query("family == 'best_response' and information == 'ex_ante' and agent == 'firm 1'")
    >>> row.gain.round(6).tolist()
    [2.0]
    """
    request = AuditRequest.of(environment, mechanism)
    terms = payment_terms(payments, default, grace, deposit)
    flags = {"exit": exit, "all_states": all_states, "seed": seed, "terms": terms, "bounds": bounds, "width": width}
    request = request.with_options(coalitions, tolerance, **flags, profile=profile, disclosure=disclosure)
    return run_audit(request, progress)


def run_audit(request: AuditRequest, progress: Progress = silent) -> Audit:
    """Answer a request by the first backend that fits; by a limited search where an exact one is refused.

    Raises
    ------
        InputError: an option was asked for that the backend cannot honour.
        Refusal: an exact search is refused, and so an option that only it honours.
    """
    offer = fitting(request)
    request.require_only(offer.honours, offer.name)
    try:
        return offer.audit(request, progress)
    except FalseDeclaration:
        raise
    except Refusal as error:
        if request.bounds or request.profile is not None:  # a profile that does not fit is not too large
            raise
        if asked := request.given():
            raise Refusal(f"{error}; a lower bound by a limited search does not know {', '.join(asked)}") from None
        try:  # beyond the size of tables
            finite = isinstance(request.environment, TableEnvironment)
            return (
                audit_by_sampled_bounds(request, str(error), progress) if finite else _sampled(request, error, progress)
            )
        except Refusal:
            return _sampled(request, error, progress)


def _sampled(request: AuditRequest, error: Refusal, progress: Progress) -> Audit:
    """Return what a limited search finds where the exact one is refused."""
    return audit_by_sampling(request, str(error), progress)


def fitting(request: AuditRequest) -> Offer:
    """Return the backend that fits: by how the mechanism's transfers are made, and by size."""
    mechanism = request.mechanism
    if request.bounds:
        return BOUNDS
    if request.profile is not None or request.disclosure != "everything":
        return BELIEFS
    if isinstance(mechanism, ContingentDensity):
        return EPSILON
    alone = not (request.coalitions or request.exit or request.terms)
    return FIRST_REPORTS if alone and isinstance(mechanism, VirtualPivot) and too_large(mechanism) else EXACT
