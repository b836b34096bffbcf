"""A supply chain: retailers with private margins and Markov demand, a manufacturer that produces at a cost.

A retailer with margin x that gets q units when demand is y sells min(q, y) and earns x min(q, y). The manufacturer
decides how many units go to whom; production costs `cost` a unit, and `strain` times the square of all units.

Who would care: a manufacturer that sells ahead to shops which see their demand week by week and know their margin
from the start.
"""

from itertools import product

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.separable import Economy, Later, SeparableEnvironment, midpoints, separable_environment
from dynmech.sim.economy.separable_builders import beta_signal


class SupplyChain(Scenario):
    """Multiplicative values, uncontrolled demand, costs that tie retailers together.

    Args:
        retailers: how many.
        nodes: of each margin, which is uniform on [0, 1].
        most: demand is 0 to this many units, and so is what a retailer may get.
        persistence: probability that a retailer's demand stays; otherwise it goes to one of the other levels, each with
            the same chance. none: 0.5 + 0.5 / (most + 1), as if half of the demands were drawn anew, evenly.
        cost, strain: production costs cost · units + strain · units².
        discount: δ.
    """

    name = "supply-chain"
    source = "Kakade–Lobel–Nazerzadeh 2011 §1, §4.1"
    summary = "retailers with private margins and Markov demand, convex production costs"

    def __init__(
        self,
        retailers: int = 2,
        nodes: int = 3,
        most: int = 2,
        persistence: float | None = None,
        cost: float = 0.1,
        strain: float = 0.05,
        discount: float = 0.9,
    ) -> None:
        if retailers < 1 or nodes < 1 or most < 1:
            raise InputError("retailers, nodes and most: at least 1 of each is needed")
        if persistence is None:
            persistence = 0.5 + 0.5 / (most + 1)
        if not 0 <= persistence <= 1:
            raise InputError(f"persistence: {persistence:g} is not in [0, 1]")
        self.retailers, self.nodes, self.most, self.persistence = retailers, nodes, most, persistence
        self.cost, self.strain, self.discount = cost, strain, discount

    def build(self) -> SeparableEnvironment:
        """One repeated stage; decisions are the quantities of every retailer."""
        n, levels = self.retailers, self.most + 1
        lots = list(product(range(levels), repeat=n))
        units = np.array(lots, dtype=np.float64)
        slope = tuple(np.minimum.outer(units[:, i], np.arange(levels)) for i in range(n))
        chain = persistent_chain(levels, self.persistence)
        total = units.sum(axis=1)
        period = Later(
            states=(tuple(str(y) for y in range(levels)),) * n,
            slope=slope,
            intercept=tuple(np.zeros_like(table) for table in slope),
            cost=self.cost * total + self.strain * total**2,
            kernel=(np.stack([chain] * len(lots)),) * n,
        )
        first = (beta_signal(),) * n
        labels = tuple("+".join(str(q) for q in lot) for lot in lots)
        agents = tuple(f"retailer {i + 1}" for i in range(n))
        start = (np.full(levels, 1 / levels),) * n
        economy = Economy(self.name, agents, "multiplicative", first, labels, start, (period,), self.discount)
        return separable_environment(economy, [midpoints(f, self.nodes) for f in first])
