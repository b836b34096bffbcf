"""Values that are not separable: x + c_+ or x c_×, evenly, which one the buyer learns later.

The relaxed optimum sells always if +, and if × to first signals of at least ½. With the later signal private it fails
as soon as c_× > 2 c_+: report 0, then always +.

Who would care: whoever wants to see where optimal dynamic contracts by first signals stop being incentive compatible.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.buyer_with_two_signals import TwoPeriodBuyer, two_period_buyer
from dynmech.sim.economy.separable import GRIDS
from dynmech.sim.economy.separable_builders import beta_signal


class NonSeparable(Scenario):
    """One buyer, one item, two periods.

    Args:
        plus: c_+, above 1.
        times: c_×.
        nodes: of the first signal, which is uniform on [0, 1].
        grid: `quantiles` (0 and, for an odd number, ½ among them) or `midpoints`.
    """

    name = "non-separable"
    source = "Kakade–Lobel–Nazerzadeh 2011 §7, second example"
    summary = "x + c or x times c, learned later: the relaxed optimum is not incentive compatible"

    def __init__(self, plus: float = 1.5, times: float = 10.0, nodes: int = 11, grid: str = "quantiles") -> None:
        if not plus > 1:
            raise InputError(f"plus: {plus:g} is not above 1")
        if not times > 0:
            raise InputError(f"times: {times:g} is not positive")
        if grid not in GRIDS:
            raise InputError(f"grid: {grid!r} is none of {', '.join(GRIDS)}")
        self.plus, self.times, self.nodes, self.grid = plus, times, nodes, grid

    def build(self) -> TwoPeriodBuyer:
        """Two periods."""
        made = GRIDS[self.grid](beta_signal(), self.nodes)
        value = np.stack([made.points + self.plus, made.points * self.times], axis=1)
        laws = np.full(value.shape, 0.5)
        return two_period_buyer(self.name, made.points, made.masses, ("plus", "times"), laws, value)
