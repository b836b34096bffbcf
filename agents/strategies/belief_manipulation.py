"""One lie that moves the designer's belief, and another map in the next period that exploits it.

The first lie may cost nothing: it changes how the designer prices the next report. The second map exploits that price
in the period after; from then on, prescribed play.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.maps import MessageMap, lies
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class BeliefManipulation(Strategy):
    """A lie at one date, another map in the following period.

    Args:
        period: when to lie.
        lie: the lie that moves the belief, see `dynmech.agents.strategies.maps`.
        exploit: the map of the following period.
    """

    name = "belief-manipulation"
    source = "Liu 2014 §3.1; Athey–Segal 2007 §2"
    complexity = 2

    def __init__(self, period: int = 0, lie: str = "flip", exploit: str = "flip") -> None:
        self.period, self.lie, self.exploit = period, MessageMap(lie), MessageMap(exploit)

    def message(self, view: View) -> Array:
        """Return the lie at its date, the second map in the period after, else the prescribed message, shape `(n,)`."""
        if view.t == self.period:
            return self.lie(view.prescribed, view.space)
        if view.t == self.period + 1:
            return self.exploit(view.prescribed, view.space)
        return view.prescribed

    def message_map(self, t: int, space: Finite) -> IntArray:
        """Return the images of the lie at its date, of the second map in the period after."""
        if t == self.period:
            return self.lie.image(space)
        return self.exploit.image(space) if t == self.period + 1 else np.arange(space.size)

    def options(self) -> dict[str, str]:
        """Return date and both maps as text."""
        return {"period": str(self.period), "lie": self.lie.text, "exploit": self.exploit.text}

    def describe(self, context: AgentContext) -> str:
        """Return both lies in words."""
        first, then = self.period, self.period + 1
        return (
            f"lies in period {first} ({self.lie.words(context.messages(first))}) "
            f"and exploits it in period {then} ({self.exploit.words(context.messages(then))})"
        )

    def validate(self, context: AgentContext) -> None:
        """Check that both periods are played and that both maps fit their messages."""
        for t, lie in ((self.period, self.lie), (self.period + 1, self.exploit)):
            context.require_period(t)
            lie.validate(context.messages(t))

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield all pairs of maps at every date that is followed by another."""
        dates = context.dates()
        for t in (t for t in dates if t + 1 in dates):
            for lie in lies(context.messages(t), limit=8):
                for exploit in lies(context.messages(t + 1), limit=8):
                    yield cls(t, lie.text, exploit.text)
