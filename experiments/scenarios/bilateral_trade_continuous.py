"""A seller and a buyer whose values are uniform on [0, 1], played on numbers; see `bilateral_trade`.

A value stays with probability `persistence`, else it is drawn anew: 0 is the case of independent values, 1 that of
values that are for ever.

Who would care: whoever knows Myerson and Satterthwaite's theorem and wants to see what a second period changes.

Source: Yoon 2021, §3.3.1 A (two periods, no discounting).
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.economy.function import FunctionEnvironment

DECISIONS = ("no trade", "trade")


class BilateralTradeContinuous(Scenario):
    """Values on [0, 1].

    Args:
        persistence: probability that a value stays; it is drawn anew otherwise.
        discount: δ.
        horizon: number of periods; none means infinitely many.
    """

    name = "bilateral-trade-continuous"
    source = "Yoon 2021 §3.3.1 A"
    summary = "a seller and a buyer with values uniform on [0, 1], independent or persistent, simulated as such"

    def __init__(self, persistence: float = 0.0, discount: float = 1.0, horizon: int | None = 2) -> None:
        if not 0 <= persistence <= 1:
            raise InputError(f"persistence: {persistence:g} is not in [0, 1]")
        self.persistence, self.discount, self.horizon = persistence, discount, horizon

    def build(self) -> FunctionEnvironment:
        """Two agents on [0, 1]."""
        return FunctionEnvironment(
            name=self.name,
            agents=("seller", "buyer"),
            discount=self.discount,
            horizon=self.horizon,
            signals=(Interval(0, 1), Interval(0, 1)),
            decisions=Finite(DECISIONS),
            law=self._law,
            payoff=lambda _t, signals, decision: signals * np.array([-1.0, 1.0]) * decision[:, None],
            bound=1.0,
            grid="bilateral-trade:values=11,midpoints=true",
        )

    def _law(self, t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:  # noqa: ARG002
        """One number decides both whether a value stays and, stretched, what the new one is."""
        if last is None or self.persistence == 0:
            return uniforms
        stays = uniforms < self.persistence
        drawn = (uniforms - self.persistence) / (1 - self.persistence) if self.persistence < 1 else uniforms
        return np.where(stays, last, np.clip(drawn, 0.0, 1.0))
