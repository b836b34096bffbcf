"""The dynamic generalised VCG mechanism: one-dimensional signals, payments for this period's decision only.

Timing: reports, decision a*(r), payment at once. Fix agent i and the others' signals. Along agent i's signals the
efficient decisions a¹ ≺ a² ≺ … are chosen on intervals; x_κ is the lowest signal at which a^κ is chosen. A report at
which a^k is chosen costs a sum of increments, nothing on the lowest interval:

    p^i(r) = Σ_{κ=2}^{k} π_κ,
    V^i_t(a, θ) = u^i(a, θ) + δ E[V^i_{t+1}(θ′) | a, θ],    V^i_t(θ) = V^i_t(a*(θ), θ) − p^i(θ).

With D = V^i(a^κ, ·) − V^i(a^{κ−1}, ·) and S = W(a^κ, ·) − W(a^{κ−1}, ·), the increments are

    printed:  π_κ = D(x_κ) − S(x_κ),  what the change costs the others;
    clipped:  the same, kept within [D(x_κ − 1), D(x_κ)], so that the signals below x_κ decline the change and those
              from x_κ on accept it.

On a continuum S(x_κ) = 0 and the two agree. On a grid S(x_κ) > 0: where the others gain from agent i's signal too, the
printed increment is so low that the signal below x_κ wants the change as well.

Infinite horizon: the stationary solution of the recursion. Going back from a distant last period usually leads there,
but need not: payments can stretch differences of values from one period to the one before. Then the equations, which
are affine while every increment stays at the same end of its interval (or inside), are solved directly.

Guarantee: periodic ex post incentive compatible and efficient with interdependent values, where decisions have interval
order and V^i has increasing differences (`one_dimensional`). Dynamic pivot payments come out where values are private,
types independent, and the decision at agent i's lowest signal is optimal for the others, for instance because an agent
with that signal gets nothing out of any decision and keeps that signal whatever is decided.

Assumptions: one-dimensional signals, independent types, single crossing, increasing differences.

Source: Liu 2014, §3.4, eq. (4) with κ from 2 on, and Theorem 3.8; the clipping is ours.
"""

from typing import Literal

import numpy as np

from dynmech.mechanisms.conditions.one_dimensional import (
    increasing_differences,
    interval_order,
    single_crossing,
)
from dynmech.mechanisms.conditions.places import others_text
from dynmech.mechanisms.numerics.ex_post import own_last
from dynmech.mechanisms.planning.planner import continuation
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import largest_place, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises

LOW, INSIDE, HIGH = 0, 1, 2
"""Where an increment lies: at D(x − 1), at what the change costs the others, at D(x)."""

PRECISION = 1e-13
"""Change of values in a sweep at which the fixed point is reached, relative to the largest, or the economy's scale."""

LOOSEST = 1e-9
"""The same, above which values are no fixed point."""

SWEEPS = 100_000
"""Sweeps before giving up, `IDLE` of them without progress."""

IDLE = 500

DENSE = 1500
"""Profiles up to which the equations are solved directly."""

SLACK = 1e-9
"""By how much, relative to the largest value, an own difference may fall and be taken for constant."""


