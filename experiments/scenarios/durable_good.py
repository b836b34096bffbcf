"""A durable good, two periods, a buyer who can wait, and a seller who is a player like the buyer.

The buyer values the good at one of m even values k/m (the continuum's U[0, 1] as m grows) and knows which; it is sold
once, today or tomorrow, and never taken back. What is public is whether it is sold. The seller has no private
information and a cost of 0: it is listed as an agent because a mechanism may let it choose prices, and then it can
break its word as any other agent can.

With commitment the price is ½ in both periods: a cut tomorrow would only make buyers wait. Without, whoever did not buy
today is offered less tomorrow, buyers foresee it, and the seller earns less. The mechanism `spot-price` has both.

Who would care: whoever sells something that lasts, and cannot bind its own later prices.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class DurableGood(Scenario):
    """One good, one buyer, two periods.

    Args:
        values: m, how many values the buyer can have: 0, 1/m, …, (m − 1)/m, each as likely.
        discount: δ.
    """

    name = "durable-good"
    source = "Stokey 1981 and Bulow 1982 in two periods; numbers from values uniform on [0, 1]"
    summary = "a buyer who can wait, and a seller who may cut its price tomorrow: what commitment is worth"

    def __init__(self, values: int = 20, discount: float = 0.5) -> None:
        if not 2 <= values <= 500:
            raise InputError(f"values: {values} is not in 2..500")
        self.values, self.discount = values, discount

    def build(self) -> TableEnvironment:
        """One stage, played twice; the public state says whether the good is sold."""
        m = self.values
        worth = np.arange(m) / m
        utility = np.zeros((2, 2, 2, m, 1))
        utility[0, 1, 0, :, 0] = worth
        sold = np.array([[0.0, 1.0], [0.0, 1.0]])
        stage = Stage(
            signals=(tuple(f"{v:.6g}" for v in worth), ("-",)),
            decisions=("keep", "sell"),
            utility=utility,
            kernel=IndependentKernel((np.stack([np.eye(2), sold]), np.stack([np.eye(m)] * 2), np.ones((2, 1, 1)))),
            public=("unsold", "sold"),
        )
        prior = np.zeros((2, m, 1))
        prior[0] = 1 / m
        return TableEnvironment(self.name, ("buyer", "seller"), prior, (stage,), self.discount, 2)
