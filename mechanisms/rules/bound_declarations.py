"""What a mechanism may declare so that bounds on a gain by drawn paths are closer, or hold for more messages.

Nothing has to be declared. Breaks are tried on drawn profiles before they are believed.
"""

from collections.abc import Callable

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.play.roles import Situation


class BoundDeclarations:
    """Declarations of `Mechanism` with a default; n cases, N agents."""

    def message_breaks(self, now: Situation, agent: int, messages: Array) -> FloatArray | None:  # noqa: ARG002
        """Return where an agent's message from an interval makes anything jump, given the others' messages.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        agent : int
            Index of the agent whose message moves.
        messages : Array, shape (n, N)
            The others' messages; the agent's own column says nothing.

        Returns
        -------
        FloatArray, shape (n, B), or None
            Messages between which decision, charge, dues and the next memory do not change at all. By default None:
            nothing is declared.
        """
        return None

    def message_lipschitz(self, t: int, agent: int) -> float | None:  # noqa: ARG002
        """Return by how much an agent's message from an interval moves its payoff at most.

        Parameters
        ----------
        t : int
            Period.
        agent : int
            Index of the agent.

        Returns
        -------
        float or None
            L, such that a message that is moved by x changes the agent's expected payoff from period t on, discounted
            to t, by at most L x, given what it knows then and whatever it sends later. By default None: nothing is
            declared.
        """
        return None

    def value_features(self) -> Callable[[int, int, Array, Array | None, Array], Array] | None:
        """Return features on which the value of prescribed play is regressed.

        Returns
        -------
        callable or None
            φ(t, agent, memory `(n, …)`, last signals `(n, N)` or None, own signal `(n,)`), `(n, F)`. By default None:
            those of the laboratory are taken.
        """
        return None
