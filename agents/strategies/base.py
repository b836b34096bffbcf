"""The base class of strategies, and the context in which one is tried.

A strategy is a small class. Its options are the keyword parameters of its `__init__`; the command line reads them
from there. It answers for a whole block of episodes at once: arrays in, arrays out.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.game import Game
from dynmech.sim.play.payment_terms import PaymentTerms
from dynmech.sim.play.roles import GameSpaces, Past, View


@dataclass(frozen=True)
class AgentContext:
    """The agent and the game for which a strategy is to be tried.

    Parameters
    ----------
    agent : int
        Index of the agent.
    game_spaces : GameSpaces
        Names of agents, the spaces of everything by period, and the discount factor.
    disclosure : str
        What is public: the name of the disclosure policy.
    actions : tuple of Finite
        The agent's distinct sets of private actions; empty if it has none.

    Examples
    --------
    >>> from dynmech.agents.strategies import AgentContext
    >>> from dynmech.sim.core.spaces import Finite
    >>> from dynmech.sim.play.roles import GameSpaces
    >>> low_high, one = Finite(("low", "high")), Finite(("-",))
    >>> spaces = GameSpaces(("Ann",), (low_high,) * 2, ((low_high,), (one,)), (one,) * 2)
    >>> context = AgentContext(0, spaces)
    >>> context.periods, context.messages(0).labels, context.dates()
    (2, ('low', 'high'), [0])
    """

    agent: int
    game_spaces: GameSpaces
    disclosure: str = "everything"
    actions: tuple[Finite, ...] = ()
    payments: PaymentTerms | None = None

    @classmethod
    def of(cls, game: Game, agent: int) -> Self:
        """Return the context of one agent in a game.

        Parameters
        ----------
        game : Game
            The game that is played.
        agent : int
            Index of the agent.

        Returns
        -------
        AgentContext
            With the private actions of the first twelve periods.
        """
        actions = [labels for t in range(min(game.periods, 12)) if (labels := game.environment.actions(t))]
        spaces = tuple(dict.fromkeys(Finite(labels[agent]) for labels in actions))
        return cls(agent, game.game_spaces, game.protocol.disclosure, spaces, game.protocol.voluntary)

    @property
    def periods(self) -> int:
        """Number of periods played."""
        return len(self.game_spaces.messages)

    def messages(self, t: int) -> Space:
        """Return the space of the agent's messages in period t."""
        return self.game_spaces.messages[t][self.agent]

    def require_period(self, t: int) -> None:
        """Check that period t is played.

        Raises
        ------
        InputError
            It is not played.
        """
        if not 0 <= t < self.periods:
            raise InputError(f"period: {t} is none of 0 … {self.periods - 1}, which are played")

    def dates(self) -> list[int]:
        """Return the periods in which the agent has a choice: all of a short game, the first three of a long one."""
        free = [t for t in range(min(self.periods, 12)) if not _single(self.messages(t))]
        return free if self.periods <= 6 else free[:3]


def _single(space: Space) -> bool:
    return isinstance(space, Finite) and space.size == 1


