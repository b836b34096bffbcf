"""The rules that a mechanism defines only if it remembers what happened, observes actions or asks for replies.

By default there is no memory, nothing falls due later, private actions stay private, and nobody is asked for anything
after the decision.
"""

import numpy as np

from dynmech.mechanisms.rules.bound_declarations import BoundDeclarations
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Space
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.roles import Acts, Situation


def served_alone(environment: Environment, t: int) -> IntArray | None:
    """Return the one agent to whom each decision of a period is worth anything, `(D,)`, −1 where there is none.

    None where the economy is not finite, or no decision is worth something to one agent alone.
    """
    if not isinstance(environment, TableEnvironment):
        return None
    stage = environment.stage(t)
    gets = np.abs(stage.utility).reshape(*stage.utility.shape[:2], -1).max(axis=2) > 0
    alone = np.where(gets.sum(axis=0) == 1, gets.argmax(axis=0), -1)
    return alone if (alone >= 0).any() else None


def winning_bids(mechanism: "OptionalRules", now: Situation, messages: Array, decision: Array) -> Array:
    """Return 1 + the message of the one agent that a decision serves, 0 where there is no such agent, `(n,)`."""
    environment: Environment = vars(mechanism)["environment"]
    periods = [now.t] if environment.horizon is None else range(environment.horizon)
    tables = [served_alone(environment, t) for t in periods]
    if all(table is None for table in tables):
        raise Refusal(
            f"mechanism {mechanism.name!r} announces nothing on environment {environment.name!r}, where no decision "
            "serves one agent alone; disclosure 'decisions' shows the rest"
        )
    winner = tables[periods.index(now.t)]
    if winner is None:
        return np.zeros(len(messages), np.intp)
    who = winner[decision]
    return np.where(who >= 0, 1 + np.take_along_axis(messages, np.maximum(who, 0)[:, None], axis=1)[:, 0], 0)


class OptionalRules(BoundDeclarations):
    """Rules of `Mechanism` with a default; n cases, N agents.

    Notes
    -----
    What an agent pays in period t is `charge` (caused at t) plus `due` (caused earlier, and known from the memory). A
    mechanism with transfers that fall due later defines `lags`, `memory_size`, `remember` and `due`.
    """

    name: str
    reads_payments: bool = False
    """Whether `charge` and `remember` look at `acts.paid`, who is in good standing where bills are paid voluntarily."""

    @property
    def lags(self) -> int:
        """Number of periods after a decision in which transfers may still fall due; by default 0."""
        return 0

    def memory_size(self, t: int) -> int | None:  # noqa: ARG002 - the protocol's
        """Return the number of memory values in period t.

        Parameters
        ----------
        t : int
            Period, from 0.

        Returns
        -------
        int or None
            Memory is one of 0, …, size − 1, and 0 when play begins; None: memory is not finite. By default 1: no
            memory. Under an infinite horizon the size must be the same from period 1 on.
        """
        return 1

    def due(self, now: Situation, messages: Array) -> FloatArray:  # noqa: ARG002
        """Return the transfers that were caused earlier and fall due now.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`; what is owed follows from the memory.
        messages : Array, shape (n, N)
            The messages that count.

        Returns
        -------
        FloatArray, shape (n, N)
            Money paid by each agent. By default 0; where it is not, `lags` must be positive.
        """
        return np.zeros(messages.shape)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the memory of the next period.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        messages : Array, shape (n, N)
            The messages that count.
        decision : Array, shape (n,)
            The decision taken.
        acts : Acts
            Observed actions and replies, `(n, N)` each.

        Returns
        -------
        Array, shape (n,)
            Whole numbers below `memory_size(t + 1)`. By default the memory stays as it is.
        """
        return now.memory

    def announces(self, now: Situation, messages: Array, decision: Array) -> Array:
        """Return what is announced of the messages, where that is disclosed in place of them (`announced`).

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        messages : Array, shape (n, N)
            The messages that count.
        decision : Array, shape (n,)
            The decision taken.

        Returns
        -------
        Array, shape (n,)
            A number each. By default the *winning bid*: 1 + the message of the one agent to whom the decision is worth
            anything, 0 where there is none or several.

        Raises
        ------
        Refusal
            By default, where no decision is worth something to one agent alone.
        """
        return winning_bids(self, now, messages, decision)

    def sees(self, t: int, agent: int) -> IntArray | None:  # noqa: ARG002
        """Return what the designer observes of each private action of an agent.

        Parameters
        ----------
        t : int
            Period.
        agent : int
            Index of the agent.

        Returns
        -------
        IntArray, shape (actions,), or None
            A number per action; actions with the same number look alike. By default None: nothing is observed.
        """
        return None

    def asks(self, t: int, agent: int) -> Space | None:  # noqa: ARG002
        """Return what an agent is asked for after the decision.

        Parameters
        ----------
        t : int
            Period.
        agent : int
            Index of the agent.

        Returns
        -------
        Space or None
            The replies that it may give. By default None: nothing is asked.
        """
        return None

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        """Return the reply that is asked of an agent; only for a mechanism that `asks`.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        agent : int
            Index of the agent.
        messages : Array, shape (n, N)
            The messages that counted.
        decision : Array, shape (n,)
            The decision taken.
        utility : FloatArray, shape (n,)
            The agent's flow utility in this period, in units of money.

        Returns
        -------
        Array, shape (n,)
            Replies in `asks(t, agent)`.

        Raises
        ------
        NotImplementedError
            The mechanism asks but does not define this rule.
        """
        raise NotImplementedError(f"mechanism {self.name!r} asks for replies and must prescribe them")
