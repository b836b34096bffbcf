"""The seller's deviation in the trading game under actual externalities: `dynmech.agents.strategies.trade_formulas`."""

from collections.abc import Iterator
from typing import Self

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.trade_formulas import SIDES, best_seller_report, plays_side
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Interval
from dynmech.sim.play.roles import View


class EagerSeller(Strategy):
    """The seller's best response to actual externalities.

    Args:
        clipped: whether the economy keeps quantities in [0, 1].
    """

    name = "eager-seller"
    source = "Athey–Segal 2007 §2: the seller's deviation"
    complexity = 1

    def __init__(self, clipped: bool = False) -> None:
        self.clipped = clipped

    def message(self, view: View) -> Array:
        """Return the best report in period 0, the prescribed one in any other game, shape `(n,)`."""
        if view.t > 0 or not isinstance(view.space, Interval) or view.game_spaces.agents != SIDES:
            return view.prescribed
        return best_seller_report(view.signal, view.space.high, clipped=self.clipped)

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return the deviation in words."""
        return "over-reports θ_1, as if units were cheaper to make"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield it with and without clipping, for the seller of the trading game."""
        return (cls(clipped) for clipped in (False, True) if plays_side(context, 0))
