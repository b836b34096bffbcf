"""The audit: exact verdicts on a mechanism, each with its bound, its information and the state at which it is worst."""

from collections.abc import Sequence
from dataclasses import replace

from dynmech.agents.oracle.budget_and_participation import budget, participation
from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.oracle.gains import Gain, ex_ante_gain, ties, worst_gain, worst_stay
from dynmech.agents.oracle.patience_thresholds import patience
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, Value, solve
from dynmech.agents.oracle.story import Story, find_story
from dynmech.experiments.audits.audit_result import FAMILIES, KINDS, NOT_SEARCHED, Audit, Search
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.audits.promise_verdicts import judge_promises
from dynmech.experiments.runs.running import agent_index
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.conditions.yoon_property_a import property_a
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.values_of_truth import truthful_values
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment


def audit(
    environment: Environment,
    mechanism: Mechanism,
    *,
    coalitions: Sequence[Sequence[int | str]] = (),
    exit: bool = False,
    tolerance: float = 1e-6,
    all_states: bool = False,
    progress: Progress = silent,
) -> Audit:
    """Audit a mechanism exactly: the most that every agent, or every coalition, can gain, and every promise.

    Parameters
    ----------
    environment : Environment
        A finite environment.
    mechanism : Mechanism
        A mechanism made for it.
    coalitions : sequence of sequences of int or str
        Agents that deviate together, by index or name. Without any, every agent deviates alone.
    exit : bool
        Whether deviators may leave when they report, what they owe unpaid and their payoff 0 from then on.
    tolerance : float
        Up to which a promise holds, in units of utility.
    all_states : bool
        Whether maxima are over all states, or over those only that some play leads to.
    progress : callable
        Told the name and the number of pieces of every phase; returns what is called as pieces are done.

    Returns
    -------
    Audit
        Gains by deviator, family and information; budget, participation, conditions; a verdict per promise.

    Raises
    ------
    Refusal
        The environment or the mechanism is not finite or too large; the size is given.
    InputError
        A coalition names nobody, or an agent twice; the tolerance is negative.

    Notes
    -----
    A gain compares the best deviation with prescribed play at the same information state, the others playing as
    prescribed. A promise *holds*, *breaks*, or is *undecided* (its figure lies within its own error bound of the
    tolerance). A promise that breaks where an assumption of the mechanism is shown not to hold is *outside its
    assumptions*.

    Examples
    --------
    >>> import dynmech as dm
    >>> environment = dm.load("oil-leases-prior")
    >>> result = dm.audit(environment, dm.make_mechanism("cremer-mclean", environment))
    >>> result.verdict
    'breaks'
    >>> [(verdict.promise, verdict.status) for verdict in result.promises]
    [('incentive: bayesian', 'breaks'), ('efficient', 'holds')]
    """
    if not isinstance(environment, TableEnvironment):
        raise Refusal(f"audit: environment {environment.name!r} is not finite; it can be simulated only")
    if not tolerance >= 0:
        raise InputError(f"tolerance: {tolerance:g} is below 0")
    deviators = _deviators(environment, coalitions)
    truthful = truthful_values(environment, mechanism)
    advance = progress("searching", len(deviators))
    searches = []
    for who in deviators:
        searches.append(_search(build_problem(environment, mechanism, who, exit=exit), all_states))
        advance(1)
    result = Audit(
        environment=environment,
        mechanism=mechanism,
        tolerance=tolerance,
        exit=exit,
        all_states=all_states,
        truthful=truthful,
        searches=searches,
        budget=budget(environment, mechanism, truthful),
        participation=participation(environment, mechanism, truthful, all_states=all_states),
        promises=[],
        conditions=_conditions(environment, mechanism),
    )
    result.promises.extend(judge_promises(result))
    return result


def _conditions(environment: TableEnvironment, mechanism: Mechanism) -> list[Condition]:
    """Those of any economy and of the mechanism; also of separable economies, of patience and of first reports."""
    special = separable_conditions(environment.economy) if isinstance(environment, SeparableEnvironment) else []
    special += patience(mechanism) if isinstance(mechanism, SelfEnforcing) else []
    if isinstance(mechanism, VirtualPivot):
        searches = [search_frozen(mechanism, i) for i in range(mechanism.count)]
        special += first_report_conditions(mechanism, searches)
    return [*all_conditions(environment), *mechanism.conditions(), property_a(environment, mechanism), *special]


def _deviators(environment: TableEnvironment, coalitions: Sequence[Sequence[int | str]]) -> list[tuple[int, ...]]:
    if not coalitions:
        return [(i,) for i in range(len(environment.agents))]
    deviators = []
    for members in [[coalition] if isinstance(coalition, str) else coalition for coalition in coalitions]:
        who = [agent_index(environment.agents, str(member)) for member in members]
        if not who or len(set(who)) < len(who):
            raise InputError(f"coalition {' + '.join(map(str, members))}: name at least one agent, each once")
        deviators.append(tuple(sorted(who)))
    return deviators


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
    return Search(problem.deviator, problem, figures, refused, stories, level, deposit)


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
