"""`audit`: one function for every economy and mechanism; what fits decides how gains are found."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, Backend
from dynmech.experiments.audits.belief_audit import audit_beliefs
from dynmech.experiments.audits.bounds_audit import audit_by_bounds
from dynmech.experiments.audits.crowd_audit import audit_by_crowds
from dynmech.experiments.audits.epsilon_audit import audit_up_to_epsilon
from dynmech.experiments.audits.exact_search import audit_exactly
from dynmech.experiments.audits.first_report_audit import audit_by_first_report, too_large
from dynmech.experiments.audits.sampled_audit import audit_by_sampling
from dynmech.experiments.audits.sampled_bounds import audit_by_sampled_bounds
from dynmech.experiments.catalog.accepted import MechanismLike
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.experiments.workers.bound_effort import BoundEffort
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import FalseDeclaration, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.play.payment_terms import payment_terms

ALL = ("--coalition", "--exit", "--tolerance", "--all-states", "--payments")


BOUNDED = (
    "--coalition",
    "--tolerance",
    "--bounds",
    "--width",
    "penalties",
    "features",
    "policies",
    "--effort",
    "--workers",
    "--out",
)


class Offer(NamedTuple):
    """A backend, what it is called, and which options it honours."""

    name: str
    audit: Backend
    honours: Sequence[str]


EXACT = Offer("the exact search", audit_exactly, ALL)
FIRST_REPORTS = Offer("the search first report by first report", audit_by_first_report, ("--tolerance", "--all-states"))
BELIEFS = Offer("the search over beliefs", audit_beliefs, ("--coalition", "--tolerance", "--profile", "--disclosure"))
EPSILON = Offer("the audit up to ε on a grid", audit_up_to_epsilon, ())
CROWDS = Offer("the search against numbers of agents who are alike", audit_by_crowds, ("--tolerance",))
BOUNDS = Offer("the bounds by sampling", audit_by_bounds, BOUNDED)


@checked_arguments
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
    penalties: Sequence[Callable[..., object]] = (),
    features: Callable[..., object] | None = None,
    policies: Mapping[str, object] | None = None,
    effort: float = 1.0,
    workers: int = 1,
    out: str | PathLike[str] | None = None,
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
    payments : {"enforced", "billed", "voluntary"}
        Whether agents must pay what they are billed, or choose; then the family `best_response` ranges over lies and
        payments, and the family `lies` pays every bill.
    default : {"exclude", "ignore"}, optional
        What follows where an agent has not paid: it is out and enjoys its outside option (unless said otherwise), or
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
    penalties : sequence of callables
        With `bounds`, functions H(t, agent, memory, last, own) that may stand for the value of a state, tried beside
        the laboratory's: t the period, memory the mechanism's, shape (n, …), last all signals of the period before,
        shape (n, N), or None in period 0, own the agent's own signal, shape (n,); H returns numbers, shape (n,).
        Whatever they are, bounds stay bounds.
    features : callable, optional
        With `bounds` and without tables, a function of the same arguments that returns features, shape (n, F), on
        which the value of prescribed play is regressed; what the mechanism declares (`value_features`) unless given.
    policies : mapping of agent to policy, optional
        With `bounds`, a deviation to be tried from below: a strategy (a learner, say) or its name; an object with
        `predict(observation)`; or a function of an observation as `deviator_env` shows it, for n episodes at a time.
    effort : float
        With `bounds`, how often the budget of an ordinary audit, of about a minute, may be spent.
    workers : int
        With `bounds`, processes among which the deviators are shared out; figures do not depend on it.
    out : path, optional
        With `bounds`, a folder for what was played: the same call goes on where one that was interrupted stopped.
    profile : path, dict or Profile, optional
        What everybody plays; what the mechanism asks unless given. A profile file, its data, or what
        `dynmech.equilibrium` found.
    disclosure : {"everything", "announced", "decisions", "own"}
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
    is too large for that, first report by first report; of transfers that are right up to ε only, on a grid. Agents who
    are alike are counted where there are too many of them for the full search: each deviator is searched exactly
    against the numbers of the others. Where an exact search is refused, bounds from both sides along drawn paths are
    tried for a finite economy, and else a limited search, which gives lower bounds. Where less than everything is
    disclosed, or the others play another profile, what a deviator believes is part of the state (a search over
    beliefs): exact where its beliefs are finitely many, else between two bounds.

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
    flags: dict[str, Any] = {
        "exit": exit,
        "all_states": all_states,
        "seed": seed,
        "terms": terms,
        "bounds": bounds,
        "width": width,
    }
    flags |= {"penalties": tuple(penalties), "features": features, "policies": dict(policies or {})}
    flags["playing"] = BoundEffort(effort, workers, None if out is None else Path(out))
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
        if isinstance(request.environment, TableEnvironment) and not set(request.given()) - set(CROWDS.honours):
            try:
                return audit_by_crowds(request, progress)
            except Refusal:
                pass  # as if it had not been tried: agents are not alike, or too many
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
    if isinstance(request.environment, ExchangeableEnvironment):
        return CROWDS
    alone = not (request.coalitions or request.exit or request.terms)
    return FIRST_REPORTS if alone and isinstance(mechanism, VirtualPivot) and too_large(mechanism) else EXACT
