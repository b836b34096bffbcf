"""More digits for a solution: rows that bind are met to rounding, by the smallest step that does it.

A solver meets rows up to a tolerance, and a best response adds such misses up over all periods. With M the rows that
bind and r what they miss, the step Δ of least norm with M Δ = r solves (I, Mᵀ; M, −ϵ) (Δ, −y) = (0, r).
"""

import numpy as np

from dynmech.mechanisms.design.program import Program
from dynmech.sim.core.arrays import BoolArray, FloatArray

NEAR = 1e-7
"""Slack up to which a row may bind, in units of the scale."""

TINY = 1e-11
"""Of the program that finds the step: rows may be dependent."""

STEPS = 3

ENOUGH = 1e-13
"""Misses up to this are rounding."""


def sharpened(program: Program, x: FloatArray) -> FloatArray:
    """Return a point near x that misses rows by less, or x."""
    best, missed = x, worst_miss(program, x)
    for _ in range(STEPS):
        if missed <= ENOUGH:
            break
        slack = program.matrix @ best - program.limit
        for binds in (program.equal | (slack < NEAR), program.equal | (slack < 0)):
            step = _step(program, binds, -slack[binds])
            if step is not None and (now := worst_miss(program, best + step)) < missed:
                best, missed = best + step, now
                break
        else:
            break
    return best


def worst_miss(program: Program, x: FloatArray) -> float:
    """Return the most by which a row is missed."""
    slack = program.matrix @ x - program.limit
    return float(np.where(program.equal, np.abs(slack), -slack).max(initial=0.0))


def _step(program: Program, binds: BoolArray, missing: FloatArray) -> FloatArray | None:
    from scipy.sparse import block_array, eye_array
    from scipy.sparse.linalg import splu

    rows = program.matrix[np.flatnonzero(binds)]
    count, width = rows.shape
    system = block_array([[eye_array(width), rows.T], [rows, -TINY * eye_array(count)]], format="csc")
    try:  # quasi-definite: every order of pivots on the diagonal exists, and one that keeps the factors sparse is taken
        factor = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        step = factor.solve(np.concatenate([np.zeros(width), missing]))[:width]
    except RuntimeError:  # singular in spite of all
        return None
    return step if bool(np.isfinite(step).all()) else None
