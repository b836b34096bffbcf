"""The nearest mixture of other beliefs to a belief, and its distance.

The nearest point of conv{m_j} to m_r minimises |Σ_j w_j (m_j − m_r)| over w ≥ 0, Σ w = 1. It is the solution of a
non-negative least-squares problem up to scale: with X = (m_j − m_r)_j and w = z / Σ z,

    min_{z ≥ 0} |X z|² + (1 − Σ z)² = |X w|² / (1 + |X w|²) at the best scale,

which grows with |X w|. Active sets end there exactly, so the separating hyperplane is exact too.
"""

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray


def nearest_mixture(matrix: FloatArray, column: int) -> tuple[float, FloatArray]:
    """Return a column's distance to the hull of the others, and the weights `(K,)` of the nearest mixture (own: 0).

    A lone column has nothing to be mixed from: distance ∞.

    >>> distance, weights = nearest_mixture(np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]), 2)
    >>> round(distance, 12), weights.round(12).tolist()
    (0.0, [0.5, 0.5, 0.0])
    """
    weights = np.zeros(matrix.shape[1])
    others = np.arange(matrix.shape[1]) != column
    if not others.any():
        return np.inf, weights
    from scipy.optimize import nnls  # here: it takes longer to import than small games take to audit

    steps = matrix[:, others] - matrix[:, [column]]
    unscaled, _ = nnls(np.vstack([steps, np.ones(steps.shape[1])]), np.append(np.zeros(len(steps)), 1.0))
    weights[others] = unscaled / unscaled.sum()
    return float(np.linalg.norm(steps @ weights[others])), weights


def nearest_mixtures(matrices: FloatArray, columns: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return distances `(n,)` and weights `(n, K)` for matrices `(n, Y, K)` and one column of each, `(n,)`."""
    count, _, width = matrices.shape
    if width == 2:  # the hull of the others is the other one
        weights = np.zeros((count, 2))
        weights[np.arange(count), 1 - columns] = 1.0
        return np.linalg.norm(matrices[..., 0] - matrices[..., 1], axis=1), weights
    pairs = [nearest_mixture(matrix, int(k)) for matrix, k in zip(matrices, columns, strict=True)]
    distance = np.array([one for one, _ in pairs])
    return distance, np.array([weights for _, weights in pairs]).reshape(count, width)
