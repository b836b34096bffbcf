"""The deviation of a buyer that knows the seller's type: `dynmech.agents.strategies.trade_formulas`."""

from collections.abc import Iterator
from typing import Self

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.trade_formulas import SIDES, best_buyer_report, plays_side
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Interval
from dynmech.sim.play.roles import View


class InformedBuyer(Strategy):
    """The buyer's best response to expected externalities, once the seller's report is known.

    Args:
        clipped: whether the economy keeps quantities in [0, 1].
    """

    name = "informed-buyer"
    source = "Athey–Segal 2007 §2: the contingent deviation of the buyer"
    complexity = 2
    memory_periods: int | None = 1

    def __init__(self, clipped: bool = False) -> None:
        self.clipped = clipped

    def message(self, view: View) -> Array:
        """Return the best report in period 1, else (or if reports are hidden) the prescribed one, shape `(n,)`."""
        reports = view.past[-1].reports if view.past else None
        if reports is None or not isinstance(view.space, Interval) or view.game_spaces.agents != SIDES:
            return view.prescribed
        return best_buyer_report(reports[:, 0], view.signal, view.space.high, clipped=self.clipped)

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return the deviation in words."""
        return "reports 2 θ_1 θ_2 for θ_2 once it knows θ_1"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield it with and without clipping, for the buyer of the trading game."""
        return (cls(clipped) for clipped in (False, True) if plays_side(context, 1))
