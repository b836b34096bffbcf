"""Impressions sold every period to advertisers whose values persist, by an exchange that is a player like them.

Values 1, 2, …, K; a value stays with probability `persistence`, otherwise it becomes one of the others, each with the
same chance. The exchange has no private information and no cost: it is listed as an agent because a mechanism may let
it choose its reserves as it goes, and then it can break its word. The mechanism `ratchet` has both: reserves that
follow what a bidder bid last, by rule or where the exchange chooses so.

Who would care: advertisers on an exchange with dynamic reserves, and an exchange that would like to be believed.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class AdExchange(Scenario):
    """Independent private values, and the exchange.

    Args:
        bidders: how many advertisers.
        values: how many values each can have.
        persistence: probability that a value stays.
        discount: δ.
        horizon: number of periods; none means infinitely many.
    """

    name = "ad-exchange"
    source = "dynamic reserves of advertising exchanges; numbers ours"
    summary = "advertisers with persistent values, and an exchange that may raise a reserve once it knows them"

    def __init__(
        self,
        bidders: int = 2,
        values: int = 3,
        persistence: float = 0.8,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if not 1 <= bidders <= 6 or values < 2:
            raise InputError("bidders and values: 1 to 6 bidders and at least 2 values are needed")
        if not 0 <= persistence <= 1:
            raise InputError(f"persistence: {persistence:g} is not in [0, 1]")
        self.bidders, self.values, self.persistence = bidders, values, persistence
        self.discount, self.horizon = discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage; the exchange is the last agent."""
        n, k = self.bidders, self.values
        axes = (*(k,) * n, 1)
        utility = np.zeros((n + 1, n + 1, *axes))
        for i in range(n):
            utility[i, i + 1] = np.arange(1, k + 1).reshape([-1 if j == i else 1 for j in range(n + 1)])
        chain = np.stack([persistent_chain(k, self.persistence)] * (n + 1))
        stage = Stage(
            signals=(*(tuple(str(v + 1) for v in range(k)),) * n, ("-",)),
            decisions=("none", *(str(i + 1) for i in range(n))),
            utility=utility,
            kernel=IndependentKernel((*(chain,) * n, np.ones((n + 1, 1, 1)))),
        )
        agents = (*(f"bidder {i + 1}" for i in range(n)), "exchange")
        return TableEnvironment(self.name, agents, np.full(axes, 1 / k**n), (stage,), self.discount, self.horizon)
