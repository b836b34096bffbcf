"""What deviators gain and what staying is worth, from the oracle's values: the worst cases over reachable states.

`search_deviator` solves every family at every information for one deviator, and reads its gains off. Participation:
the continuation payoff of prescribed play at the report stage, this period's payment included, over the states that
some play of the agent leads to, its own past lies and what it then owes included; interim (knowing its own signal; at
the start: in period 0 only) and ex post (knowing the profile).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynmech.agents.oracle.post_decision_states import PostDecisionStates, all_post_decision_states
from dynmech.agents.oracle.problem import Problem, Reached, build_problem
from dynmech.agents.oracle.search import Family, Information, Value, best_of_actions, solve
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import Least, TruthfulValues
from dynmech.sim.core.arrays import BoolArray, FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import TIE, Best, first_smallest, rounded_up, scale_of
from dynmech.sim.economy.labels import own_text, profile_text, shown_period

FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE)
KINDS = ("ex_ante", "on_path", "interim", "ex_post")

PIECES = len(Information) * (1 + len(FAMILIES)) + len(FAMILIES)
"""Pieces of work in one deviator's search: what every family is worth by information, then the gains by family."""


@dataclass(frozen=True)
class InformationState:
    """A state at which a gain is attained.

    Attributes:
        period: entry of the problem's periods.
        memory: merged memory.
        profile: the profile of signals; at interim states, the deviator's own information.
        decision: the last decision, at interim states after period 0.
        before: the last profile, likewise.
    """

    period: int
    memory: int
    profile: int
    decision: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Gain:
    """A gain, the bound of its error, and the state at which it is attained (None ex ante)."""

    gain: float
    bound: float
    state: InformationState | None


NOT_SEARCHED = Gain(float("nan"), float("nan"), None)


def ex_ante_gain(best: Value, truth: Value) -> Gain:
    """Return the gain in expected payoff before anything is known."""
    return Gain(best.ex_ante - truth.ex_ante, _bound(best, truth), None)


def worst_gain(problem: Problem, best: Value, truth: Value, *, on_path: bool = False, all_states: bool = False) -> Gain:
    """Return the largest gain over reachable states, at the information that both values share."""
    states = problem.on_path if on_path else problem.reachable
    gains_of = _spying if best.information is Information.EX_POST else _by_own
    worst = Best[InformationState](scale_of(best.scale, *best.choices))
    for t, reached in enumerate(states):
        for gains, counts, locate in gains_of(problem, t, best, truth, reached, all_states):
            worst.offer_all(np.where(counts, gains, -np.inf), _by_index(locate, gains.shape[1]))
    return Gain(worst.value, _bound(best, truth), worst.named)


def _bound(best: Value, truth: Value) -> float:
    """Return the sum of both error bounds, rounded up."""
    return rounded_up(best.bound + truth.bound, best.scale)


def _by_index(locate: "Callable[[int, int], InformationState]", width: int) -> Callable[[int], InformationState]:
    """Return `locate` as a function of the flat index."""
    return lambda k: locate(*divmod(k, width))


Located = tuple[FloatArray, BoolArray, Callable[[int, int], InformationState]]
"""Gains `(m, k)`, which of them count, and how to name the one at an index."""


def _spying(
    _problem: Problem, t: int, best: Value, truth: Value, reached: Reached, all_states: bool
) -> Iterator[Located]:
    """Yield ex post gains by memory and profile."""
    occurs = reached[0]
    gain = best.choices[t].max(axis=2) - truth.choices[t][..., 0]
    yield gain, np.ones_like(occurs) if all_states else occurs, lambda c, s: InformationState(t, c, s)


def _by_own(
    problem: Problem, t: int, best: Value, truth: Value, reached: Reached, all_states: bool
) -> Iterator[Located]:
    """Yield interim gains by post-decision state and own information, some states at a time."""
    period, origins = problem.periods[t], problem.post_decision_states[t]
    if origins is not None and all_states:
        origins = all_post_decision_states(period.states, problem.law_into(t).events, origins.profiles)
    both = np.concatenate([best.choices[t], truth.choices[t]], axis=2)
    for part, mass, worth in problem.expectations(t, origins).by_own(both):
        gain = worth[..., :-1].max(axis=2) - worth[..., -1]
        gain = np.divide(gain, mass, out=np.zeros_like(gain), where=mass > 0)
        counts = mass > 0
        if origins is not None and reached[1] is not None and not all_states:
            counts &= origins.among(reached[1])[part, None]
        yield gain, counts, _locator(problem, t, origins, part.start)


