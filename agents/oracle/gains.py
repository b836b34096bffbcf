"""Figures read off the oracle's values: gains at the worst reachable state, what messages are worth there, ties."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dynmech.agents.oracle.post_decision_states import Places, all_places
from dynmech.agents.oracle.problem import Problem, Reached, reachable
from dynmech.agents.oracle.search import Information, Value, best_of_actions
from dynmech.sim.core.arrays import BoolArray, FloatArray
from dynmech.sim.core.ties import TIE, Best, rounded_up, scale_of


@dataclass(frozen=True)
class Place:
    """A state at which a figure is attained: period, merged memory, profile, and for interim states what led there."""

    period: int
    memory: int
    profile: int
    decision: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Gain:
    """A gain with its bound and the state at which it is attained."""

    gain: float
    bound: float
    place: Place | None


def ex_ante_gain(best: Value, truth: Value) -> Gain:
    """Before anything is known."""
    return Gain(best.ex_ante - truth.ex_ante, _bound(best, truth), None)


def worst_gain(problem: Problem, best: Value, truth: Value, *, on_path: bool = False, all_states: bool = False) -> Gain:
    """The largest gain over reachable states, at the information that both values share."""
    states = reachable(problem, on_path=on_path)
    gains_of = _spying if best.information is Information.EX_POST else _by_own
    worst = Best[Place](scale_of(*best.choices))
    for t, reached in enumerate(states):
        for gains, found, locate in gains_of(problem, t, best, truth, reached, all_states):
            worst.offer_all(np.where(found, gains, -np.inf), _by_index(locate, gains.shape[1]))
    return Gain(worst.value, _bound(best, truth), worst.named)


def _bound(best: Value, truth: Value) -> float:
    """What both values leave open."""
    return rounded_up(best.bound + truth.bound, best.scale)


def _by_index(locate: "Callable[[int, int], Place]", width: int) -> Callable[[int], Place]:
    """The same by flat index."""
    return lambda k: locate(*divmod(k, width))


Located = tuple[FloatArray, BoolArray, Callable[[int, int], Place]]
"""Gains `(m, k)`, which of them count, and how to name the one at an index."""


def _spying(
    _problem: Problem, t: int, best: Value, truth: Value, reached: Reached, all_states: bool
) -> Iterator[Located]:
    """Ex post, by state and profile."""
    here = reached[0]
    gain = best.choices[t].max(axis=2) - truth.choices[t][..., 0]
    yield gain, np.ones_like(here) if all_states else here, lambda c, s: Place(t, c, s)


def _by_own(
    problem: Problem, t: int, best: Value, truth: Value, reached: Reached, all_states: bool
) -> Iterator[Located]:
    """Interim, by place and own information, some places at a time."""
    period, places = problem.periods[t], problem.places[t]
    if places is not None and all_states:
        places = all_places(period.states, len(problem.laws_into(t)), places.profiles)
    both = np.concatenate([best.choices[t], truth.choices[t]], axis=2)
    for here, mass, worth in problem.outlook(t, places).by_own(both):
        gain = worth[..., :-1].max(axis=2) - worth[..., -1]
        gain = np.divide(gain, mass, out=np.zeros_like(gain), where=mass > 0)
        found = mass > 0
        if places is not None and reached[1] is not None and not all_states:
            found &= places.among(reached[1])[here, None]
        yield gain, found, _locator(problem, t, places, here.start)


def _locator(problem: Problem, t: int, places: Places | None, start: int) -> Callable[[int, int], Place]:
    """How to name own information w at the k-th place from `start`."""
    if places is None:
        return lambda _, w: Place(t, int(problem.periods[t].merged[0]), w)
    memory, decision, profile = places.memory, places.decision, places.profile
    return lambda k, w: Place(t, int(memory[start + k]), w, int(decision[start + k]), int(profile[start + k]))


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
    for t, (period, (_, led)) in enumerate(zip(problem.periods, reachable(problem), strict=True)):
        choices, places = best.choices[t][..., : period.flow.shape[2]], problem.places[t]
        possible = None if places is None or led is None else places.among(led)
        for here, mass, worth in problem.outlook(t).by_own(choices):
            seen = mass > 0 if possible is None else possible[here, None] & (mass > 0)
            value = np.divide(worth.max(axis=2), mass, out=np.full(mass.shape, np.inf), where=seen)
            least = min(least, float(value.min()))
    return least


def ties(problem: Problem, truth: Value) -> tuple[int, int]:
    """On the path of truth: states (memory, profile) at which another message does as well, and how many there are.

    Messages that change nothing, neither decision nor flow nor the next state, are the same message.
    """
    tied = total = 0
    for t, period in enumerate(problem.periods):
        here, _ = reachable(problem, on_path=True)[t]
        worth = best_of_actions(period, truth.ahead[t], problem.discount)
        memory, profile = np.nonzero(here)
        honest = period.truth[memory, profile]
        mine = worth[memory, profile]
        kept = np.take_along_axis(mine, honest[:, None], axis=1)
        slack = TIE * max(1.0, float(np.abs(mine).max(initial=0.0)))
        equal = np.abs(mine - kept) <= slack
        matters = np.zeros(mine.shape, np.bool_)
        for table in (period.decision[..., 0], period.following[..., 0], period.flow.max(axis=3)):
            values = table[memory, profile]
            matters |= np.abs(values - np.take_along_axis(values, honest[:, None], axis=1)) > slack
        tied += int((equal & matters).any(axis=1).sum())
        total += len(memory)
    return tied, total
