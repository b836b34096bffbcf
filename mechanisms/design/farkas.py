"""Multipliers that prove a clash: y with yᵀb above the most that yᵀA x can be within the box.

Phase one gives y for the rows of the goals. What they need of the rows that define V, C and W follows: those unknowns
must cancel. In doubles this is a proposal; `dynmech.experiments.certificates.verify_infeasible` checks it in rationals.
"""

import numpy as np

from dynmech.mechanisms.design.clashes import PhaseOne
from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.program import Program
from dynmech.sim.core.arrays import FloatArray, IntArray

CANCELLING = ("worth", "follows", "welfare")
"""Kinds of rows that define an unknown each: V, C and W."""

FAINT = 1e-11
"""Multipliers up to this share of the largest are rounding."""


def farkas(found: PhaseOne) -> FloatArray:
    """Return multipliers of all rows."""
    from scipy.sparse.linalg import splu

    program = found.program
    y = np.where(program.equal, found.multipliers, np.maximum(found.multipliers, 0.0))
    y[np.abs(y) <= FAINT * np.abs(y).max(initial=0.0)] = 0.0
    kinds = np.concatenate([np.full(len(places), kind in CANCELLING) for (kind, _, _, places) in program.rows.names])
    definitions = np.flatnonzero(kinds)
    y[definitions] = 0.0
    matrix = program.matrix
    defined = _defined(program)
    rest = matrix.T @ y
    factor = splu(matrix[definitions][:, defined].T.tocsc())
    y[definitions] = factor.solve(-rest[defined])
    left = matrix.T @ y
    y[definitions] += factor.solve(-left[defined])
    return y


def _defined(program: Program | FreeProgram) -> IntArray:
    """Return the columns of V, C and W that some row reads."""
    used = np.unique(program.matrix.indices).astype(np.intp)
    mask = np.zeros(program.width, np.bool_)
    mask[: program.columns.count] = True  # behind them stand decisions, where they are sought
    for i in program.agents:
        own = program.columns.of(i)
        mask[own.start["p"] : own.start["V"]] = False
        mask[own.start["Y"] : own.end] = False
    return used[mask[used]]