def _locator(
    problem: Problem, t: int, origins: PostDecisionStates | None, start: int
) -> Callable[[int, int], InformationState]:
    """Return a function that names own information w at the k-th post-decision state from `start`."""
    if origins is None:
        return lambda _, w: InformationState(t, int(problem.periods[t].merged[0]), w)
    memory, decision, profile = origins.memory, origins.decision, origins.profile
    return lambda k, w: InformationState(
        t, int(memory[start + k]), w, int(decision[start + k]), int(profile[start + k])
    )


def worth_at(problem: Problem, state: InformationState, best: Value, truth: Value) -> tuple[FloatArray, float, int]:
    """Return the worth of each message at a state, `(R,)`, that of prescribed play, and the prescribed message."""
    t = state.period
    period = problem.periods[t]
    if best.information is Information.EX_POST:
        honest = int(period.truth[state.memory, state.profile])
        worth = best.choices[t][state.memory, state.profile]
        return worth, float(truth.choices[t][state.memory, state.profile, 0]), honest
    if t == 0:
        law = problem.prior
    else:
        assert state.decision is not None
        assert state.before is not None
        law = problem.law_into(t).row(state.decision, state.before)
    possible = period.own == state.profile
    weights = law[possible] / law[possible].sum()
    honest = int(period.truth[state.memory, np.argmax(possible)])
    worth = weights @ best.choices[t][state.memory, possible]
    return worth, float(weights @ truth.choices[t][state.memory, possible, 0]), honest


def worst_stay(problem: Problem, best: Value, periods: int | None = None) -> float:
    """Return the least value of staying over reachable states of the first periods, by what is known when reporting."""
    least = np.inf
    for t, (period, (_, led)) in enumerate(list(zip(problem.periods, problem.reachable, strict=True))[:periods]):
        choices, origins = best.choices[t][..., : period.flow.shape[2]], problem.post_decision_states[t]
        possible = None if origins is None or led is None else origins.among(led)
        for part, mass, worth in problem.expectations(t).by_own(choices):
            seen = mass > 0 if possible is None else possible[part, None] & (mass > 0)
            value = np.divide(worth.max(axis=2), mass, out=np.full(mass.shape, np.inf), where=seen)
            least = min(least, float(value.min()))
    return least


def ties(problem: Problem, truth: Value) -> tuple[int, int]:
    """Return how many on-path states (memory, profile) have another message that does as well, and how many there are.

    Messages that change nothing, neither decision nor flow nor the next state, are the same message.
    """
    tied = total = 0
    for t, period in enumerate(problem.periods):
        occurs, _ = problem.on_path[t]
        worth = best_of_actions(period, truth.ahead[t], problem.discount)
        memory, profile = np.nonzero(occurs)
        honest = period.truth[memory, profile]
        worth_here = worth[memory, profile]
        kept = np.take_along_axis(worth_here, honest[:, None], axis=1)
        slack = TIE * scale_of(problem.environment.scale, worth_here)
        equal = np.abs(worth_here - kept) <= slack
        matters = np.zeros(worth_here.shape, np.bool_)
        first = (period.by_draw(table)[..., 0] for table in (period.decision, period.following))
        flow = period.by_draw(period.flow).max(axis=4)
        for table, least in (*((one, 0) for one in first), (flow, slack), (period.chance, TIE)):
            values = table[memory, profile]
            kept = np.take_along_axis(values, honest[:, None, None], axis=1)
            matters |= (np.abs(values - kept) > least).any(axis=2)
        tied += int((equal & matters).any(axis=1).sum())
        total += len(memory)
    return tied, total


@dataclass(frozen=True, eq=False)
class Search:
    """What one deviator can gain.

    Attributes:
        who: indices of its members.
        values: what each family is worth by information; those that the search does not cover are missing.
        figures: gains by family and kind; NaN where the search does not cover the case.
        refused: why interim figures are missing, if they are.
        ties: on the path of truth, states at which another message does as well and matters, and all states.
        deposit: with exit, what it would have to leave as security so that it never pays to run.
    """

    who: tuple[int, ...]
    problem: Problem
    values: dict[tuple[Family, Information], Value]
    figures: dict[Family, dict[str, Gain]]
    refused: str
    ties: tuple[int, int]
    deposit: float | None


Values = dict[tuple[Family, Information], Value]


def search_deviator(
    problem: Problem, *, all_states: bool = False, advance: Callable[[int], None] = lambda _: None
) -> Search:
    """Return what one deviator gains: every family under both kinds of information.

    Args:
        all_states: maxima over all states, not only those that some play leads to.
        advance: called with 1 after each of `PIECES` pieces of work.
    """
    values, refused = _values(problem, advance)
    figures: dict[Family, dict[str, Gain]] = {}
    for family in FAMILIES:
        figures[family] = family_gains(problem, values, family, all_states)
        advance(1)
    truth = values.get((Family.PRESCRIBED, Information.INTERIM))
    level = ties(problem, values[Family.PRESCRIBED, Information.EX_POST])
    deposit = _deposit(problem) if problem.exit and truth is not None else None
    return Search(problem.deviator, problem, values, figures, refused, level, deposit)


