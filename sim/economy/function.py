"""Environments given by functions: signals and decisions may be continuous.

They are simulated, not audited: an exact search needs finitely many states. `grid` names the finite version that is
audited instead.
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
    """An environment whose law of motion and utilities are functions of arrays.

    Both functions must be elementwise over the n episodes, so that the size of a block changes nothing.

    Parameters
    ----------
    name : str
        The environment's name.
    agents : tuple of str
        Names of the N agents.
    discount : float
        The discount factor δ in (0, 1]; 1 only with a finite horizon.
    horizon : int or None
        The number of periods; None for infinitely many.
    signals : tuple of Space
        The space of each agent's signal, the same in every period.
    decisions : Space
        The space of decisions, the same in every period.
    law : callable
        `law(t, signals, decision, uniforms)` returns the signals of period t, shape (n, N), given those of period
        t - 1, shape (n, N), the decision of period t - 1, shape (n,) (both None in period 0), and uniform numbers in
        [0, 1), shape (n, N).
    payoff : callable
        `payoff(t, signals, decision)` returns flow utilities before transfers, shape (n, N).
    bound : float
        A bound on |flow utility|.
    grid : str
        The name of the finite version that is audited instead; empty: there is none.

    Raises
    ------
    InputError
        Agents, discount, horizon, signals or bound are not valid.

    Examples
    --------
    A buyer whose value for a good is new and uniform in every period:

    >>> from dynmech.sim.core.spaces import Interval
    >>> environment = FunctionEnvironment(
    ...     name="sale",
    ...     agents=("buyer",),
    ...     discount=0.9,
    ...     horizon=3,
    ...     signals=(Interval(0.0, 1.0),),
    ...     decisions=Finite(("keep", "sell")),
    ...     law=lambda t, signals, decision, uniforms: uniforms,
    ...     payoff=lambda t, signals, decision: signals * decision[:, None],
    ...     bound=1.0,
    ... )
    >>> state = environment.draw(0, None, None, np.array([[0.25], [0.5]]))
    >>> environment.utility(0, state, np.array([1, 0])).tolist()
    [[0.25], [0.0]]
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
        """Check what can be checked without calling a function."""
        check_terms(self)
        where = f"environment {self.name!r}"
        if len(self.signals) != len(self.agents):
            raise InputError(f"{where}: signals: {len(self.signals)} spaces for {len(self.agents)} agents")
        check_finite(np.asarray(self.bound), f"{where}: bound")

    def streams(self, t: int) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's
        """Return one stream per agent."""
        return tuple(f"nature {i}" for i in range(len(self.agents)))

    def draw(self, t: int, previous: State | None, decision: Array | None, uniforms: FloatArray) -> State:
        """Return the state drawn by `law`."""
        last = None if previous is None else previous.signals
        return State(np.zeros(len(uniforms), np.intp), self.law(t, last, decision, uniforms))

    def utility(self, t: int, state: State, decision: Array) -> FloatArray:
        """Return flow utilities before transfers, `(n, N)`."""
        return self.payoff(t, state.signals, decision)

    def cost(self, t: int, state: State, decision: Array) -> FloatArray:  # noqa: ARG002
        """Return zeros, `(n,)`: the designer has no cost."""
        return np.zeros(len(decision))

    def signal_space(self, t: int, agent: int) -> Space:  # noqa: ARG002
        """Return agent i's signals, the same in every period."""
        return self.signals[agent]

    def decision_space(self, t: int) -> Space:  # noqa: ARG002
        """Return the decisions, the same in every period."""
        return self.decisions

    def public_space(self, t: int) -> Finite:  # noqa: ARG002
        """Return one nameless public state."""
        return Finite(("-",))

    def actions(self, t: int) -> tuple[tuple[str, ...], ...]:  # noqa: ARG002
        """Return an empty tuple: there are no private actions."""
        return ()

    def outcome_classes(self, t: int) -> None:  # noqa: ARG002
        """Return None: signals need not be finite."""
        return

    def utility_bound(self) -> float:
        """Return the declared bound on |flow utility|."""
        return self.bound
