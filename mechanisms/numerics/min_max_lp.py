"""The least possible largest transfer: many small linear programs, solved in batches.

For a matrix M `(Y, K)`, a target v and a report r

    min b   subject to   M_r·p = v_r,   M_k·p ≥ v_k for every other k,   −b ≤ p_y ≤ b.

With x = p + b ≥ 0 and columns that share one sum Δ the rows read M_k·x − Δ b and x_y − 2b. A solver spends far longer
on being called than on one such program, so programs are stacked as the diagonal blocks of larger ones. The programs
are scaled to max|v| = Δ = 1, solved to 1e-10, and the equality is then met to rounding by shifting p by a constant.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy import sparse
    from scipy.optimize import OptimizeResult

PRECISION = 1e-10
"""Feasibility and optimality asked of the solver, in programs scaled to 1."""

LARGEST = 1e8
"""Transfers beyond this, relative to the target, are as good as none."""

COLUMNS = 2000
"""Variables up to which programs are stacked."""

OPTIONS = {
    "presolve": False,
    "primal_feasibility_tolerance": PRECISION,
    "dual_feasibility_tolerance": PRECISION,
}


def smallest_transfers(matrices: FloatArray, target: FloatArray, report: IntArray) -> FloatArray:
    """Return p with the least max|p|, `(n, Y)`: matrices `(n, Y, K)`, targets `(n, K)`, reports `(n,)`.

    NaN where a program has no solution, or none below `LARGEST`.

    >>> matrix = np.array([[[0.75, 0.25], [0.25, 0.75]]])
    >>> smallest_transfers(matrix, np.array([[6.0, 12.0]]), np.array([0])).round(9).tolist()
    [[3.0, 15.0]]
    """
    count, rows, _ = matrices.shape
    total = matrices.sum(axis=1).mean(axis=1)
    scale = np.abs(target).max(axis=1)
    scaled, wanted = matrices / total[:, None, None], target / np.where(scale > 0, scale, 1.0)[:, None]
    out = np.zeros((count, rows))
    step = max(1, COLUMNS // (rows + 1))
    for start in range(0, count, step):
        batch = slice(start, start + step)
        out[batch] = _stacked(scaled[batch], wanted[batch], report[batch])
    each = np.arange(count)
    out += (wanted[each, report] - (scaled[each, :, report] * out).sum(axis=1))[:, None]
    return out * (scale / total)[:, None]


def _stacked(matrices: FloatArray, target: FloatArray, report: IntArray) -> FloatArray:
    """Solve one block-diagonal program; where it fails, solve its halves, until what fails is a single program."""
    count, rows, _ = matrices.shape
    solution = _solve(matrices, target, report)
    if solution.status == 0:
        values = solution.x.reshape(count, rows + 1)
        return values[:, :rows] - values[:, rows:]
    if count == 1:
        return np.full((1, rows), np.nan)
    half = count // 2
    parts = [(matrices[s], target[s], report[s]) for s in (slice(half), slice(half, None))]
    return np.concatenate([_stacked(*part) for part in parts])


def _solve(matrices: FloatArray, target: FloatArray, report: IntArray) -> "OptimizeResult":
    """Solve the block-diagonal program; variables per block: x `(Y,)` and the bound b."""
    count, rows, width = matrices.shape
    each = np.arange(count)
    others = np.nonzero(np.arange(width) != report[:, None])[1].reshape(count, width - 1)
    beliefs = np.swapaxes(matrices, 1, 2)
    truth = _with_bound(beliefs[each, report][:, None])
    lies = _with_bound(beliefs[each[:, None], others])
    corner = np.broadcast_to(np.hstack([np.eye(rows), np.full((rows, 1), -2.0)]), (count, rows, rows + 1))
    limits = np.concatenate([-target[each[:, None], others], np.zeros((count, rows))], axis=1)
    return _highs(
        c=np.tile(np.append(np.zeros(rows), 1.0), count),
        A_ub=_diagonal(np.concatenate([-lies, corner], axis=1)),
        b_ub=limits.reshape(-1),
        A_eq=_diagonal(truth),
        b_eq=target[each, report],
        bounds=np.tile(np.array([[0.0, np.inf]] * rows + [[0.0, LARGEST]]), (count, 1)),
    )


def _highs(**program: Any) -> "OptimizeResult":
    """Run SciPy's dual simplex method; its stubs do not know that sparse matrices are taken."""
    from scipy.optimize import linprog

    return linprog(**program, method="highs-ds", options=OPTIONS)  # type: ignore[call-overload]


def _with_bound(beliefs: FloatArray) -> FloatArray:
    """Return the rows M_k with the coefficient of b appended, `(n, k, Y + 1)`."""
    return np.concatenate([beliefs, -beliefs.sum(axis=2, keepdims=True)], axis=2)


def _diagonal(blocks: FloatArray) -> "sparse.csc_array":
    """Return the block-diagonal sparse matrix of blocks `(n, a, b)`."""
    from scipy import sparse

    block, row, column = np.nonzero(blocks)
    count, height, width = blocks.shape
    indices = (block * height + row, block * width + column)
    return sparse.csc_array((blocks[block, row, column], indices), shape=(count * height, count * width))


def shortfall(matrix: FloatArray, target: FloatArray, report: int) -> tuple[float, FloatArray]:
    """Return the least s with M_r·p = v_r, M_k·p ≥ v_k − s for some p, and the mixture ξ that forces it, `(K,)`.

    By duality s = max Σ ξ_k v_k − v_r over mixtures of other columns that give M_r: Farkas's certificate. ∞ where the
    solver gave up.
    """
    scale = float(np.abs(target).max()) or 1.0
    rows, width = matrix.shape
    others = np.arange(width) != report
    total = float(matrix.sum(axis=0).mean())
    solution = _highs(
        c=np.append(np.zeros(rows), 1.0),
        A_ub=np.column_stack([-matrix[:, others].T / total, -np.ones(width - 1)]),
        b_ub=-target[others] / scale,
        A_eq=np.append(matrix[:, report] / total, 0.0)[None],
        b_eq=target[[report]] / scale,
        bounds=[(-LARGEST, LARGEST)] * rows + [(0.0, None)],
    )
    weights = np.zeros(width)
    if solution.status != 0:
        return np.inf, weights
    weights[others] = np.maximum(0.0, -solution.ineqlin.marginals)
    return float(solution.fun) * scale, weights / max(float(weights.sum()), 1e-300)
