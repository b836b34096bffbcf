"""The relaxed bound: the most that any mechanism earns if only the first signals are private.

    bound = E_x δ E W(θ(x); s_1),     W the best expected discounted Σ_i (θ_i slope_i + intercept_i) − c,

the maximum being over decisions, all of them: one that serves an agent whose virtual value is negative is taken where
the virtual values of all whom it serves, less its cost, add up to more than any other decision is worth. (Leaving such
agents out is the same where everybody can be left out, and too low elsewhere.) No incentive compatible and individually
rational mechanism of the economy earns more.

Of the continuous economy: for one agent exactly, piece by piece; for more, exactly along the first agent's signal, and
with every other agent's virtual value averaged over equally likely cells. W is convex in θ, so that more cells give
more (Jensen), and the error falls with the square of their width. Of the grid as the true type space: exactly
(`grid_bound`).

With S = 1 − F and h = S/f, (A − h A′) f = (A F)′ − A′ = −(A S)′, so that the mean of θ needs no integral:

    ∫_a^b θ dF = A(a) S(a) − A(b) S(b),
    E (θ − e)^+ = Σ ±(A(c) − e) S(c) over the signals c at which θ crosses e, + where it rises.

Source: Kakade, Lobel and Nazerzadeh 2011, Lemma 3.3, Corollary 4.1, (16), the maximum taken over decisions.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.mechanisms.numerics.piecewise_linear import convex_pieces
from dynmech.mechanisms.planning.batch_plan import Plans, follow, solve_plans
from dynmech.mechanisms.virtual.frozen_plans import discounted_slope, own_flow, plans
from dynmech.mechanisms.virtual.virtual_values import grid_virtual
from dynmech.mechanisms.virtual.weights import include_all
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.separable import Economy, FirstSignal, Grid, SeparableEnvironment

PIECE = 6_000_000
"""Numbers worked on at a time."""

FINE = 1025
"""First signals between which a virtual value is looked for that crosses a kink."""

OUTER = 128
"""Profiles of cells, of all agents but the first, over which the bound of a continuum is first summed."""

ROUNDING = 1e-12
"""Error, relative to the value (at least 1), of what is exact."""


@dataclass(frozen=True)
class Bound:
    """A value and how far it may be off."""

    value: float
    error: float


def grid_bound(environment: SeparableEnvironment) -> float:
    """Return the bound for the grid as the true type space; nodes of probability 0 are no types."""
    economy = environment.economy
    grids = [Grid(grid.points[grid.masses > 0], grid.masses[grid.masses > 0]) for grid in environment.grids]
    virtual = [grid_virtual(first, grid) for first, grid in zip(economy.first, grids, strict=True)]
    return expected_virtual_welfare(economy, virtual, [grid.masses for grid in grids])


def continuum_bound(economy: Economy, outer: int = OUTER) -> Bound:
    """Return the bound of the continuous economy.

    Args:
        outer: with several agents, about how many profiles of cells there are at first; then twice the cells per agent.
    """
    others = len(economy.agents) - 1
    if not others:
        value = _over_cells(economy, 1)
        return Bound(value, ROUNDING * scale_of(economy.scale, value))
    cells = max(2, round(outer ** (1 / others)))
    coarse, fine = (_over_cells(economy, n) for n in (cells, 2 * cells))
    value = fine + (fine - coarse) / 3
    return Bound(value, abs(fine - coarse) + ROUNDING * scale_of(economy.scale, value))


def expected_virtual_welfare(economy: Economy, virtual: list[FloatArray], masses: list[FloatArray]) -> float:
    """Return Σ_x f(x) δ E W(θ(x); s_1) for virtual values and probabilities of the nodes, `(m_i,)` per agent."""
    nodes = tuple(len(v) for v in virtual)
    weights = _product(masses)
    step, total = _at_once(economy), 0.0
    for a in range(0, prod(nodes), step):
        some = np.arange(a, min(a + step, prod(nodes)))
        total += float(weights[some] @ _welfare(economy, _profiles(virtual, some))[0])
    return total


def _product(masses: list[FloatArray]) -> FloatArray:
    """Return the probabilities of all profiles of nodes, `(X,)`."""
    weights = np.ones(())
    for law in masses:
        weights = np.multiply.outer(weights, law)
    return weights.reshape(-1)


def _profiles(values: list[FloatArray], some: IntArray) -> FloatArray:
    """Return the values at some profiles of nodes, `(n, N)`."""
    place = np.unravel_index(some, tuple(len(v) for v in values))
    return np.stack([v[k] for v, k in zip(values, place, strict=True)], axis=1)


def _at_once(economy: Economy) -> int:
    """Return for how many profiles of virtual values W is worked out together."""
    return max(1, PIECE // (max(period.size for period in economy.later) * len(economy.decisions)))


def _welfare(economy: Economy, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return δ E W(θ; s_1) and its slope in the first agent's θ, `(n,)` each, for θ `(n, N)`."""
    counted = include_all(theta, np.ones(theta.shape, np.bool_))
    value, slope = np.empty(len(theta)), np.empty(len(theta))
    step = _at_once(economy)
    for a in range(0, len(theta), step):
        some = include_all(theta[a : a + step], counted.included[a : a + step])
        best = plans(economy, some)
        value[a : a + step] = economy.discount * economy.start(best.value[0])
        slope[a : a + step] = discounted_slope(economy, some, 0, best)
    return value, slope


