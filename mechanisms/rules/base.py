"""The base classes that mechanisms derive from.

`DirectMechanism`: messages are signals, prescribed play is the truth, the decision is the planner's at the reported
profile. A subclass says who pays what: `flow_table` for transfers that depend on this period only, `due` for
transfers that fall due later. Every mechanism is built from an environment and its own options; the options are the
keyword parameters of its `__init__`, and the command line reads them from there.
"""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import ClassVar

import numpy as np

from dynmech.mechanisms.planning.planner import Plan, plan
from dynmech.mechanisms.rules.by_counts import CountedCase, cases_of, decide_by_counts, every_case
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.optional_rules import OptionalRules
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import FalseDeclaration, Refusal
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation

LOOSEST = 1e-7
"""Bound on the planner's error, relative to the largest value, above which no mechanism is built on its plan."""


class Mechanism(OptionalRules, ABC):
    """Base class of all mechanisms: a finite-state machine that turns messages into decisions and transfers.

    A subclass must define `messages`, `prescribed`, `decide` and `transfer_bound`, and `charge` if anybody pays. Those
    that remember, observe or ask define rules of `OptionalRules` too. All rules answer for a batch of n cases at once
    and must be functions of their arguments only.

    Parameters
    ----------
    environment : Environment
        The economy that the mechanism is for; other keyword parameters of a subclass are its options.

    Attributes
    ----------
    name : str
        Its name on the command line.
    source : str
        Paper, section and equation.
    promises : Promises
        What it claims, as data that an audit can confirm or refute.

    Notes
    -----
    In period t an agent pays `charge` (caused at t) plus `due` (caused earlier, through the memory); its payoff is
    Σ_t δ^t (u^i_t − charge^i_t − due^i_t). The order of a period is in `dynmech.sim.play.roles`.

    Examples
    --------
    A good is offered to one buyer at the price 0.5, and it answers yes or no:

    >>> from dynmech.sim.economy.builders import single_object
    >>> class PostedPrice(Mechanism):
    ...     name = "posted-price"
    ...
    ...     def messages(self, t, agent):
    ...         return Finite(("no", "yes"))
    ...
    ...     def prescribed(self, now, agent, signal):
    ...         return signal  # the second of two signals is worth more than the price
    ...
    ...     def decide(self, now, messages):
    ...         return messages[:, 0]
    ...
    ...     def charge(self, now, messages, decision, acts):
    ...         return 0.5 * decision[:, None]
    ...
    ...     def transfer_bound(self):
    ...         return 0.5
    >>> mechanism = PostedPrice(single_object([[0.2, 0.8]], [np.eye(2)], np.array([0.5, 0.5]), 0.9))
    >>> now = Situation(0, memory=np.zeros(2, np.intp), public=np.zeros(2, np.intp))
    >>> messages = mechanism.prescribed(now, 0, np.array([0, 1]))[:, None]
    >>> no_acts = Acts(np.zeros((2, 1)), np.zeros((2, 1)))
    >>> mechanism.charge(now, messages, mechanism.decide(now, messages), no_acts).tolist()
    [[0.0], [0.5]]
    """

    name: str
    source: ClassVar[str] = ""
    promises: Promises = Promises()

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    @abstractmethod
    def messages(self, t: int, agent: int) -> Space:
        """Return the set of messages that an agent may send.

        Parameters
        ----------
        t : int
            Period.
        agent : int
            Index of the agent.

        Returns
        -------
        Space
            `Finite` (messages are indices of its labels) or `Interval`.
        """

    @abstractmethod
    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """Return the message that is asked of an agent.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        agent : int
            Index of the agent.
        signal : Array, shape (n,)
            The agent's true signal.

        Returns
        -------
        Array, shape (n,)
            Messages in `messages(t, agent)`.
        """

    def default(self, now: Situation, agent: int) -> Array:
        """Return what counts in place of a late or missing message.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        agent : int
            Index of the agent.

        Returns
        -------
        Array, shape (n,)
            By default the first message; on an interval, the lowest.
        """
        space = self.messages(now.t, agent)
        return np.zeros(len(now.memory), np.intp) if isinstance(space, Finite) else np.full(len(now.memory), space.low)

    @abstractmethod
    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the decision.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        messages : Array, shape (n, N)
            The messages that count, one column per agent.

        Returns
        -------
        Array, shape (n,) or (n, D)
            Indices of decisions, or a lottery over them. With private actions a decision says which ones are
            recommended.
        """

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the transfers that are caused and paid in this period.

        Parameters
        ----------
        now : Situation
            Period, memory `(n,)` and public state `(n,)`.
        messages : Array, shape (n, N)
            The messages that count.
        decision : Array, shape (n,)
            The decision taken.
        acts : Acts
            Observed actions and replies, `(n, N)` each; zeros where nothing is seen or asked.

        Returns
        -------
        FloatArray, shape (n, N)
            Money paid by each agent, in units of utility; negative where it receives. By default 0.
        """
        return np.zeros(messages.shape)

    @abstractmethod
    def transfer_bound(self) -> float:
        """Return the largest |charge + due| of any agent in any period.

        Returns
        -------
        float
            A bound on what anybody pays or receives in a period; a transfer beyond it is an error.
        """

    def conditions(self) -> "list[Condition]":
        """Return the conditions that the promises rest on beyond those asked of every economy; shown by the audit."""
        return []

    def refuse(self, why: str) -> Refusal:
        """Return the error, to be raised, of a mechanism that does not fit the environment; `why`: one line."""
        return Refusal(self._unfit(why))

    def false_declaration(self, why: str) -> FalseDeclaration:
        """Return the error, to be raised, of a mechanism whose rules do not do what it declares; `why`: one line."""
        return FalseDeclaration(self._unfit(why))

    def _unfit(self, why: str) -> str:
        return f"mechanism {self.name!r} does not fit environment {self.environment.name!r}: {why}"


