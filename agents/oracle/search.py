"""The exact oracle: the most that a deviator can gain, by dynamic programming.

With X(c, a, θ) the value of what comes after decision a at profile θ in merged memory c, the value of a choice is

    Q(c, θ, r, α) = flow(c, θ, r, α) + δ X(c′, a, θ),      X(c, a, θ) = E[best choice in period t + 1 | a, θ],

the best choice being made with the information that the deviator has:

- *ex post*: it sees the whole current profile: X = Σ_θ′ P(θ′ | a, θ) max_r Q(c, θ′, r);
- *interim*: it sees the public state and its own signals w, and knows the past (the others' reports are public and
  prescribed, hence true): X = Σ_w max_r Σ_o P((w, o) | a, θ) Q(c, (w, o), r). Own past signals and own past lies both
  stay in (c, a, θ).

In either case a private action α is chosen after the reports are in and the decision is drawn; where that is a lottery,
Q(c, θ, r) is the expectation over its draws. Families of deviations are restrictions:

- prescribed: X⁰, always the prescribed message and action;
- best response: X*, no restriction;
- one-shot: at one date, chosen as play unfolds, anything; X⁰ after it (an optimal stopping problem);
- belief manipulation: one lie, then a best response in the following period, X⁰ after that.

Finite horizons by backward induction; infinite ones by accelerated value iteration until its residual bound is below
`PRECISION` (span bounds where the choice never ends, the norm of the last step in the stopping problems); the residual
is part of every bound.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from dynmech.agents.oracle.post_decision_states import PostDecisionStates
from dynmech.agents.oracle.problem import Period, Problem
from dynmech.mechanisms.planning.anderson import Anderson
from dynmech.sim.core.arrays import FloatArray, IntArray, expected
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import TIE, scale_of

PRECISION = 1e-11
"""Residual bound aimed at, relative to the largest value (at least 1)."""

SWEEPS = 300_000
"""Largest number of value iterations; the bound then says how far they came."""

IDLE = 40
"""Value iterations without progress after which only rounding is left."""


class Information(Enum):
    """What the deviator knows of the current profile."""

    INTERIM = "interim"
    EX_POST = "ex post"


class Family(Enum):
    """A family of deviations; each contains prescribed play."""

    PRESCRIBED = "prescribed"
    ONE_SHOT = "one_shot"
    BELIEF_MANIPULATION = "belief_manipulation"
    BEST_RESPONSE = "best_response"
    LIES = "lies"
    """The best response of who pays every bill, beside one that ranges over payments too."""


@dataclass(frozen=True, eq=False)
class Value:
    """The values of a family of deviations, given what the deviator knows.

    Attributes:
        choices: per period, Q after the best action: `(C, S, R)`, what each message is worth.
        ahead: per period, X at the post-decision states that it leads to, `(n,)`; None after the last period.
        ex_ante: value before anything is known.
        bound: every value is within this of the truth.
        scale: that of the economy's utilities.
    """

    family: Family
    information: Information
    choices: tuple[FloatArray, ...]
    ahead: tuple[FloatArray | None, ...]
    ex_ante: float
    bound: float
    scale: float = 1.0


def solve(
    problem: Problem,
    family: Family,
    information: Information,
    begin: FloatArray | None = None,
    truth: Value | None = None,
) -> Value:
    """Return the values of the best deviation in a family.

    Args:
        begin: over an infinite horizon: where value iteration begins, X of the repeated period; how far it is off does
            not matter.
        truth: the values of prescribed play at this information, where they are known.

    Raises:
        Refusal: interim, and the others' prescribed messages do not reveal their signals.
    """
    if information is Information.INTERIM:
        require_revealing(problem)
    match family:
        case Family.PRESCRIBED:
            return _solve(problem, Family.PRESCRIBED, information, None, begin)
        case Family.BEST_RESPONSE | Family.LIES:  # what differs is the problem
            return _solve(problem, Family.BEST_RESPONSE, information, None, begin)
    truth = truth or _solve(problem, Family.PRESCRIBED, information, None)
    match family:
        case Family.ONE_SHOT:
            return _solve(problem, family, information, truth, begin)
        case Family.BELIEF_MANIPULATION:
            return _solve(problem, family, information, _response(problem, information, truth), begin)


def _choices(
    problem: Problem, period: Period, family: Family, ahead: FloatArray | None, lies: FloatArray | None = None
) -> FloatArray:
    """Return the worth of each message with the best action after it, `(C, S, R)`.

    Only the prescribed one, `(C, S, 1)`, under prescribed play; with exit, leaving stands behind the messages, worth 0.
    `lies`, `(C, S, R)`: what messages are worth that are lies, in the families in which lies are few.
    """
    if family is Family.BEST_RESPONSE:
        return _or_leave(problem, best_of_actions(period, ahead, problem.discount))
    honest = period.honest_flow
    if ahead is not None:
        honest = honest + problem.discount * ahead[period.honest_post_decision]
    honest = expected(honest, period.honest_chance)
    if family is Family.PRESCRIBED:
        return honest[..., None]
    assert lies is not None
    choices = lies.copy()
    kept = np.take_along_axis(choices, period.truth[..., None], axis=2)
    np.put_along_axis(choices, period.truth[..., None], np.maximum(kept, honest[..., None]), axis=2)
    return _or_leave(problem, choices)


def _or_leave(problem: Problem, choices: FloatArray) -> FloatArray:
    """Append leaving, worth 0, to the messages where the deviator may leave."""
    if not problem.exit:
        return choices
    return np.concatenate([choices, np.zeros((*choices.shape[:2], 1))], axis=2)


def worth_of_actions(period: Period, ahead: FloatArray | None, discount: float) -> FloatArray:
    """Return Q by draw and act, shape `(C, S, R, K)`."""
    if ahead is None:
        return period.flow
    assert period.post_decision is not None
    worth = ahead.take(period.post_decision)
    worth *= discount
    worth += period.flow
    return worth


def best_of_actions(period: Period, ahead: FloatArray | None, discount: float) -> FloatArray:
    """Return Q maximised over actions after every draw, shape `(C, S, R)`."""
    worth = period.by_draw(worth_of_actions(period, ahead, discount))
    return expected(worth[..., 0] if worth.shape[4] == 1 else worth.max(axis=4), period.chance)


def _solve(
    problem: Problem,
    family: Family,
    information: Information,
    after: Value | None,
    begin: FloatArray | None = None,
) -> Value:
    """Solve by backward induction, or value iteration on the repeated period; `after` holds the values after a lie."""
    spying, count = information is Information.EX_POST, len(problem.periods)
    flows = problem.environment.scale
    lies: list[FloatArray | None] = [None] * count
    ahead: list[FloatArray | None] = [None] * count
    bound = 0.0
    if after is not None:
        lies = [best_of_actions(p, x, problem.discount) for p, x in zip(problem.periods, after.ahead, strict=True)]
        bound = after.bound
    if problem.stationary:
        outlook = problem.expectations(1)

        def improve(x: FloatArray) -> FloatArray:
            return outlook.best(_choices(problem, problem.periods[1], family, x, lies[1]), spying=spying)

        begin = after.ahead[1] if begin is None and after is not None else begin
        begin = np.zeros(outlook.count) if begin is None else begin
        centred = after is None and (family is Family.PRESCRIBED or not problem.exit)
        fixed, residual = fixed_point(improve, begin, problem.discount, flows, centred=centred)
        ahead = [fixed, fixed]
        bound += residual
    choices: list[FloatArray] = []
    for t in reversed(range(count)):
        choices.insert(0, _choices(problem, problem.periods[t], family, ahead[t], lies[t]))
        if t and not problem.stationary:
            ahead[t - 1] = problem.expectations(t).best(choices[0], spying=spying)
    start = problem.expectations(0).best(choices[0], spying=spying)
    bound += 1e-13 * scale_of(flows, *choices)
    return Value(family, information, tuple(choices), tuple(ahead), float(start[0]), bound, flows)


def _response(problem: Problem, information: Information, truth: Value) -> Value:
    """Return the values after a lie: X of a best response in the next period and prescribed play after that."""

    def respond(t: int) -> FloatArray:
        choices = _choices(problem, problem.periods[t], Family.BEST_RESPONSE, truth.ahead[t])
        return problem.expectations(t).best(choices, spying=information is Information.EX_POST)

    ahead: list[FloatArray | None] = [respond(t) for t in range(1, len(problem.periods))]
    ahead.append(ahead[0] if problem.stationary else None)
    return Value(Family.BELIEF_MANIPULATION, information, (), tuple(ahead), 0.0, truth.bound)


def fixed_point(
    improve: Callable[[FloatArray], FloatArray], x: FloatArray, discount: float, scale: float, *, centred: bool
) -> tuple[FloatArray, float]:
    """Return the fixed point of a δ-contraction, by accelerated iteration, and a bound of its error.

    `centred`: the map is monotone and moves by δ k where its argument moves by k, so that the span bounds hold; not so
    where a lie ends the choice and what follows it is given.
    """
    weight = discount / (1 - discount)
    past, idle = Anderson(), 0
    best, least = x, np.inf
    for _ in range(SWEEPS):
        better = improve(x)
        step = better - x
        low, high = float(step.min()), float(step.max())
        half = weight * ((high - low) / 2 if centred else max(high, -low))
        if centred:
            better = better + weight * (low + high) / 2
        idle = 0 if half < (1 + discount) / 2 * least else idle + 1  # it contracts by δ until only rounding is left
        if half < least:
            best, least = better, half
        if least <= PRECISION * scale_of(scale, best) or idle >= IDLE:
            break
        x = past.step(x, better)
    return best, max(least, PRECISION * scale_of(scale, best))  # the same on every processor


def require_revealing(problem: Problem) -> None:
    """Raise a Refusal where the others' messages do not reveal their signals, which interim search reads off them."""
    if problem.silence is not None:
        raise Refusal(f"interim search: {problem.silence}; what the deviator believes would be a state of its own")