# Of the continuum


@dataclass(frozen=True, eq=False)
class _Kinks:
    """Functions of θ that are linear between kinks.

    Attributes:
        start, value, slope: a point below all kinks, value and slope there, `(n,)` each.
        kink, bend, which: where a slope rises, by how much, and the function that it belongs to, `(p,)` each.
    """

    start: FloatArray
    value: FloatArray
    slope: FloatArray
    kink: FloatArray
    bend: FloatArray
    which: IntArray


def _over_cells(economy: Economy, cells: int) -> float:
    """Return E W, exact in the first agent's signal, the others' virtual values averaged over equally likely cells."""
    others = [_cell_means(first, cells) for first in economy.first[1:]]
    beside = _profiles(others, np.arange(cells ** len(others))) if others else np.zeros((1, 0))
    kinks = _along_the_first(economy, beside)
    first = economy.first[0]
    mean = kinks.value + kinks.slope * (float(first.scale(_ends(first)[0])) - kinks.start)
    np.add.at(mean, kinks.which, kinks.bend * _mean_excess(first, kinks.kink))
    return float(mean.mean())


def _cell_means(first: FirstSignal, cells: int) -> FloatArray:
    """Return E θ in each of `cells` equally likely cells, `(cells,)`."""
    edges = np.asarray(first.law.ppf(np.arange(cells + 1) / cells))
    above = 1 - np.arange(cells + 1) / cells
    return -cells * np.diff(first.scale(edges) * above)


def _along_the_first(economy: Economy, beside: FloatArray) -> _Kinks:
    """Return W as a function of the first agent's θ, the others' being `beside`, `(n, N − 1)`."""

    def worth(own: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        return _welfare(economy, np.concatenate([own[:, None], beside[which]], axis=1))

    every = np.arange(len(beside))
    highest = float(np.nanmax(economy.first[0].virtual(_inside(economy.first[0]))))
    low = np.minimum(highest, 0.0) - scale_of(highest) - np.abs(beside).max(axis=1, initial=0.0)
    least = _least_slope(economy)
    for _ in range(60):
        value, slope = worth(low, every)
        steep = slope > least + ROUNDING * scale_of(least, slope)
        if not steep.any():
            break
        low = np.where(steep, 4 * low, low)
    pieces = convex_pieces(worth, low, np.full(len(beside), highest))
    order = np.lexsort((pieces.low, pieces.which))
    which, at, rises = pieces.which[order], pieces.low[order], pieces.slope[order]
    bend = np.diff(rises, prepend=0.0)
    opens = np.diff(which, prepend=-1) != 0
    bend[opens] = rises[opens] - slope[which[opens]]
    return _Kinks(low, value, slope, at, bend, which)


def _least_slope(economy: Economy) -> float:
    """Return the least discounted slope of the first agent that decisions can bring about: W is linear below."""
    away = [
        own_flow(economy, t, 0, np.zeros(1)) - own_flow(economy, t, 0, np.ones(1)) for t in range(len(economy.later))
    ]
    policy: Plans = solve_plans(economy, away)
    return -float(economy.discount * economy.start(follow(economy, policy.policy, away)[0])[0])


def _ends(first: FirstSignal) -> FloatArray:
    """Return the least and the greatest first signal, `(2,)`."""
    return np.asarray(first.law.ppf(np.array([0.0, 1.0])), dtype=np.float64)


def _inside(first: FirstSignal) -> FloatArray:
    """Return first signals from the least to the greatest, `(FINE,)`."""
    low, high = _ends(first).tolist()
    return np.linspace(low, high, FINE)


def _mean_excess(first: FirstSignal, kinks: FloatArray) -> FloatArray:
    """Return E (θ(x) − e)^+ for every kink e, `(p,)`; θ need not rise."""
    x, out = _inside(first), np.empty(len(kinks))
    theta, step = first.virtual(x), max(1, PIECE // FINE)
    for a in range(0, len(kinks), step):
        some = kinks[a : a + step]
        above = theta >= some[:, None]  # −∞, and what is not defined at an end, are below
        row, k = np.nonzero(above[:, 1:] != above[:, :-1])
        at = _crossings(first, x[k], x[k + 1], some[row], ~above[row, k])
        gone = np.where(above[row, k], -1.0, 1.0) * (first.scale(at) - some[row]) * first.law.sf(at)
        begins = np.where(above[:, 0], first.scale(x[:1]) - some, 0.0)
        out[a : a + step] = begins + np.bincount(row, gone, len(some))
    return out


def _crossings(
    first: FirstSignal, low: FloatArray, high: FloatArray, level: FloatArray, rises: BoolArray
) -> FloatArray:
    """Return by bisection the signals between `low` and `high` at which θ crosses a level, `(n,)`."""
    for _ in range(52):
        middle = (low + high) / 2
        right = (first.virtual(middle) >= level) != rises
        low, high = np.where(right, middle, low), np.where(right, high, middle)
    return high
