"""A message drawn evenly from the message set, anew each period."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class RandomReport(Strategy):
    """Noise: what a mechanism is worth to somebody who does not think."""

    name = "random"
    source = "zero-intelligence play"
    width = 1

    def message(self, view: View) -> Array:
        """Uniform over the message set, by the agent's own uniform number."""
        luck = view.uniforms[:, 0]
        if isinstance(view.space, Finite):
            return (luck * view.space.size).astype(np.intp)
        return view.space.low + luck * (view.space.high - view.space.low)

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Words."""
        return "reports at random"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """The one member."""
        yield cls()
