"""What states are worth at best and at worst when nature picks the law in a ball: robust dynamic programming.

The law may depend on the state, memory included: rows are free of each other, so that values are fixed points of a
δ-contraction (Iyengar 2005; Nilim and El Ghaoui 2005). What is returned is on the safe side of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dynmech.agents.oracle.post_decision_states import PostDecisionStates
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.robustness.balls import Ball, highest
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.ties import scale_of

PRECISION = 1e-12
"""Residual aimed at, relative to the largest value."""

SWEEPS = 20_000

ROOM = 1 << 20
"""Numbers that are sorted at a time."""


@dataclass(frozen=True, eq=False)
class Walk:
    """A deviator's problem in which nothing is averaged over the law yet; states are (memory, profile), flat.

    Attributes:
        problem: what is due is counted when it falls due.
        stage: the stage of every entry of the problem's periods.
        error: by how much the deviator's utility of any decision at any profile may be off, either way.
        patience: the discount factor may be off by that much, either way.
    """

    problem: Problem
    stage: tuple[int, ...]
    error: float = 0.0
    patience: float = 0.0

    @property
    def discounts(self) -> tuple[float, float]:
        """The least and the largest discount factor."""
        return self.problem.discount - self.patience, self.problem.discount + self.patience

    def discounted(self, value: FloatArray) -> FloatArray:
        """Return the largest that values which follow are worth now."""
        low, high = self.discounts
        return low * value if low == high else np.maximum(low * value, high * value)

    def flow(self, t: int) -> FloatArray:
        """Return flows by state and choice, `(n, Q)`: a choice is a message and an act."""
        flow = self.problem.periods[t].flow
        return flow.reshape(flow.shape[0] * flow.shape[1], -1)

    def leads(self, t: int) -> IntArray:
        """Return the post-decision state of every choice, `(n, Q)`."""
        number = self.problem.periods[t].post_decision
        assert number is not None
        return number.reshape(number.shape[0] * number.shape[1], -1)

    def events(self, t: int) -> IntArray:
        """Return the event of every choice, decision × S + profile, `(n, Q)`: decisions with the acts that are done."""
        period = self.problem.periods[t]
        profiles = period.flow.shape[1]
        event = period.decision * profiles + np.arange(profiles)[:, None, None]
        return event.reshape(period.flow.shape[0] * profiles, -1)

    def honest(self, t: int) -> IntArray:
        """Return the prescribed choice of every state, `(n,)`."""
        period = self.problem.periods[t]
        act = np.take_along_axis(period.obey[..., 0], period.truth[..., None], axis=2)[..., 0]
        return (period.truth * period.acts + act).reshape(-1)

    def origins(self, t: int) -> PostDecisionStates:
        """Return the post-decision states that lead out of entry t."""
        after = self.problem.after(t)
        assert after is not None
        states = self.problem.post_decision_states[after]
        assert states is not None
        return states

    @property
    def last(self) -> int:
        """The last entry."""
        return len(self.problem.periods) - 1

    @cached_property
    def money(self) -> float:
        """The scale of flows."""
        return scale_of(self.problem.environment.scale, *(self.flow(t) for t in range(len(self.problem.periods))))


def walk_of(game: FiniteGame, agent: int, error: float = 0.0, patience: float = 0.0) -> Walk:
    """Return an agent's problem with all payments counted when they are made.

    Args:
        error: of the agent's utilities.
        patience: error of the discount factor.

    Raises:
        InputError: the discount factor would not be one.
        Refusal: the mechanism decides by lottery, or the search is too large.
    """
    discount = game.environment.discount
    most = 1.0 if game.environment.horizon is not None else np.nextafter(1.0, 0.0)
    if patience and not (discount - patience > 0 and discount + patience <= most):
        raise InputError(f"discount error: {discount:g} ± {patience:g} is not within (0, 1)")
    problem = replace(build_problem(game, (agent,), exit=True), exit=False)
    if any(period.draws > 1 for period in problem.periods):
        raise Refusal(f"mechanism {game.mechanism.name!r}: decides by lottery; worst laws are found for decisions only")
    environment = game.environment
    stages = tuple(min(t, len(environment.stages) - 1) for t in range(len(problem.periods)))
    return Walk(problem, (0, 0) if problem.stationary else stages, error, patience)


@dataclass(frozen=True, eq=False)
class RobustValues:
    """By entry, `(n,)`: no lie is worth more than `lie`; prescribed play is worth between `low` and `high`."""

    lie: tuple[FloatArray, ...]
    low: tuple[FloatArray, ...]
    high: tuple[FloatArray, ...]


def robust_values(walk: Walk, ball: Ball) -> RobustValues:
    """Return robust values of every state."""

    def best(t: int, ahead: FloatArray | None) -> FloatArray:
        worth = walk.flow(t) if ahead is None else walk.flow(t) + walk.discounted(ahead)[walk.leads(t)]
        return worth.max(axis=1) + walk.error

    def truth(t: int, ahead: FloatArray | None, sign: int) -> FloatArray:
        """Return the highest of sign × what truth is worth."""
        choice = walk.honest(t)[:, None]
        flow = sign * np.take_along_axis(walk.flow(t), choice, 1)[:, 0] + walk.error
        if ahead is None:
            return flow
        return flow + walk.discounted(ahead)[np.take_along_axis(walk.leads(t), choice, 1)[:, 0]]

    lie = _solved(walk, ball, best)
    high = _solved(walk, ball, lambda t, x: truth(t, x, 1))
    low = _solved(walk, ball, lambda t, x: truth(t, x, -1))
    return RobustValues(lie, tuple(-value for value in low), high)


Step = Callable[[int, FloatArray | None], FloatArray]
"""From the worth of what follows post-decision states, that of the states of an entry."""


def _solved(walk: Walk, ball: Ball, step: Step) -> tuple[FloatArray, ...]:
    """Return the highest values by entry, on the upper side of the truth."""
    problem = walk.problem
    if not problem.stationary:
        values = [step(walk.last, None)]
        for t in reversed(range(walk.last)):
            values.insert(0, step(t, expected_best(walk, ball, t, values[0])))
        return tuple(values)
    discount = walk.discounts[1]
    value = np.zeros(len(walk.flow(1)))
    error = np.inf
    for _ in range(SWEEPS):
        better = step(1, expected_best(walk, ball, 1, value))
        error = float(np.abs(better - value).max()) * discount / (1 - discount)
        value = better
        if error <= PRECISION * scale_of(walk.money, value):
            break
    value = value + error
    return step(0, expected_best(walk, ball, 1, value)), value


def expected_best(walk: Walk, ball: Ball, t: int, value: FloatArray) -> FloatArray:
    """Return the highest expectation of next entry's values at every post-decision state out of entry t, `(P,)`."""
    origins, rows, radii = walk.origins(t), ball.rows[walk.stage[t]], ball.radii[walk.stage[t]]
    assert rows is not None
    assert radii is not None
    table = value.reshape(-1, rows.shape[1])
    out = np.empty(len(origins))
    step = max(1, ROOM // rows.shape[1])
    for start in range(0, len(out), step):
        part = slice(start, start + step)
        event = origins.event[part]
        out[part] = highest(table[origins.memory[part]], rows[event], radii[event])
    return out
