"""A seller and a buyer who meet for ever, and of whom either can stay away (Athey–Segal 2007, §6).

Each period the seller's cost is low or high and the buyer's value is low or high, privately; each stays what it was
with probability `persistence` and changes otherwise. Both choose in public whether to come (`in`) or to stay away
(`out`); a unit is traded if both come. Whoever is alone at the market place gets nothing, so staying away is safe, and
with nobody to enforce anything it is what is left when somebody has not paid.

Efficient is to come whenever the value exceeds the cost. With `enforced` somebody sees to it, and the other mechanisms
say who pays what; without, `self-enforcing` finds the payments with which patient traders keep to it by themselves. It
sees who comes, so that values are private for it. The other mechanisms go by what was decided: whether the other comes
is then a hidden action that concerns one's own utility, values are not private, and staying away pays.

Who would care: trading partners without a court, such as firms across borders or members of a credit circle.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class RepeatedTrade(Scenario):
    """Two-state types, and observable actions `out` and `in`.

    Args:
        low_cost, high_cost: of the seller.
        low_value, high_value: to the buyer.
        persistence: probability that a cost or a value stays what it is; 0.5: drawn anew every period.
        discount: δ.
        enforced: whether the decision is carried out by the designer and not by the two themselves.
    """

    name = "repeated-trade"
    source = "Athey–Segal 2007 §6"
    summary = "trade for ever with two-state types; either side can stay away or withhold a payment"

    def __init__(
        self,
        low_cost: float = 1.0,
        high_cost: float = 3.0,
        low_value: float = 2.0,
        high_value: float = 4.0,
        persistence: float = 0.75,
        discount: float = 0.95,
        enforced: bool = False,
    ) -> None:
        if not 0 <= persistence <= 1:
            raise InputError(f"persistence: {persistence:g} is not in [0, 1]")
        if not (low_cost <= high_cost and low_value <= high_value):
            raise InputError("costs and values: the low one must not exceed the high one")
        self.costs, self.values = (low_cost, high_cost), (low_value, high_value)
        self.persistence, self.discount, self.enforced = persistence, discount, enforced

    def build(self) -> TableEnvironment:
        """One repeated stage; decisions are what both do, the seller's part slowest."""
        utility = np.zeros((2, 4, 2, 2))
        utility[0, 3] = -np.array(self.costs)[:, None]
        utility[1, 3] = np.array(self.values)[None, :]
        chain = persistent_chain(2, self.persistence)
        choices = ("out", "in")
        stage = Stage(
            signals=(("low", "high"), ("low", "high")),
            decisions=tuple(f"{seller}, {buyer}" for seller in choices for buyer in choices),
            utility=utility,
            kernel=IndependentKernel((np.stack([chain] * 4), np.stack([chain] * 4))),
            private_actions=() if self.enforced else (choices, choices),
        )
        name = f"{self.name}{' enforced' if self.enforced else ''}"
        return TableEnvironment(name, ("seller", "buyer"), np.full((2, 2), 0.25), (stage,), self.discount, None)
