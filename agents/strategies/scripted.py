"""Fixed messages, period by period; prescribed play after the last of them."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Scripted(Strategy):
    """Sends the same messages in every episode.

    Args:
        messages: labels or numbers, one per period, separated by `/`; `*` means the prescribed message.

    Raises:
        InputError: the script is empty.
    """

    name = "scripted"
    source = "a test double"

    def __init__(self, messages: str = "*") -> None:
        self.script = tuple(messages.split("/"))
        if not all(self.script):
            raise InputError(f"messages: {messages!r} has an empty entry; write * for the prescribed message")

    def message(self, view: View) -> Array:
        """Return the script's message of this period, shape `(n,)`."""
        entry = self.script[view.t] if view.t < len(self.script) else "*"
        if entry == "*":
            return view.prescribed
        try:
            if isinstance(view.space, Finite):
                return np.full(view.size, view.space.index(entry, f"script entry {view.t}"))
            return np.full(view.size, float(entry))
        except (InputError, ValueError) as error:
            raise PlayError(str(error)) from error

    def options(self) -> dict[str, str]:
        """Return the script as text."""
        return {"messages": "/".join(self.script)}

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return the script in words."""
        return f"sends {', '.join(self.script)}"

    def validate(self, context: AgentContext) -> None:
        """Check that every entry is a message of its period."""
        for t, entry in enumerate(self.script[: context.periods]):
            space = context.messages(t)
            if entry != "*" and isinstance(space, Finite):
                space.index(entry, f"script entry {t}")

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing to try."""
        return iter(())
