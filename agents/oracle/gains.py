"""Gains from the oracle's values: at the worst reachable state, the worth of messages there, and ties."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dynmech.agents.oracle.post_decision_states import PostDecisionStates, all_post_decision_states
from dynmech.agents.oracle.problem import Problem, Reached, reachable
from dynmech.agents.oracle.search import Information, Value, best_of_actions
from dynmech.sim.core.arrays import BoolArray, FloatArray
from dynmech.sim.core.ties import TIE, Best, rounded_up, scale_of


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


def ex_ante_gain(best: Value, truth: Value) -> Gain:
    """Return the gain in expected payoff before anything is known."""
    return Gain(best.ex_ante - truth.ex_ante, _bound(best, truth), None)


def worst_gain(problem: Problem, best: Value, truth: Value, *, on_path: bool = False, all_states: bool = False) -> Gain:
    """Return the largest gain over reachable states, at the information that both values share."""
    states = reachable(problem, on_path=on_path)
    gains_of = _spying if best.information is Information.EX_POST else _by_own
    worst = Best[InformationState](scale_of(*best.choices))
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
        origins = all_post_decision_states(period.states, len(problem.laws_into(t)), origins.profiles)
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
        rows = problem.periods[1 if problem.stationary else t - 1].rows
        assert rows is not None
        assert state.decision is not None
        law = rows[state.decision, state.before]
    possible = period.own == state.profile
    weights = law[possible] / law[possible].sum()
    honest = int(period.truth[state.memory, np.argmax(possible)])
    worth = weights @ best.choices[t][state.memory, possible]
    return worth, float(weights @ truth.choices[t][state.memory, possible, 0]), honest


def worst_stay(problem: Problem, best: Value) -> float:
    """Return the least value of staying over reachable states, by what is known when reporting."""
    least = np.inf
    for t, (period, (_, led)) in enumerate(zip(problem.periods, reachable(problem), strict=True)):
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
        occurs, _ = reachable(problem, on_path=True)[t]
        worth = best_of_actions(period, truth.ahead[t], problem.discount)
        memory, profile = np.nonzero(occurs)
        honest = period.truth[memory, profile]
        worth_here = worth[memory, profile]
        kept = np.take_along_axis(worth_here, honest[:, None], axis=1)
        slack = TIE * max(1.0, float(np.abs(worth_here).max(initial=0.0)))
        equal = np.abs(worth_here - kept) <= slack
        matters = np.zeros(worth_here.shape, np.bool_)
        for table in (period.decision[..., 0], period.following[..., 0], period.flow.max(axis=3)):
            values = table[memory, profile]
            matters |= np.abs(values - np.take_along_axis(values, honest[:, None], axis=1)) > slack
        tied += int((equal & matters).any(axis=1).sum())
        total += len(memory)
    return tied, total
