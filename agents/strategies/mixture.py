"""A mixed strategy: one of several, drawn at the start of an episode and kept throughout."""

from collections.abc import Sequence

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.wrapping import Wrapping
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.roles import View


class Mixture(Wrapping):
    """Plays `parts[k]` throughout an episode with probability `weights[k]`.

    Raises:
        InputError: weights that are no probabilities, or not one per part.
    """

    def __init__(self, name: str, parts: Sequence[Strategy], weights: Sequence[float]) -> None:
        if len(parts) != len(weights) or not parts:
            raise InputError(f"mixture {name!r}: {len(weights)} weights for {len(parts)} strategies")
        if not (min(weights) >= 0 and abs(sum(weights) - 1) <= 1e-9):  # NaN is none either
            raise InputError(f"mixture {name!r}: weights {list(weights)} are not probabilities that add up to 1")
        super().__init__(parts, own_width=1)
        self.name = name
        self.bounds = np.cumsum(weights)[:-1]

    def _moved(self, move: str, view: View) -> Array:
        """Return one move of the strategy that was drawn; draw it first if none has been."""
        if "drawn" not in view.private:
            view.private["drawn"] = np.searchsorted(self.bounds, view.uniforms[:, 0], side="right")
        moves = np.stack([self.ask(k, move, view) for k in range(len(self.parts))])
        chosen: Array = moves[view.private["drawn"], np.arange(view.size)]
        return chosen

    def message(self, view: View) -> Array:
        """Return the message of the strategy that was drawn, shape `(n,)`."""
        return self._moved("message", view)

    def action(self, view: View) -> Array:
        """Return the action of the strategy that was drawn, shape `(n,)`."""
        return self._moved("action", view)

    def reply(self, view: View) -> Array:
        """Return the reply of the strategy that was drawn, shape `(n,)`."""
        return self._moved("reply", view)

    def pay(self, view: View, bill: Bill) -> FloatArray:  # noqa: ARG002
        """Return the payment of the strategy that was drawn, shape `(n,)`."""
        return self._moved("pay", view)

    def describe(self, context: AgentContext) -> str:
        """Return the parts in words."""
        return f"plays {self.name}, a mixture: {super().describe(context)}"