class Strategy(ABC):
    """Base class of strategies: how an agent sends messages, acts and replies.

    A subclass gives `name` and `message`; everything else has a default. In what follows a block holds n episodes. A
    strategy must be a function of its view: random numbers come from `view.uniforms`, and what it keeps from period to
    period is written to `view.private`.

    Attributes
    ----------
    name : str
        Name on the command line.
    source : str
        Where it stands in the literature.
    width : int
        Uniform numbers used per episode and period, shape of `view.uniforms`: `(n, width)`.
    memory_periods : int or None
        How many past periods `view.past` holds; None for all of them.
    spies : bool
        Whether it sees the others' current signals, in `view.others`.
    silent : bool
        Whether it may send no message (`dynmech.sim.core.spaces.SILENT`).
    leaves : bool
        Whether it may leave for good (`dynmech.sim.core.spaces.LEAVE`): from then on the default stands in for its
        messages, and it neither enjoys nor pays anything, what falls due included.
    rounds : int
        How often the economy is played, to learn in all rounds but the last; 1 for a strategy that does not learn.
    complexity : int
        How many lies it takes; of deviations with equal gains the one of least complexity is reported.

    Examples
    --------
    A strategy that reports the first label of a finite set from some period on:

    >>> import numpy as np
    >>> from dynmech.agents.strategies import Strategy
    >>> from dynmech.sim.core.spaces import Finite
    >>> from dynmech.sim.play.roles import GameSpaces, View
    >>> class Humble(Strategy):
    ...     name = "humble"
    ...
    ...     def __init__(self, start: int = 0) -> None:
    ...         self.start = start
    ...
    ...     def message(self, view):
    ...         return np.zeros_like(view.prescribed) if view.t >= self.start else view.prescribed
    >>> signal, labels = np.array([1, 0, 1]), Finite(("low", "high"))
    >>> spaces = GameSpaces(("Ann",), (labels,), ((labels,),), (labels,))
    >>> view = View(0, 0, signal, 0 * signal, None, labels, signal, np.zeros((3, 0)), (), {}, spaces)
    >>> Humble().message(view).tolist(), Humble(start=1).message(view).tolist()
    ([0, 0, 0], [1, 0, 1])
    >>> Humble(start=1).key()
    'humble:start=1'
    """

    name: str
    source: ClassVar[str] = ""
    width: int = 0
    memory_periods: int | None = 0
    spies: bool = False
    silent: bool = False
    leaves: bool = False
    rounds: int = 1
    complexity: int = 9

    @abstractmethod
    def message(self, view: View) -> Array:
        """Return the messages to send.

        Parameters
        ----------
        view : View
            What the agent sees when it reports, with n episodes.

        Returns
        -------
        Array
            Indices below `view.space.size` on a finite set, numbers of the interval otherwise, shape `(n,)`.
        """

    def message_map(self, t: int, space: Finite) -> IntArray | None:  # noqa: ARG002
        """Return the message sent for each prescribed one, where nothing else matters.

        Parameters
        ----------
        t : int
            The period, from 0.
        space : Finite
            The messages of that period.

        Returns
        -------
        int array, shape (space.size,), or None
            What `message` sends in period t where message 0, 1, … is prescribed; None, the default, where that depends
            on more. A strategy of dynmech's own that gives it can be played from tables.
        """
        return None

    def private_after(self, signals: IntArray) -> dict[str, Array] | None:  # noqa: ARG002
        """Return what `view.private` holds after a period, where nothing but that period matters for messages.

        Parameters
        ----------
        signals : int array, shape (n, N)
            All agents' signals in the period that is over.

        Returns
        -------
        dict of str to array, or None
            None, the default, where messages depend on more than the present view with one past period, or on flows.
            A strategy of dynmech's own that gives it can be played from tables.
        """
        return None

    def action(self, view: View) -> Array:
        """Return the private actions to take, by default the recommended ones.

        Parameters
        ----------
        view : View
            What the agent sees once the decision is known, with n episodes.

        Returns
        -------
        Array
            Indices of the actions, shape `(n,)`.
        """
        return view.prescribed

    def reply(self, view: View) -> Array:
        """Return the replies after the decision, by default the prescribed ones.

        Parameters
        ----------
        view : View
            What the agent sees, its flow utility `view.utility` included, with n episodes.

        Returns
        -------
        Array
            Indices on a finite set, numbers of the interval otherwise, shape `(n,)`.
        """
        return view.prescribed

    def pay(self, view: View, bill: Bill) -> FloatArray:  # noqa: ARG002
        """Return what to pay, by default all that is owed; asked only where bills are paid voluntarily.

        Parameters
        ----------
        view : View
            What the agent sees after the decision, its flow utility included, with n episodes.
        bill : Bill
            This period's bill, the arrears, what is due now and all that is owed, `(n,)` each.

        Returns
        -------
        FloatArray
            From 0 to `bill.owed`, shape `(n,)`. Less than `bill.due` is a default.
        """
        return bill.owed

    def observe(self, view: View, seen: Past) -> None:  # noqa: B027 - most strategies learn nothing
        """Learn from a period that is over, by writing to `view.private`; called only with several `rounds`.

        Parameters
        ----------
        view : View
            What the agent saw in that period, with n episodes.
        seen : Past
            The finished period: message, decision, utility and transfer, `(n,)` each. A transfer that falls due in a
            closing period comes with that period as `seen.t`.
        """

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002 - a family may need it
        """Return what the strategy does, as words that follow the agent's name.

        Parameters
        ----------
        context : AgentContext
            The agent and its game.

        Returns
        -------
        str
            One line.
        """
        return f"plays {self.name}"

    def validate(self, context: AgentContext) -> None:  # noqa: B027 - most fit everywhere
        """Check that the options have a meaning for this agent in this game; called before anything is played.

        Parameters
        ----------
        context : AgentContext
            The agent and its game.

        Raises
        ------
        InputError
            An option does not fit; the message says which, and what would be right.
        """

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield the members of the family that a stress test tries.

        Parameters
        ----------
        context : AgentContext
            The agent and its game.

        Yields
        ------
        Strategy
            By default the member with the default options, if every option has a default.
        """
        parameters = inspect.signature(cls).parameters.values()
        if all(p.default is not p.empty for p in parameters):
            yield cls()

    def components(self) -> "Iterator[Strategy]":
        """Yield the strategy and those that it is made of.

        Yields
        ------
        Strategy
            First this one; a wrapper adds the components of its parts.
        """
        yield self

    def made_for(self, game: Game, agent: int) -> "Strategy":  # noqa: ARG002
        """Return the strategy that an agent plays in a game.

        Parameters
        ----------
        game : Game
            The game that is played.
        agent : int
            Index of the agent.

        Returns
        -------
        Strategy
            By default this one; one that depends on the mechanism (a best response) is worked out here.
        """
        return self

    def key(self) -> str:
        """Return the strategy with its options, as typed on the command line."""
        options = ",".join(f"{k}={v}" for k, v in self.options().items())
        return f"{self.name}:{options}" if options else self.name

    def options(self) -> dict[str, str]:
        """Return the options as text by name: the attributes called as the parameters of the constructor.

        Returns
        -------
        dict of str to str
            Empty for a strategy without options.

        Raises
        ------
        InputError
            An option is not kept under its own name; the strategy must then define `options` itself.
        """
        names = inspect.signature(type(self)).parameters
        missing = [name for name in names if not hasattr(self, name)]
        if missing:
            raise InputError(
                f"strategy {self.name!r}: keep option {missing[0]!r} as self.{missing[0]}, or define options()"
            )
        return {name: _text(getattr(self, name)) for name in names}


def _text(value: object) -> str:
    """Return a value as it is typed on the command line."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
