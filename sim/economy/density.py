"""Economies with continuous signals and a density for the law of motion: played as such, and put on a grid.

Signals live in [0, 1]. Given the decision and *everybody's* signals of this period, next period's are drawn
independently, agent j's from the density f_j(s | a, θ); so the others' next signals tell something about one's own
present one. The first signals are uniform and independent.

`on_grid` is the finite version: composite Gauss–Legendre nodes, `per_cell` in each of `cells` equal cells of [0, 1],
with probabilities f_j(s_m | a, θ) w_m, normalised; how far they were from summing to 1 is its quadrature error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage

LARGEST = 60_000_000
"""Numbers that the law of a grid version may hold."""

UNIT = Interval(0.0, 1.0)


def gauss_legendre(cells: int, per_cell: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on [0, 1]: `per_cell` Gauss–Legendre points in each of `cells` equal cells.

    >>> nodes, weights = gauss_legendre(2, 3)
    >>> round(float(weights @ nodes**5), 12) == round(1 / 6, 12)
    True
    """
    at, weight = np.polynomial.legendre.leggauss(per_cell)
    nodes = (np.arange(cells)[:, None] + (at + 1) / 2) / cells
    return nodes.reshape(-1), np.tile(weight / (2 * cells), cells)


@dataclass(frozen=True, eq=False, kw_only=True)
class DensityEnvironment(FunctionEnvironment):
    """A `FunctionEnvironment` on [0, 1] with a density; made by `density_environment`.

    Attributes:
        density: (decision `(n,)`, signals `(n, N)`, agent j, points `(n,)`) to f_j(points | a, θ), `(n,)`.
    """

    density: Callable[[Array, Array, int, Array], FloatArray]

    def likelihood(self, decision: Array, signals: Array, agent: int, points: FloatArray) -> FloatArray:
        """f_j at each of the same points `(m,)`, for every episode: `(n, m)`."""
        return np.stack([self.density(decision, signals, agent, np.full(len(signals), s)) for s in points], axis=1)

    def on_grid(self, cells: int, per_cell: int = 1) -> TableEnvironment:
        """The finite version.

        Raises:
            InputError: it would hold too many numbers.
        """
        nodes, weights = gauss_legendre(cells, per_cell)
        count, axes = len(self.agents), (len(nodes),) * len(self.agents)
        assert isinstance(self.decisions, Finite)
        decisions = self.decisions.size
        if decisions * prod(axes) ** 2 > LARGEST:
            raise InputError(
                f"environment {self.name!r}: a law on {len(nodes)} nodes per agent holds "
                f"{decisions * prod(axes) ** 2:,} numbers, more than {LARGEST:,}; take fewer nodes"
            )
        signals = nodes[np.indices(axes).reshape(count, -1).T]
        utility = np.empty((count, decisions, *axes))
        law = np.empty((decisions, *axes, *axes))
        for d in range(decisions):
            decision = np.full(len(signals), d)
            utility[:, d] = self.payoff(0, signals, decision).T.reshape(count, *axes)
            law[d] = self._law_on(decision, signals, nodes, weights).reshape(*axes, *axes)
        labels = (tuple(f"{x:.6f}" for x in nodes),) * count
        stage = Stage(labels, self.decisions.labels, utility, JointKernel(law, axes, axes))
        prior = np.ones(())
        for _ in range(count):
            prior = np.multiply.outer(prior, weights)
        name = f"{self.name} on {len(nodes)} nodes"
        return TableEnvironment(name, self.agents, prior / prior.sum(), (stage,), self.discount, self.horizon)

    def _law_on(self, decision: Array, signals: Array, nodes: FloatArray, weights: FloatArray) -> FloatArray:
        """P(θ′ | a, θ) at nodes, `(n, K^N)`."""
        law = np.ones((len(signals), 1))
        for j in range(len(self.agents)):
            mass = self.likelihood(decision, signals, j, nodes) * weights
            law = (law[:, :, None] * (mass / mass.sum(axis=1, keepdims=True))[:, None, :]).reshape(len(signals), -1)
        return law

    def quadrature_error(self, cells: int, per_cell: int = 1) -> float:
        """How far from 1 the nodes' masses sum to before they are normalised, at most, over a grid's profiles."""
        nodes, weights = gauss_legendre(cells, per_cell)
        signals = nodes[np.indices((len(nodes),) * len(self.agents)).reshape(len(self.agents), -1).T]
        assert isinstance(self.decisions, Finite)
        return max(
            float(np.abs(self.likelihood(np.full(len(signals), d), signals, j, nodes) @ weights - 1).max())
            for d in range(self.decisions.size)
            for j in range(len(self.agents))
        )


def density_environment(
    *,
    name: str,
    agents: tuple[str, ...],
    discount: float,
    decisions: tuple[str, ...],
    payoff: Callable[[Array, Array], FloatArray],
    density: Callable[[Array, Array, int, Array], FloatArray],
    quantile: Callable[[Array, Array, int, Array], FloatArray],
    bound: float,
    grid: str = "",
) -> DensityEnvironment:
    """An endless economy of one repeated period.

    Args:
        payoff: (signals `(n, N)`, decision `(n,)`) to flow utilities `(n, N)`.
        density: see `DensityEnvironment`.
        quantile: (decision `(n,)`, signals `(n, N)`, agent j, uniform numbers `(n,)`) to draws from f_j, `(n,)`;
            elementwise over episodes.
        bound: the largest |flow utility|.

    Raises:
        InputError: as `FunctionEnvironment`.
    """

    def law(_t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:
        if last is None or decision is None:
            return uniforms
        drawn = [quantile(decision, last, j, uniforms[:, j]) for j in range(len(agents))]
        return np.clip(np.stack(drawn, axis=1), 0.0, 1.0)

    return DensityEnvironment(
        name=name,
        agents=agents,
        discount=discount,
        horizon=None,
        signals=(UNIT,) * len(agents),
        decisions=Finite(decisions),
        law=law,
        payoff=lambda _t, signals, decision: payoff(signals, decision),
        bound=bound,
        grid=grid,
        density=density,
    )
