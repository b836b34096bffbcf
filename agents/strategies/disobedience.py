"""Disobedience: a private action other than the recommended one, with or without a lie beside it."""

from collections.abc import Iterator
from typing import Self

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.maps import MessageMap, lies
from dynmech.agents.strategies.misreport import Misreport
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Disobedience(Strategy):
    """Takes map(recommended) as its action always; reports the truth, or a lie.

    Args:
        action: the map of actions, see `dynmech.agents.strategies.maps`.
        map: the map of messages beside it; None: the prescribed message.
    """

    name = "disobedience"
    source = "Athey–Segal 2007, Examples 5 and 6: hidden actions"
    complexity = 3

    def __init__(self, action: str = "low", map: str | None = None) -> None:
        self.acted = MessageMap(action)
        self.map = None if map is None else MessageMap(map)

    def message(self, view: View) -> Array:
        """Return the lie, or the prescribed message if there is none, shape `(n,)`."""
        return view.prescribed if self.map is None else self.map(view.prescribed, view.space)

    def action(self, view: View) -> Array:
        """Return the mapped action, shape `(n,)`."""
        return self.acted(view.prescribed, view.space)

    def options(self) -> dict[str, str]:
        """Return both maps as text."""
        return {"action": self.acted.text, "map": "none" if self.map is None else self.map.text}

    def describe(self, context: AgentContext) -> str:
        """Return both maps in words."""
        spaces = [space for space in context.actions if space.size > 1] or [Finite(("-",))]
        acts = f"disobeys ({self.acted.words(spaces[0]) or self.acted.text})"
        if self.map is None:
            return acts
        words = [self.map.words(context.messages(t)) for t in context.dates()]
        return f"{acts} and misreports ({next(filter(None, words), self.map.text)})"

    def validate(self, context: AgentContext) -> None:
        """Check that the map of actions fits every set of actions and that of messages every period's."""
        for space in context.actions:
            self.acted.validate(space)
        if self.map is not None:
            Misreport(self.map.text).validate(context)

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield every map of actions, alone and with every map of messages in words."""
        spaces = [space for space in context.actions if space.size > 1]
        words = {lie.text for t in context.dates() for lie in lies(context.messages(t), limit=0)}
        for action in dict.fromkeys(act.text for space in spaces for act in lies(space, limit=0)):
            yield cls(action)
            yield from (cls(action, word) for word in sorted(words))