class GeneralizedVCG(FlowMechanism):
    """Generalised VCG: externalities added up along the agent's own signals.

    Args:
        increments: `clipped` (incentive compatible on a grid) or `printed` (eq. (4), right on a continuum).

    Raises:
        Refusal: a decision is not chosen on an interval, own differences fall where the decision changes (clipped), or
            no stationary values were found; names agent, period, decisions, signal and the others' profile.
    """

    name = "generalized-vcg"
    source = "Liu 2014 §3.4, Theorem 3.8"
    promises = Promises(
        incentive="periodic ex post",
        efficient=True,
        assumptions=("one-dimensional signals", "independent types", "single crossing", "increasing differences"),
    )

    def __init__(self, environment: TableEnvironment, increments: Literal["clipped", "printed"] = "clipped") -> None:
        super().__init__(environment)
        self.clipped = increments == "clipped"
        ordered = interval_order(environment, self.plan)
        if not ordered.holds:
            where = ", ".join(f"{key} {value}" for key, value in ordered.where.items())
            raise self.refuse(f"along a signal a decision is chosen, given up and chosen again ({where})")
        self.values = [self._fixed_point()] if environment.stationary else self._backwards()
        if self.clipped:
            for t in self.distinct_periods:
                for i in range(len(environment.agents)):
                    self._require_increments(t, i)

    def flow_table(self, t: int) -> FloatArray:
        """Return the payments p^i at every reported profile, `(N, *A)`."""
        return np.stack([self._payment(t, i, self.own_value(t, i)) for i in range(len(self.environment.agents))])

    def own_value(self, t: int, agent: int) -> FloatArray:
        """Return V^i_t(a, θ), `(D, *A)`, before this period's payment."""
        if self.plan.stationary:
            return self._own_value(t, agent, self.values[0])
        return self._own_value(t, agent, self.values[t + 1] if t + 1 < len(self.values) else None)

    def conditions(self) -> list[Condition]:
        """Return what the guarantee rests on, each with the place at which it is worst."""
        return [
            interval_order(self.environment, self.plan),
            single_crossing(self.environment, self.plan),
            increasing_differences(self.environment, self.plan, self.own_value),
        ]

    # Values

    def _own_value(self, t: int, agent: int, following: FloatArray | None) -> FloatArray:
        """Return u^i + δ E[V^i_{t+1}], `(D, *A)`, from V_{t+1} `(N, *A)`; None after the last period."""
        own = self.environment.stage(t).utility[agent]
        return own if following is None else own + continuation(self.environment, t, following[agent])

    def _before(self, t: int, following: FloatArray | None) -> FloatArray:
        """Return V_t(θ) from V_{t+1}(θ′), `(N, *A)`."""
        tables = [self._own_value(t, i, following) for i in range(len(self.environment.agents))]
        return np.stack([self.efficient(t, table) - self._payment(t, i, table) for i, table in enumerate(tables)])

    def _backwards(self) -> list[FloatArray]:
        """Return V_t(θ), `(N, *A)` for every period."""
        values: list[FloatArray] = []
        for t in reversed(self.distinct_periods):
            values.insert(0, self._before(t, values[0] if values else None))
        return values

    def _fixed_point(self) -> FloatArray:
        """Return V(θ), `(N, *A)`, from a distant last period, or else from the equations."""
        value, left = self._iterate()
        if left > LOOSEST and self.environment.stage(0).size <= DENSE:
            value = np.stack([self._solve(i, value[i]) for i in range(len(value))])
            left = self._left(self._before(0, value) - value, value)
        if not left <= LOOSEST:
            raise self.refuse(f"no stationary values were found: under its payments they keep changing by {left:.3g}")
        return value

    def _iterate(self) -> tuple[FloatArray, float]:
        """Return values and how much they still change; centred, as a constant k added to V^i returns as δ k."""
        weight = self.environment.discount / (1 - self.environment.discount)
        value = np.zeros((len(self.environment.agents), *self.environment.stage(0).axes))
        best, lowest, idle = value, np.inf, 0
        for _ in range(SWEEPS):
            better = self._before(0, value)
            left = self._left(better - value, value)
            best, lowest, idle = (value, left, 0) if left < lowest else (best, lowest, idle + 1)
            if left <= PRECISION or idle >= IDLE:
                break
            step = (better - value).reshape(len(value), -1)
            middle = (step.max(axis=1) + step.min(axis=1)) / 2
            value = better + weight * middle.reshape(-1, *(1,) * (value.ndim - 1))
        return best, lowest

    def _left(self, step: FloatArray, value: FloatArray) -> float:
        """Return the largest step, relative to the largest value (at least the economy's scale)."""
        return float(np.abs(step).max()) / scale_of(self.environment.scale, value)

    def _solve(self, agent: int, value: FloatArray) -> FloatArray:
        """Return V^i, `(*A)`: solve the affine equations at the increments' ends until these no longer move."""
        stage = self.environment.stage(0)
        ahead = self.environment.discount * np.moveaxis(self.environment.kernel(0).rows(), -1, 0)
        linear = ahead.reshape(stage.size, len(stage.decisions), *stage.axes)
        for _ in range(100):
            own = self._own_value(0, agent, np.stack([value] * len(self.environment.agents)))
            ends = self._increment_ends(0, agent, own)
            constant = self._net(0, agent, stage.utility[agent], ends, self._surplus(0, agent)).reshape(-1)
            matrix = self._net(0, agent, linear, ends, np.zeros(ends.shape)).reshape(stage.size, -1).T
            solution = np.linalg.solve(np.eye(stage.size) - matrix, constant)
            settled = np.array_equal(value.reshape(-1), solution)
            value = np.asarray(solution, dtype=np.float64).reshape(stage.axes)
            if settled:
                break
        return value

    # Payments

    def _net(self, t: int, agent: int, table: FloatArray, ends: IntArray, surplus: FloatArray) -> FloatArray:
        """Return a table `(…, D, *A)` at the efficient decision, less the sum of its increments at `ends`."""
        return self.efficient(t, table) - self._cumulate(t, agent, self._at(t, agent, table, ends, surplus))

    def _payment(self, t: int, agent: int, own_value: FloatArray) -> FloatArray:
        """Return p^i_t, `(*A)`."""
        ends, surplus = self._increment_ends(t, agent, own_value), self._surplus(t, agent)
        return self._cumulate(t, agent, self._at(t, agent, own_value, ends, surplus))

    def _at(self, t: int, agent: int, table: FloatArray, ends: IntArray, surplus: FloatArray) -> FloatArray:
        """Return increments from one signal to the next, each at its end (LOW, INSIDE or HIGH), `(…, O_i, K_i − 1)`."""
        low, high = self._differences(t, agent, table)
        return np.where(ends == LOW, low, high) - np.where(ends == INSIDE, surplus, 0.0)

    def _increment_ends(self, t: int, agent: int, own_value: FloatArray) -> IntArray:
        """Return LOW, INSIDE or HIGH, `(O_i, K_i − 1)`."""
        low, high = self._differences(t, agent, own_value)
        inside = high - self._surplus(t, agent)
        ends = np.where(inside > high, HIGH, np.where(inside < np.minimum(low, high), LOW, INSIDE))
        return ends if self.clipped else np.full(ends.shape, INSIDE)

    def _surplus(self, t: int, agent: int) -> FloatArray:
        """Return S at the signal of change, `(O_i, K_i − 1)`."""
        return self._differences(t, agent, self.plan.quality[self.plan.at(t)])[1]

    def _differences(self, t: int, agent: int, table: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what the next signal's decision adds to a table `(…, D, *A)`, just below and at that signal."""
        along, chosen = own_last(self.environment.stage(t), agent, table), self._chosen(t, agent)
        others = np.arange(len(chosen))[:, None]
        at = np.arange(1, chosen.shape[1])
        before, after = chosen[:, :-1], chosen[:, 1:]
        below, at_signal = (along[..., after, others, k] - along[..., before, others, k] for k in (at - 1, at))
        return below, at_signal

    def _cumulate(self, t: int, agent: int, increments: FloatArray) -> FloatArray:
        """Return sums of increments along the agent's signals, `(…, *A)`; 0 where the decision stays the same."""
        stage = self.environment.stage(t)
        own = stage.offset + agent
        rest = tuple(width for j, width in enumerate(stage.axes) if j != own)
        lead = increments.shape[:-2]
        total = np.zeros((*lead, len(self._chosen(t, agent)), stage.axes[own]))
        np.cumsum(increments, axis=-1, out=total[..., 1:])
        return np.moveaxis(total.reshape(*lead, *rest, -1), -1, len(lead) + own)

    def _chosen(self, t: int, agent: int) -> IntArray:
        """Return a*, `(O_i, K_i)`."""
        return own_last(self.environment.stage(t), agent, self.plan.policy[self.plan.at(t)])

    def _require_increments(self, t: int, agent: int) -> None:
        """Refuse where no increment makes the signal below decline a change and the one at which it comes accept it."""
        own_value, chosen = self.own_value(t, agent), self._chosen(t, agent)
        low, high = self._differences(t, agent, own_value)
        fall = low - high
        if fall.max(initial=0.0) <= SLACK * scale_of(self.environment.scale, own_value):
            return
        others, k = largest_place(fall, scale_of(own_value))
        stage, name = self.environment.stage(t), self.environment.agents[agent]
        before, after = (stage.decisions[d] for d in chosen[others, k : k + 2])
        raise self.refuse(
            f"in period {t} agent {name!r} gains {fall.max():.3g} less from {after!r} instead "
            f"of {before!r} at the signal {stage.signals[agent][k + 1]} that brings it about than at "
            f"{stage.signals[agent][k]}, the others at ({others_text(stage, agent, others)})"
        )