def best_messages(problem: Problem, value: Value, *, respond: bool = False) -> list[IntArray]:
    """Return the interim policy: per period the best message by what is known.

    It is the prescribed one where that is as good, else the lowest of those that tie (`dynmech.sim.core.ties`).

    Args:
        respond: instead of the value's own family, the best response now with the value's play after it.

    Returns:
        `(C, W)` for the first period, `(C, D, S_before, W)` for later ones; prescribed where nothing leads.
    """
    out = []
    for t, period in enumerate(problem.periods):
        choices = value.choices[t]
        if respond:
            choices = _choices(problem, period, Family.BEST_RESPONSE, value.ahead[t])
        origins = problem.post_decision_states[t] or PostDecisionStates(
            np.arange(period.states), np.zeros(period.states, np.intp), 1
        )
        honest = period.truth[:, np.unique(period.own, return_index=True)[1]]
        table = np.repeat(honest[:, None], problem.law_into(t).events, axis=1)
        slack = TIE * scale_of(problem.environment.scale, choices)
        for part, _, worth in problem.expectations(t, origins).by_own(choices):
            memory, event = origins.memory[part], origins.event[part]
            kept = np.take_along_axis(worth, honest[memory][..., None], axis=2)[..., 0]
            tied = worth >= worth.max(axis=2, keepdims=True) - slack
            better = worth.max(axis=2) > kept + slack
            table[memory, event] = np.where(better, tied.argmax(axis=2), honest[memory])
        out.append(table[:, 0] if t == 0 else table.reshape(len(table), -1, origins.profiles, period.width))
    return out


