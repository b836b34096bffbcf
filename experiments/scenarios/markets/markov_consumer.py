"""A consumer who buys every period, and whose taste is low or high and persists.

A quantity q is worth θ q to the consumer and costs the seller q²/2, so that the efficient quantity is the taste itself.
Quantities are nothing, both tastes, and those that the best long-term contract gives after 1, 2, … lows in a row
(mechanism `markovian-contract`), so that the contract is in the economy exactly.

Who would care: whoever sells by subscription, and learns from each choice what a customer will want next.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.mechanisms.revenue.markovian_contract import low_quantities
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class MarkovConsumer(Scenario):
    """One consumer with two tastes.

    Args:
        low: θ_L.
        high: θ_H.
        start: probability of a high taste at first.
        stay_high: probability that a high taste stays.
        stay_low: probability that a low taste stays.
        discount: δ.
        horizon: T, number of periods.
    """

    name = "markov-consumer"
    source = "Battaglini 2005; numbers ours"
    summary = "a consumer of lasting taste: only an unbroken run of low tastes is served less than is efficient"

    def __init__(
        self,
        low: float = 2.0,
        high: float = 3.0,
        start: float = 0.5,
        stay_high: float = 0.8,
        stay_low: float = 0.7,
        discount: float = 0.9,
        horizon: int = 4,
    ) -> None:
        if not 0 < low < high < np.inf:
            raise InputError(f"low, high: {low:g} and {high:g}; 0 < low < high is needed")
        if not (0 < start < 1 and 0 < stay_low <= 1 and 0 <= stay_high <= 1):
            raise InputError("start, stay_low, stay_high: probabilities are needed, start and stay_low above 0")
        if stay_high < 1 - stay_low:
            raise InputError(
                f"stay_high: {stay_high:g}; a high taste must be as likely after a high as after a low one"
            )
        if not 1 <= horizon <= 50:
            raise InputError(f"horizon: {horizon} is not in 1..50")
        self.tastes, self.start, self.discount, self.horizon = np.array([low, high]), start, discount, horizon
        self.chain = np.array([[stay_low, 1 - stay_low], [1 - stay_high, stay_high]])

    def build(self) -> TableEnvironment:
        """One stage, played T times; decisions are quantities."""
        prior = np.array([1 - self.start, self.start])
        lows = low_quantities(self.tastes, prior, self.chain, self.horizon)
        amounts = np.unique(np.concatenate([[0.0], self.tastes, lows]).round(12))
        stage = Stage(
            signals=(("low", "high"),),
            decisions=tuple(f"{q:.10g}" for q in amounts),
            utility=np.multiply.outer(amounts, self.tastes)[None],
            kernel=IndependentKernel((np.stack([self.chain] * len(amounts)),)),
            cost=amounts**2 / 2,
        )
        return TableEnvironment(self.name, ("consumer",), prior, (stage,), self.discount, self.horizon)