def _values(problem: Problem, advance: Callable[[int], None]) -> tuple[Values, str]:
    """Return what every family is worth, and why interim values are missing, if they are."""
    values: Values = {}
    refused = ""
    for information in Information:
        for family in (Family.PRESCRIBED, *FAMILIES):
            try:
                values[family, information] = solve(problem, family, information)
            except Refusal as error:
                refused = str(error)
            advance(1)
    return values, refused


def family_gains(problem: Problem, values: Values, family: Family, all_states: bool) -> dict[str, Gain]:
    """Return one family's gains by kind; `NOT_SEARCHED` where the search was refused."""
    gains = dict.fromkeys(KINDS, NOT_SEARCHED)
    best, truth = (values.get((which, Information.INTERIM)) for which in (family, Family.PRESCRIBED))
    if best is not None and truth is not None:
        gains["ex_ante"] = ex_ante_gain(best, truth)
        gains["on_path"] = worst_gain(problem, best, truth, on_path=True)
        gains["interim"] = worst_gain(problem, best, truth, all_states=all_states)
    best, truth = (values[which, Information.EX_POST] for which in (family, Family.PRESCRIBED))
    gains["ex_post"] = worst_gain(problem, best, truth, all_states=all_states)
    return gains


def _deposit(problem: Problem) -> float:
    """Return what the deviator would have to leave as security so that it never pays to leave."""
    staying = replace(problem, exit=False)
    return max(0.0, -worst_stay(staying, solve(staying, Family.BEST_RESPONSE, Information.INTERIM)))


def participation(
    game: FiniteGame, *, all_states: bool = False, advance: Callable[[int], None] = lambda _: None
) -> dict[str, list[Least]]:
    """Return the worst continuation payoff by kind (ex ante, at the start, interim, ex post) and agent.

    Args:
        all_states: over all states, not only those that some play leads to.
        advance: called with 1 after each agent.

    Raises:
        Refusal: the mechanism is not finite, or too large.
    """
    environment, truthful = game.environment, game.truthful
    agents = range(len(environment.agents))
    payoff = truthful.utility - truthful.transfer
    out: dict[str, list[Least]] = {"ex_ante": [Least(float(p), {}) for p in payoff]}
    out |= {kind: [] for kind in ("at_the_start", "interim", "ex_post")}
    for i in agents:
        problem = build_problem(game, (i,), merge=False)
        scale = truthful.scale
        worst = {kind: Best[dict[str, Any]](scale) for kind in ("at_the_start", "interim", "ex_post")}
        for kind, value, where in _stays(problem, truthful, i, all_states, scale):
            worst[kind].offer(-value, {"agent": environment.agents[i], **where})
        for kind, least in worst.items():
            out[kind].append(Least(0.0 - least.value, least.named) if least.named else Least(float("nan"), {}))
        advance(1)
    return out


def _stays(
    problem: Problem, truthful: TruthfulValues, agent: int, all_states: bool, scale: float
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Yield (kind, worst continuation payoff, state) of one agent."""
    environment, states = problem.environment, problem.reachable
    revealing = problem.silence is None
    for t, period in enumerate(problem.periods):
        occurs, led = states[t]
        stay = truthful.periods[t].stay[agent][: len(occurs)]
        worst = stay if all_states else np.where(occurs, stay, np.inf)
        k = first_smallest(worst, scale)
        state = {"period": shown_period(environment, t), "profile": profile_text(environment, t, k % stay.shape[1])}
        yield "ex_post", float(worst.min()), state
        if not revealing:
            continue
        if t == 0:
            for w in range(period.width):
                own = period.own == w
                mass = problem.prior[own].sum()
                if mass > 0:
                    value = float(stay[0][own] @ problem.prior[own] / mass)
                    where = {"period": shown_period(environment, t), "signal": own_text(environment, t, (agent,), w)}
                    yield "interim", value, where
                    yield "at_the_start", value, where
            continue
        for w, (weight, expected) in enumerate(problem.law_into(t).by_part(period.own, stay)):
            where = {"period": shown_period(environment, t), "signal": own_text(environment, t, (agent,), w)}
            assert led is not None
            possible = (weight > 0) & (led | all_states)
            worth = np.divide(expected, weight, out=np.full_like(expected, np.inf), where=possible)
            k = first_smallest(worth, scale) % worth.shape[-1]
            last = profile_text(environment, t if problem.stationary else t - 1, k)
            yield "interim", float(worth.min()), {**where, "last signals": last}
