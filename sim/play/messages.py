"""How nature, the designer and the agents speak with each other: channels that wake the reader, and an inbox."""

from collections.abc import Generator
from typing import Any, NamedTuple

from simpy import Environment
from simpy.events import Event

from dynmech.sim.core.arrays import Array, BoolArray

Process = Generator[Event, Any, None]
"""A SimPy process."""


class Message(NamedTuple):
    """One agent's messages of a period.

    Attributes:
        values: what was sent, `(n,)`.
        on_time: which of them arrived by the deadline, `(n,)`; None: all.
    """

    values: Array
    on_time: BoolArray | None


class Channel:
    """Carries one message at a time to one process, which must wait for it when the next one is sent."""

    def __init__(self, clock: Environment) -> None:
        self._clock, self._event = clock, Event(clock)

    def send(self, message: object) -> None:
        """Wake the process that waits."""
        self._event.succeed(message)

    def receive(self) -> Event:
        """The event of the next message, to be yielded by the process that waits."""
        if self._event.processed:
            self._event = Event(self._clock)
        return self._event


class Inbox:
    """What the agents have sent to the designer and it has not read yet: messages, then actions or replies."""

    def __init__(self, agents: int) -> None:
        self._messages: list[Message | None] = [None] * agents
        self._answers: list[Array | None] = [None] * agents

    def put_message(self, agent: int, message: Message) -> None:
        """Deliver an agent's messages."""
        self._messages[agent] = message

    def put_answer(self, agent: int, answer: Array) -> None:
        """Deliver an agent's actions or replies, `(n,)`."""
        self._answers[agent] = answer

    def take_message(self, agent: int) -> Message | None:
        """Remove an agent's messages and return them; None if nothing has arrived."""
        message, self._messages[agent] = self._messages[agent], None
        return message

    def take_answer(self, agent: int) -> Array:
        """Remove an agent's actions or replies and return them, `(n,)`."""
        answer, self._answers[agent] = self._answers[agent], None
        assert answer is not None, "an agent that is asked answers at once"
        return answer
