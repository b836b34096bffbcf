"""Contingent transfers for continuous signals: incentive compatible up to ε.

Timing (code periods): at t reports r_t ∈ [0, 1]^N, decision a_t = a*(r_t); nothing is paid for it at t. At t + 1 agent
i pays p^i(y; a_t, o[, r_t^i]), with o the others' reports of t and y the *bracket* of each rival's report of t + 1
(`brackets` equal ones). For decision and others' reports on nodes the transfers are chosen as
`dynmech.mechanisms.numerics.brackets` says, to come close to

    δ E[p^i | a, (θ^i, o)] = v^i(a, θ) = −Σ_{j≠i} u^j(a, θ)   for every own signal θ^i;

between nodes they are interpolated, in o and, where they depend on it, in r^i. a*(r) maximises Σ u + δ E[W | a, r],
with W from the planner on a grid and the expectation at the true densities.

Guarantee: if δ E[p] misses v nowhere by more than ε, no deviation gains more than 2ε/(1 − δ) at any profile (one lie or
many), half of that in the one-sided version, besides what a* falls short. So for gains of at most ε it must miss by at
most ε(1 − δ)/2. As brackets get finer and transfers larger, ε falls to 0 if beliefs about the rivals' next signals are
linearly (one-sided: convexly) independent. `dynmech.experiments.audits.continuous` measures ε, and where it comes from.

Assumptions: independent beliefs at every pair of own signals.

Source: Liu 2014, §5, Lemmas 5.1 and 5.2; the factor 2/(1 − δ) is missing in print.
"""

from collections.abc import Callable
from itertools import product
from typing import Literal

import numpy as np

from dynmech.mechanisms.numerics.brackets import bounded, one_sided, ridge
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.density import UNIT, DensityEnvironment, gauss_legendre
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.roles import Acts, Promises, Situation

Method = Literal["ridge", "bounded", "one-sided"]

INSIDE = 6
"""Gauss–Legendre points per bracket at which its probability is worked out."""

FINER = 4
"""Own signals at which a target is to be hit, per node of the others' reports."""


