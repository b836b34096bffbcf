"""Prescribed play: the truth in a direct mechanism, obedience, the prescribed reply."""

from agents.base import BaseStrategy
from sim.arrays import Array
from sim.roles import View


class Truthful(BaseStrategy):
    """Does what the mechanism asks."""

    name = "truthful"
    source = "prescribed play"

    def message(self, view: View) -> Array:
        """The prescribed message."""
        return view.prescribed
