"""What learners have in common: what they tell apart, how they explore, and how a round becomes a lesson.

A learner plays the economy `rounds` times. It knows nothing of the rules but its own message sets: it tells apart
*places*, a place being (period, own signal, own last signal, own last message), and learns what its messages are worth
there. The last two say whether it lied last time, which is what a scheme that believes its reports is cheated with.
When a round is over the learner goes back through it, last period first, over its own flows y_t = u_t − p_t (what falls
due in closing periods counts with the last period, discounted). In the last round, the one that counts, it learns
nothing and sends at every place the message that it holds best, of those that it has tried; ties go to the prescribed
one.

Periods from `horizon` on are one, where their sets are alike: an endless economy has finitely many places. On an
interval a learner tells apart, and sends, `GRID` evenly spaced numbers (and the prescribed message itself).
Everything is learned per episode: arrays `(n, places, messages)`, and an episode learns from its own rounds only.
"""

from abc import abstractmethod
from collections.abc import Iterator
from math import prod
from typing import NamedTuple, Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.play.roles import Past, View

GRID = 5
"""Numbers that are told apart on an interval."""

LARGEST = 1 << 13
"""Numbers per episode that tables of one kind may hold, those of all periods together."""


class Place(NamedTuple):
    """Where a learner stands: the name of its tables, how many signals, places and messages they have, its own `(n,)`.

    Places are in C order: own signal, last signal, last message.
    """

    table: str
    signals: int
    places: int
    messages: int
    at: IntArray

    @property
    def signal(self) -> IntArray:
        """The own signal of every place, `(places,)`."""
        return np.arange(self.places) // (self.places // self.signals)


class Step(NamedTuple):
    """A period that is over: where, what was sent, what it brought `(n,)`, with what odds `(n, messages)`."""

    place: Place
    sent: IntArray
    flow: FloatArray
    odds: FloatArray