def best_messages_spying(problem: Problem, value: Value) -> list[IntArray]:
    """Return the ex post policy: per period the best message by merged memory and profile, `(C, S)`; ties as above."""
    out = []
    for period, choices in zip(problem.periods, value.choices, strict=True):
        kept = np.take_along_axis(choices, period.truth[..., None], axis=2)[..., 0]
        slack = TIE * scale_of(problem.environment.scale, choices)
        tied = choices >= choices.max(axis=2, keepdims=True) - slack
        out.append(np.where(choices.max(axis=2) > kept + slack, tied.argmax(axis=2), period.truth).astype(np.intp))
    return out


def best_actions(problem: Problem, value: Value) -> list[IntArray]:
    """Return the best action per period and draw, the prescribed one where that is as good, `(C, S, R, L)` each.

    Of better ones that tie it is the lowest.
    """
    out = []
    for t, period in enumerate(problem.periods):
        worth = period.by_draw(worth_of_actions(period, value.ahead[t], problem.discount))
        kept = np.take_along_axis(worth, period.obey[..., None], axis=4)[..., 0]
        slack = TIE * scale_of(problem.environment.scale, worth)
        tied = worth >= worth.max(axis=4, keepdims=True) - slack
        better = worth.max(axis=4) > kept + slack
        out.append(np.where(better, tied.argmax(axis=4), period.obey).astype(np.intp))
    return out
