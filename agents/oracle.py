"""The exact oracle: what is the most that a deviator can gain?

With X(c, a, θ) the value of what comes after decision a at profile θ in merged memory c, the value of a choice is

    Q(c, θ, r, α) = flow(c, θ, r, α) + δ X(c′, a, θ),      X(c, a, θ) = E[best choice in period t + 1 | a, θ],

the best choice being made with the information that the deviator has:

- *ex post*: it sees the whole current profile: X = Σ_θ′ P(θ′ | a, θ) max_r Q(c, θ′, r);
- *interim*: it sees the public state and its own signals w, and knows the past (the others' reports are public and
  prescribed, hence true): X = Σ_w max_r Σ_o P((w, o) | a, θ) Q(c, (w, o), r). Own past signals and own past lies both
  stay in (c, a, θ).

In either case a private action α is chosen after the reports are in. Families of deviations are restrictions:

- prescribed: X⁰, always the prescribed message and action;
- contingent: X*, no restriction;
- one-shot: at one date, chosen as play unfolds, anything; X⁰ after it (an optimal stopping problem);
- belief manipulation: one lie, then a best response in the following period, X⁰ after that.

Finite horizons by backward induction; infinite ones by value iteration until its residual bound is below `PRECISION`
(span bounds where the choice never ends, the norm of the last step in the stopping problems); the residual is part of
every figure's bound.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from agents.problem import Period, Problem
from mechanisms.tabulate import silent_about
from sim.arrays import FloatArray, IntArray
from sim.errors import Refusal

PRECISION = 1e-11
"""Residual bound aimed at, relative to the largest value (at least 1)."""

SWEEPS = 300_000
"""Value iterations before giving up; the bound then says how far it came."""


IDLE = 40
"""Value iterations without progress after which only rounding is left."""


class Information(Enum):
    """What the deviator knows of the current profile."""

    INTERIM = "interim"
    EX_POST = "ex post"


class Family(Enum):
    """Which deviations are allowed; each contains prescribed play."""

    PRESCRIBED = "prescribed"
    ONE_SHOT = "one_shot"
    BELIEF_MANIPULATION = "belief_manipulation"
    CONTINGENT = "contingent"


@dataclass(frozen=True, eq=False)
class Value:
    """One family's values under one information.

    Attributes:
        choices: per period, Q after the best action: `(C, S, R)`, what each message is worth.
        ahead: per period, X of what comes after it, `(C', D, S)`; None after the last period.
        ex_ante: value before anything is known.
        bound: every value is within this of the truth.
    """

    family: Family
    information: Information
    choices: tuple[FloatArray, ...]
    ahead: tuple[FloatArray | None, ...]
    ex_ante: float
    bound: float


def solve(problem: Problem, family: Family, information: Information) -> Value:
    """The best the family can do.

    Raises:
        Refusal: interim, and the others' prescribed messages do not reveal their signals.
    """
    if information is Information.INTERIM:
        require_revealing(problem)
    truth = _solve(problem, Family.PRESCRIBED, information, None)
    match family:
        case Family.PRESCRIBED:
            return truth
        case Family.CONTINGENT:
            return _solve(problem, family, information, None)
        case Family.ONE_SHOT:
            return _solve(problem, family, information, truth)
        case Family.BELIEF_MANIPULATION:
            return _solve(problem, family, information, _response(problem, information, truth))


def _choices(
    problem: Problem, period: Period, family: Family, ahead: FloatArray | None, after: FloatArray | None
) -> FloatArray:
    """What each message is worth, the best action included: `(C, S, R)`.

    Only the prescribed one, `(C, S, 1)`, under prescribed play; with exit, leaving stands behind the messages, worth 0.
    `after` is X after a lie, for the families in which lies are few.
    """
    worth = worth_of_actions(period, ahead, problem.discount)
    if family is Family.CONTINGENT:
        return _or_leave(problem, worth.max(axis=3))
    obeyed = np.take_along_axis(worth, period.obey[..., None], axis=3)[..., 0]
    honest = np.take_along_axis(obeyed, period.truth[..., None], axis=2)
    if family is Family.PRESCRIBED:
        return honest
    lies = worth_of_actions(period, after, problem.discount).max(axis=3)
    kept = np.take_along_axis(lies, period.truth[..., None], axis=2)
    np.put_along_axis(lies, period.truth[..., None], np.maximum(kept, honest), axis=2)
    return _or_leave(problem, lies)


def _or_leave(problem: Problem, choices: FloatArray) -> FloatArray:
    """One more column where the deviator may leave: worth 0."""
    if not problem.exit:
        return choices
    return np.concatenate([choices, np.zeros((*choices.shape[:2], 1))], axis=2)


def worth_of_actions(period: Period, ahead: FloatArray | None, discount: float) -> FloatArray:
    """Q, `(C, S, R, B)`."""
    if ahead is None:
        return period.flow
    states = np.arange(period.flow.shape[1])[:, None, None]
    return period.flow + discount * ahead[period.following[..., None], period.decision, states]


def _inform(rows: FloatArray, period: Period, choices: FloatArray, information: Information) -> FloatArray:
    """X: the best message with the information at hand, in expectation, `(C, *leading)`; rows `(*leading, S)`."""
    if information is Information.EX_POST:
        return np.moveaxis(rows @ choices.max(axis=2).T, -1, 0)
    total = np.zeros((len(choices), *rows.shape[:-1]))
    for weights in by_own_information(rows, period, choices):
        total += weights.max(axis=-1)
    return total


def by_own_information(rows: FloatArray, period: Period, choices: FloatArray) -> Iterator[FloatArray]:
    """For every own information w: Σ_o P(w, o) Q(c, (w, o), r), `(C, *leading, R)`."""
    for w in range(period.width):
        here = period.own == w
        yield np.moveaxis(np.tensordot(rows[..., here], choices[:, here, :], axes=(-1, 1)), -2, 0)


def _solve(problem: Problem, family: Family, information: Information, after: Value | None) -> Value:
    """Backward induction, or value iteration on the repeated period."""
    later = after.ahead if after is not None else (None,) * len(problem.periods)
    bound = 0.0 if after is None else after.bound
    ahead: list[FloatArray | None] = [None] * len(problem.periods)
    if problem.stationary:
        repeated = problem.periods[1]
        assert repeated.rows is not None

        def improve(x: FloatArray) -> FloatArray:
            choices = _choices(problem, repeated, family, x, later[1])
            return _inform(rows, repeated, choices, information)

        rows = repeated.rows
        zero = np.zeros((repeated.states, *rows.shape[:2]))
        begin = later[1] if later[1] is not None else zero
        centred = after is None and (family is Family.PRESCRIBED or not problem.exit)
        fixed, residual = _fixed_point(improve, begin, problem.discount, centred=centred)
        ahead = [fixed, fixed]
        bound += residual
    choices: list[FloatArray] = []
    for t in reversed(range(len(problem.periods))):
        period = problem.periods[t]
        choices.insert(0, _choices(problem, period, family, ahead[t], later[t]))
        if t and not problem.stationary:
            before = problem.periods[t - 1].rows
            assert before is not None
            ahead[t - 1] = _inform(before, period, choices[0], information)
    first = problem.periods[0]
    start = _inform(problem.prior, first, choices[0][first.merged[:1]], information)
    scale = max(1.0, max(float(np.abs(c).max()) for c in choices))
    return Value(family, information, tuple(choices), tuple(ahead), float(start[0]), bound + 1e-13 * scale)


def _response(problem: Problem, information: Information, truth: Value) -> Value:
    """A best response in the period after a lie, prescribed play after that: its X, as a Value to put behind a lie."""
    ahead: list[FloatArray | None] = [None] * len(problem.periods)
    for t in range(len(problem.periods)):
        following = problem.periods[1] if problem.stationary else (problem.periods[t + 1 : t + 2] or [None])[0]
        rows = problem.periods[t].rows
        if following is None or rows is None:
            continue
        place = 1 if problem.stationary else t + 1
        choices = _choices(problem, following, Family.CONTINGENT, truth.ahead[place], None)
        ahead[t] = _inform(rows, following, choices, information)
    return Value(Family.BELIEF_MANIPULATION, information, (), tuple(ahead), 0.0, truth.bound)


def _fixed_point(
    improve: Callable[[FloatArray], FloatArray], x: FloatArray, discount: float, *, centred: bool
) -> tuple[FloatArray, float]:
    """The fixed point of a δ-contraction, and a bound.

    `centred`: the map is monotone and moves by δ k where its argument moves by k, so that the span bounds hold; not so
    where a lie ends the choice and what follows it is given.
    """
    weight = discount / (1 - discount)
    best, idle = np.inf, 0
    for _ in range(SWEEPS):
        better = improve(x)
        step = better - x
        low, high = float(step.min()), float(step.max())
        half = weight * ((high - low) / 2 if centred else max(high, -low))
        x = better + weight * (low + high) / 2 if centred else better
        idle = 0 if half < (1 + discount) / 2 * best else idle + 1  # it contracts by δ until only rounding is left
        best = min(best, half)
        if half <= PRECISION * max(1.0, float(np.abs(x).max())) or idle >= IDLE:
            break
    return x, half


def require_revealing(problem: Problem) -> None:
    """Interim search knows the others' past signals from their messages; refuse where those do not tell."""
    silent = silent_about(problem.environment, problem.mechanism, problem.deviator)
    if silent is not None:
        raise Refusal(f"interim search: {silent}; what the deviator believes would be a state of its own")