class Learner(Strategy):
    """A strategy that learns over rounds.

    Args:
        rounds: how often the economy is played, the round that counts included.
        explore: share of evenly random messages in rounds to learn in.
        horizon: periods that are told apart.

    Raises:
        InputError: a number is out of its range.
    """

    width = 1
    memory_periods = 1

    def __init__(self, rounds: int = 2000, explore: float = 0.2, horizon: int = 8) -> None:
        if rounds < 1:
            raise InputError(f"rounds: {rounds} is below 1")
        if not 0 < explore <= 1:
            raise InputError(f"explore: {explore!r} is not above 0 and at most 1")
        if horizon < 1:
            raise InputError(f"horizon: {horizon} is below 1")
        self.rounds, self.explore, self.horizon = rounds, explore, horizon

    # What a kind of learner is

    @abstractmethod
    def odds(self, view: View, place: Place) -> FloatArray:
        """The law of the message sent in a round to learn in, `(n, messages)`, but for exploration."""

    @abstractmethod
    def worth(self, view: View, place: Place) -> FloatArray:
        """What each message is held to be worth, `(n, messages)`; −∞ where it was never tried."""

    @abstractmethod
    def learn(self, view: View, steps: list[Step]) -> None:
        """Learn from a round, first period first."""

    # Play

    def message(self, view: View) -> Array:
        """Explore, or send what is held best."""
        if view.t == 0 and "t" in view.private:
            self.learn(view, self._round(view))
        here = self._place(view)
        if not view.learning:
            return self._number(view, self.best(view, here))
        odds = (1 - self.explore) * self.odds(view, here) + self.explore / here.messages
        bounds = np.cumsum(odds, axis=1)[:, :-1]
        chosen = (bounds <= view.uniforms[:, :1]).sum(axis=1)
        self._note(view, here, odds)
        return self._number(view, chosen)

    def best(self, view: View, place: Place) -> IntArray:
        """The message held best, `(n,)`."""
        worth, asked = self.worth(view, place), nearest(view.prescribed, view.space)
        rows = np.arange(view.size)
        top = worth.max(axis=1)
        out: IntArray = np.where(worth[rows, asked] >= top, asked, worth.argmax(axis=1))
        return out

    def greedy(self, view: View, place: Place) -> FloatArray:
        """All weight on the message held best, `(n, messages)`."""
        return np.equal.outer(self.best(view, place), np.arange(place.messages)).astype(np.float64)

    def observe(self, view: View, seen: Past) -> None:
        """Note down what was sent and what it brought."""
        notes, flow = view.private, seen.utility - seen.transfer
        late = seen.t - view.t
        if not late:
            notes[f"sent {view.t}"] = nearest(seen.message, view.space)
            notes[f"flow {view.t}"] = flow
        else:
            weight = float(np.prod([view.game_spaces.discount] * late))
            notes[f"flow {view.t}"] = notes[f"flow {view.t}"] + weight * flow

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Words."""
        return f"learns for {self.rounds:,} rounds ({self.name})"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """None: learning takes as many rounds as a whole stress test."""
        yield from ()

    # Places and notes

    def _place(self, view: View) -> Place:
        """Where the agent stands."""
        game_spaces, i, t = view.game_spaces, view.agent, view.t
        at, signals = nearest(view.signal, game_spaces.signals[t][i]), choices(game_spaces.signals[t][i])
        places, messages = signals, choices(view.space)
        if t:
            last = view.past[-1]
            for value, space in (
                (last.signal, game_spaces.signals[t - 1][i]),
                (last.message, game_spaces.messages[t - 1][i]),
            ):
                at, places = at * choices(space) + nearest(value, space), places * choices(space)
        return Place(f"{min(t, self.horizon)} {places} {messages}", signals, places, messages, at)

    def table(self, view: View, place: Place, name: str, *more: int) -> FloatArray:
        """A table of this place, `(n, places, messages, *more)`, zeros at first; the learner's own to write.

        Raises:
            PlayError: it would be too large.
        """
        key, shape = f"{name} {place.table}", (place.places, place.messages, *more)
        if key not in view.private:
            periods = min(self.horizon + 1, len(view.game_spaces.messages))
            if periods * prod(shape) > LARGEST:
                raise PlayError(
                    f"{periods} × {place.places:,} places with {place.messages:,} messages are too many to learn; "
                    "give a smaller horizon or coarser sets"
                )
            view.private[key] = np.zeros((view.size, *shape))
        return view.private[key]

    def _note(self, view: View, here: Place, odds: FloatArray) -> None:
        notes, t = view.private, view.t
        notes["t"] = np.full(view.size, t)
        notes[f"at {t}"], notes[f"odds {t}"] = here.at, odds
        shape = [min(t, self.horizon), here.signals, here.places, here.messages]
        notes[f"shape {t}"] = np.tile(np.array(shape), (view.size, 1))

    def _round(self, view: View) -> list[Step]:
        """The round that is over, read from the notes; it is taken as learned."""
        notes = view.private
        steps = []
        for t in range(int(notes.pop("t")[0]) + 1):
            epoch, signals, places, messages = notes[f"shape {t}"][0].tolist()
            place = Place(f"{epoch} {places} {messages}", signals, places, messages, notes[f"at {t}"])
            steps.append(Step(place, notes[f"sent {t}"], notes[f"flow {t}"], notes[f"odds {t}"]))
        return steps

    def _number(self, view: View, chosen: IntArray) -> Array:
        """The message that a choice stands for."""
        if isinstance(view.space, Finite):
            return chosen.astype(np.intp)
        low, high = view.space.low, view.space.high
        steps = low + chosen * ((high - low) / (GRID - 1))
        return np.where(chosen == nearest(view.prescribed, view.space), view.prescribed, np.minimum(steps, high))


def choices(space: Space) -> int:
    """How many elements of a space are told apart."""
    return space.size if isinstance(space, Finite) else GRID


def nearest(values: Array, space: Space) -> IntArray:
    """Elements as indices below `choices(space)`."""
    if isinstance(space, Finite):
        return values.astype(np.intp)
    share = (values - space.low) / (space.high - space.low)
    out: IntArray = np.clip(np.rint(share * (GRID - 1)), 0, GRID - 1).astype(np.intp)
    return out
