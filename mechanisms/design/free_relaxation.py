"""By how much one goal would have to give where decisions are sought as well.

Amounts after a history are counted by the chance R of the history, so a row that gives g reads a·x + g R >= b with R
an unknown: bilinear, but linear for a given g, and what can be had with g can be had with more. With s(g) the least
amount by which the rows are missed at most beyond g, the least g is where s comes down to 0; its slope is −Σ y R with
multipliers y, so that Newton's steps lead there. They stay within an interval: goals are not met at its lower end, and
met at its upper end.
"""

from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.solving import solve
from dynmech.sim.core.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MET = 1e-9
"""What rows may be missed by and still count as met, in units of the scale."""

CLOSE = 1e-7
"""Width of the interval at which the search ends, relative to its upper end."""

TRIES = 100
"""Programs that are solved at most."""


def free_relaxation(program: FreeProgram, goal: int) -> float | None:
    """Return by how much one goal must give for all to be met, in units of the scale; None where that is not found.

    Args:
        program: of all goals; the others can be met together.
        goal: its number.
    """
    chances = _chances(program, goal)
    low, high, gives, newton = 0.0, np.inf, 0.0, False
    for _ in range(TRIES):
        missed, slope = _least_miss(program, goal, chances, gives)
        if missed is None:
            return None
        if missed > MET:  # Newton's step leads up from here, within the interval; rounding must not stop it
            low = gives
            step = max(missed / max(slope, MET), CLOSE / 2 * gives)
            newton = low + step < high
            gives = low + step if newton else (low + high) / 2
        else:  # met, perhaps by more than is needed: a little less is tried if Newton's step led here, else the middle
            led, newton = newton, False
            high = gives
            gives = high * (1 - CLOSE / 2) if led else (low + high) / 2
        if high == 0 or (np.isfinite(high) and high - low <= CLOSE * high):
            return high
    return None


def _chances(program: FreeProgram, goal: int) -> "csr_array":
    """Return, for the rows of a goal, the chance that each is counted by: coefficients of R, or of x."""
    from scipy.sparse import coo_array

    rows, columns, start = [], [], 0
    for kind, _, e, places in program.rows.names:
        some = start + np.flatnonzero(program.goal[start : start + len(places)] == goal)
        start += len(places)
        if len(some):
            rows.append(some)
            columns.append(_chance(program, kind, e, places))
    where = (np.concatenate(rows), np.concatenate(columns))
    return coo_array((np.ones(len(where[0])), where), shape=(program.rows.count, program.width)).tocsr()


def _chance(program: FreeProgram, kind: str, e: int, places: IntArray) -> IntArray:
    """Return the columns of the chances that rows of a kind are counted by."""
    if kind.endswith("ex ante"):
        return program.lots.r(0, np.zeros(len(places), np.intp))
    if kind == "obey last":
        node, profile, decision, _ = places.T
        return program.lots.x(e, node, profile, decision)
    return program.lots.r(e, places[:, 0])


def _least_miss(program: FreeProgram, goal: int, chances: "csr_array", gives: float) -> tuple[float | None, float]:
    """Return the least amount by which all rows of a goal are missed at most beyond what they give, and its slope."""
    from scipy.sparse import coo_array, hstack, vstack

    soft = program.goal == goal
    both = np.flatnonzero(soft & program.equal)
    counted = vstack([chances, chances[both]]).tocsr()
    matrix = vstack([program.matrix, -program.matrix[both]]) + gives * counted
    limit: FloatArray = np.concatenate([program.limit, -program.limit[both]])
    equal = np.concatenate([program.equal & ~soft, np.zeros(len(both), np.bool_)])
    column = coo_array(np.concatenate([soft, np.ones(len(both), np.bool_)])[:, None].astype(np.float64))
    cost, bounds = np.append(np.zeros(program.width), 1.0), np.vstack([program.bounds, [0.0, np.inf]])
    found = solve(cost, hstack([matrix, column]).tocsr(), limit, equal, bounds)
    if found.status != "optimal":
        return None, 0.0
    return max(found.value, 0.0), float(found.multipliers @ (counted @ found.x[:-1]))