class DirectMechanism(Mechanism):
    """Base class of direct mechanisms: signals are reported, the planner's decision is taken at the reported profile.

    A subclass must define `transfer_bound`, and what is paid: `charge`, or `due` and `remember`.

    Parameters
    ----------
    environment : TableEnvironment
        A finite economy.

    Raises
    ------
    Refusal
        The environment is not a finite one.

    Examples
    --------
    Who gets the good pays 0.5:

    >>> from dynmech.sim.economy.builders import single_object
    >>> class HalfAUnit(DirectMechanism):
    ...     name = "half-a-unit"
    ...
    ...     def charge(self, now, messages, decision, acts):
    ...         winner = decision[:, None] == 1 + np.arange(messages.shape[1])  # decision 0: nobody
    ...         return np.where(winner, 0.5, 0.0)
    ...
    ...     def transfer_bound(self):
    ...         return 0.5
    >>> values, stay = [[0.2, 0.8], [0.4, 0.6]], np.eye(2)
    >>> mechanism = HalfAUnit(single_object(values, [stay, stay], np.full((2, 2), 0.25), 0.9))
    >>> now = Situation(0, memory=np.zeros(2, np.intp), public=np.zeros(2, np.intp))
    >>> mechanism.decide(now, np.array([[1, 1], [0, 1]])).tolist()
    [1, 2]
    """

    environment: TableEnvironment

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if isinstance(environment, ExchangeableEnvironment):
            if not self.by_counts:
                raise self.refuse(
                    "its payments are not written by counts, and so many agents have no table of profiles; fewer agents"
                )
        elif not isinstance(environment, TableEnvironment):
            raise self.refuse("it needs finitely many signals and decisions")

    @property
    def by_counts(self) -> bool:
        """Whether this very class says what is paid by how many of the others report each signal."""
        return "charge_by_counts" in vars(type(self))

    def charge_by_counts(self, environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:  # noqa: ARG002
        """Return what an agent pays in an economy of agents who are alike, `(m,)`.

        Parameters
        ----------
        environment : ExchangeableEnvironment
            The economy.
        case : CountedCase
            The agent's report, how many of the others report each signal, and what is decided.
        """
        raise self.refuse("its payments are not written by counts")

    @property
    def alike(self) -> ExchangeableEnvironment | None:
        """The economy, where it is one of agents who are alike; None where it is on tables."""
        return self.environment if isinstance(self.environment, ExchangeableEnvironment) else None

    def messages(self, t: int, agent: int) -> Finite:
        """Return the agent's signals."""
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the true signal, `(n,)`."""
        return signal

    @cached_property
    def plan(self) -> Plan:
        """The efficient decision rule; refused where the planner could not pin it down."""
        efficient = plan(self.environment)
        if efficient.bound > LOOSEST * scale_of(self.environment.scale, *efficient.value):
            raise self.refuse(f"the efficient decisions are known only up to a loss of {efficient.bound:.3g}")
        return efficient

    def profile(self, now: Situation, messages: Array) -> IntArray:
        """Return the reported profile, public state included, as a flat index `(n,)`."""
        return self.environment.stage(now.t).flat(now.public, messages)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the efficient decision a*(r) at the reported profile, `(n,)`."""
        if self.alike is not None:
            return decide_by_counts(self.alike, messages)
        return self.plan.policy[self.plan.at(now.t)].reshape(-1)[self.profile(now, messages)]

    def efficient(self, t: int, table: FloatArray) -> FloatArray:
        """Return a table `(…, D, *A)` read at the efficient decision, `(…, *A)`."""
        policy = self.plan.policy[self.plan.at(t)]
        index = policy.reshape((1,) * (table.ndim - 1 - policy.ndim) + (1, *policy.shape))
        return np.take_along_axis(table, index, axis=table.ndim - 1 - policy.ndim).squeeze(table.ndim - 1 - policy.ndim)

    @property
    def distinct_periods(self) -> range:
        """One period per distinct table."""
        return range(1 if self.plan.stationary else len(self.plan.policy))


class FlowMechanism(DirectMechanism):
    """Base class of direct mechanisms without memory: transfers are a table over this period's reports.

    A subclass must define `flow_table`.

    Parameters
    ----------
    environment : TableEnvironment
        A finite economy.

    Examples
    --------
    Everybody pays what its report says that the decision is worth to it:

    >>> from dynmech.sim.economy.builders import single_object
    >>> class PayYourValue(FlowMechanism):
    ...     name = "pay-your-value"
    ...
    ...     def flow_table(self, t):
    ...         return self.efficient(t, self.environment.stage(t).utility)
    >>> values, stay = [[0.2, 0.8], [0.4, 0.6]], np.eye(2)
    >>> mechanism = PayYourValue(single_object(values, [stay, stay], np.full((2, 2), 0.25), 0.9))
    >>> mechanism.flow_table(0)[0].tolist()  # bidder 1, by its report and bidder 2's
    [[0.0, 0.0], [0.8, 0.8]]
    >>> mechanism.transfer_bound()
    0.8
    """

    @abstractmethod
    def flow_table(self, t: int) -> FloatArray:
        """Return the transfers of period t at every reported profile.

        Parameters
        ----------
        t : int
            Period; one per entry of `distinct_periods` is asked for.

        Returns
        -------
        FloatArray, shape (N, *A)
            Money paid by each agent; A are the axes of the period's stage: public state, then agents' signals.
        """

    @cached_property
    def tables(self) -> list[FloatArray]:
        """`flow_table` per distinct period, `(N, S)` each."""
        count = len(self.environment.agents)
        return [self.flow_table(t).reshape(count, -1) for t in self.distinct_periods]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the table at the reported profile, `(n, N)`."""
        if self.alike is not None:
            cases = cases_of(self.alike, messages, decision)
            return np.stack([self.charge_by_counts(self.alike, case) for case in cases], axis=1)
        return self.tables[self.plan.at(now.t)].take(self.profile(now, messages), axis=1).T

    def transfer_bound(self) -> float:
        """Return the largest absolute entry of the tables."""
        if self.alike is not None:
            every = every_case(self.alike)
            return float(np.abs(self.charge_by_counts(self.alike, every)).max())
        return max(float(np.abs(table).max()) for table in self.tables)
