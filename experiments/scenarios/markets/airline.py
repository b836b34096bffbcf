"""A traveller who knows today what kind it is, and only later what a flight is worth.

A third are leisure travellers, whose value will be uniform on [1, 2]; the others are on business: half of them on
[0, 1], half on [2, 3]. A seat costs 1. Values are midpoints of `cells` parts of each unit, so that every expected value
of a contract with a refund of 0, 1, 2 or 3 is that of the continuum.

Who would care: airlines, hotels, whoever sells before customers know what they want.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class Airline(Scenario):
    """Two kinds of travellers, two periods.

    Args:
        cells: midpoints a unit of value.
        leisure: share of leisure travellers.
        cost: of a seat.
    """

    name = "airline"
    source = "Courty and Li 2000"
    summary = "travellers who buy before they know whether they will fly: refunds that tell them apart"

    def __init__(self, cells: int = 4, leisure: float = 1 / 3, cost: float = 1.0) -> None:
        if not 1 <= cells <= 100:
            raise InputError(f"cells: {cells} is not in 1..100")
        if not 0 < leisure < 1:
            raise InputError(f"leisure: {leisure:g} is not between 0 and 1")
        if not 0 <= cost < np.inf:
            raise InputError(f"cost: {cost:g} is not a finite cost of at least 0")
        self.cells, self.leisure, self.cost = cells, leisure, cost

    def build(self) -> TableEnvironment:
        """Nothing is decided in the first period; a seat is given or not in the second."""
        values = (np.arange(3 * self.cells) + 0.5) / self.cells
        law = np.zeros((1, 2, len(values)))
        law[0, 0, self.cells : 2 * self.cells] = 1 / self.cells
        law[0, 1, : self.cells] = law[0, 1, 2 * self.cells :] = 1 / (2 * self.cells)
        first = Stage((("leisure", "business"),), ("-",), np.zeros((1, 1, 2)), IndependentKernel((law,)))
        later = Stage(
            (tuple(f"{v:.6g}" for v in values),),
            ("none", "seat"),
            np.stack([np.zeros_like(values), values])[None],
            cost=np.array([0.0, self.cost]),
        )
        prior = np.array([self.leisure, 1 - self.leisure])
        return TableEnvironment(self.name, ("traveller",), prior, (first, later), 1.0, 2)
