"""The relaxed bound: the most that any mechanism earns if only the first signals are private.

    bound = E_x δ E W(θ(x); s_1),

the best virtual welfare, exclusion included. No incentive compatible and individually rational mechanism of the economy
earns more. Of the continuous economy: for one agent to the last digits, piece by piece; for more on a product of
midpoints of equally likely cells, refined once, with the extrapolated error. Of the grid as the true type space:
exactly (`grid_bound`).

Source: Kakade, Lobel and Nazerzadeh 2011, Lemma 3.3, Corollary 4.1, (16).
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.mechanisms.numerics.piecewise_linear import convex_pieces
from dynmech.mechanisms.virtual.frozen_plans import discounted_slope, plans
from dynmech.mechanisms.virtual.virtual_values import EXCLUDED, continuum_virtual, grid_virtual
from dynmech.mechanisms.virtual.weights import include_all
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.separable import Economy, FirstSignal, Grid, SeparableEnvironment

PIECE = 6_000_000
"""Numbers worked on at a time."""

FINE = 1025
"""First signals between which a virtual value is looked for that crosses a piece's end."""


@dataclass(frozen=True)
class Bound:
    """A value and how far it may be off."""

    value: float
    error: float


def grid_bound(environment: SeparableEnvironment) -> float:
    """Return the bound for the grid as the true type space."""
    virtual = [grid_virtual(f, g) for f, g in zip(environment.economy.first, environment.grids, strict=True)]
    return expected_virtual_welfare(environment.economy, virtual, [g.masses for g in environment.grids])


def continuum_bound(economy: Economy, cells: int = 64) -> Bound:
    """Return the bound of the continuous economy; with several agents, from `cells` and twice as many per agent."""
    if len(economy.agents) == 1:
        return _one_agent(economy)
    coarse, fine = (_midpoint_rule(economy, n) for n in (cells, 2 * cells))
    return Bound(fine + (fine - coarse) / 3, abs(fine - coarse))


def _midpoint_rule(economy: Economy, cells: int) -> float:
    """Return the expected virtual welfare on the midpoints of equally likely cells."""
    middles = (np.arange(cells) + 0.5) / cells
    grids = [Grid(np.asarray(first.law.ppf(middles)), np.full(cells, 1 / cells)) for first in economy.first]
    virtual = [continuum_virtual(f, g) for f, g in zip(economy.first, grids, strict=True)]
    return expected_virtual_welfare(economy, virtual, [g.masses for g in grids])


def expected_virtual_welfare(economy: Economy, virtual: list[FloatArray], masses: list[FloatArray]) -> float:
    """Return Σ_x f(x) δ E W(θ(x); s_1) for virtual values and probabilities of the nodes, `(m_i,)` per agent."""
    nodes = tuple(len(v) for v in virtual)
    weights = np.ones(())
    for law in masses:
        weights = np.multiply.outer(weights, law)
    step, total = max(1, PIECE // (economy.later[0].size * len(economy.decisions))), 0.0
    for a in range(0, prod(nodes), step):
        some = np.arange(a, min(a + step, prod(nodes)))
        place = np.unravel_index(some, nodes)
        theta = np.stack([v[k] for v, k in zip(virtual, place, strict=True)], axis=1)
        total += float(weights.reshape(-1)[some] @ _welfare(economy, theta)[0])
    return total


def _welfare(economy: Economy, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return δ E W(θ; s_1) and its slope in the first agent's θ, `(n,)` each."""
    included = np.ones(theta.shape, np.bool_) if economy.kind == "additive" else theta > EXCLUDED
    counted = include_all(theta, included)
    efficient = plans(economy, counted)
    return economy.discount * economy.start(efficient.value[0]), discounted_slope(economy, counted, 0, efficient)


def _one_agent(economy: Economy) -> Bound:
    """Return E W(θ(x)), W by its linear pieces, integrated against F between signals at which θ reaches their ends.

    θ need not increase: W(θ) is the bound all the same, and the pieces reach from its least to its greatest value.
    """
    first = economy.first[0]
    x = np.linspace(0, 1, FINE)
    theta = first.virtual(x)
    theta = theta[np.isfinite(theta)]
    low, high = theta.min(keepdims=True), theta.max(keepdims=True)
    if economy.kind == "multiplicative":
        low, high = np.zeros(1), np.maximum(high, 0.0)

    def worth(theta: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:  # noqa: ARG001 - one function
        return _welfare(economy, theta[:, None])

    pieces = convex_pieces(worth, low, high)
    start = float(_welfare(economy, low[:, None])[0][0])
    order = np.argsort(pieces.low)
    ends = np.concatenate([low, pieces.high[order]])
    values = start + np.concatenate([[0.0], np.cumsum(pieces.slope[order] * np.diff(ends))])
    quantiles = np.unique(first.law.cdf(_crossings(first, x, ends)))
    coarse, fine = (_mean(first, ends, values, quantiles, points) for points in (60, 120))
    return Bound(fine, abs(fine - coarse) + 1e-12 * max(1.0, abs(fine)))


def _mean(first: FirstSignal, ends: FloatArray, values: FloatArray, quantiles: FloatArray, points: int) -> float:
    """Return ∫ W(θ(F⁻¹(u))) du between the quantiles, W linear between `ends` and constant outside them.

    Gauss–Legendre in s with u = a + (b − a)(3s² − 2s³), which tames what is steep at the ends.
    """
    at, weight = np.polynomial.legendre.leggauss(points)
    unit, width = (at + 1) / 2, np.diff(quantiles)[:, None]
    x = np.asarray(first.law.ppf(quantiles[:-1, None] + width * unit**2 * (3 - 2 * unit)))
    worth = np.interp(first.virtual(x), ends, values)
    return float((worth * width * 3 * unit * (1 - unit)).sum(axis=0) @ weight)


def _crossings(first: FirstSignal, x: FloatArray, ends: FloatArray) -> FloatArray:
    """Return the signals at which θ crosses one of the `ends`, by bisection between points x; 0 and 1 too."""
    crossings = [x[:1], x[-1:]]
    for end in ends:
        above = first.virtual(x) >= end
        k = np.flatnonzero(above[1:] != above[:-1])
        low, high, rises = x[k], x[k + 1], above[k + 1]
        for _ in range(50):
            middle = (low + high) / 2
            right = (first.virtual(middle) >= end) != rises
            low, high = np.where(right, middle, low), np.where(right, high, middle)
        crossings.append(high)
    return np.unique(np.concatenate(crossings))
