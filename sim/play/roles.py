"""The two roles of the event loop, designer's rules and agents' strategies, as the loop sees them.

A period, in order: nature draws the public state and the signals; every agent sees its own signal and sends a
message; at the deadline the designer settles (late and missing messages become the mechanism's default), decides
and announces; agents with private actions act, agents that are asked reply; transfers are charged, the mechanism
remembers. Axes: n episodes, N agents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import Space


class Situation(NamedTuple):
    """What everybody can know when period t opens: the mechanism's memory `(n,)` and the public state `(n,)`."""

    t: int
    memory: Array
    public: Array


class Acts(NamedTuple):
    """What the designer sees after its decision.

    `seen` `(n, N)`: what the mechanism observes of each agent's action (all zeros unless it `sees` some of it);
    `replies` `(n, N)`: answers to what it `asks` (all zeros where it asks nothing).
    """

    seen: Array
    replies: Array


KNOWN_PROMISES = {
    "incentive": ("none", "bayesian", "periodic ex post"),
    "budget": ("none", "no deficit", "ex ante", "expected period", "ex post"),
    "participation": ("none", "ex ante", "at the start", "interim", "ex post"),
}
"""What a mechanism may promise, by kind."""


@dataclass(frozen=True)
class Promises:
    """What a mechanism claims, as data that an audit can confirm or refute.

    Attributes:
        incentive: "none", "bayesian" (knowing what the agent knows when it reports) or "periodic ex post".
        budget: "none", "no deficit", "ex ante", "expected period" or "ex post".
        participation: "none", "ex ante", "at the start" (interim, in period 0 only), "interim" or "ex post".
        efficient: whether prescribed play maximises welfare.
        assumptions: conditions on the economy under which the claims are made.
    """

    incentive: str = "none"
    budget: str = "none"
    participation: str = "none"
    efficient: bool = False
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, known in KNOWN_PROMISES.items():
            if getattr(self, name) not in known:
                raise InputError(f"promises: {name} {getattr(self, name)!r} is none of {', '.join(known)}")


class MechanismProtocol(Protocol):
    """A finite-state machine over message profiles; see `dynmech.mechanisms.rules.base` for a base class with defaults.

    What is paid at t is `charge` (caused at t) plus `due` (caused earlier, through the memory).
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
        """Memory values are 0 … size − 1 in period t (None: not finite)."""
        ...

    def messages(self, t: int, agent: int) -> Space:
        """The messages that agent i may send in period t."""
        ...

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """The message asked of agent i, `(n,)`."""
        ...

    def default(self, now: Situation, agent: int) -> Array:
        """What stands in for a late or missing message, `(n,)`."""
        ...

    def decide(self, now: Situation, messages: Array) -> Array:
        """Decisions `(n,)`, or a lottery over them `(n, D)`; with private actions they carry the recommended ones."""
        ...

    def sees(self, t: int, agent: int) -> IntArray | None:
        """What the designer observes of each action of agent i, `(actions,)`; None: nothing."""
        ...

    def asks(self, t: int, agent: int) -> Space | None:
        """What agent i is asked for after the decision; None: nothing."""
        ...

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        """The reply asked of agent i, `(n,)`, given its realised flow utility `(n,)`."""
        ...

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Transfers caused and paid this period, `(n, N)`, paid by the agents."""
        ...

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Transfers caused earlier that fall due now, `(n, N)`."""
        ...

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """The next memory, `(n,)`."""
        ...

    def transfer_bound(self) -> float:
        """The largest |charge| + |due| of any agent in any period."""
        ...


@dataclass(frozen=True)
class GameSpaces:
    """What everybody knows of the game: names of agents, the spaces of everything by period, the discount factor."""

    agents: tuple[str, ...]
    decisions: tuple[Space, ...]
    messages: tuple[tuple[Space, ...], ...]
    publics: tuple[Space, ...]
    signals: tuple[tuple[Space, ...], ...] = ()
    discount: float = 1.0


class Past(NamedTuple):
    """A past period as one agent saw it; None where the disclosure policy hides it.

    `utility` and `transfer` `(n,)` are its own flows of the period: an agent knows what it earned and what it paid.
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


class PeekError(PlayError):
    """A strategy looked at what it did not declare that it looks at."""


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """All that one agent sees when it moves; arrays are read-only, `private` is its own to write.

    Attributes:
        t, agent: period and index of the agent.
        signal: its own signal, `(n,)`.
        public: public state, `(n,)`.
        memory: the mechanism's public memory, `(n,)`; None if the disclosure policy hides it.
        space: what it may answer now (messages; at the action or reply stage, actions or replies).
        prescribed: what the mechanism asks of it now, `(n,)`.
        uniforms: its own uniform numbers of this period, `(n, width)`.
        past: earlier periods, oldest first, as many as the strategy declares to use (`memory_periods`).
        private: its own arrays, kept from period to period within a block of episodes.
        decision: what was decided (after the decision, as far as disclosed).
        reports: the messages that counted, `(n, N)` (after the decision, where everything is public).
        utility: its own flow utility (at the reply stage only).
        game_spaces: names of agents, spaces of everything by period, the discount factor.
        round, rounds: which play of the economy this is, from 0, and how many there are; the last one counts.
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

    def after_decision(
        self,
        *,
        space: Space,
        prescribed: Array,
        decision: Array | None,
        reports: Array | None,
        utility: Array | None,
    ) -> "View":
        """The same agent's view at the action or reply stage of the same period."""
        return replace(self, space=space, prescribed=prescribed, decision=decision, reports=reports, utility=utility)

    @property
    def size(self) -> int:
        """Episodes in this block."""
        return len(self.signal)

    @property
    def learning(self) -> bool:
        """Whether this round is one to learn in; in the last one, which counts, nothing is learned."""
        return self.round + 1 < self.rounds

    @property
    def others(self) -> Array:
        """All agents' current signals `(n, N)`: only for a strategy that declares `spies`."""
        if self.spied is None:
            raise PeekError("it looked at the others' signals without declaring spies = True")
        return self.spied


class StrategyProtocol(Protocol):
    """How one agent plays; `dynmech.agents.strategies.base` holds a base class with defaults.

    Attributes:
        width: uniform numbers used per episode and period.
        memory_periods: how many past periods it looks at; None: all.
        spies: whether it sees the others' current signals.
        silent: whether it may send no message (`SILENT`).
        rounds: how often it wants the economy to be played, to learn in all rounds but the last; 1: it does not learn.
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
    def rounds(self) -> int: ...

    def message(self, view: View) -> Array:
        """What it sends, `(n,)`."""
        ...

    def action(self, view: View) -> Array:
        """Its private action, `(n,)`; `view.prescribed` is the recommended one."""
        ...

    def reply(self, view: View) -> Array:
        """Its answer to what the mechanism asks after the decision, `(n,)`."""
        ...

    def observe(self, view: View, seen: Past) -> None:
        """Learn, by writing to `view.private`, from a period that is over; `view` is what it saw when it reported.

        Only where it wants several rounds, and never in the last one. After the periods that are played come the
        closing ones, with nothing but what fell due: then `view` is that of the last period played.
        """
        ...