def best_messages(problem: Problem, value: Value, *, respond: bool = False) -> list[IntArray]:
    """The interim policy: per period the best message by what is known; prescribed where that is as good.

    Args:
        respond: instead of the value's own family, the best response now with the value's play after it.

    Returns:
        `(C, W)` for the first period, `(C, D, S_before, W)` for later ones.
    """
    out = []
    for t, period in enumerate(problem.periods):
        choices = value.choices[t]
        if respond:
            choices = _choices(problem, period, Family.CONTINGENT, value.ahead[t], None)
        rows = problem.prior if t == 0 else problem.periods[1 if problem.stationary else t - 1].rows
        assert rows is not None
        picks = []
        for w, worth in enumerate(by_own_information(rows, period, choices)):
            honest = period.truth[:, np.argmax(period.own == w)]
            kept = np.take_along_axis(worth, honest.reshape(-1, *(1,) * (worth.ndim - 1)), axis=-1)[..., 0]
            slack = 1e-9 * max(1.0, float(np.abs(worth).max()))
            better = worth.max(axis=-1) > kept + slack
            picks.append(np.where(better, worth.argmax(axis=-1), honest.reshape(-1, *(1,) * (worth.ndim - 2))))
        out.append(np.stack(picks, axis=-1).astype(np.intp))
    return out


def best_actions(problem: Problem, value: Value) -> list[IntArray]:
    """The contingent family's action once the reports are in, obedient where that is as good: `(C, S, R)` each."""
    out = []
    for t, period in enumerate(problem.periods):
        worth = worth_of_actions(period, value.ahead[t], problem.discount)
        kept = np.take_along_axis(worth, period.obey[..., None], axis=3)[..., 0]
        better = worth.max(axis=3) > kept + 1e-9 * max(1.0, float(np.abs(worth).max()))
        out.append(np.where(better, worth.argmax(axis=3), period.obey).astype(np.intp))
    return out
