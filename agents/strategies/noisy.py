"""A wrapper that replaces messages by random ones with a given probability."""

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.wrapping import Wrapping
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.roles import View


class Noisy(Wrapping):
    """Plays `inner`; in each period, with probability `noise`, sends a message drawn evenly from the message set.

    Raises:
        InputError: `noise` is no probability.
    """

    def __init__(self, inner: Strategy, noise: float) -> None:
        if not 0 <= noise <= 1:
            raise InputError(f"noise: {noise!r} is not between 0 and 1")
        super().__init__([inner, RandomReport()], own_width=1)
        self.noise = noise
        self.name = f"{inner.key()}+noise={noise:g}"

    def message(self, view: View) -> Array:
        """Return the inner message, or a random one, shape `(n,)`."""
        meant, drawn = self.ask(0, "message", view), self.ask(1, "message", view)
        return np.where(view.uniforms[:, 0] < self.noise, drawn, meant)

    def describe(self, context: AgentContext) -> str:
        """Return the inner strategy's words and the noise."""
        return f"{self.parts[0].describe(context)}, in {self.noise:.0%} of the periods at random"
