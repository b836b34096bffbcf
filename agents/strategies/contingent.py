"""A lie wherever a condition on the public history holds."""

from collections.abc import Callable, Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.history_conditions import Condition
from dynmech.agents.strategies.maps import MessageMap, breadth, lies
from dynmech.sim.core.arrays import Array, BoolArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Contingent(Strategy):
    """Sends map(prescribed) where the condition holds, the prescribed message elsewhere.

    Args:
        when: a condition as in `dynmech.agents.strategies.history_conditions`, or (from Python) a function of the view.
        map: the lie, see `dynmech.agents.strategies.maps`.
    """

    name = "contingent"
    source = "Athey–Segal 2007 §2: contingent deviations"
    complexity = 4
    memory_periods: int | None = 1

    def __init__(self, when: str | Callable[[View], BoolArray] = "period>=1", map: str = "flip") -> None:
        self.when = Condition(when) if isinstance(when, str) else when
        self.map = MessageMap(map)

    def message(self, view: View) -> Array:
        """Return the lie where the condition holds, else the prescribed message, shape `(n,)`."""
        holds = self.when(view)
        return (
            np.where(holds, self.map(view.prescribed, view.space), view.prescribed) if holds.any() else view.prescribed
        )

    def private_after(self, signals: IntArray) -> dict[str, Array] | None:  # noqa: ARG002
        """Return nothing kept, where the condition is one on last period."""
        return {} if isinstance(self.when, Condition) else None

    def options(self) -> dict[str, str]:
        """Return condition and map as text."""
        return {
            "when": self._shown(),
            "map": self.map.text,
        }

    def _shown(self) -> str:
        """Return the condition's text, or where the function is defined."""
        if isinstance(self.when, Condition):
            return self.when.text
        return f"{self.when.__module__}.{getattr(self.when, '__qualname__', repr(self.when))}"

    def describe(self, context: AgentContext) -> str:
        """Return condition and map in words."""
        shown = self.when.words if isinstance(self.when, Condition) else self._shown()
        dates = [t for t in context.dates() if t > 0] or [0]
        return f"lies wherever {shown} ({self.map.words(context.messages(dates[0])) or self.map.text})"

    def validate(self, context: AgentContext) -> None:
        """Check that the condition names what exists and that the map fits some period's messages."""
        if isinstance(self.when, Condition):
            self.when.validate(context.game_spaces)
        spaces = {context.messages(t) for t in range(context.periods)}
        for space in sorted(spaces, key=breadth):
            try:
                return self.map.validate(space)
            except InputError as error:
                problem = error  # at last, of the largest set
        raise problem

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield every map in words after each last decision and each last report that is disclosed."""
        for condition in _conditions(context):
            yield from (cls(condition, word) for word in _words(context))


def _conditions(context: AgentContext) -> Iterator[str]:
    """Yield conditions on what is known of a period after which the agent has a choice."""
    game_spaces = context.game_spaces
    seen: dict[str, None] = {}
    for t in (date - 1 for date in context.dates() if date > 0):
        decisions = game_spaces.decisions[t]
        if isinstance(decisions, Finite) and decisions.size > 1:
            seen.update({f"decision=={label}": None for label in decisions.labels})
        for name, space in zip(game_spaces.agents, game_spaces.messages[t], strict=True):
            if context.disclosure == "everything" and isinstance(space, Finite) and space.size > 1:
                seen.update({f"report[{name}]=={label}": None for label in space.labels})
    yield from (text for text in seen if _writable(text))


def _writable(condition: str) -> bool:
    """Return whether the text can be written as an option and is read back as one term."""
    return not set(",:/&") & set(condition) and condition.count("]") <= 1


def _words(context: AgentContext) -> list[str]:
    """Return the maps in words that differ in the periods in which the condition can hold."""
    spaces = [context.messages(t) for t in context.dates() if t > 0]
    widest = max(spaces, key=breadth, default=None)
    return [] if widest is None else [lie.text for lie in lies(widest, limit=0)]
