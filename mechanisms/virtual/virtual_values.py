"""Virtual values of a separable economy on a grid of first signals, and the weights that they freeze.

At node k of agent i: A_k = A(x_k), and θ_k either of

- *continuum*: θ = A − h A′ at the node, h = (1 − F)/f;
- *grid*: the grid as the true type space, θ_k = A_k − ((1 − F_k)/f_k)(A_{k+1} − A_k), F_k up to and with node k.

An agent that reported node k and now reports node l counts in the affine welfare with the *multiplier* μ of its slope:

    multiplicative: α = θ_k/A_k, β = 0, μ = α A_l;      additive: α = 1, β(d) = (θ_k − A_k) C(d), μ = A_l + θ_k − A_k,

so α v + β = μ · slope + intercept, and μ = θ_k where l = k. A multiplicative agent with α ≤ 0 is excluded.

Source: Kakade, Lobel and Nazerzadeh 2011, Lemma 4.1, §5; Myerson's discrete virtual value for the grid.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import BoolArray, FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.separable import Economy, FirstSignal, Grid

EXCLUDED = 1e-12
"""Weights up to this exclude an agent."""


@dataclass(frozen=True, eq=False)
class NodeValues:
    """One agent's nodes, `(m,)` each: A, θ, α, and whether it is included."""

    scale: FloatArray
    theta: FloatArray
    alpha: FloatArray
    included: BoolArray
    additive: bool

    def multiplier(self) -> FloatArray:
        """Return μ by first and current report, `(m, m)`; 0 where excluded."""
        if self.additive:
            return self.scale[None] + (self.theta - self.scale)[:, None]
        return np.where(self.included, self.alpha, 0.0)[:, None] * self.scale[None]

    @property
    def shift(self) -> FloatArray:
        """β per unit of C, `(m,)`: 0 if multiplicative."""
        return self.theta - self.scale if self.additive else np.zeros_like(self.theta)


def continuum_virtual(first: FirstSignal, grid: Grid) -> FloatArray:
    """Return θ at the nodes, as in the continuous economy."""
    return first.virtual(grid.points)


def grid_virtual(first: FirstSignal, grid: Grid) -> FloatArray:
    """Return θ at the nodes when these are all the types there are.

    >>> from scipy.stats import uniform
    >>> from dynmech.sim.economy.separable import quantiles
    >>> grid_virtual(FirstSignal(uniform()), quantiles(FirstSignal(uniform()), 5)).round(12).tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    scale = first.scale(grid.points)
    above = np.maximum(1 - np.cumsum(grid.masses), 0.0)
    above[-1] = 0.0
    step = np.append(np.diff(scale), 0.0)
    return scale - above / grid.masses * step


def node_values(economy: Economy, scale: FloatArray, theta: FloatArray) -> NodeValues:
    """Return the weights from A and θ at any nodes.

    Raises:
        Refusal: a virtual value of an additive economy is not finite (no density at a node): nobody is excluded there.
    """
    if economy.kind == "additive":
        if not np.isfinite(theta).all():
            k = int(np.argmin(np.isfinite(theta)))
            raise Refusal(
                f"environment {economy.name!r}: the virtual value of first signal number {k} is not finite: no density"
            )
        return NodeValues(scale, theta, np.ones_like(theta), np.ones(theta.shape, np.bool_), True)
    alpha = np.divide(theta, scale, out=np.full_like(theta, -np.inf), where=(scale > 0) & np.isfinite(theta))
    return NodeValues(scale, theta, alpha, alpha > EXCLUDED, False)
