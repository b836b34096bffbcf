"""What the event loop asks of a mechanism and of a strategy, and what each of them is shown.

A period, in order: nature draws the public state and the signals; every agent sees its own signal and sends a
message; at the deadline the designer settles (late and missing messages become the mechanism's default), decides
and announces; agents with private actions act, agents that are asked reply; transfers are charged, the mechanism
remembers.

Axes: n episodes of a block, N agents, D decisions. Signals, messages and decisions are indices into their spaces, or
numbers where the space is an interval. Transfers are paid by the agents to the designer, in the unit of utility.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Space
from dynmech.sim.play.promises import KNOWN_PROMISES as KNOWN_PROMISES, Promises as Promises

if TYPE_CHECKING:
    from dynmech.sim.play.billing import Bill


class Situation(NamedTuple):
    """What everybody can know when a period opens.

    Attributes
    ----------
    t : int
        The period, from 0.
    memory : array, shape (n,)
        The mechanism's public memory; shape (n, …) where it is not finite.
    public : array, shape (n,)
        The public state; zeros where there is none.
    """

    t: int
    memory: Array
    public: Array


class Acts(NamedTuple):
    """What the designer sees after its decision.

    Attributes
    ----------
    seen : int array, shape (n, N)
        What the mechanism observes of each agent's action; zeros unless it `sees` some of it.
    replies : float array, shape (n, N)
        Answers to what the mechanism `asks`; zeros where it asks nothing.
    paid : bool array, shape (n, N), or None
        Who is in good standing, where bills are paid voluntarily and the mechanism `reads_payments`: when it charges,
        before the bills of the period, when it remembers, after them. None: everybody.
    """

    seen: Array
    replies: Array
    paid: Array | None = None


class MechanismProtocol(Protocol):
    """A finite-state machine over message profiles; `dynmech.mechanisms.rules.base` has a base class with defaults.

    Every rule is a function of its arguments alone, and elementwise over the n episodes. Arguments are read-only.

    Attributes
    ----------
    name : str
        The mechanism's name in commands, logs and errors.
    promises : Promises
        What it claims.
    lags : int
        For how many periods after a decision transfers may still fall due.

    Notes
    -----
    What agent i pays at t is `charge` (caused at t) plus `due` (caused earlier, through the memory).
    """

    @property
    def name(self) -> str: ...

    @property
    def promises(self) -> Promises: ...

    @property
    def lags(self) -> int:
        """For how many periods after a decision transfers may still fall due."""
        ...

    def memory_size(self, t: int) -> int | None:
        """Return the number of memory values in period t, which are 0 … size - 1; None if they are not finite."""
        ...

    def messages(self, t: int, agent: int) -> Space:
        """Return the messages that agent i may send in period t."""
        ...

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """Return the message asked of agent i, `(n,)`, given its signal `(n,)`."""
        ...

    def default(self, now: Situation, agent: int) -> Array:
        """Return what stands in for a late or missing message, `(n,)`."""
        ...

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return decisions `(n,)`, or a lottery over them `(n, D)`, at the messages that count `(n, N)`.

        With private actions, decisions carry the recommended ones.
        """
        ...

    def announces(self, now: Situation, messages: Array, decision: Array) -> Array:
        """Return what is announced of the messages, `(n,)`, where that is disclosed in place of them."""
        ...

    def sees(self, t: int, agent: int) -> IntArray | None:
        """Return what the designer observes of each action of agent i, `(actions,)`; None: nothing."""
        ...

    def asks(self, t: int, agent: int) -> Space | None:
        """Return what agent i is asked for after the decision; None: nothing."""
        ...

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        """Return the reply asked of agent i, `(n,)`, given its realised flow utility `(n,)`."""
        ...

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Return the transfers caused and paid this period, `(n, N)`."""
        ...

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return the transfers caused earlier that fall due now, `(n, N)`."""
        ...

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """Return the next memory, `(n,)`."""
        ...

    def transfer_bound(self) -> float:
        """Return the largest |charge| + |due| of any agent in any period."""
        ...


@dataclass(frozen=True)
class GameSpaces:
    """What everybody knows of the game.

    Parameters
    ----------
    agents : tuple of str
        Names of the agents.
    decisions : tuple of Space
        What may be decided, by period.
    messages : tuple of tuples of Space
        What may be sent, by period and agent.
    publics : tuple of Space
        Public states, by period.
    signals : tuple of tuples of Space
        Signals, by period and agent.
    discount : float
        The discount factor δ.
    """

    agents: tuple[str, ...]
    decisions: tuple[Space, ...]
    messages: tuple[tuple[Space, ...], ...]
    publics: tuple[Space, ...]
    signals: tuple[tuple[Space, ...], ...] = ()
    discount: float = 1.0


class Past(NamedTuple):
    """A past period as one agent saw it; None where the disclosure policy hides something.

    Attributes
    ----------
    t : int
        The period.
    public, signal, message : array, shape (n,)
        The public state, the agent's own signal, and the message as it sent it.
    decision : array, shape (n,), or None
        The decision.
    reports : array, shape (n, N), or None
        The messages that counted.
    transfer : float array, shape (n,)
        What the agent itself paid.
    transfers : float array, shape (n, N), or None
        What all agents paid.
    utility : float array, shape (n,)
        The agent's own flow utility.
    announced : array, shape (n,), or None
        What the mechanism announced of the messages, where that is disclosed in place of them.
    """

    t: int
    public: Array
    signal: Array
    message: Array
    decision: Array | None
    reports: Array | None
    transfer: Array
    transfers: Array | None
    utility: Array
    announced: Array | None = None


