"""Economies given by functions: continuous signals and decisions, played as such.

They are simulated, not audited: an exact search needs finitely many states. `grid` names the finite version that is
audited in their place.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.checks import check_finite
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.economy.environment import State, check_terms


@dataclass(frozen=True, eq=False)
class FunctionEnvironment:
    """An economy whose law of motion and utilities are functions of arrays.

    Args:
        name, agents, discount, horizon: as in `TableEnvironment`.
        signals: the space of each agent's signal, the same in every period.
        decisions: the space of decisions, the same in every period.
        law: (t, last signals `(n, N)` or None, last decision `(n,)` or None, uniform numbers `(n, N)`) to signals
            `(n, N)`; elementwise over episodes, so that block sizes change nothing.
        payoff: (t, signals `(n, N)`, decision `(n,)`) to flow utilities `(n, N)`.
        bound: the largest |flow utility|.
        grid: name of the finite version.

    Raises:
        InputError: agents, discount, horizon, signals or bound make no sense.
    """

    name: str
    agents: tuple[str, ...]
    discount: float
    horizon: int | None
    signals: tuple[Space, ...]
    decisions: Space
    law: Callable[[int, Array | None, Array | None, FloatArray], Array]
    payoff: Callable[[int, Array, Array], FloatArray]
    bound: float
    grid: str = ""

    def __post_init__(self) -> None:
        check_terms(self)
        where = f"environment {self.name!r}"
        if len(self.signals) != len(self.agents):
            raise InputError(f"{where}: signals: {len(self.signals)} spaces for {len(self.agents)} agents")
        check_finite(np.asarray(self.bound), f"{where}: bound")

    def streams(self, t: int) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's
        """One stream per agent."""
        return tuple(f"nature {i}" for i in range(len(self.agents)))

    def draw(self, t: int, previous: State | None, decision: Array | None, uniforms: FloatArray) -> State:
        """The law at the last signals and decision."""
        last = None if previous is None else previous.signals
        return State(np.zeros(len(uniforms), np.intp), self.law(t, last, decision, uniforms))

    def utility(self, t: int, state: State, decision: Array) -> FloatArray:
        """Flow utilities `(n, N)`."""
        return self.payoff(t, state.signals, decision)

    def cost(self, t: int, state: State, decision: Array) -> FloatArray:  # noqa: ARG002
        """Nothing."""
        return np.zeros(len(decision))

    def signal_space(self, t: int, agent: int) -> Space:  # noqa: ARG002
        """The same in every period."""
        return self.signals[agent]

    def decision_space(self, t: int) -> Space:  # noqa: ARG002
        """The same in every period."""
        return self.decisions

    def public_space(self, t: int) -> Finite:  # noqa: ARG002
        """No public state."""
        return Finite(("-",))

    def actions(self, t: int) -> tuple[tuple[str, ...], ...]:  # noqa: ARG002
        """No private actions."""
        return ()

    def outcome_classes(self, t: int) -> None:  # noqa: ARG002
        """Not finite."""
        return

    def utility_bound(self) -> float:
        """As declared."""
        return self.bound
