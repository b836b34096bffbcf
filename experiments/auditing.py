"""The audit: exact verdicts on a mechanism, each with its bound, its information and the state at which it is worst."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.oracle import Family, Figure, Information, Place, Value, ex_ante_gain, solve, worst_gain
from agents.problem import Problem, build_problem, reachable
from experiments.running import agent_index
from experiments.tally import first_best
from mechanisms.base import BaseMechanism
from mechanisms.conditions import Condition, all_conditions
from mechanisms.ledger import Ledger, keep_ledger
from mechanisms.planner import plan
from sim.arrays import FloatArray
from sim.environment import TableEnvironment
from sim.errors import InputError, Refusal

FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.CONTINGENT)
KINDS = ("ex_ante", "on_path", "interim", "ex_post")


@dataclass(frozen=True, eq=False)
class Gains:
    """One family's gains, by deviator; `refused` where the search does not cover the case, with the reason."""

    figures: dict[str, list[Figure]]
    refused: str = ""

    def worst(self, kind: str) -> tuple[int, Figure]:
        """The deviator that gains most, and its figure."""
        figures = self.figures[kind]
        k = int(np.argmax([figure.gain for figure in figures]))
        return k, figures[k]


@dataclass(frozen=True)
class Verdict:
    """A promise and what became of it."""

    promise: str
    status: str
    worst: float
    bound: float
    where: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Audit:
    """Everything that `dynmech audit` says; `data()` is its JSON."""

    environment: TableEnvironment
    mechanism: BaseMechanism
    deviators: tuple[tuple[int, ...], ...]
    tolerance: float
    ledger: Ledger
    gains: dict[Family, Gains]
    budget: dict[str, float]
    participation: dict[str, list[float]]
    promises: list[Verdict]
    conditions: list[Condition]

    @property
    def holds(self) -> bool:
        """Whether no promise fails."""
        return all(verdict.status != "fails" for verdict in self.promises)

    def name_of(self, deviator: tuple[int, ...]) -> str:
        """An agent, or a coalition."""
        return " + ".join(self.environment.agents[i] for i in deviator)


def audit(
    environment: TableEnvironment,
    mechanism: BaseMechanism,
    *,
    coalitions: Sequence[Sequence[int | str]] = (),
    tolerance: float = 1e-6,
    all_states: bool = False,
    progress: Callable[[str, int], Callable[[int], None]] = lambda _n, _t: lambda _k: None,
) -> Audit:
    """Audit a mechanism: every agent alone, or the given coalitions instead.

    Raises:
        Refusal: environment or mechanism is not finite or too large; the size is given.
        InputError: a coalition names nobody, or an agent twice.
    """
    deviators = _deviators(environment, coalitions)
    ledger = keep_ledger(environment, mechanism)
    advance = progress("searching", len(deviators) * (len(FAMILIES) + 1) * 2)
    searches = [_search(build_problem(environment, mechanism, who), all_states, advance) for who in deviators]
    gains = {family: _collect([search[family] for search in searches]) for family in FAMILIES}
    budget, shortfalls = _budget(environment, ledger)
    participation, unwilling = _participation(environment, mechanism, ledger, all_states)
    promises = _promises(environment, mechanism, deviators, gains, ledger, budget, shortfalls, participation, unwilling, tolerance)
    return Audit(
        environment,
        mechanism,
        deviators,
        tolerance,
        ledger,
        gains,
        budget,
        participation,
        promises,
        all_conditions(environment),
    )


def _deviators(environment: TableEnvironment, coalitions: Sequence[Sequence[int | str]]) -> tuple[tuple[int, ...], ...]:
    if not coalitions:
        return tuple((i,) for i in range(len(environment.agents)))
    out = []
    for members in coalitions:
        who = [m if isinstance(m, int) else agent_index(environment.agents, m) for m in members]
        if not who or len(set(who)) < len(who):
            raise InputError(f"coalition {list(members)}: name at least one agent, each once")
        out.append(tuple(sorted(who)))
    return tuple(out)


