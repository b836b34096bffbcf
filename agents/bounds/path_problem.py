"""What is enumerated along a path of nature's draws: a deviator's decision problem, row by row.

A *row* is a post-decision state (c′, a, θ): the next state of the mechanism's memory, the last decision and the last
profile. Where decisions do not move signals, the path of profiles is given, and along it a row is a memory: C of them
per period. Where they do, the path is one of uniform numbers, the next profile is a function of row and number (the
inverse of the distribution function, the same for all rows), and all rows are kept.

Axes: C merged memories, S profiles, R own messages, K = L draws × B acts; O rows; Z rows along a path; n paths.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dynmech.agents.oracle.post_decision_states import PostDecisionStates, all_post_decision_states
from dynmech.agents.oracle.problem import Period, Problem
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel

MOST_ROWS = 20_000
"""Rows that are kept along a path, at most."""


def moved_signals(environment: TableEnvironment) -> str:
    """Return where decisions move signals, in words; empty if nowhere."""
    for t in environment.table_stages:
        kernel = environment.stage(t).kernel
        tables = [] if kernel is None else _tables(kernel)
        if any((table != table[:1]).any() for table in tables):
            return f"decisions of period {t} move signals" if len(environment.stages) > 1 else "decisions move signals"
    return ""


def _tables(kernel: JointKernel | IndependentKernel) -> list[np.ndarray]:
    return [kernel.table] if isinstance(kernel, JointKernel) else list(kernel.factors)


@dataclass(frozen=True, eq=False)
class PathProblem:
    """A deviator's problem along paths.

    Attributes:
        exogenous: whether decisions do not move signals.
        periods: those of the problem, each `post_decision` being the row of the entry after it.
        rows: per entry, the post-decision states that lead to it, `(O,)`.
    """

    problem: Problem
    exogenous: bool
    periods: tuple[Period, ...]
    rows: tuple[PostDecisionStates, ...]

    def entry(self, t: int) -> int:
        """Return the entry of `periods` that is played in period t."""
        return min(t, 1) if self.problem.stationary else t

    def width(self, entry: int) -> int:
        """Return the number of rows along a path, Z."""
        return self.periods[entry].states if self.exogenous and entry else len(self.rows[entry])

    @cached_property
    def local(self) -> tuple[IntArray | None, ...]:
        """Per entry, the row along the path that each choice leads to, `(C S, R, K)`; None at the end."""
        return tuple(
            None
            if period.post_decision is None
            else (period.following if self.exogenous else period.post_decision).reshape(-1, *period.flow.shape[2:])
            for period in self.periods
        )

    def draw(self, streams: Streams, periods: int, n: int) -> list[IntArray]:
        """Return the profiles of every period along n paths: `(n, 1)` each, or `(n, Z)` where decisions move them."""
        environment = self.problem.environment
        uniforms = [streams.tape(name, 1, 0, n) for name in environment.streams(0)]
        first = environment.draw(0, None, None, np.concatenate([tape.at(0) for tape in uniforms], axis=1)).profile
        assert first is not None
        out, tapes = [first[:, None]], {}
        for t in range(1, periods):
            names = environment.streams(t)
            if names not in tapes:
                tapes[names] = [streams.tape(name, 1, 0, n) for name in names]
            numbers = np.concatenate([tape.at(t) for tape in tapes[names]], axis=1)
            out.append(self._next(t, out[-1], numbers))
        return out

    def _next(self, t: int, last: IntArray, uniforms: np.ndarray) -> IntArray:
        """Return the profiles of period t from those before it."""
        environment, n = self.problem.environment, len(uniforms)
        if self.exogenous:
            state = environment.state_at(t - 1, last[:, 0])
            profile = environment.draw(t, state, np.zeros(n, np.intp), uniforms).profile
            assert profile is not None
            return profile[:, None]
        rows = self.rows[self.entry(t)]
        move = environment.move_from(t - 1, rows.decision, rows.profile)
        places = np.tile(np.arange(len(rows)), n)
        return move(places, np.repeat(uniforms, len(rows), axis=0)).reshape(n, -1)


def along_paths(problem: Problem) -> PathProblem:
    """Return a deviator's problem along paths.

    Raises:
        Refusal: the deviator may leave; or decisions move signals, and the states that they lead to are too many.
    """
    if problem.exit:
        raise Refusal("bounds: a deviator that may leave is searched exactly only; leave --exit out")
    moved = moved_signals(problem.environment)
    first = PostDecisionStates(problem.periods[0].merged[:1], np.zeros(1, np.intp), 1)
    rows, periods = [first], []
    for t, period in enumerate(problem.periods):
        after = problem.after(t)
        if after is None:
            periods.append(replace(period, post_decision=None))
            continue
        size = period.following.shape[1]
        if moved:
            states, number = problem.post_decision_states[after], period.post_decision
            assert states is not None
            if len(states) > MOST_ROWS:
                raise Refusal(
                    f"bounds: {moved}, and the memories, decisions and profiles that they lead to are {len(states):,}, "
                    f"more than {MOST_ROWS:,}; fewer signals, decisions or memories, or signals that do not depend on "
                    "decisions, would make it possible"
                )
        else:
            count = problem.periods[after].states
            states = all_post_decision_states(count, size, size)
            number = period.following * size + np.arange(size)[:, None, None]
        periods.append(replace(period, post_decision=number))
        if len(rows) <= after:
            rows.append(states)
    return PathProblem(problem, not moved, tuple(periods), tuple(rows))
