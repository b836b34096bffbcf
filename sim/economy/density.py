"""Environments with continuous signals and a density for the law of motion: played as such, and put on a grid.

Signals live in [0, 1]. Given the decision and *everybody's* signals of this period, next period's are drawn
independently, agent j's from the density f_j(s | a, θ); so the others' next signals tell something about one's own
present one. The first signals are uniform and independent.

`on_grid` is the finite version: composite Gauss–Legendre nodes, `per_cell` in each of `cells` equal cells of [0, 1],
with probabilities f_j(s_m | a, θ) w_m, normalised.
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
    """Return nodes and weights on [0, 1]: `per_cell` Gauss–Legendre points in each of `cells` equal cells.

    Returns
    -------
    nodes, weights : float arrays, shape (cells * per_cell,)
        Increasing nodes, and weights that sum to 1.

    Examples
    --------
    >>> nodes, weights = gauss_legendre(2, 3)
    >>> round(float(weights @ nodes**5), 12) == round(1 / 6, 12)
    True
    """
    at, weight = np.polynomial.legendre.leggauss(per_cell)
    nodes = (np.arange(cells)[:, None] + (at + 1) / 2) / cells
    return nodes.reshape(-1), np.tile(weight / (2 * cells), cells)


@dataclass(frozen=True, eq=False, kw_only=True)
class DensityEnvironment(FunctionEnvironment):
    """A `FunctionEnvironment` on [0, 1] with a density; `density_environment` makes one.

    Parameters
    ----------
    name, agents, discount, horizon, signals, decisions, law, payoff, bound, grid
        As in `FunctionEnvironment`.
    density : callable
        `density(decision, signals, j, points)` returns f_j(points | a, θ), shape (n,), for decisions of shape (n,),
        signals of shape (n, N), agent j and points of shape (n,).

    Notes
    -----
    Given the decision a and all signals θ, the agents' next signals are independent; agent j's has density
    f_j(· | a, θ) on [0, 1]. The first signals are independent and uniform.
    """

    density: Callable[[Array, Array, int, Array], FloatArray]

    def likelihood(self, decision: Array, signals: Array, agent: int, points: FloatArray) -> FloatArray:
        """Return f_j at each of the points `(m,)`, for every episode: `(n, m)`."""
        return np.stack([self.density(decision, signals, agent, np.full(len(signals), s)) for s in points], axis=1)

    def on_grid(self, cells: int, per_cell: int = 1) -> TableEnvironment:
        """Return the finite version: signals on Gauss–Legendre nodes, laws normalised.

        Parameters
        ----------
        cells : int
            Equal cells into which [0, 1] is cut.
        per_cell : int
            Nodes in each cell.

        Returns
        -------
        TableEnvironment
            One repeated stage with `cells * per_cell` signals per agent.

        Raises
        ------
        InputError
            The law would hold too many numbers.
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
    """Return an environment with a density, one period repeated without end.

    Parameters
    ----------
    name : str
        The environment's name.
    agents : tuple of str
        Names of the N agents.
    discount : float
        The discount factor δ in (0, 1).
    decisions : tuple of str
        Labels of the decisions.
    payoff : callable
        `payoff(signals, decision)` returns flow utilities before transfers, shape (n, N), for signals of shape (n, N)
        and decisions of shape (n,).
    density : callable
        As in `DensityEnvironment`.
    quantile : callable
        `quantile(decision, signals, j, uniforms)` returns draws from f_j, shape (n,), for uniform numbers of shape
        (n,); elementwise over episodes.
    bound : float
        A bound on |flow utility|.
    grid : str
        The name of the finite version that is audited instead.

    Returns
    -------
    DensityEnvironment
        Signals are cut off to [0, 1].

    Raises
    ------
    InputError
        Agents, discount or bound are not valid.
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
