"""What mechanisms have in common.

`DirectMechanism`: messages are signals, prescribed play is the truth, the decision is the planner's at the reported
profile. A subclass says who pays what: `flow_table` for transfers that depend on this period only, `due` for
transfers that fall due later. Every mechanism is built from an environment and its own options; the options are the
keyword parameters of its `__init__`, and the command line reads them from there.
"""

from abc import ABC, abstractmethod
from functools import cached_property
from math import log2, prod
from typing import ClassVar

import numpy as np

from dynmech.mechanisms.planning.planner import Plan, plan
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation

LOOSEST = 1e-7
"""Bound on the planner's error, relative to the largest value, above which no mechanism is built on its plan."""


class Mechanism(ABC):
    """Defaults: no memory, nothing due later, nobody asked for anything after the decision.

    Attributes:
        name: how it is called on the command line.
        source: where in the literature it stands.
        promises: what it claims, as data.
    """

    name: ClassVar[str]
    source: ClassVar[str] = ""
    promises: Promises = Promises()

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    @property
    def lags(self) -> int:
        """Periods after a decision in which transfers may still fall due."""
        return 0

    def memory_size(self, t: int) -> int | None:  # noqa: ARG002 - the protocol's
        """Number of memory values."""
        return 1

    @abstractmethod
    def messages(self, t: int, agent: int) -> Space:
        """The messages that agent i may send."""

    @abstractmethod
    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """The message asked of agent i, `(n,)`."""

    def default(self, now: Situation, agent: int) -> Array:
        """The first (on an interval, the lowest) message stands in for a late or missing one."""
        space = self.messages(now.t, agent)
        return np.zeros(len(now.memory), np.intp) if isinstance(space, Finite) else np.full(len(now.memory), space.low)

    @abstractmethod
    def decide(self, now: Situation, messages: Array) -> Array:
        """The decision, `(n,)`, or a lottery, `(n, D)`."""

    def sees(self, t: int, agent: int) -> IntArray | None:  # noqa: ARG002
        """Private actions stay private."""
        return None

    def asks(self, t: int, agent: int) -> Space | None:  # noqa: ARG002
        """Nothing is asked after the decision."""
        return None

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        """Only for a mechanism that asks."""
        raise NotImplementedError(f"mechanism {self.name!r} asks for replies and must prescribe them")

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Nothing is charged."""
        return np.zeros(messages.shape)

    def due(self, now: Situation, messages: Array) -> FloatArray:  # noqa: ARG002
        """Nothing falls due."""
        return np.zeros(messages.shape)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Nothing is remembered."""
        return now.memory

    @abstractmethod
    def transfer_bound(self) -> float:
        """The largest |charge| + |due|."""

    def conditions(self) -> "list[Condition]":
        """What its promises rest on beyond what every economy is asked about; shown by the audit."""
        return []

    def refuse(self, why: str) -> Refusal:
        """The error of a mechanism that does not fit the environment."""
        return Refusal(f"mechanism {self.name!r} does not fit environment {self.environment.name!r}: {why}")


class DirectMechanism(Mechanism):
    """Signals are reported and the planner's decision is taken at the reported profile.

    Raises:
        Refusal: the environment is not a finite one.
    """

    environment: TableEnvironment

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if not isinstance(environment, TableEnvironment):
            raise self.refuse("it needs finitely many signals and decisions")

    def messages(self, t: int, agent: int) -> Finite:
        """The agent's signals."""
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """The truth."""
        return signal

    @cached_property
    def plan(self) -> Plan:
        """The efficient decision rule; refused where the planner could not pin it down."""
        found = plan(self.environment)
        largest = max(1.0, max(float(np.abs(value).max()) for value in found.value))
        if found.bound > LOOSEST * largest:
            raise self.refuse(f"the efficient decisions are known only up to a loss of {found.bound:.3g}")
        return found

    def profile(self, now: Situation, messages: Array) -> IntArray:
        """The reported profile, public state included, as a flat index `(n,)`."""
        return self.environment.stage(now.t).flat(now.public, messages)

    def decide(self, now: Situation, messages: Array) -> Array:
        """a*(r)."""
        return self.plan.policy[self.plan.at(now.t)].reshape(-1)[self.profile(now, messages)]

    def efficient(self, t: int, table: FloatArray) -> FloatArray:
        """A table `(…, D, *A)` read at the efficient decision: `(…, *A)`."""
        policy = self.plan.policy[self.plan.at(t)]
        index = policy.reshape((1,) * (table.ndim - 1 - policy.ndim) + (1, *policy.shape))
        return np.take_along_axis(table, index, axis=table.ndim - 1 - policy.ndim).squeeze(table.ndim - 1 - policy.ndim)

    @property
    def distinct_periods(self) -> range:
        """One period per distinct table."""
        return range(1 if self.plan.stationary else len(self.plan.policy))


