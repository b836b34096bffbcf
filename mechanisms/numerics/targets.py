"""Transfers that hit a target in expectation: the building block of contingent transfers.

A system is a belief matrix M (columns: own signal k; rows: what the others may say later) and a target v(k). Its
columns share one sum Δ: with payments due after l = 1, …, L periods M stacks δ^l P(θ_{t+l}^{−i} = y | a, (k, o)), so
Mᵀp is the expected present value of p at every own signal, and Δ = δ + … + δ^L.

Spanning.  Mᵀ p = v. The solution of least norm is p = (M⁺)ᵀ v = (Mᵀ)⁺ v; it exists for every v iff M has rank K, for
    a particular v iff v lies in the row space of M. Then |p|₂ ≤ |v|₂ / σ_min. It does not depend on the report.

Convex.  For a report r, p(·, r) with

        M_r·p = v_r,      M_k·p ≥ v_k for every other k:

    truth costs what it should, and whoever else sends r pays at least what is due for the truth. It exists for every v
    iff M_r is no mixture of the other columns, for a particular v iff v_r ≥ Σ ξ_k v_k for every mixture ξ that gives
    M_r. Explicitly: π the nearest point of the hull of the others, d = |M_r − π|, n = (M_r − π)/d, c = 2 max|v|/d,

        p = (1/Δ)(v_r + c n·M_r) − c n,      |p| ≤ (1/Δ + 4/d) max|v|.

    The least possible largest |p| is a linear program (`dynmech.mechanisms.numerics.min_max_lp`).

Source: Liu 2014, Lemmas 7.1 and 7.3; Liu 2025, Lemmas A.3 and A.4 (the pseudo-inverse there lacks its transpose).
"""

from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.numerics.hulls import nearest_mixtures
from dynmech.mechanisms.numerics.min_max_lp import shortfall, smallest_transfers
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import scale_of

RESIDUAL = 1e-9
"""Largest |Mᵀ p − v|, relative to max |v| (at least the economy's scale), that counts as hit."""

SEPARATED = 1e-7
"""Distance from the hull, relative to Δ, below which a belief counts as a mixture of others."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Least-norm solutions of a batch of systems Mᵀ p = v, R right-hand sides each.

    Attributes:
        transfers: p, `(..., Y, R)`.
        residual: max_k |Mᵀ p − v|, `(..., R)`.
        singular_value: the smallest of the K singular values of M (0 where K > Y), `(...)`.
    """

    transfers: FloatArray
    residual: FloatArray
    singular_value: FloatArray

    def hits(self, target: FloatArray, scale: float) -> bool:
        """Return whether every system is solved up to rounding; `scale`: the economy's."""
        return bool((self.residual <= RESIDUAL * scale_of(scale, target)).all())


def spanning_solution(matrices: FloatArray, target: FloatArray) -> Solution:
    """Solve Mᵀ p = v with least norm for a batch: matrices `(..., Y, K)`, targets `(..., K, R)`.

    One factorisation M = U S Vᵀ of all of them at once: p = U S⁺ Vᵀ v.

    >>> s = spanning_solution(np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([[6.0], [12.0]]))
    >>> s.transfers[:, 0].round(9).tolist()
    [3.0, 15.0]
    """
    rows, columns = matrices.shape[-2:]
    left, values, right = np.linalg.svd(matrices, full_matrices=False)
    kept = values > 1e-11 * values.max(axis=-1, keepdims=True, initial=0.0)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    transfers = left @ (inverse[..., None] * (right @ target))
    residual = np.abs(np.swapaxes(matrices, -1, -2) @ transfers - target).max(axis=-2)
    least = values[..., -1] if columns <= rows else np.zeros(matrices.shape[:-2])
    return Solution(transfers, residual, least)


@dataclass(frozen=True, eq=False)
class ConvexSolution:
    """Solutions of a batch of systems for one report each.

    Attributes:
        transfers: p(·, r), `(n, Y)`; zero where there is none.
        distance: of M_r from the hull of the other columns, `(n,)`.
        mixture: where there is no solution, weights ξ that give M_r, `(n, K)`; elsewhere those of the nearest point.
        short: Σ ξ_k v_k − v_r where there is no solution, else 0; ∞ where M_r is so nearly a mixture that none was
            found: `(n,)`.
    """

    transfers: FloatArray
    distance: FloatArray
    mixture: FloatArray
    short: FloatArray


def convex_solution(
    matrices: FloatArray, target: FloatArray, report: IntArray, *, scale: float = 1.0, smallest: bool = False
) -> ConvexSolution:
    """Return transfers for a report that no other signal would send: matrices `(n, Y, K)`, targets `(n, K)`.

    Args:
        report: r, `(n,)`.
        scale: the economy's.
        smallest: the least possible largest |p|. Otherwise the explicit solution, and where M_r is a mixture of other
            columns the least-norm one, if it hits, or else (if the target is within reach) the smallest.
    """
    slack = RESIDUAL * scale_of(scale, target)
    distance, mixture = nearest_mixtures(matrices, report)
    apart = distance > SEPARATED * matrices.sum(axis=1).mean(axis=1)
    transfers, short = np.zeros(matrices.shape[:2]), np.zeros(len(matrices))
    if smallest:
        transfers[apart] = smallest_transfers(matrices[apart], target[apart], report[apart])
        left = np.flatnonzero(~apart)
    else:
        normal = _normals(matrices, report, distance, mixture)
        transfers[apart] = separating_transfers(matrices, target, report, distance, normal)[apart]
        spanned = spanning_solution(matrices[~apart], target[~apart, :, None])
        transfers[~apart] = spanned.transfers[..., 0]
        left = np.flatnonzero(~apart)[spanned.residual[:, 0] > slack]
    for j in left:
        missing, weights = shortfall(matrices[j], target[j], int(report[j]))
        if missing > slack:
            transfers[j], short[j] = 0.0, missing
            mixture[j] = weights if np.isfinite(missing) else mixture[j]
            continue
        within = np.where(np.arange(len(target[j])) == report[j], target[j], target[j] - missing)
        transfers[j] = smallest_transfers(matrices[[j]], within[None], report[[j]])[0]
    unsolved = np.isnan(transfers).any(axis=1)
    transfers[unsolved], short[unsolved] = 0.0, np.inf
    return ConvexSolution(transfers, distance, mixture, short)


def _normals(matrices: FloatArray, report: IntArray, distance: FloatArray, mixture: FloatArray) -> FloatArray:
    """Return the unit vectors n from the nearest mixture to M_r, `(n, Y)`; 0 where there is no distance."""
    each = np.arange(len(matrices))
    step = matrices[each, :, report] - (matrices * mixture[:, None, :]).sum(axis=2)
    return np.divide(step, distance[:, None], out=np.zeros_like(step), where=distance[:, None] > 0)


def separating_transfers(
    matrices: FloatArray, target: FloatArray, report: IntArray, distance: FloatArray, normal: FloatArray
) -> FloatArray:
    """Return the explicit solution `(n, Y)`, given distances `(n,)` from the hull and unit normals `(n, Y)`."""
    each = np.arange(len(matrices))
    total = matrices.sum(axis=1).mean(axis=1)
    largest = 2 * np.abs(target).max(axis=1)
    slope = np.divide(largest, distance, out=np.zeros_like(largest), where=distance > 0)
    level = target[each, report] + slope * (normal * matrices[each, :, report]).sum(axis=1)
    return (level / total)[:, None] - slope[:, None] * normal