Search = dict[Family, dict[str, Figure] | str]


def _search(problem: Problem, all_states: bool, advance: Callable[[int], None]) -> Search:
    """Every family under both kinds of information, for one deviator."""
    found: Search = {}
    values: dict[tuple[Family, Information], Value] = {}
    refused = ""
    for information in Information:
        for family in (Family.PRESCRIBED, *FAMILIES):
            try:
                values[family, information] = solve(problem, family, information)
            except Refusal as error:
                refused = str(error)
            advance(1)
    for family in FAMILIES:
        figures: dict[str, Figure] = {}
        nothing = Figure(float("nan"), float("nan"), None)
        interim, truth = (values.get((f, Information.INTERIM)) for f in (family, Family.PRESCRIBED))
        if interim is not None and truth is not None:
            figures["ex_ante"] = ex_ante_gain(interim, truth)
            figures["on_path"] = worst_gain(problem, interim, truth, on_path=True, all_states=False)
            figures["interim"] = worst_gain(problem, interim, truth, all_states=all_states)
        ex_post = values[family, Information.EX_POST]
        figures["ex_post"] = worst_gain(
            problem, ex_post, values[Family.PRESCRIBED, Information.EX_POST], all_states=all_states
        )
        found[family] = {kind: figures.get(kind, nothing) for kind in KINDS} if figures else refused
    return found


def _collect(searches: Sequence[dict[str, Figure] | str]) -> Gains:
    refused = next((s for s in searches if isinstance(s, str)), "")
    figures = [s for s in searches if isinstance(s, dict)]
    return Gains({kind: [f[kind] for f in figures] for kind in KINDS}, refused)


def _budget(environment: TableEnvironment, ledger: Ledger) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
    """Ex ante, expected by period, and ex post surplus of prescribed play, and where the last two are worst."""
    totals = [page.transfer.sum(axis=0) for page in ledger.pages]
    worst_ex_post, worst_period = np.inf, float(totals[0][0] @ ledger.prior)
    places: dict[str, dict[str, Any]] = {"ex_ante": {}, "expected_period": {"period": 0}, "ex_post": {}}
    for t, (page, total) in enumerate(zip(ledger.pages, totals, strict=True)):
        seen = np.where(page.occurs, total, np.inf)
        if seen.min() < worst_ex_post:
            worst_ex_post = float(seen.min())
            memory, profile = np.unravel_index(int(seen.argmin()), seen.shape)
            places["ex_post"] = {"period": t, "profile": profile_text(environment, t, int(profile)), "memory": int(memory)}
        after = t + 1 if t + 1 < len(ledger.pages) else (t if ledger.stationary else None)
        if after is None or page.rows is None:
            continue
        memory, profile = np.nonzero(page.occurs)
        laws = page.rows[page.decision[memory, profile], profile]
        expected = (laws * totals[after][page.following[memory, profile]]).sum(axis=1)
        if expected.size and expected.min() < worst_period:
            worst_period = float(expected.min())
            k = int(expected.argmin())
            places["expected_period"] = {
                "period": t + 1,
                "reports before": profile_text(environment, t, int(profile[k])),
            }
    budget = {"ex_ante": float(ledger.transfer.sum()), "expected_period": worst_period, "ex_post": worst_ex_post}
    return budget, places


def _participation(
    environment: TableEnvironment, mechanism: BaseMechanism, ledger: Ledger, all_states: bool
) -> tuple[dict[str, list[float]], dict[str, dict[str, Any]]]:
    """Worst continuation payoff of prescribed play, this period's payment included, by agent.

    Over the states that some play of the agent leads to: its own past lies, and what it then owes, included.
    """
    agents = range(len(environment.agents))
    payoff = ledger.utility - ledger.transfer
    out: dict[str, list[float]] = {"ex_ante": payoff.tolist(), "interim": [], "ex_post": []}
    places: dict[str, dict[str, Any]] = {"ex_ante": {}, "interim": {}, "ex_post": {}}
    lowest = {"interim": np.inf, "ex_post": np.inf}
    for i in agents:
        problem = build_problem(environment, mechanism, (i,), merge=False)
        worst = {"interim": (np.inf, {}), "ex_post": (np.inf, {})}
        for kind, value, place in _stays(problem, ledger, i, all_states):
            if value < worst[kind][0]:
                worst[kind] = (value, place)
        for kind, (value, place) in worst.items():
            out[kind].append(value)
            if value < lowest[kind]:
                lowest[kind], places[kind] = value, {"agent": environment.agents[i], **place}
    return out, places