class PeekError(PlayError):
    """A strategy looked at something without having declared that it does."""


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """All that one agent sees when it moves; arrays are read-only, except those in `private`.

    Parameters
    ----------
    t, agent : int
        The period, and the agent's index.
    signal, public : array, shape (n,)
        The agent's own signal, and the public state.
    memory : array, shape (n,), or None
        The mechanism's public memory; None if the disclosure policy hides it.
    space : Space
        What the agent may answer now: messages; at the action or reply stage, actions or replies.
    prescribed : array, shape (n,)
        What the mechanism asks of the agent now.
    uniforms : float array, shape (n, width)
        The agent's own uniform numbers of this period, in [0, 1).
    past : sequence of Past
        Earlier periods, oldest first, as many as the strategy declares to use (`memory_periods`).
    private : dict of str to array
        The strategy's own arrays, to write to; kept from period to period within a block of episodes.
    game_spaces : GameSpaces
        Names of agents, spaces by period, the discount factor.
    decision : array, shape (n,), or None
        What was decided: after the decision, as far as the disclosure policy shows it.
    reports : array, shape (n, N), or None
        The messages that counted: after the decision, where everything is public.
    utility : array, shape (n,), or None
        The agent's own flow utility: at the reply stage only.
    spied : array, shape (n, N), or None
        All agents' current signals; use `others`.
    round, rounds : int
        Which play of the environment this is, from 0, and how many there are; the last one counts.
    bill : Bill or None
        What the agent is asked to pay: at the payment stage only, where bills are sent.
    announced : array, shape (n,), or None
        What the mechanism announced of the messages: after the decision, where that is disclosed in place of them.
    """

    t: int
    agent: int
    signal: Array
    public: Array
    memory: Array | None
    space: Space
    prescribed: Array
    uniforms: FloatArray
    past: Sequence[Past]
    private: dict[str, Array]
    game_spaces: GameSpaces
    decision: Array | None = None
    reports: Array | None = None
    utility: Array | None = None
    spied: Array | None = None
    round: int = 0
    rounds: int = 1
    bill: "Bill | None" = None
    announced: Array | None = None

    def after_decision(
        self,
        *,
        space: Space,
        prescribed: Array,
        decision: Array | None,
        reports: Array | None,
        utility: Array | None,
        announced: Array | None = None,
    ) -> "View":
        """Return the same agent's view at the action or reply stage of the same period."""
        shown = {"decision": decision, "reports": reports, "utility": utility, "announced": announced}
        return replace(self, space=space, prescribed=prescribed, **shown)  # type: ignore[arg-type] # names and kinds as above

    @property
    def size(self) -> int:
        """Return the number of episodes in this block, n."""
        return len(self.signal)

    @property
    def learning(self) -> bool:
        """Whether a learner may learn in this round: in all but the last one."""
        return self.round + 1 < self.rounds

    @property
    def others(self) -> Array:
        """All agents' current signals, `(n, N)`.

        Raises
        ------
        PeekError
            The strategy does not declare `spies = True`.
        """
        if self.spied is None:
            raise PeekError("it looked at the others' signals without declaring spies = True")
        return self.spied


class StrategyProtocol(Protocol):
    """How one agent plays; `dynmech.agents.strategies.base` has a base class with defaults.

    Attributes
    ----------
    name : str
        The strategy's name in commands, logs and errors.
    width : int
        Uniform numbers used per episode and period.
    memory_periods : int or None
        How many past periods it looks at; None: all.
    spies : bool
        Whether it sees the others' current signals.
    silent : bool
        Whether it may send no message (`SILENT`).
    leaves : bool
        Whether it may leave for good (`LEAVE`).
    rounds : int
        How often it wants the environment to be played, to learn in all rounds but the last; 1: it does not learn.
    """

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def memory_periods(self) -> int | None: ...

    @property
    def spies(self) -> bool: ...

    @property
    def silent(self) -> bool: ...

    @property
    def leaves(self) -> bool: ...

    @property
    def rounds(self) -> int: ...

    def message(self, view: View) -> Array:
        """Return what the agent sends, `(n,)`."""
        ...

    def action(self, view: View) -> Array:
        """Return the agent's private action, `(n,)`; `view.prescribed` is the recommended one."""
        ...

    def reply(self, view: View) -> Array:
        """Return the agent's answer to what the mechanism asks after the decision, `(n,)`."""
        ...

    def pay(self, view: View, bill: "Bill") -> FloatArray:
        """Return what the agent pays of its bill, `(n,)`, from 0 to `bill.owed`; only where it is free to."""
        ...

    def observe(self, view: View, seen: Past) -> None:
        """Learn from a period that is over, by writing to `view.private`; `view` is what it saw when it reported.

        Called only where the strategy wants several rounds, and never in the last one. After the periods that are
        played come the closing ones, with nothing but what fell due: then `view` is that of the last period played.
        """
        ...
