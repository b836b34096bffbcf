"""Plants with start-up costs (Athey–Segal 2007, §1): the cheapest plant today need not be the one to run.

Each period the grid runs one of the plants, both, or none. A plant that runs pays its fuel, low or high, which it alone
knows and which persists; one that was cold pays `start` on top. Which plants are warm is public: those that ran last.
Demand is one plant's output with certainty and a second one's half of the time: what is missing the grid buys
elsewhere, at `shortage` per plant, which is the *designer's* cost. So welfare looks ahead (a warm plant is worth
keeping) and is what plants earn less what the grid spends.

Who would care: a system operator that pays generators for what they say their costs are, hour by hour.
"""

from itertools import product

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class PowerPlants(Scenario):
    """Two plants.

    Args:
        low, high: fuel cost of a period.
        start: cost of starting a cold plant.
        shortage: what the grid pays for the output of a plant that it lacks.
        persistence: probability that a fuel cost stays what it is; otherwise it becomes the other one.
        discount: δ.
        horizon: number of periods; none means infinitely many.
    """

    name = "power-plants"
    source = "Athey–Segal 2007 §1"
    summary = "start-up costs make efficiency dynamic, and the designer bears the cost of what is not produced"

    def __init__(
        self,
        low: float = 1.0,
        high: float = 2.0,
        start: float = 1.5,
        shortage: float = 3.0,
        persistence: float = 0.8,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if not low <= high:
            raise InputError(f"low and high: {low:g} exceeds {high:g}")
        if start < 0 or shortage < 0:
            raise InputError("start and shortage: a cost below 0")
        if not 0 <= persistence <= 1:
            raise InputError(f"persistence: {persistence:g} is not in [0, 1]")
        self.fuel, self.start, self.shortage = np.array([low, high]), start, shortage
        self.persistence, self.discount, self.horizon = persistence, discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage; the public state is what ran last, nothing at first."""
        running = list(product((0, 1), repeat=2))
        labels = ("none", "2", "1", "1+2")
        utility = np.zeros((2, 4, 4, 2, 2))
        for (d, now), (warm, before) in product(enumerate(running), enumerate(running)):
            for i in range(2):
                own = self.fuel.reshape((2, 1) if i == 0 else (1, 2))
                utility[i, d, warm] = -now[i] * (own + self.start * (1 - before[i]))
        # One plant is needed for sure, the second half of the time.
        cost = np.array([1.5, 0.5, 0.5, 0.0]) * self.shortage
        fuel = persistent_chain(2, self.persistence)
        warmed = np.repeat(np.eye(4)[:, None, :], 4, axis=1)  # what runs is warm next
        stage = Stage(
            signals=(("low", "high"), ("low", "high")),
            decisions=labels,
            utility=utility,
            kernel=IndependentKernel((warmed, np.stack([fuel] * 4), np.stack([fuel] * 4))),
            public=labels,
            cost=cost,
        )
        prior = np.zeros((4, 2, 2))
        prior[0] = 0.25
        return TableEnvironment(self.name, ("plant 1", "plant 2"), prior, (stage,), self.discount, self.horizon)
