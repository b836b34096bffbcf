"""One lie: a map in a single period, the truth in all others."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.maps import MessageMap, lies
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class OneShot(Strategy):
    """Sends map(prescribed) in one period.

    Args:
        period: when to lie.
        map: the lie, see `dynmech.agents.strategies.maps`.
    """

    name = "one-shot"
    source = "the one-shot deviation principle"
    complexity = 1

    def __init__(self, period: int = 0, map: str = "flip") -> None:
        self.period, self.map = period, MessageMap(map)

    def message(self, view: View) -> Array:
        """Return the mapped message in the one period, else the prescribed one, shape `(n,)`."""
        return self.map(view.prescribed, view.space) if view.t == self.period else view.prescribed

    def message_map(self, t: int, space: Finite) -> IntArray:
        """Return the map's images in the one period, else every message as it is."""
        return self.map.image(space) if t == self.period else np.arange(space.size)

    def options(self) -> dict[str, str]:
        """Return date and map as text."""
        return {"period": str(self.period), "map": self.map.text}

    def describe(self, context: AgentContext) -> str:
        """Return date and map in words."""
        return f"lies once, in period {self.period} ({self.map.words(context.messages(self.period))})"

    def validate(self, context: AgentContext) -> None:
        """Check that the period is played and that the map fits its messages."""
        context.require_period(self.period)
        self.map.validate(context.messages(self.period))

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield all maps at every date of the context."""
        for t in context.dates():
            yield from (cls(t, lie.text) for lie in lies(context.messages(t), limit=30))
