"""A wrapper that sends each message some periods late."""

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.wrapping import Wrapping
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Delayed(Wrapping):
    """Sends what `inner` would have sent `delay` periods ago; before that, what it would send now.

    Where the message set of the earlier period was another, the nearest message of today's stands for it; silence
    and leaving are delayed as well.

    Raises:
        InputError: `delay` is below 1.
    """

    def __init__(self, inner: Strategy, delay: int) -> None:
        if delay < 1:
            raise InputError(f"delay: {delay} is below 1")
        super().__init__([inner], own_width=0)
        self.delay = delay
        self.name = f"{inner.key()}+delay={delay}"

    def message(self, view: View) -> Array:
        """Return the message of `delay` periods ago, shape `(n,)`."""
        meant = self.ask(0, "message", view)
        view.private[f"meant {view.t}"] = meant
        old = view.private.pop(f"meant {view.t - self.delay}", meant)
        if isinstance(view.space, Finite):
            near = np.minimum(old, view.space.size - 1)
        else:
            near = np.clip(old, view.space.low, view.space.high)
        return np.where(self.unsent(old), old, near)

    def describe(self, context: AgentContext) -> str:
        """Return the inner strategy's words and the delay."""
        return f"{self.parts[0].describe(context)}, {self.delay} periods late"