class ContingentDensity(Mechanism):
    """Contingent transfers for densities: they depend on brackets of the rivals' next reports.

    Args:
        method: `ridge`, `bounded` or `one-sided`.
        brackets: M.
        nodes: of each other agent's reports between which transfers are interpolated.
        ridge: λ, for `ridge`.
        bound: B, for `bounded` and `one-sided`.
        planner: nodes per bracket of the grid on which W is worked out.

    Raises:
        Refusal: the economy has no density.
        InputError: a number makes no sense.
    """

    name = "contingent-density"
    source = "Liu 2014 §5, Lemmas 5.1 and 5.2"
    promises = Promises(assumptions=("independent beliefs at every pair of own signals (Lemmas 5.1, 5.2)",))

    environment: DensityEnvironment

    def __init__(
        self,
        environment: Environment,
        method: Method = "ridge",
        brackets: int = 6,
        nodes: int = 9,
        ridge: float = 1e-6,
        bound: float = 50.0,
        planner: int = 2,
    ) -> None:
        super().__init__(environment)
        if not isinstance(environment, DensityEnvironment) or not isinstance(environment.decisions, Finite):
            raise self.refuse("it needs continuous signals with a density (dynmech.sim.economy.density)")
        for label, number, least in (("brackets", brackets, 1), ("nodes", nodes, 2), ("planner", planner, 1)):
            if number < least:
                raise InputError(f"{label}: {number} is below {least}")
        for label, size in (("ridge", ridge), ("bound", bound)):
            if size < 0:
                raise InputError(f"{label}: {size:g} is below 0")
        self.method, self.brackets = method, brackets
        self.decisions = environment.decisions.size
        self.nodes = np.linspace(0, 1, nodes)
        self.own = np.linspace(0, 1, FINER * (nodes - 1) + 1)
        self.grid = gauss_legendre(brackets, planner)
        self.value = plan(environment.on_grid(brackets, planner)).value[0]
        solve = self._solver(ridge, bound)
        self.tables = [self._table(i, solve) for i in range(len(environment.agents))]

    def _solver(self, weight: float, bound: float) -> Callable[[FloatArray, FloatArray], FloatArray]:
        """Return the function from F `(Y, T)` and v `(T,)` to p, `(Y,)`, or `(Y, T)` if it depends on the report."""
        discount = self.environment.discount
        match self.method:
            case "ridge":
                return lambda f, v: ridge(f, v, discount, weight)
            case "bounded":
                return lambda f, v: bounded(f, v, discount, bound)
            case _:
                return lambda f, v: one_sided(f, v, discount, bound)

    def _table(self, agent: int, solve: Callable[[FloatArray, FloatArray], FloatArray]) -> FloatArray:
        """Return p^i at nodes, `(D, *nodes of the others[, own], Y)`."""
        count = len(self.environment.agents)
        rows = []
        for decision in range(self.decisions):
            for others in product(self.nodes, repeat=count - 1):
                signals = np.insert(np.tile(others, (len(self.own), 1)), agent, self.own, axis=1)
                taken = np.full(len(signals), decision)
                rows.append(solve(self.probabilities(agent, taken, signals).T, self.target(agent, taken, signals)).T)
        return np.array(rows).reshape(self.decisions, *(len(self.nodes),) * (count - 1), *rows[0].shape)

    def target(self, agent: int, decision: Array, signals: Array) -> FloatArray:
        """Return v^i = −Σ_{j≠i} u^j, `(n,)`."""
        return -np.delete(self.environment.payoff(0, signals, decision), agent, axis=1).sum(axis=1)

    def probabilities(self, agent: int, decision: Array, signals: Array) -> FloatArray:
        """Return P(the rivals' next signals in each box | a, θ), `(n, Y)`."""
        points, weights = gauss_legendre(self.brackets, INSIDE)
        out = np.ones((len(signals), 1))
        for j in range(len(self.environment.agents)):
            if j != agent:
                mass = self.environment.likelihood(decision, signals, j, points) * weights
                box = mass.reshape(len(signals), self.brackets, INSIDE).sum(axis=2)
                box = box / box.sum(axis=1, keepdims=True)
                out = (out[:, :, None] * box[:, None, :]).reshape(len(signals), -1)
        return out

    # Rules

    @property
    def lags(self) -> int:
        """1: transfers fall due one period later."""
        return 1

    def memory_size(self, t: int) -> int | None:
        """Return None after period 0: decision and reports are numbers."""
        return 1 if t == 0 else None

    def messages(self, t: int, agent: int) -> Interval:  # noqa: ARG002 - the protocol's
        """Return the interval [0, 1]."""
        return UNIT

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the true signal, `(n,)`."""
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:  # noqa: ARG002
        """Return the lowest decision that maximises Σ u + δ E[W | a, r], `(n,)`."""
        scale = money_scale(self.environment)
        best, worth = np.zeros(len(messages), np.intp), np.full(len(messages), -np.inf)
        for decision in range(self.decisions):
            quality = self.quality(np.full(len(messages), decision), messages)
            better = quality > worth + TIE * scale
            best, worth = np.where(better, decision, best), np.where(better, quality, worth)
        return best

    def quality(self, decision: Array, signals: Array) -> FloatArray:
        """Return Q(a, θ) = Σ u + δ E[W(θ′) | a, θ], `(n,)`, summed in an order that does not depend on the batch."""
        flows = self.environment.payoff(0, signals, decision)
        total = np.zeros(len(signals))
        for i in range(flows.shape[1]):
            total = total + flows[:, i]
        ahead = self.value.reshape(1, *self.value.shape)
        nodes, weights = self.grid
        for j in range(flows.shape[1]):
            mass = self.environment.likelihood(decision, signals, j, nodes) * weights
            ahead, sums = _fold(mass, ahead)
            ahead = ahead / sums.reshape(-1, *(1,) * (ahead.ndim - 1))
        return total + self.environment.discount * ahead

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return decision and reports, `(n, 1 + N)`."""
        return np.concatenate([decision[:, None].astype(np.float64), messages], axis=1)

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return p^i(brackets of the others' reports; last decision, last reports), `(n, N)`."""
        if now.memory.ndim == 1:
            return np.zeros(messages.shape)
        decision, last = now.memory[:, 0].astype(np.intp), now.memory[:, 1:]
        return np.stack([self.transfer(i, decision, last, messages) for i in range(messages.shape[1])], axis=1)

    def transfer(self, agent: int, decision: IntArray, last: Array, messages: Array) -> FloatArray:
        """Return p^i, `(n,)`, interpolated between nodes."""
        box = np.zeros(len(messages), np.intp)
        coordinates: list[tuple[IntArray, FloatArray]] = []
        for j in range(messages.shape[1]):
            if j != agent:
                box = box * self.brackets + np.minimum(
                    (messages[:, j] * self.brackets).astype(np.intp), self.brackets - 1
                )
                coordinates.append(_between(last[:, j], len(self.nodes)))
        if self.method == "one-sided":
            coordinates.append(_between(last[:, agent], len(self.own)))
        out = np.zeros(len(messages))
        for corner in product((0, 1), repeat=len(coordinates)):
            weight = np.ones(len(messages))
            index = [decision]
            for upper, (low, share) in zip(corner, coordinates, strict=True):
                weight = weight * (share if upper else 1 - share)
                index.append(low + upper)
            out = out + weight * self.tables[agent][(*index, box)]
        return out

    def transfer_bound(self) -> float:
        """Return the largest entry of the tables."""
        return max(float(np.abs(table).max()) for table in self.tables)


def _between(at: Array, nodes: int) -> tuple[IntArray, FloatArray]:
    """Return the node below on an even grid of [0, 1], and the share of the way to the next one."""
    scaled = at * (nodes - 1)
    low = np.minimum(scaled.astype(np.intp), nodes - 2)
    return low, scaled - low


def _fold(mass: FloatArray, ahead: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return Σ_m mass[:, m] ahead[:, m, …] and Σ_m mass[:, m], added one term after the other."""
    total = np.zeros((len(mass), *ahead.shape[2:]))
    sums = np.zeros(len(mass))
    for m in range(mass.shape[1]):
        total = total + mass[:, m].reshape(-1, *(1,) * (ahead.ndim - 2)) * ahead[:, m]
        sums = sums + mass[:, m]
    return total, sums
