"""The audit: exact verdicts on a mechanism, each with its bound, its information and the state at which it is worst."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from dynmech.agents.oracle.budget_and_participation import Largest, Least, budget, largest_transfer, participation
from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.oracle.gains import Gain, ex_ante_gain, ties, worst_gain, worst_stay
from dynmech.agents.oracle.patience_thresholds import patience
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, Value, solve
from dynmech.agents.oracle.state_labels import message_text, own_text, profile_text, state_text
from dynmech.agents.oracle.story import Story, find_story, past_lies
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.runs.running import agent_index
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.experiments.runs.tally import first_best
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.conditions.yoon_property_a import property_a
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.mechanisms.rules.values_of_truth import TruthfulValues, truthful_values
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.ties import figure as figure_text, first_largest, first_of, first_smallest, rounded_up
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment

FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE)
KINDS = ("ex_ante", "on_path", "interim", "ex_post")
NOTHING = Gain(float("nan"), float("nan"), None)


@dataclass(frozen=True, eq=False)
class Search:
    """One deviator's side of the audit.

    Attributes:
        who: indices of its members.
        figures: gains by family and kind; NaN where the search does not cover the case.
        refused: why interim figures are missing, if they are.
        stories: the smallest case behind the gain of a best response, interim and ex post.
        ties: on the path of truth, states at which another message does as well and matters, and all states.
        deposit: with exit, what it would have to leave as security so that it never pays to run.
    """

    who: tuple[int, ...]
    problem: Problem
    figures: dict[Family, dict[str, Gain]]
    refused: str
    stories: dict[Information, Story | None]
    ties: tuple[int, int]
    deposit: float | None


@dataclass(frozen=True)
class Verdict:
    """A promise and what became of it: `holds`, `fails` or `undecided`."""

    promise: str
    status: str
    worst: float
    bound: float
    where: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Audit:
    """Everything that `dynmech audit` says; `audit_data` makes JSON of it."""

    environment: TableEnvironment
    mechanism: Mechanism
    tolerance: float
    exit: bool
    all_states: bool
    truthful: TruthfulValues
    searches: list[Search]
    budget: dict[str, Least]
    participation: dict[str, list[Least]]
    promises: list[Verdict]
    conditions: list[Condition]

    @property
    def verdict(self) -> str:
        """In a word: what became of the promises."""
        return _together([one.status for one in self.promises]) if self.promises else "promises nothing"

    @cached_property
    def largest_transfer(self) -> Largest:
        """The largest |p_t^i| under prescribed play."""
        return largest_transfer(self.environment, self.truthful)

    @cached_property
    def scale(self) -> float:
        """Of the figures: the largest value of prescribed play."""
        return self.truthful.scale

    @property
    def holds(self) -> bool:
        """Whether every promise is seen to hold."""
        return all(verdict.status == "holds" for verdict in self.promises)

    def name(self, search: Search) -> str:
        """The deviator: an agent, or a coalition."""
        return " + ".join(self.environment.agents[i] for i in search.who)

    def worst(self, family: Family, kind: str) -> tuple[Search, Gain]:
        """The deviator that gains most, and its figure."""
        figures = [search.figures[family][kind] for search in self.searches]
        gains = np.array([figure.gain for figure in figures])
        k = first_largest(gains, self.scale)
        return self.searches[k], replace(figures[k], gain=float(np.fmax.reduce(gains)))


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
    """Audit a mechanism: every agent alone, or the given coalitions instead.

    Args:
        exit: deviators may leave when they report, what they owe unpaid.
        tolerance: up to which a promise holds.
        all_states: take maxima over all states, not only over those that some play leads to.

    Raises:
        Refusal: environment or mechanism is not finite or too large; the size is given.
        InputError: a coalition names nobody, or an agent twice; the tolerance is negative.
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
    found = Audit(
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
    found.promises.extend(_promises(found))
    return found


def _conditions(environment: TableEnvironment, mechanism: Mechanism) -> list[Condition]:
    """Of any economy, and of the mechanism; of a separable one, and of play that enforces itself, theirs too."""
    more = separable_conditions(environment.economy) if isinstance(environment, SeparableEnvironment) else []
    more += patience(mechanism) if isinstance(mechanism, SelfEnforcing) else []
    if isinstance(mechanism, VirtualPivot):
        searches = [search_frozen(mechanism, i) for i in range(mechanism.count)]
        more += first_report_conditions(mechanism, searches)
    return [*all_conditions(environment), *mechanism.conditions(), property_a(environment, mechanism), *more]


def _deviators(environment: TableEnvironment, coalitions: Sequence[Sequence[int | str]]) -> list[tuple[int, ...]]:
    if not coalitions:
        return [(i,) for i in range(len(environment.agents))]
    out = []
    for members in [[one] if isinstance(one, str) else one for one in coalitions]:
        who = [agent_index(environment.agents, str(m)) for m in members]
        if not who or len(set(who)) < len(who):
            raise InputError(f"coalition {' + '.join(map(str, members))}: name at least one agent, each once")
        out.append(tuple(sorted(who)))
    return out


def _search(problem: Problem, all_states: bool) -> Search:
    """Every family under both kinds of information, for one deviator."""
    values: dict[tuple[Family, Information], Value] = {}
    refused = ""
    for information in Information:
        for family in (Family.PRESCRIBED, *FAMILIES):
            try:
                values[family, information] = solve(problem, family, information)
            except Refusal as error:
                refused = str(error)
    figures: dict[Family, dict[str, Gain]] = {}
    spying_truth = values[Family.PRESCRIBED, Information.EX_POST]
    truth = values.get((Family.PRESCRIBED, Information.INTERIM))
    for family in FAMILIES:
        mine = dict.fromkeys(KINDS, NOTHING)
        best = values.get((family, Information.INTERIM))
        if best is not None and truth is not None:
            mine["ex_ante"] = ex_ante_gain(best, truth)
            mine["on_path"] = worst_gain(problem, best, truth, on_path=True)
            mine["interim"] = worst_gain(problem, best, truth, all_states=all_states)
        mine["ex_post"] = worst_gain(problem, values[family, Information.EX_POST], spying_truth, all_states=all_states)
        figures[family] = mine
    free = figures[Family.BEST_RESPONSE]
    stories: dict[Information, Story | None] = {
        Information.INTERIM: None,
        Information.EX_POST: find_story(
            problem, values[Family.BEST_RESPONSE, Information.EX_POST], spying_truth, free["ex_post"]
        ),
    }
    deposit = None
    if truth is not None:
        best = values[Family.BEST_RESPONSE, Information.INTERIM]
        stories[Information.INTERIM] = find_story(problem, best, truth, free["interim"])
        if problem.exit:
            staying = replace(problem, exit=False)
            deposit = max(0.0, -worst_stay(staying, solve(staying, Family.BEST_RESPONSE, Information.INTERIM)))
    level = ties(problem, truth if truth is not None else spying_truth)
    return Search(problem.deviator, problem, figures, refused, stories, level, deposit)


def _promises(found: Audit) -> list[Verdict]:
    """Each promise against the figure that decides it."""
    promises, truthful, out = found.mechanism.promises, found.truthful, []

    def judge(promise: str, worst: float, bound: float, where: dict[str, Any]) -> None:
        bound = rounded_up(bound, found.environment.scale)
        out.append(Verdict(promise, status(worst, bound, found.tolerance), worst, bound, where))

    if promises.incentive != "none":
        kind = "interim" if promises.incentive == "bayesian" else "ex_post"
        search, figure = found.worst(Family.BEST_RESPONSE, kind)
        place = state_text(found.environment, figure.state, search.who, ex_post=kind == "ex_post")
        judge(
            f"incentive: {promises.incentive}{_extended(found)}",
            figure.gain,
            figure.bound,
            {"agent": found.name(search), **place},
        )
        each = [s.figures[Family.BEST_RESPONSE][kind] for s in found.searches]
        out[-1] = replace(out[-1], status=_together([status(f.gain, f.bound, found.tolerance) for f in each]))
    agents = len(found.environment.agents)
    match promises.budget:
        case "none":
            pass
        case "ex post":
            totals = [np.where(page.occurs, page.transfer.sum(axis=0), 0.0) for page in truthful.periods]
            t = first_largest([np.abs(total).max() for total in totals], found.scale)
            k = first_largest(np.abs(totals[t]), found.scale) % totals[t].shape[1]
            where = {"period": t, "profile": profile_text(found.environment, t, k)}
            judge(
                "budget: ex post", max(float(np.abs(total).max()) for total in totals), agents * truthful.bound, where
            )
        case promised:
            least = found.budget["ex_post" if promised == "no deficit" else promised.replace(" ", "_")]
            judge(f"budget: {promised}", -least.value, agents * truthful.bound, least.where)
    if promises.participation != "none":
        values = found.participation[promises.participation.replace(" ", "_")]
        least = least_of(values, found.scale)
        judge(f"participation: {promises.participation}", -least.value, 2 * truthful.bound, least.where)
    if promises.efficient:
        gap = first_best(found.environment) - truthful.welfare
        judge("efficient", gap, (agents + 1) * truthful.bound + plan(found.environment).bound, {})
    return out


def least_of(values: Sequence[Least], scale: float) -> Least:
    """The least of some figures, one that is not known before all others; the first of those that tie."""
    k = first_smallest([-np.inf if np.isnan(one.value) else one.value for one in values], scale)
    return replace(values[k], value=float(np.min([one.value for one in values])))


def _extended(found: Audit) -> str:
    """What was tried beyond what the promise speaks of."""
    alone = all(len(search.who) == 1 for search in found.searches)
    return ("" if alone else ", against coalitions") + (", leaving included" if found.exit else "")


def _together(statuses: list[str]) -> str:
    """One failure fails; else one that is undecided leaves it undecided."""
    return next((word for word in ("fails", "undecided") if word in statuses), "holds")


def status(worst: float, bound: float, tolerance: float) -> str:
    """`holds` up to the tolerance, `fails` above it, `undecided` within the figure's own bound of it.

    >>> status(0.0, 1e-9, 1e-6), status(2.0, 1e-9, 1e-6), status(1e-6, 1e-9, 1e-6)
    ('holds', 'fails', 'undecided')
    """
    if np.isnan(worst) or abs(worst - tolerance) <= bound:
        return "undecided"
    return "holds" if worst <= tolerance else "fails"


def audit_data(found: Audit) -> dict[str, Any]:
    """The audit as one JSON object."""
    environment, truthful = found.environment, found.truthful
    figures = [f for search in found.searches for mine in search.figures.values() for f in mine.values()]
    bounds = [f.bound for f in figures if not np.isnan(f.bound)]
    data: dict[str, Any] = {
        "schema": 1,
        "environment": environment.name,
        "mechanism": found.mechanism.name,
        "agents": list(environment.agents),
        "deviators": [found.name(search) for search in found.searches],
        "discount": environment.discount,
        "horizon": environment.horizon,
        "tolerance": found.tolerance,
        "all_states": found.all_states,
        "exit_allowed": found.exit,
        "sentence": story_text(found),
        "error_bound": max([rounded_up(truthful.bound, environment.scale), *bounds]),
        "truth": {
            "payoff": (truthful.utility - truthful.transfer).tolist(),
            "utility": truthful.utility.tolist(),
            "transfer": truthful.transfer.tolist(),
            "welfare": truthful.welfare,
            "first_best": first_best(environment),
            "revenue": float(truthful.transfer.sum()),
        },
        "gains": {
            family.value: {
                **{kind: [_number(s.figures[family][kind].gain) for s in found.searches] for kind in KINDS},
                "kind": "refused" if any(s.refused for s in found.searches) else "exact",
            }
            for family in FAMILIES
        },
        "budget": {kind: _number(least.value) for kind, least in found.budget.items()},
        "largest_transfer": {**asdict(found.largest_transfer), "declared": found.mechanism.transfer_bound()},
        "participation": {kind: [_number(one.value) for one in least] for kind, least in found.participation.items()},
        "promises": [
            {"promise": v.promise, "status": v.status, "worst": _number(v.worst), "bound": v.bound, "where": v.where}
            for v in found.promises
        ],
        "assumptions": list(found.mechanism.promises.assumptions),
        "conditions": {
            c.name: {"holds": c.holds, "value": c.value, "where": c.where, "note": c.note} for c in found.conditions
        },
        "verified": tabulate(found.mechanism, 0 if environment.horizon == 1 else 1).verified,
        "ties": [{"states": s.ties[0], "of": s.ties[1]} for s in found.searches],
        "witness": witness_data(found),
    }
    if found.exit:
        data["exit"] = {"deposit": [_number(s.deposit) for s in found.searches]}
    return data


def witness_of(found: Audit) -> tuple[Search, Information, Gain, Story] | None:
    """The smallest case of the gain that matters: of the failing incentive promise, else the worst interim gain."""
    ex_post = found.mechanism.promises.incentive == "periodic ex post"
    order = [Information.EX_POST] if ex_post else [Information.INTERIM, Information.EX_POST]
    for information in order:
        search, figure = found.worst(
            Family.BEST_RESPONSE, "ex_post" if information is Information.EX_POST else "interim"
        )
        story = search.stories[information]
        if story is not None and figure.gain > found.tolerance + figure.bound:
            return search, information, figure, story
    return None


def witness_data(found: Audit) -> dict[str, Any] | None:
    """The witness as data; None where nothing gains."""
    witness = witness_of(found)
    if witness is None:
        return None
    search, information, figure, story = witness
    environment, problem = found.environment, search.problem
    ex_post = information is Information.EX_POST
    return {
        "agent": found.name(search),
        "information": information.value,
        "gain": figure.gain,
        "bound": figure.bound,
        **state_text(environment, figure.state, search.who, ex_post=ex_post),
        "period": len(story.history),
        "history": [
            {
                "period": step.period,
                "signals": profile_text(environment, step.period, step.profile),
                "report": message_text(problem, step.period, step.message),
                "prescribed": message_text(problem, step.period, step.prescribed),
                "decision": environment.stage(step.period).decisions[step.decision],
                "obeyed": step.obeyed,
            }
            for step in story.history
        ],
        "report": message_text(problem, story.state.period, story.message),
        "prescribed": message_text(problem, story.state.period, story.prescribed),
        "lie": story.lie,
        "truth": story.truth,
    }


def story_text(found: Audit) -> str:
    """The witness in one sentence: who lies, when, and what it earns; or that nobody gains; or what is open."""
    witness = witness_of(found)
    if witness is None:
        return _without_witness(found)
    search, information, figure, story = witness
    environment, problem, t = found.environment, search.problem, story.state.period
    knowing = (
        f"knowing the signals ({profile_text(environment, t, story.state.profile)})"
        if information is Information.EX_POST
        else f"with signal {own_text(environment, t, search.who, story.state.profile)}"
    )
    before = "".join(f", {lie}" for lie in past_lies(problem, story))
    sent = message_text(problem, t, story.message)
    if story.message == story.prescribed:
        act = "sends the prescribed message and deviates after it"
    elif sent == "leave":
        act = "leaves"
    else:
        act = f"reports {sent} instead of {message_text(problem, t, story.prescribed)}"
    first = search.figures[Family.BEST_RESPONSE]["ex_ante"].gain
    ante = f"{figure_text(first)} ex ante, " if first > found.tolerance else ""
    aside = ", what it owes already aside" if story.history and not found.exit else ""
    return (
        f"{_beyond_promise(found)}"
        f"{found.name(search)} gains {ante}{figure_text(figure.gain)} (± {figure.bound:.1g}): "
        f"in period {len(story.history)}, {knowing}{before}, it {act}: {figure_text(story.lie)} from there on, "
        f"against {figure_text(story.truth)}{aside}."
    )


def _beyond_promise(found: Audit) -> str:
    """What to say before a gain that no promise rules out."""
    if not found.holds:
        return ""
    promised = {"bayesian": "nobody gains knowing its own signal only; beyond what is promised, "}
    return promised.get(found.mechanism.promises.incentive, "truth is not promised to be best, and ")


def _without_witness(found: Audit) -> str:
    figures = {
        (found.name(search), kind): figure
        for search in found.searches
        for kind, figure in search.figures[Family.BEST_RESPONSE].items()
    }
    if all(figure.gain + figure.bound <= found.tolerance for figure in figures.values()):
        return "No deviation of anybody gains anything."
    known = {key: figure for key, figure in figures.items() if not np.isnan(figure.gain)}
    (who, kind), worst = first_of(known.items(), lambda item: item[1].gain, found.scale)
    if worst.gain - worst.bound > found.tolerance:
        return f"{who} gains up to {figure_text(worst.gain)} (± {worst.bound:.1g}) {kind.replace('_', ' ')}."
    return f"undecided: {who} may gain {worst.gain:.3g} ± {worst.bound:.1g} {kind.replace('_', ' ')}."


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
