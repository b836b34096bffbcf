"""What strategies have in common: declared traits, obedience by default, and a menu of members to try.

A strategy is a small class. Its options are the keyword parameters of its `__init__`; the command line reads them
from there. It answers for a whole block of episodes at once: arrays in, arrays out.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import GameSpaces, Past, View


@dataclass(frozen=True)
class AgentContext:
    """Where a strategy is to be tried: which agent, under which rules; `actions` are its sets of private actions."""

    agent: int
    game_spaces: GameSpaces
    disclosure: str = "everything"
    actions: tuple[Finite, ...] = ()

    @classmethod
    def of(cls, game: Game, agent: int) -> Self:
        """The setting of one agent in a game."""
        actions = [labels for t in range(min(game.periods, 12)) if (labels := game.environment.actions(t))]
        spaces = tuple(dict.fromkeys(Finite(labels[agent]) for labels in actions))
        return cls(agent, game.game_spaces, game.protocol.disclosure, spaces)

    @property
    def periods(self) -> int:
        """Periods played."""
        return len(self.game_spaces.messages)

    def messages(self, t: int) -> Space:
        """The agent's messages in period t."""
        return self.game_spaces.messages[t][self.agent]

    def require_period(self, t: int) -> None:
        """Raise unless period t is played.

        Raises:
            InputError: it is not.
        """
        if not 0 <= t < self.periods:
            raise InputError(f"period: {t} is none of 0 … {self.periods - 1}, which are played")

    def dates(self) -> list[int]:
        """Periods in which the agent has a choice: all of a short game, the first three of a long one."""
        chosen = [t for t in range(min(self.periods, 12)) if not _single(self.messages(t))]
        return chosen if self.periods <= 6 else chosen[:3]


def _single(space: Space) -> bool:
    return isinstance(space, Finite) and space.size == 1


class Strategy(ABC):
    """A way to play.

    Attributes:
        name: how it is called on the command line.
        source: where in the literature it stands.
        width: uniform numbers used per episode and period.
        memory_periods: how many past periods it looks at (None: all of them).
        spies: whether it sees the others' current signals.
        silent: whether it may send no message (`dynmech.sim.core.spaces.SILENT`).
        rounds: how often it wants the economy to be played, to learn in all rounds but the last; 1: it does not learn.
        lies: how many lies it takes; of deviations that gain the same, the simplest is told.
    """

    name: str
    source: ClassVar[str] = ""
    width: int = 0
    memory_periods: int | None = 0
    spies: bool = False
    silent: bool = False
    rounds: int = 1
    complexity: int = 9

    @abstractmethod
    def message(self, view: View) -> Array:
        """What to send, `(n,)`."""

    def action(self, view: View) -> Array:
        """Obey."""
        return view.prescribed

    def reply(self, view: View) -> Array:
        """Answer as prescribed."""
        return view.prescribed

    def observe(self, view: View, seen: Past) -> None:  # noqa: B027 - most strategies learn nothing
        """Learn, by writing to `view.private`, from a period that is over (only with several `rounds`)."""

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002 - a family may need it
        """What it does, as words that follow the agent's name."""
        return f"plays {self.name}"

    def validate(self, context: AgentContext) -> None:  # noqa: B027 - most fit everywhere
        """Raise if its options have no meaning for this agent in this game; asked before anything is played.

        Raises:
            InputError: which one, and what would be right.
        """

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Members of the family that a stress test tries: by default the one without options, if there is one."""
        parameters = inspect.signature(cls).parameters.values()
        if all(p.default is not p.empty for p in parameters):
            yield cls()

    def components(self) -> "Iterator[Strategy]":
        """The strategy and those that it is made of."""
        yield self

    def key(self) -> str:
        """The strategy with its options, as typed on the command line."""
        options = ",".join(f"{k}={v}" for k, v in self.options().items())
        return f"{self.name}:{options}" if options else self.name

    def options(self) -> dict[str, str]:
        """Its options as text: the attributes called as the parameters of its constructor.

        Raises:
            InputError: an option is not kept under its own name; then a strategy must define `options` itself.
        """
        names = inspect.signature(type(self)).parameters
        missing = [name for name in names if not hasattr(self, name)]
        if missing:
            raise InputError(
                f"strategy {self.name!r}: keep option {missing[0]!r} as self.{missing[0]}, or define options()"
            )
        return {name: _text(getattr(self, name)) for name in names}


def _text(value: object) -> str:
    """A value as it is typed."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
