"""Linear programs handed to HiGHS, with the tolerances that a design needs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dynmech.sim.core.arrays import BoolArray, FloatArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PRECISION = 1e-10
"""Feasibility and optimality asked of the solver, in units of the scale."""

SIMPLEX = 20_000
"""Rows up to which the simplex method is tried first; beyond, the interior point method is many times faster."""

STEPS = 10
"""Steps of the simplex method per row and unknown; where it takes more it goes in circles, and may never end."""


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solver found.

    Attributes:
        status: `optimal`, `infeasible`, `unbounded`, or `open` where it gave up.
        x: the unknowns; empty unless optimal.
        value: of what is minimised.
        multipliers: per row, what a unit more on its right-hand side would add to the value.
    """

    status: str
    x: FloatArray
    value: float
    multipliers: FloatArray


def solve(
    cost: FloatArray,
    matrix: "csr_array",
    limit: FloatArray,
    equal: BoolArray,
    bounds: FloatArray,
    time_limit: float | None = None,
) -> Solution:
    """Minimise cost · x subject to matrix x >= limit (= where `equal`), bounds `(n, 2)`."""
    from scipy.optimize import linprog

    above, same = np.flatnonzero(~equal), np.flatnonzero(equal)
    options: dict[str, object] = {"primal_feasibility_tolerance": PRECISION, "dual_feasibility_tolerance": PRECISION}
    if time_limit is not None:
        options["time_limit"] = time_limit
    steps = STEPS * (len(limit) + len(cost))
    for method in ("highs-ds", "highs-ipm") if len(limit) <= SIMPLEX else ("highs-ipm", "highs-ds"):
        found = linprog(  # type: ignore[call-overload, misc] # its stubs know dense matrices only
            cost,
            A_ub=-matrix[above] if len(above) else None,
            b_ub=-limit[above] if len(above) else None,
            A_eq=matrix[same] if len(same) else None,
            b_eq=limit[same] if len(same) else None,
            bounds=bounds,
            method=method,
            options=options | ({"maxiter": steps} if method == "highs-ds" else {}),
        )
        status = {0: "optimal", 2: "infeasible", 3: "unbounded"}.get(found.status, "open")
        if status != "open" or (found.status == 1 and found.nit < steps):  # 1: out of time, or of steps
            break
    if status != "optimal":
        return Solution(status, np.zeros(0), np.inf, np.zeros(0))
    multipliers = np.zeros(len(limit))
    if len(above):
        multipliers[above] = -np.asarray(found.ineqlin.marginals)
    if len(same):
        multipliers[same] = np.asarray(found.eqlin.marginals)
    return Solution(status, np.asarray(found.x, np.float64), float(found.fun), multipliers)
