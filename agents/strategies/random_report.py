"""A message drawn evenly from the message set, anew each period."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class RandomReport(Strategy):
    """Reports drawn evenly from the message set, by which a mechanism is compared with zero-intelligence play."""

    name = "random"
    source = "zero-intelligence play"
    width = 1

    def message(self, view: View) -> Array:
        """Return messages drawn evenly by the agent's own uniform numbers, shape `(n,)`."""
        uniforms = view.uniforms[:, 0]
        if isinstance(view.space, Finite):
            return (uniforms * view.space.size).astype(np.intp)
        return view.space.low + uniforms * (view.space.high - view.space.low)

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return the strategy in words."""
        return "reports at random"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield the only member."""
        yield cls()