def _stays(
    problem: Problem, ledger: Ledger, agent: int, all_states: bool
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """(kind, worst continuation payoff, where) piece by piece."""
    states = reachable(problem)
    for t, period in enumerate(problem.periods):
        here, led = states[t]
        stay = ledger.pages[t].stay[agent]
        found = np.ones_like(here) if all_states else here
        worst = np.where(found, stay, np.inf)
        k = int(worst.argmin())
        yield (
            "ex_post",
            float(worst.reshape(-1)[k]),
            {"period": t, "profile": profile_text(problem.environment, t, k % stay.shape[1])},
        )
        for w in range(period.width):
            mine = period.own == w
            place = {"period": t, "signal": own_text(problem, t, w)}
            if t == 0:
                mass = problem.prior[mine].sum()
                if mass > 0:
                    yield "interim", float(stay[0][mine] @ problem.prior[mine] / mass), place
                continue
            rows = problem.periods[1 if problem.stationary else t - 1].rows
            assert rows is not None
            assert led is not None
            mass = rows[..., mine].sum(axis=-1)
            expected = np.moveaxis(rows[..., mine] @ stay[:, mine].T, -1, 0)
            possible = (mass > 0) & (led | all_states)
            value = np.divide(expected, mass, out=np.full_like(expected, np.inf), where=possible)
            yield "interim", float(value.min()), place


def _promises(
    environment: TableEnvironment,
    mechanism: BaseMechanism,
    deviators: tuple[tuple[int, ...], ...],
    gains: dict[Family, Gains],
    ledger: Ledger,
    budget: dict[str, float],
    shortfalls: dict[str, dict[str, Any]],
    participation: dict[str, list[float]],
    unwilling: dict[str, dict[str, Any]],
    tolerance: float,
) -> list[Verdict]:
    promises = mechanism.promises
    out: list[Verdict] = []

    def add(promise: str, worst: float, bound: float, where: dict[str, Any]) -> None:
        out.append(Verdict(promise, status(worst, bound, tolerance), worst, bound, where))

    if promises.incentive != "none":
        kind = "interim" if promises.incentive == "bayesian" else "ex_post"
        free = gains[Family.CONTINGENT]
        k, figure = free.worst(kind)
        who = " + ".join(environment.agents[i] for i in deviators[k])
        where = {"agent": who, **place_text(environment, figure.place, deviators[k], kind)}
        add(f"incentive: {promises.incentive}", figure.gain, figure.bound, where)
    if promises.budget != "none":
        kind = {"no deficit": "ex_post", "ex ante": "ex_ante", "expected period": "expected_period", "ex post": "ex_post"}[
            promises.budget
        ]
        add(f"budget: {promises.budget}", -budget[kind], ledger.bound, shortfalls[kind])
    if promises.participation != "none":
        kind = promises.participation.replace(" ", "_")
        add(f"participation: {promises.participation}", -min(participation[kind]), ledger.bound, unwilling[kind])
    if promises.efficient:
        welfare = float(ledger.utility.sum()) - expected_cost(environment, ledger)
        gap = first_best(environment) - welfare
        add("efficient", gap, ledger.bound + plan(environment).bound, {})
    return out


def expected_cost(environment: TableEnvironment, ledger: Ledger) -> float:
    """The designer's expected discounted cost under prescribed play (0 where decisions cost nothing)."""
    if not any(stage.cost_table.any() for stage in environment.stages):
        return 0.0
    raise Refusal("audit: costs of the designer are not covered yet")


def status(worst: float, bound: float, tolerance: float) -> str:
    """`holds` up to the tolerance, `fails` above it, `undecided` within the figure's own bound of it."""
    if np.isnan(worst) or abs(worst - tolerance) <= bound:
        return "undecided"
    return "holds" if worst <= tolerance else "fails"


def profile_text(environment: TableEnvironment, t: int, profile: int) -> str:
    """Signals of a profile, with a public state first."""
    stage = environment.stage(t)
    axes = ([stage.public] if stage.public else []) + list(stage.signals)
    return ", ".join(labels[int(k)] for labels, k in zip(axes, np.unravel_index(profile, stage.axes), strict=True))


def own_text(problem: Problem, t: int, own: int) -> str:
    """What a deviator sees: a public state and its own signals."""
    stage = problem.environment.stage(t)
    axes = ([stage.public] if stage.public else []) + [stage.signals[i] for i in problem.deviator]
    index = np.unravel_index(own, tuple(len(labels) for labels in axes))
    return ", ".join(labels[int(k)] for labels, k in zip(axes, index, strict=True))


def place_text(
    environment: TableEnvironment, place: Place | None, deviator: tuple[int, ...], kind: str
) -> dict[str, Any]:
    """A place in words: period, signals, and what happened before."""
    if place is None:
        return {}
    t = place.period
    if kind == "ex_post":
        return {"period": t, "profile": profile_text(environment, t, place.profile)}
    stage = environment.stage(t)
    axes = ([stage.public] if stage.public else []) + [stage.signals[i] for i in deviator]
    index = np.unravel_index(place.profile, tuple(len(labels) for labels in axes))
    where: dict[str, Any] = {
        "period": t,
        "signal": ", ".join(labels[int(k)] for labels, k in zip(axes, index, strict=True)),
    }
    if place.before is not None and place.decision is not None:
        before = max(t - 1, 0)
        where["last decision"] = environment.stage(before).decisions[place.decision]
        where["last signals"] = profile_text(environment, before, place.before)
    return where


def audit_data(result: Audit) -> dict[str, Any]:
    """The audit as one JSON object."""
    env, ledger = result.environment, result.ledger
    bound = max([ledger.bound, *(f.bound for g in result.gains.values() for fs in g.figures.values() for f in fs)])
    return {
        "schema": 1,
        "environment": env.name,
        "mechanism": result.mechanism.name,
        "agents": list(env.agents),
        "deviators": [result.name_of(who) for who in result.deviators],
        "discount": env.discount,
        "horizon": env.horizon,
        "tolerance": result.tolerance,
        "error_bound": bound,
        "truth": {
            "payoff": (ledger.utility - ledger.transfer).tolist(),
            "utility": ledger.utility.tolist(),
            "transfer": ledger.transfer.tolist(),
            "welfare": float(ledger.utility.sum()),
            "first_best": first_best(env),
            "revenue": float(ledger.transfer.sum()),
        },
        "gains": {
            family.value: {
                **{kind: [_number(f.gain) for f in gains.figures[kind]] for kind in KINDS},
                "kind": "refused" if gains.refused else "exact",
            }
            for family, gains in result.gains.items()
        },
        "budget": result.budget,
        "participation": result.participation,
        "promises": [
            {"promise": v.promise, "status": v.status, "worst": _number(v.worst), "bound": v.bound, "where": v.where}
            for v in result.promises
        ],
        "conditions": {
            c.name: {"holds": c.holds, "value": _number(c.value), "where": c.where, "note": c.note}
            for c in result.conditions
        },
    }


def _number(value: float) -> float | None:
    return None if not np.isfinite(value) else float(value)


def gains_matrix(result: Audit, kind: str) -> FloatArray:
    """Gains of one kind, `(families, deviators)`."""
    return np.array([[figure.gain for figure in result.gains[family].figures[kind]] for family in FAMILIES])
