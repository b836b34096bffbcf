"""The relaxed bound: the most that any mechanism earns if only the first signals are private.

    bound = E_x δ E W(θ(x); s_1),

the best virtual welfare, exclusion included. No incentive compatible and individually rational mechanism of the economy
earns more. Of the continuous economy: for one agent to the last digits, piece by piece; for more on a product of
midpoints of equally likely cells, refined once, with the extrapolated error. Of the grid as the true type space:
exactly (`grid_bound`); node-sampled with continuous weights (`sampled_bound`), which is neither's bound but tends to
it.

Source: Kakade, Lobel and Nazerzadeh 2011, Lemma 3.3, Corollary 4.1, (16).
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from mechanisms.convex_pieces import convex_pieces
from mechanisms.frozen_plans import discounted_slope, everybody, plans
from mechanisms.rents import signal_at
from mechanisms.virtual_values import EXCLUDED, continuum_virtual, grid_virtual
from sim.arrays import FloatArray, IntArray
from sim.separable import Economy, Grid, SeparableEnvironment

PIECE = 6_000_000
"""Numbers worked on at a time."""


@dataclass(frozen=True)
class Bound:
    """A value and how far it may be off."""

    value: float
    error: float


def grid_bound(environment: SeparableEnvironment) -> float:
    """The grid as the true type space."""
    virtual = [grid_virtual(f, g) for f, g in zip(environment.economy.first, environment.grids, strict=True)]
    return _expected(environment.economy, virtual, [g.masses for g in environment.grids])


def sampled_bound(environment: SeparableEnvironment) -> float:
    """Continuous virtual values at the nodes."""
    virtual = [continuum_virtual(f, g) for f, g in zip(environment.economy.first, environment.grids, strict=True)]
    return _expected(environment.economy, virtual, [g.masses for g in environment.grids])


def continuum_bound(economy: Economy, cells: int = 64) -> Bound:
    """Of the continuous economy."""
    if len(economy.agents) == 1:
        return _one_agent(economy)
    coarse, fine = (_midpoint_rule(economy, n) for n in (cells, 2 * cells))
    return Bound(fine + (fine - coarse) / 3, abs(fine - coarse))


def _midpoint_rule(economy: Economy, cells: int) -> float:
    middles = (np.arange(cells) + 0.5) / cells
    grids = [Grid(np.asarray(first.law.ppf(middles)), np.full(cells, 1 / cells)) for first in economy.first]
    virtual = [continuum_virtual(f, g) for f, g in zip(economy.first, grids, strict=True)]
    return _expected(economy, virtual, [g.masses for g in grids])


def _expected(economy: Economy, virtual: list[FloatArray], masses: list[FloatArray]) -> float:
    """Σ_x f(x) δ E W(θ(x); s_1)."""
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
    """δ E W(θ; s_1) and its slope in the first agent's θ, `(n,)` each."""
    included = np.ones(theta.shape, np.bool_) if economy.kind == "additive" else theta > EXCLUDED
    counted = everybody(theta, included)
    found = plans(economy, counted)
    return economy.discount * economy.start(found.value[0]), discounted_slope(economy, counted, 0, found)


def _one_agent(economy: Economy) -> Bound:
    """Linear pieces of W in θ, each integrated against F by Gauss–Legendre: W is θ b + constant on a piece."""
    first = economy.first[0]
    ends = first.virtual(np.array([0.0, 1.0]))
    low = ends[:1] if economy.kind == "additive" else np.maximum(ends[:1], 0.0)

    def worth(theta: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:  # noqa: ARG001 - one function
        return _welfare(economy, theta[:, None])

    pieces = convex_pieces(worth, low, ends[1:])
    left, right = signal_at(first, pieces.low), signal_at(first, pieces.high)
    below = float(first.law.cdf(left.min()[None])[0]) if len(left) else 1.0
    start, _ = _welfare(economy, np.array([[float(low[0])]]))
    totals = []
    for points in (40, 80):
        at, weight = np.polynomial.legendre.leggauss(points)
        x = left[:, None] + (right - left)[:, None] * (at + 1) / 2
        value, _ = _welfare(economy, pieces.low[:, None])
        here = value[:, None] + pieces.slope[:, None] * (first.virtual(x) - pieces.low[:, None])
        density = first.law.pdf(x) * (right - left)[:, None] / 2
        totals.append(float((here * density) @ weight @ np.ones(len(x))) + below * float(start[0]))
    return Bound(totals[1], abs(totals[1] - totals[0]) + 1e-12 * max(1.0, abs(totals[1])))
