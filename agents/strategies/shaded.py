"""A wrapper that lowers (or raises) every message by a share of the range."""

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.wrapping import Wrapping
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Shaded(Wrapping):
    """Sends `inner`'s message lowered by a share of the range of the message set (raised, if the share is negative).

    On a finite set the lowered index is rounded to the nearest; what falls off the set is sent as its end.
    Silence stays silence, leaving leaving.

    Raises:
        InputError: the share is not between −1 and 1.
    """

    def __init__(self, inner: Strategy, shade: float) -> None:
        if not -1 <= shade <= 1:
            raise InputError(f"shade: {shade!r} is not between -1 and 1")
        super().__init__([inner], own_width=0)
        self.shade = shade
        self.name = f"{inner.key()}+shade={shade:g}"

    def message(self, view: View) -> Array:
        """Return the lowered message, shape `(n,)`."""
        meant = self.ask(0, "message", view)
        if isinstance(view.space, Finite):
            top = view.space.size - 1
            lowered = np.clip(np.rint(meant - self.shade * top), 0, top).astype(np.intp)
        else:
            low, high = view.space.low, view.space.high
            lowered = np.clip(meant - self.shade * (high - low), low, high)
        return np.where(self.unsent(meant), meant, lowered)

    def describe(self, context: AgentContext) -> str:
        """Return the inner strategy's words and the shade."""
        return f"{self.parts[0].describe(context)}, lowered by {self.shade:.0%} of the range"
