"""Prescribed play: the truth in a direct mechanism, obedience, the prescribed reply."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Truthful(Strategy):
    """Does what the mechanism prescribes."""

    name = "truthful"
    source = "prescribed play"

    def message(self, view: View) -> Array:
        """Return the prescribed message, shape `(n,)`."""
        return view.prescribed

    def message_map(self, t: int, space: Finite) -> IntArray:  # noqa: ARG002
        """Return every message as it is."""
        return np.arange(space.size)

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing to try."""
        return iter(())
