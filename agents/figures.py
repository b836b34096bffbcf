"""Figures read off the oracle's values: gains at the worst reachable state, what messages are worth there, ties."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from agents.oracle import Information, Value, by_own_information, worth_of_actions
from agents.problem import Period, Problem, reachable
from sim.arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class Place:
    """A state at which a figure is attained: period, merged memory, profile, and for interim states what led there."""

    period: int
    memory: int
    profile: int
    decision: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Figure:
    """A gain with its bound and the state at which it is attained."""

    gain: float
    bound: float
    place: Place | None


def ex_ante_gain(best: Value, truth: Value) -> Figure:
    """Before anything is known."""
    return Figure(best.ex_ante - truth.ex_ante, best.bound + truth.bound, None)


def worst_gain(
    problem: Problem, best: Value, truth: Value, *, on_path: bool = False, all_states: bool = False
) -> Figure:
    """The largest gain over reachable states, at the information that both values share."""
    states = reachable(problem, on_path=on_path)
    worst, place = -np.inf, None
    for t, period in enumerate(problem.periods):
        here, led = states[t]
        for gains, found, locate in _gains(problem, t, period, best, truth, here, led, all_states):
            masked = np.where(found, gains, -np.inf)
            top = float(masked.max(initial=-np.inf))
            if top > worst:
                worst = top
                place = locate(np.unravel_index(int(np.argmax(masked)), masked.shape))
    return Figure(worst, best.bound + truth.bound, place)


Located = tuple[FloatArray, BoolArray, Callable[[tuple[np.intp, ...]], Place]]


def _gains(
    problem: Problem,
    t: int,
    period: Period,
    best: Value,
    truth: Value,
    here: BoolArray,
    led: BoolArray | None,
    all_states: bool,
) -> Iterator[Located]:
    """Gains of one period with the mask of states that count, and how to name a state."""
    lies, honest = best.choices[t], truth.choices[t]
    if best.information is Information.EX_POST:
        found = np.ones_like(here) if all_states else here
        yield lies.max(axis=2) - honest[..., 0], found, lambda k: Place(t, int(k[0]), int(k[1]))
        return
    if t == 0:
        only = period.merged[:1]
        pairs = zip(
            by_own_information(problem.prior, period, lies[only]),
            by_own_information(problem.prior, period, honest[only]),
            strict=True,
        )
        for w, (a, b) in enumerate(pairs):
            mass = float(problem.prior[period.own == w].sum())
            if mass > 0:
                gain = (a.max(axis=-1) - b[..., 0]) / mass
                yield gain, np.ones(1, np.bool_), lambda _k, w=w: Place(0, int(only[0]), w)  # type: ignore[misc]
        return
    rows = problem.periods[t - 1 if not problem.stationary else 1].rows
    assert rows is not None
    assert led is not None
    pairs = zip(by_own_information(rows, period, lies), by_own_information(rows, period, honest), strict=True)
    for w, (a, b) in enumerate(pairs):
        mass = rows[..., period.own == w].sum(axis=-1)
        gain = np.divide(a.max(axis=-1) - b[..., 0], mass, out=np.zeros_like(b[..., 0]), where=mass > 0)
        found = np.broadcast_to(mass > 0, gain.shape) & (True if all_states else led)
        yield (
            gain,
            found,
            lambda k, w=w: Place(t, int(k[0]), w, int(k[1]), int(k[2])),  # type: ignore[misc]
        )


def worth_at(problem: Problem, place: Place, best: Value, truth: Value) -> tuple[FloatArray, float, int]:
    """At one state: what each message is worth `(R,)`, what prescribed play is worth, and the prescribed message."""
    t = place.period
    period = problem.periods[t]
    if best.information is Information.EX_POST:
        honest = int(period.truth[place.memory, place.profile])
        worth = best.choices[t][place.memory, place.profile]
        return worth, float(truth.choices[t][place.memory, place.profile, 0]), honest
    if t == 0:
        law = problem.prior
    else:
        rows = problem.periods[1 if problem.stationary else t - 1].rows
        assert rows is not None
        assert place.decision is not None
        law = rows[place.decision, place.before]
    here = period.own == place.profile
    weights = law[here] / law[here].sum()
    honest = int(period.truth[place.memory, np.argmax(here)])
    worth = weights @ best.choices[t][place.memory, here]
    return worth, float(weights @ truth.choices[t][place.memory, here, 0]), honest


def worst_stay(problem: Problem, best: Value) -> float:
    """The least value of going on, over reachable states, by what is known when reporting; leaving not counted."""
    least = np.inf
    for t, period in enumerate(problem.periods):
        _, led = reachable(problem)[t]
        choices = best.choices[t][..., : period.flow.shape[2]]
        if t == 0:
            choices, rows, possible = choices[period.merged[:1]], problem.prior, np.ones(1, np.bool_)
        else:
            before = problem.periods[1 if problem.stationary else t - 1].rows
            assert before is not None
            assert led is not None
            rows, possible = before, led
        for w, worth in enumerate(by_own_information(rows, period, choices)):
            mass = rows[..., period.own == w].sum(axis=-1)
            seen = possible & (mass > 0)
            value = np.divide(worth.max(axis=-1), mass, out=np.full(worth.shape[:-1], np.inf), where=seen)
            least = min(least, float(value.min()))
    return least


def ties(problem: Problem, truth: Value) -> tuple[int, int]:
    """On the path of truth: states (memory, profile) at which another message does as well, and how many there are.

    Messages that change nothing, neither decision nor flow nor the next state, are the same message.
    """
    tied = total = 0
    for t, period in enumerate(problem.periods):
        here, _ = reachable(problem, on_path=True)[t]
        worth = worth_of_actions(period, truth.ahead[t], problem.discount).max(axis=3)
        memory, profile = np.nonzero(here)
        honest = period.truth[memory, profile]
        mine = worth[memory, profile]
        kept = np.take_along_axis(mine, honest[:, None], axis=1)
        slack = 1e-9 * max(1.0, float(np.abs(mine).max(initial=0.0)))
        equal = np.abs(mine - kept) <= slack
        matters = np.zeros(mine.shape, np.bool_)
        for table in (period.decision[..., 0], period.following, period.flow.max(axis=3)):
            values = table[memory, profile]
            matters |= np.abs(values - np.take_along_axis(values, honest[:, None], axis=1)) > slack
        tied += int((equal & matters).any(axis=1).sum())
        total += len(memory)
    return tied, total
