"""The same map of messages in every period."""

from collections.abc import Iterator
from typing import Self

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.maps import MessageMap, breadth, lies
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Misreport(Strategy):
    """Sends map(prescribed) always.

    Args:
        map: the lie, see `dynmech.agents.strategies.maps`.
    """

    name = "misreport"
    source = "the static deviation, repeated"
    complexity = 3

    def __init__(self, map: str = "flip") -> None:
        self.map = MessageMap(map)

    def message(self, view: View) -> Array:
        """Return the mapped message, shape `(n,)`."""
        return self.map(view.prescribed, view.space)

    def message_map(self, t: int, space: Finite) -> IntArray:  # noqa: ARG002
        """Return the map's images."""
        return self.map.image(space)

    def options(self) -> dict[str, str]:
        """Return the map as text."""
        return {"map": self.map.text}

    def describe(self, context: AgentContext) -> str:
        """Return the map in words, period by period where the messages differ."""
        dates = context.dates()
        words = [self.map.words(context.messages(t)) for t in dates]
        if len(set(words)) == 1:
            return f"misreports in every period ({words[0]})"
        return (
            "misreports in every period ("
            + "; ".join(f"{t}: {w or 'truth'}" for t, w in zip(dates, words, strict=True))
            + ")"
        )

    def validate(self, context: AgentContext) -> None:
        """Check that the map fits every period's messages."""
        for space in dict.fromkeys(context.messages(t) for t in range(context.periods)):
            self.map.validate(space)

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield all maps if every message set is the same, else the maps in words."""
        spaces = {context.messages(t) for t in range(context.periods)}
        widest = max(spaces, key=breadth)
        yield from (cls(lie.text) for lie in lies(widest, limit=30 if len(spaces) == 1 else 0))
