"""The rents that agents must be left with at the first report, by the envelope: exactly or on a grid.

With b(z) = E Σ_{t≥1} δ^t slope at the allocation that report z leads to (the others' first signals given), the payoff
of agent i with first signal x must be

    U(x) = ∫_0^x A′(z) b(z) dz.                                                                     (*)

b is the slope of w(θ) = δ E[W − W_{−i}] in the agent's own multiplier θ, a convex and piecewise linear function. So (*)
is exact over the pieces of w; where A moves in proportion to θ, dA = ρ dθ (uniform signals and A = x: ρ = ½), it is
ρ [w(θ(x)) − w(θ(0))] at once. Readings of a grid:

- `exact_rents`: (*) over all of [0, x], not over the nodes;
- `left_sums`: U_k = Σ_{l<k} (A_{l+1} − A_l) b_l: right for the grid as the true type space in the relaxed economy;
- `binding_rents`: U_{k+1} = U_k + [w(μ_{k,k+1}) − w(μ_{k,k})]/α_k: the payoffs differ by what type k + 1 would gain
  over type k after *k's* report, so that no upward lie gains, with pivot prices;
- `cell_sums`: every cell's b at its middle.

Source: Kakade, Lobel and Nazerzadeh 2011, Lemma 3.2, §5.2 (24)–(25).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.numerics.piecewise_linear import Pieces, convex_pieces
from dynmech.mechanisms.virtual.virtual_values import NodeValues
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.separable import FirstSignal, Grid

PROPORTIONAL = 1e-12
"""How far A may be, relative to its largest value, from a linear function of θ where it is taken for one."""

Worth = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]
"""(own multiplier `(n,)`, the others' first profile `(n,)`) to w and b, `(n,)` each."""


def exact_rents(
    first: FirstSignal, points: FloatArray, worth: Worth, at_points: FloatArray, *, additive: bool
) -> FloatArray:
    """Return (*) at the points, `(others, m)`; `at_points`: w there, 0 where the agent is excluded, `(others, m)`.

    Raises:
        Refusal: θ does not increase where the agent is included, or is not finite at 0 in an additive economy.
    """
    low = float(first.virtual(np.zeros(1))[0])
    if additive and not np.isfinite(low):
        raise Refusal("exact rents: the virtual value of the lowest first signal is not finite")
    _increasing(first, -np.inf if additive else 0.0)
    low, others = low if additive else max(low, 0.0), len(at_points)
    theta = np.maximum(first.virtual(points), low)
    share = _proportion(first, low)
    if share is not None:
        start = np.zeros(others)  # without a weight nobody is worth anything
        if low != 0:
            start, _ = worth(np.full(others, low), np.arange(others))
        return share * np.where(theta > low, at_points - start[:, None], 0.0)
    pieces = convex_pieces(worth, np.full(others, low), np.full(others, theta.max()))
    return _over_pieces(first, pieces, points, others)


def _over_pieces(first: FirstSignal, pieces: Pieces, points: FloatArray, others: int) -> FloatArray:
    """Return Σ b [A(z_high) − A(z_low)] over the pieces below each point."""
    ends = [first.scale(np.minimum(signal_at(first, end)[:, None], points)) for end in (pieces.low, pieces.high)]
    out = np.zeros((others, len(points)))
    np.add.at(out, pieces.which, pieces.slope[:, None] * (ends[1] - ends[0]))
    return out


def signal_at(first: FirstSignal, theta: FloatArray) -> FloatArray:
    """Return the first signal at which the virtual value reaches θ, by bisection to the last bit."""
    low, high = np.zeros(theta.shape), np.ones(theta.shape)
    for _ in range(60):
        middle = (low + high) / 2
        reached = first.virtual(middle) >= theta
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return (low + high) / 2


def _proportion(first: FirstSignal, low: float) -> float | None:
    """Return ρ with dA = ρ dθ wherever θ is at least `low`, or None."""
    x = np.linspace(0, 1, 129)
    theta = first.virtual(x)
    x, theta = x[np.isfinite(theta) & (theta >= low)], theta[np.isfinite(theta) & (theta >= low)]
    if len(x) < 3 or theta[-1] <= theta[0]:
        return None
    scale = first.scale(x)
    share = float((scale[-1] - scale[0]) / (theta[-1] - theta[0]))
    off = np.abs(scale - scale[0] - share * (theta - theta[0])).max()
    return share if off <= PROPORTIONAL * scale_of(scale) else None


def _increasing(first: FirstSignal, floor: float) -> None:
    """Refuse a virtual value that falls while above the floor."""
    x = np.linspace(0, 1, 2001)
    theta = first.virtual(x)
    with np.errstate(invalid="ignore"):  # of −∞ and −∞, where there is no density
        step = np.diff(theta)
    bad = (step <= 0) & (theta[:-1] > floor)
    if bad.any():
        k = int(np.argmax(bad))
        raise Refusal(f"exact rents: the virtual value does not increase at first signal {x[k]:.4g}")


def left_sums(values: NodeValues, slopes: FloatArray) -> FloatArray:
    """Return Σ_{l<k} (A_{l+1} − A_l) b_l, `(others, m)`, for b `(others, m)`."""
    steps = np.diff(values.scale) * slopes[:, :-1]
    return np.concatenate([np.zeros((len(slopes), 1)), np.cumsum(steps, axis=1)], axis=1)


def cell_sums(first: FirstSignal, grid: Grid, slopes: FloatArray) -> FloatArray:
    """Return rents with every cell's b at its middle, `(others, m)`: right for revenue, not for incentives."""
    edges = first.scale(np.linspace(0, 1, len(grid.points) + 1))
    whole = np.cumsum(np.diff(edges) * slopes, axis=1) - np.diff(edges) * slopes
    return whole + (first.scale(grid.points) - edges[:-1]) * slopes


def binding_rents(values: NodeValues, worth: Worth, others: int) -> FloatArray:
    """Return rents that leave every upward lie to the next node without gain, `(others, m)`."""
    multiplier, nodes = values.multiplier(), len(values.scale)
    below = np.arange(nodes - 1)
    pairs = np.stack([multiplier[below, below], multiplier[below, below + 1]])
    at = np.broadcast_to(pairs, (others, 2, nodes - 1))
    w, _ = worth(at.reshape(-1), np.repeat(np.arange(others), 2 * (nodes - 1)))
    w = w.reshape(others, 2, nodes - 1)
    weight = np.where(values.included, values.alpha, 1.0)[:-1]
    steps = np.where(values.included[:-1], (w[:, 1] - w[:, 0]) / weight, 0.0)
    return np.concatenate([np.zeros((others, 1)), np.cumsum(steps, axis=1)], axis=1)


@dataclass(frozen=True, eq=False)
class Opening:
    """What the first reports lead to, by first profile and agent, `(X, N)` each.

    Attributes:
        worth: w = δ E[(W − W_{−i})(s_1)], in affine units; 0 where excluded.
        rent: U; 0 where excluded.
        fee: p_{i,0} = w/α − U.
    """

    worth: FloatArray
    rent: FloatArray
    fee: FloatArray
