"""The trading game of Athey and Segal with types on intervals, as printed (2007, Example 1): simulated, not searched.

The economy is that of `dynmech.sim.economy.interval_trading_game`, the rules those of the mechanism
`continuous-trade`; `trading-game` is the version on midpoints that is searched exactly.

Who would care: whoever finds grids artificial and wants the printed numbers under the printed types.
"""

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.economy.interval_trading_game import TradingGameEnvironment, trading_game


class TradingGameContinuous(Scenario):
    """Uniform types.

    Args:
        clipped: whether the efficient quantity is kept in [0, 1].
    """

    name = "trading-game-continuous"
    source = "Athey–Segal 2007, Example 1"
    summary = "the trading game with uniform types on intervals, played as such"

    def __init__(self, clipped: bool = False) -> None:
        self.clipped = clipped

    def build(self) -> TradingGameEnvironment:
        """Two periods, no discounting."""
        name = f"{self.name}{' clipped' if self.clipped else ''}"
        return trading_game(
            name, clipped=self.clipped, grid="trading-game:clipped=true" if self.clipped else "trading-game"
        )
