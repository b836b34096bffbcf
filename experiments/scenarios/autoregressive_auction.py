"""A good sold every period to bidders whose values follow an autoregression of any order, AR(k).

A value is one of `values` even points of [0, 1]. The next one is m + Σ_l φ_l (x_{t+1−l} − m) plus a shock of
±`shock`, each as likely, m being ½ and φ the `coefficients`, of the last value first; between two points it becomes one
of them by a lottery that keeps the mean. Before the first period every value was what it is in the first. What a bidder
knows is its last k values, and it reports them anew every period: with k = 2, the bidder who was high twice is a better
customer than one who has just become so.

Who would care: whoever sells to customers whose demand has momentum, or a season.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.autoregressive_law import autoregression
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.from_functions import Label
from dynmech.sim.economy.lagged_signals import finite_memory


class AutoregressiveAuction(Scenario):
    """Independent private values with several lags.

    Args:
        bidders: how many.
        values: points of [0, 1] that a value can have.
        coefficients: φ_1 to φ_k, joined by `+`.
        shock: size of the shocks.
        fatigue: what winning takes off the winner's next value.
        discount: δ.
        horizon: number of periods; none means infinitely many.
    """

    name = "autoregressive-auction"
    source = "Kakade–Lobel–Nazerzadeh 2011 §4.1, AR(k); numbers ours"
    summary = "values follow an autoregression with several lags: what a bidder knows is a history"

    def __init__(
        self,
        bidders: int = 2,
        values: int = 3,
        coefficients: str = "0.4+0.3",
        shock: float = 0.25,
        fatigue: float = 0.0,
        discount: float = 0.9,
        horizon: int | None = 4,
    ) -> None:
        if bidders < 1 or values < 2:
            raise InputError("bidders and values: at least 1 bidder and 2 values are needed")
        if not (np.isfinite(shock) and np.isfinite(fatigue)):
            raise InputError("shock and fatigue: both must be finite")
        try:
            self.coefficients = [float(part) for part in coefficients.split("+")]
        except ValueError:
            raise InputError(f"coefficients: {coefficients!r} is no list of numbers joined by +") from None
        self.bidders, self.values, self.shock, self.fatigue = bidders, values, shock, fatigue
        self.discount, self.horizon = discount, horizon

    def build(self) -> TableEnvironment:
        """Histories of values as signals."""
        grid = [round(float(x), 12) for x in np.linspace(0, 1, self.values)]
        middle = (1 - sum(self.coefficients)) / 2
        shocks = [-self.shock, self.shock]
        rested = autoregression(grid, self.coefficients, shocks, constant=middle)
        tired = autoregression(grid, self.coefficients, shocks, constant=middle - self.fatigue)
        names = [f"bidder {i + 1}" for i in range(self.bidders)]
        awards = {name: str(i + 1) for i, name in enumerate(names)}

        def utility(agent: str, decision: Label, profile: tuple[float, ...]) -> float:
            return profile[names.index(agent)] if decision == awards[agent] else 0.0

        def transition(agent: str, decision: Label, history: tuple[Label, ...]) -> dict[Label, float]:
            return (tired if decision == awards[agent] else rested)(agent, decision, history)

        return finite_memory(
            names,
            grid,
            ["none", *awards.values()],
            utility=utility,
            transition=transition,
            lags=len(self.coefficients),
            discount=self.discount,
            horizon=self.horizon,
            name=self.name,
        )
