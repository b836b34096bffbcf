"""A mechanism that is nothing but tables: what any finite mechanism is when its rules are written out.

Axes of a period: N agents, M memories, X message profiles (public state first, then agent 0's message, …, C order), L
decisions that may be drawn (all of them under a lottery, else 1), A acts (what is observed of agent 0's action, …, then
agent 0's reply, …, C order; 1 where nothing is observed or asked).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Acts, Promises, Situation


@dataclass(frozen=True, eq=False)
class PeriodTable:
    """The rules of one period as tables; axes in the module's docstring.

    Attributes:
        publics: number of public states, 1 where there are none.
        messages: labels of every agent's messages.
        prescribed: per agent, the message asked by memory, public state and signal, `(M, O, K_i)`.
        default: per agent, what stands in for a missing message, `(M, O)`.
        decide: the decision, `(M, X)`; None where there is a lottery.
        lottery: chances of the decisions, `(M, X, D)`; None where the decision is certain.
        charge: transfers caused and paid now, `(N, M, X, L, A)`.
        due: transfers caused earlier, `(N, M, X)`.
        remember: the next memory, `(M, X, L, A)`.
        sees: per agent, a number per private action, or None where nothing is observed.
        replies: per agent, the labels of replies, or None where it is not asked.
        reply: per agent, the prescribed reply, `(M, X, L)`; zeros where it is not asked.
    """

    publics: int
    messages: tuple[tuple[str, ...], ...]
    prescribed: tuple[IntArray, ...]
    default: tuple[IntArray, ...]
    decide: IntArray | None
    lottery: FloatArray | None
    charge: FloatArray
    due: FloatArray
    remember: IntArray
    sees: tuple[tuple[int, ...] | None, ...] = ()
    replies: tuple[tuple[str, ...] | None, ...] = ()
    reply: tuple[IntArray, ...] = ()

    @property
    def memories(self) -> int:
        """Number of memories, M."""
        return int(self.due.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Public states, then messages of every agent; X is their product."""
        return (self.publics, *(len(labels) for labels in self.messages))

    @cached_property
    def act_axes(self) -> tuple[int, ...]:
        """Sizes of what is observed of every action, then of every reply; A is their product."""
        return act_axes(self.sees, self.replies)

    def place(self, now: Situation, messages: Array) -> IntArray:
        """Return the flat index of message profiles, `(n,)`."""
        return np.asarray(np.ravel_multi_index((np.asarray(now.public), *messages.T), self.shape), dtype=np.intp)

    def acts(self, acts: Acts) -> IntArray | int:
        """Return the flat index of what was observed and replied, `(n,)`; 0 where nothing is."""
        if prod(self.act_axes) == 1:
            return 0
        seen = [acts.seen[:, i] if size > 1 else np.zeros(len(acts.seen), np.intp) for i, size in self._seen_axes]
        said = [acts.replies[:, i].astype(np.intp) for i in range(len(self.messages))]
        said = [column if size > 1 else 0 * column for column, size in zip(said, self._reply_axes, strict=True)]
        return np.asarray(np.ravel_multi_index((*seen, *said), self.act_axes), dtype=np.intp)

    @property
    def _seen_axes(self) -> list[tuple[int, int]]:
        return list(enumerate(self.act_axes[: len(self.messages)]))

    @property
    def _reply_axes(self) -> tuple[int, ...]:
        return self.act_axes[len(self.messages) :]


def act_axes(sees: Sequence[tuple[int, ...] | None], replies: Sequence[tuple[str, ...] | None]) -> tuple[int, ...]:
    """Return how many different things are observed of every agent's action, then how many replies it has."""
    return (*(1 if one is None else max(one) + 1 for one in sees), *(1 if one is None else len(one) for one in replies))


@dataclass(frozen=True, eq=False)
class MechanismTables:
    """A finite mechanism written out.

    Attributes:
        name, source: what it is called, and where it is from.
        promises: what it claims.
        lags: periods after a decision in which transfers may still fall due.
        bound: the largest |charge + due| of any agent in any period.
        periods: one per period of a finite horizon; under an infinite one the first, and the one that repeats.
    """

    name: str
    source: str
    promises: Promises
    lags: int
    bound: float
    periods: tuple[PeriodTable, ...]


class TabulatedMechanism(Mechanism):
    """A mechanism that is given as tables.

    Args:
        environment: the economy that the tables are for; `dynmech.mechanisms.tables.mechanism_files` checks that.
        tables: its rules.

    Attributes:
        path: the file that it was read from; empty if it was not.
    """

    def __init__(self, environment: Environment, tables: MechanismTables) -> None:
        super().__init__(environment)
        self.tables, self.path = tables, ""
        self.name, self.promises = tables.name, tables.promises

    @property
    def lags(self) -> int:
        """Return the number of periods in which transfers may still fall due."""
        return self.tables.lags

    def period(self, t: int) -> PeriodTable:
        """Return the tables of a period."""
        return self.tables.periods[t if self.environment.horizon is not None else min(t, 1)]

    def memory_size(self, t: int) -> int:
        """Return the number of memories in period t; 1 after the last period."""
        after = self.environment.horizon is not None and t >= self.environment.horizon
        return 1 if after else self.period(t).memories

    def messages(self, t: int, agent: int) -> Finite:
        """Return the agent's messages."""
        return Finite(self.period(t).messages[agent])

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """Return the message asked of an agent, `(n,)`."""
        return self.period(now.t).prescribed[agent][now.memory, now.public, signal]

    def default(self, now: Situation, agent: int) -> Array:
        """Return what stands in for a missing message, `(n,)`."""
        return self.period(now.t).default[agent][now.memory, now.public]

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the decision `(n,)`, or a lottery over decisions `(n, D)`."""
        period = self.period(now.t)
        table = period.decide if period.lottery is None else period.lottery
        assert table is not None
        return table[now.memory, period.place(now, messages)]

    def sees(self, t: int, agent: int) -> IntArray | None:
        """Return what is observed of each of the agent's actions, `(actions,)`."""
        seen = self.period(t).sees[agent]
        return None if seen is None else np.array(seen, np.intp)

    def asks(self, t: int, agent: int) -> Finite | None:
        """Return the replies that the agent may give."""
        replies = self.period(t).replies[agent]
        return None if replies is None else Finite(replies)

    def prescribed_reply(
        self,
        now: Situation,
        agent: int,
        messages: Array,
        decision: Array,
        utility: FloatArray,  # noqa: ARG002
    ) -> Array:
        """Return the reply asked of an agent, `(n,)`."""
        period = self.period(now.t)
        return period.reply[agent][now.memory, period.place(now, messages), self._draw(period, decision)]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Return the transfers caused now, `(n, N)`."""
        period = self.period(now.t)
        at = (now.memory, period.place(now, messages), self._draw(period, decision), period.acts(acts))
        return period.charge[:, *at].T

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return the transfers caused earlier, `(n, N)`."""
        period = self.period(now.t)
        return period.due[:, now.memory, period.place(now, messages)].T

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """Return the next memory, `(n,)`."""
        period = self.period(now.t)
        return period.remember[now.memory, period.place(now, messages), self._draw(period, decision), period.acts(acts)]

    @staticmethod
    def _draw(period: PeriodTable, decision: Array) -> Array | int:
        """Return the index of the draw: the decision under a lottery, else 0."""
        return 0 if period.lottery is None else decision

    def transfer_bound(self) -> float:
        """Return the bound that the tables state."""
        return self.tables.bound
