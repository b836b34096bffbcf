"""Identical goods sold one after the other to bidders who want one each.

N bidders, K goods, one a period. A bidder's value is drawn at the start, from the middles of m even parts of [0, 1],
and stays until it gets a good; then it is served and wants no more. There is no discounting.

Who would care: auction houses that sell lots of the same wine, states that sell licences in rounds.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class SequentialSale(Scenario):
    """Unit demand.

    Args:
        bidders: N.
        goods: K, fewer than bidders.
        values: m.
    """

    name = "sequential-sale"
    source = "Weber 1983; Krishna, Auction Theory, ch. 15"
    summary = (
        "identical goods, one a period, for bidders who want one each: what is bid early, and what a bid gives away"
    )

    def __init__(self, bidders: int = 3, goods: int = 2, values: int = 4) -> None:
        if not 1 <= goods < bidders <= 6:
            raise InputError(f"goods, bidders: {goods} and {bidders}; at least one good, and more bidders, 6 at most")
        if not 2 <= values <= 40:
            raise InputError(f"values: {values} is not in 2..40")
        self.bidders, self.goods, self.values = bidders, goods, values

    def build(self) -> TableEnvironment:
        """One stage, played K times; the last signal of each bidder is to be served."""
        n, m = self.bidders, self.values
        worth = np.append((np.arange(m) + 0.5) / m, 0.0)
        axes = (m + 1,) * n
        utility = np.zeros((n, n + 1, *axes))
        served = np.zeros((m + 1, m + 1))
        served[:, m] = 1
        laws = []
        for i in range(n):
            utility[i, i + 1] = worth.reshape([-1 if j == i else 1 for j in range(n)])
            law = np.stack([np.eye(m + 1)] * (n + 1))
            law[i + 1] = served
            laws.append(law)
        prior = np.zeros(axes)
        prior[(slice(0, m),) * n] = 1 / m**n
        names = tuple(f"bidder {i + 1}" for i in range(n))
        labels = (*(f"{v:.6g}" for v in worth[:m]), "served")
        stage = Stage((labels,) * n, ("nobody", *names), utility, IndependentKernel(tuple(laws)))
        return TableEnvironment(self.name, names, prior, (stage,), 1.0, self.goods)
