"""A seller and a buyer who trade at the mean of their numbers: what a lie gains is known by hand."""

import numpy as np

from dynmech.mechanisms.groves.trading_pivot import TradingPivot
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Acts, Situation

GAIN = 1 / 36
"""Ex ante, of either side and period: a seller of cost c best says (2 c + 1) / 3 and gains (1 − c)² / 12."""


class SplitTheDifference(TradingPivot):
    """Trade if the buyer's number is larger, at the mean of both; declarations are the tests'."""

    name = "split-the-difference"

    def __init__(self, environment: Environment, lipschitz: float | None = None, breaks: bool = False) -> None:
        super().__init__(environment)
        self.lipschitz, self.breaks = lipschitz, breaks

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        price = messages.mean(axis=1) * decision
        return np.stack([-price, price], axis=1)

    def message_breaks(self, now: Situation, agent: int, messages: Array) -> FloatArray:
        return super().message_breaks(now, agent, messages) if self.breaks else None  # type: ignore[return-value]

    def message_lipschitz(self, t: int, agent: int) -> float | None:
        return self.lipschitz
