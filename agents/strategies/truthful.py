"""Prescribed play: the truth in a direct mechanism, obedience, the prescribed reply."""

from collections.abc import Iterator
from typing import Self

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array
from dynmech.sim.play.roles import View


class Truthful(Strategy):
    """Does what the mechanism prescribes."""

    name = "truthful"
    source = "prescribed play"

    def message(self, view: View) -> Array:
        """Return the prescribed message, shape `(n,)`."""
        return view.prescribed

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing to try."""
        return iter(())
