"""Transfers that hit a target in expectation: the building block of contingent transfers.

Given belief matrices M (columns: own signal k, rows: the others' next profile y) and a target v(k), find p(y) with
Mᵀ p = v. The solution of least norm is p = (M⁺)ᵀ v = (Mᵀ)⁺ v; it exists for every v iff M has rank K (spanning), and
for a particular v iff v lies in the row space of M.
"""

from dataclasses import dataclass

import numpy as np

from sim.arrays import FloatArray

RESIDUAL = 1e-9
"""Largest |Mᵀ p − v|, relative to max(1, max |v|), that counts as hit."""


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

    def hits(self, target: FloatArray) -> bool:
        """Whether every system is solved."""
        scale = max(1.0, float(np.abs(target).max(initial=0.0)))
        return bool((self.residual <= RESIDUAL * scale).all())


def spanning_solution(matrices: FloatArray, target: FloatArray) -> Solution:
    """Solve Mᵀ p = v with least norm for a batch: matrices `(..., Y, K)`, targets `(..., K, R)`.

    >>> s = spanning_solution(np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([[6.0], [12.0]]))
    >>> s.transfers[:, 0].round(9).tolist()
    [3.0, 15.0]
    """
    rows, columns = matrices.shape[-2:]
    transposed = np.swapaxes(matrices, -1, -2)
    transfers = np.linalg.pinv(transposed, rcond=1e-11) @ target
    residual = np.abs(transposed @ transfers - target).max(axis=-2)
    if columns > rows:
        least: FloatArray = np.zeros(matrices.shape[:-2])
    else:
        least = np.linalg.svd(matrices, compute_uv=False)[..., -1].astype(np.float64)
    return Solution(transfers, residual, least)
