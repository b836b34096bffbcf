"""A buyer with a first signal x and a later one s, one item to sell in period 1: value v(x, s), of any form.

Nothing is separable here and s may depend on x: the economies in which the relaxation falls short. Signals of period 1
are (x, s), the first signal reported again. Nothing is discounted.

Source: Kakade, Lobel and Nazerzadeh 2011, §7.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.checks import check_law, check_shape
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


@dataclass(frozen=True, eq=False)
class TwoPeriodBuyer(TableEnvironment):
    """The finite form.

    Attributes:
        points, masses: first signals and their probabilities, `(m,)`.
        laws: of the later signal by the first, `(m, K)`.
        value: v, `(m, K)`.
    """

    points: FloatArray
    masses: FloatArray
    laws: FloatArray
    value: FloatArray


def two_period_buyer(
    name: str, points: FloatArray, masses: FloatArray, states: Sequence[str], laws: FloatArray, value: FloatArray
) -> TwoPeriodBuyer:
    """Build it; `laws` of s by x, `(m, K)`."""
    nodes, width, where = len(points), len(states), f"environment {name!r}"
    check_shape(laws, (nodes, width), f"{where}: laws")
    check_shape(value, (nodes, width), f"{where}: value")
    check_law(laws, f"{where}: laws", 1)
    kernel = np.zeros((1, nodes, nodes * width))
    for k, law in enumerate(laws):
        kernel[0, k, k * width : (k + 1) * width] = law
    labels = [f"{x:.6g}" for x in points]
    opening = Stage((tuple(labels),), ("-",), np.zeros((1, 1, nodes)), kernel=IndependentKernel((kernel,)))
    utility = np.stack([np.zeros(value.size), value.reshape(-1)])[None]
    sale = Stage((tuple(f"{x} {s}" for x in labels for s in states),), ("none", "sell"), utility)
    return TwoPeriodBuyer(name, ("buyer",), masses, (opening, sale), 1.0, 2, points, masses, laws, value)
