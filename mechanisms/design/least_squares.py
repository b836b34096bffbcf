"""Unique tables: of all transfers that reach the optimum, those with the least sum of squares.

A linear program has many solutions, and which of them a solver names depends on the order of agents and labels. The
transfers with the least Σ p² are unique. V, C and W follow from p by linear equations and are put in their place; what
is left is the point nearest to 0 of {x: G x >= h}, found by Lawson and Hanson's method: with u >= 0 that minimises
|(Gᵀ; hᵀ) u − (0; 1)| and the residual r of that, x = −(r_1, …, r_n) / r_{n+1}.

Source: C. L. Lawson and R. J. Hanson, Solving Least Squares Problems (1974), chapter 23.
"""

from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.design.program import Program
from dynmech.mechanisms.design.rows import DEFINITION
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST = 1_000_000
"""Coefficients (rows times transfers) up to which tables are made unique."""

ROOM = 1e-9
"""By how much the optimum may be missed for it, in units of the scale."""

FAR = 1e-12
"""Residuals up to this mean that there is no such point, or one too far away to tell."""

SHARES = (0.0, 1e-13, 1e-11, 1e-9, 1e-7)
"""Multipliers up to this share of the largest may be rounding."""

MISS = 1e-7
"""By how much a row may be missed, relative to its largest coefficient, before it is sharpened."""

FAINT = 1e-4
"""Weight of unknowns that are no transfers."""


def reduced(program: Program) -> tuple[FloatArray, FloatArray, BoolArray, IntArray] | None:
    """Return rows G `(m, n)`, limits h, which are equalities, and the columns left; None where there are too many."""
    left = _left(program)
    goals = program.goal != DEFINITION
    acts = ~program.equal & ~goals & ~_bounding(program)
    wanted = np.flatnonzero(goals | acts)
    if float(len(wanted) + 2 * len(left) + 2) * len(left) > LARGEST:
        return None
    defined, rows = _defined(program, left), np.flatnonzero(program.equal & ~goals)
    matrix = program.matrix
    substitute, constant = _substitute(matrix[rows], program.limit[rows], defined, left)
    chosen = matrix[wanted]
    inner = chosen[:, defined]
    out = chosen[:, left].toarray() + inner @ substitute
    return out, program.limit[wanted] - inner @ constant, program.equal[wanted], left


def _bounding(program: Program) -> BoolArray:
    """Return which rows say how large transfers are."""
    out = np.zeros(program.rows.count, np.bool_)
    start = 0
    for kind, _, _, places in program.rows.names:
        out[start : start + len(places)] = kind == "bound"
        start += len(places)
    return out


def _left(program: Program) -> IntArray:
    """Return the columns that are not defined by others: transfers, Y, and bounds of V."""
    used = np.unique(program.matrix.indices).astype(np.intp)
    mask = np.zeros(program.columns.count, np.bool_)
    for i in program.agents:
        own = program.columns.of(i)
        mask[own.start["p"] : own.start["V"]] = True
        mask[own.start["Y"] : own.end] = True
        if (spans := program.columns.spans.get(i)) is not None:
            mask[spans.low : spans.end] = True
    return used[mask[used]]


def _defined(program: Program, left: IntArray) -> IntArray:
    """Return the columns of V, C and W that some row reads."""
    used = np.setdiff1d(np.unique(program.matrix.indices), left).astype(np.intp)
    extra = [c for c in (program.columns.bound, program.columns.margin) if c is not None]
    return np.setdiff1d(used, np.array(extra, np.intp))