class FlowMechanism(DirectMechanism):
    """A direct mechanism without memory: transfers are a table over this period's reports."""

    @abstractmethod
    def flow_table(self, t: int) -> FloatArray:
        """Transfers of period t at every reported profile, `(N, *A)`."""

    @cached_property
    def tables(self) -> list[FloatArray]:
        """`flow_table` per distinct period, `(N, S)` each."""
        count = len(self.environment.agents)
        return [self.flow_table(t).reshape(count, -1) for t in self.distinct_periods]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """The table at the reported profile."""
        return self.tables[self.plan.at(now.t)].take(self.profile(now, messages), axis=1).T

    def transfer_bound(self) -> float:
        """The largest entry."""
        return max(float(np.abs(table).max()) for table in self.tables)


class LastPeriodMechanism(DirectMechanism):
    """A direct mechanism that remembers last period's reports and decision.

    Memory is 0 at first, then 1 + a S + r: decision a and reported profile r of the period before.
    """

    def memory_size(self, t: int) -> int:
        """1 + D S of the period before."""
        if t == 0:
            return 1
        stage = self.environment.stage(t - 1)
        return 1 + len(stage.decisions) * stage.size

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """This period's decision and reported profile."""
        return 1 + decision * self.environment.stage(now.t).size + self.profile(now, messages)


class HistoryMechanism(DirectMechanism):
    """A direct mechanism that remembers the reported profiles of the last L periods; decisions follow from them.

    h profiles, the last one the fastest digit, make an index below S^h. Under a finite horizon memory is that index,
    with h = min(t, L). Under an infinite one the same values must serve every period: those of h = 0, 1, …, L follow
    each other, so that 0 is "nothing yet".

    Args:
        lags: L.

    Raises:
        InputError: L is below 1.
        Refusal: so many values cannot be counted.
    """

    def __init__(self, environment: Environment, lags: int = 1) -> None:
        super().__init__(environment)
        if lags < 1:
            raise InputError(f"lags: {lags} is below 1")
        self.remembered = lags
        largest = max(stage.size for stage in self.environment.stages)
        if lags * log2(1 + largest) > 62:
            raise self.refuse(f"the reports of {lags} periods take more values than can be counted; give fewer lags")

    def _radices(self, t: int) -> list[int]:
        """Profiles of the periods that can be remembered in period t, the last period first."""
        if self.environment.stationary:
            return [self.environment.stage(0).size] * self.remembered
        return [self.environment.stage(t - lag).size for lag in range(1, min(t, self.remembered) + 1)]

    @cached_property
    def _starts(self) -> IntArray:
        """Under an infinite horizon: where the indices of h = 0, …, L profiles begin, and where they end."""
        size = self.environment.stage(0).size
        return np.cumsum([0, *(size**held for held in range(self.remembered + 1))])

    def memory_size(self, t: int) -> int:
        """1 at first."""
        if self.environment.stationary:
            return int(self._starts[-1]) if t else 1
        return prod(self._radices(t))

    def _held(self, now: Situation) -> tuple[IntArray, IntArray]:
        """How many profiles are remembered and their index, `(n,)` each."""
        if self.environment.stationary:
            held = np.searchsorted(self._starts, now.memory, side="right") - 1
            return held, now.memory - self._starts[held]
        return np.full(len(now.memory), len(self._radices(now.t))), now.memory

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Forget the oldest profile, if there are L already, and put this period's in front."""
        held, index = self._held(now)
        kept = index % prod(self._radices(now.t)[: self.remembered - 1])
        memory = kept * self.environment.stage(now.t).size + self.profile(now, messages)
        return memory + self._starts[np.minimum(held + 1, self.remembered)] if self.environment.stationary else memory

    def recall(self, now: Situation, lag: int) -> IntArray:
        """The profile reported `lag` periods ago, `(n,)`; −1 where there was no such period."""
        radices = self._radices(now.t)
        if lag > len(radices):
            return np.full(len(now.memory), -1)
        held, index = self._held(now)
        return np.where(lag <= held, index // prod(radices[: lag - 1]) % radices[lag - 1], -1)
