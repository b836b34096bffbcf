"""The affine weights that the first reports freeze, and who counts with which multiplier.

A profile of first signals is an index below X = Π_j m_j over the agents' nodes, the last agent's the fastest digit. In
profile x, agent i has the weight α̂_i(x) and the shift β̂_i(x) per unit of C; it is excluded where α̂_i ≤ 0. The
virtual values that they come from, and the multipliers μ, are in `virtual_values`.

Source: Kakade, Lobel and Nazerzadeh 2011, §5 (18), with + for − before β̂.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.mechanisms.virtual.virtual_values import NodeValues, continuum_virtual, grid_virtual, node_values
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.economy.separable import SeparableEnvironment


@dataclass(frozen=True, eq=False)
class AffineWeights:
    """Whose values count and with which multiplier, `(n, N)` each.

    Attributes:
        multiplier: μ.
        counts: whether slope and intercept enter the sum.
        included: whether decisions that serve the agent may be taken.
    """

    multiplier: FloatArray
    counts: BoolArray
    included: BoolArray

    def without(self, agent: int) -> "AffineWeights":
        """Return the same weights with agent i left out of the sum."""
        counts = self.counts.copy()
        counts[:, agent] = False
        return AffineWeights(self.multiplier, counts, self.included)


def include_all(multiplier: FloatArray, included: BoolArray) -> AffineWeights:
    """Return weights with which everybody counts who is included."""
    return AffineWeights(np.where(included, multiplier, 0.0), included, included)


def node_of(nodes: tuple[int, ...], profile: IntArray, agent: int) -> IntArray:
    """Return agent i's node in each profile of nodes, `(n,)`; `nodes`: the number of nodes per agent.

    >>> node_of((2, 3), np.array([0, 2, 4]), 1).tolist()
    [0, 2, 1]
    """
    return profile // prod(nodes[agent + 1 :]) % nodes[agent]


def with_others(nodes: tuple[int, ...], agent: int, others: IntArray) -> IntArray:
    """Return the profiles in which agent i has node 0 and the others have the profiles `others`, `(n,)`.

    >>> with_others((2, 3), 0, np.array([0, 2])).tolist(), with_others((2, 3), 1, np.array([0, 1])).tolist()
    ([0, 2], [0, 3])
    """
    below = prod(nodes[agent + 1 :])
    high, low = np.divmod(others, below)
    return high * nodes[agent] * below + low


@dataclass(frozen=True, eq=False)
class FrozenWeights:
    """Weights by first profile, `(X, N)` each.

    Attributes:
        values: virtual values at the nodes, per agent.
        alpha: α̂; 1 where excluded.
        included: whether α̂ > 0.
        shift: β̂ per unit of C.
    """

    values: tuple[NodeValues, ...]
    alpha: FloatArray
    included: BoolArray
    shift: FloatArray

    def counted(self, frozen: IntArray, nodes: IntArray) -> AffineWeights:
        """Return who counts with which multiplier, given first and current reports, profiles `(n,)` each."""
        sizes = tuple(len(v.scale) for v in self.values)
        multiplier = np.stack(
            [v.multiplier()[node_of(sizes, frozen, i), node_of(sizes, nodes, i)] for i, v in enumerate(self.values)],
            axis=1,
        )
        return include_all(multiplier, self.included[frozen])


def frozen_weights(environment: SeparableEnvironment, *, grid: bool) -> FrozenWeights:
    """Return the weights of every first profile.

    Args:
        grid: whether virtual values take the grid for the true type space; else those of the continuous economy.

    Raises:
        Refusal: a virtual value of an additive economy is not finite.
    """
    economy, virtual = environment.economy, grid_virtual if grid else continuum_virtual
    values = tuple(
        node_values(economy, first.scale(points.points), virtual(first, points))
        for first, points in zip(economy.first, environment.grids, strict=True)
    )
    nodes = np.unravel_index(np.arange(prod(environment.nodes)), environment.nodes)
    included = np.stack([v.included[k] for v, k in zip(values, nodes, strict=True)], axis=1)
    alpha = np.stack([v.alpha[k] for v, k in zip(values, nodes, strict=True)], axis=1)
    shift = np.stack([v.shift[k] for v, k in zip(values, nodes, strict=True)], axis=1)
    return FrozenWeights(values, np.where(included, alpha, 1.0), included, shift)