def _substitute(
    rows: "csr_array", limit: FloatArray, defined: IntArray, left: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return T and t with defined = T left + t."""
    from scipy.sparse.linalg import splu

    factor = splu(rows[:, defined].tocsc())
    return factor.solve(-rows[:, left].toarray()), factor.solve(limit)


def least_squares(program: Program, value: float) -> FloatArray | None:
    """Return the unknowns with the least Σ p² that reach a value of the objective.

    None where the program is too large, or the method did not end.
    """
    objective, bounded = program.goals.objective, program.goals.largest is not None
    parts = None if objective == "total-change" or (objective == "change" and bounded) else reduced(program)
    if parts is None:
        return None
    matrix, limit, equal, left = parts
    centre = program.centre[left]
    limit = limit - matrix @ centre
    transfers = np.isin(left, program.transfers)
    bound = program.goals.largest
    if program.columns.bound is not None:
        bound = value + ROOM
    blocks, limits = [matrix, -matrix[equal]], [limit, -limit[equal]]
    if bound is not None:
        box = np.eye(len(left))[transfers]
        blocks += [box, -box]
        shift = centre[transfers] if program.columns.bound is None else np.zeros(len(box))
        limits += [-bound - shift, -bound + shift]
    if program.goals.objective in ("revenue", "deficit", "margin"):
        _hold(program, value, blocks, limits, left)
    weight = np.where(transfers, 1.0, FAINT)
    x = nearest(np.concatenate(blocks) / weight, np.concatenate(limits))
    return None if x is None else _everything(program, left, x / weight + centre, value)


def _everything(program: Program, left: IntArray, x: FloatArray, value: float) -> FloatArray:
    """Return all unknowns: those that others define are worked out from them."""
    from scipy.sparse.linalg import spsolve

    out = np.zeros(program.columns.count)
    out[left] = x
    rows = np.flatnonzero(program.equal & (program.goal == DEFINITION))
    defined = _defined(program, left)
    out[defined] = spsolve(program.matrix[rows][:, defined].tocsc(), program.limit[rows] - program.matrix[rows] @ out)
    if program.columns.bound is not None:
        changes = out[program.transfers] - program.centre[program.transfers]
        out[program.columns.bound] = np.abs(changes).max(initial=0.0)
    if program.columns.margin is not None:
        out[program.columns.margin] = max(-value - ROOM, 0.0)
    return out


def nearest(rows: FloatArray, limits: FloatArray) -> FloatArray | None:
    """Return the x of least norm with rows · x >= limits; None where the method does not get there.

    >>> nearest(np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([2.0, 0.0])).round(9).tolist()
    [1.0, 1.0]
    """
    from scipy.optimize import nnls

    size = np.maximum(np.abs(rows).max(axis=1, initial=0.0), np.abs(limits))
    some = size > 0
    rows, limits = rows[some] / size[some, None], limits[some] / size[some]
    width = rows.shape[1]
    matrix = np.vstack([rows.T, limits])
    try:
        dual, _ = nnls(matrix, np.append(np.zeros(width), 1.0), maxiter=20 * len(limits) + 1000)
    except RuntimeError:
        return None
    residual = matrix @ dual - np.append(np.zeros(width), 1.0)
    if residual[-1] > -FAR:
        return None
    tries = [-residual[:-1] / residual[-1]]
    for share in SHARES:  # which rows bind is known; the point where they do is found to more digits
        active = dual > share * dual.max()
        tries.append(np.linalg.lstsq(rows[active], limits[active], rcond=1e-11)[0])
    misses = [float((limits - rows @ x).max(initial=0.0)) for x in tries]
    best = int(np.argmin(misses))
    return tries[best] if misses[best] <= MISS else None


def _hold(program: Program, value: float, blocks: list[FloatArray], limits: list[FloatArray], left: IntArray) -> None:
    """Add that the objective is reached: what is earned, or the margin in every row that has one."""
    if program.columns.margin is not None:
        wanted = np.flatnonzero((program.goal != DEFINITION) | (~program.equal & ~_bounding(program)))
        by = -program.matrix[wanted][:, [program.columns.margin]].toarray()[:, 0]
        limits[0] = limits[0] + by * max(-value - ROOM, 0.0)
        return
    rows = np.flatnonzero(program.equal & (program.goal == DEFINITION))
    defined = _defined(program, left)
    substitute, constant = _substitute(program.matrix[rows], program.limit[rows], defined, left)
    cost = program.cost
    blocks.append(-(cost[left] + cost[defined] @ substitute)[None])
    limits.append(np.array([-(value + ROOM - cost[defined] @ constant)]))
