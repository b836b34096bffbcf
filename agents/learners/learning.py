"""What learners have in common: the states that they tell apart, exploration, and learning after each round.

A learner plays the economy `rounds` times. It knows nothing of the rules but its own message sets. It tells apart
*states* (period, own signal, own last signal, own last message) and learns what its messages are worth in each. The
last two say whether it lied last time, which is what schemes that believe its reports are cheated with.
After a round the learner goes back through it, last period first, over its own flows y_t = u_t − p_t (what falls due in
closing periods counts with the last period, discounted). In the last round, the one that counts, it learns nothing and
sends in every state the message of the highest estimated worth among those that it has tried; ties go to the prescribed
message.

Periods from `horizon` on are one, where their sets are alike, so that an endless economy has finitely many states. On
an interval a learner tells apart, and sends, `GRID` evenly spaced numbers (and the prescribed message itself).
Everything is learned per episode: arrays `(n, states, messages)`, and an episode learns from its own rounds only.
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
"""How many numbers a learner distinguishes on an interval."""

LARGEST = 1 << 13
"""Largest number of entries per episode in the tables of one kind, all periods together."""


class LearnerState(NamedTuple):
    """The states that a learner distinguishes in one period, and the one that each episode is in.

    States are in C order: own signal, last signal, last message.

    Attributes:
        table: name of the tables of this period.
        signals: number of own signals.
        states: number of states.
        messages: number of messages.
        current: state of each episode, `(n,)`.
    """

    table: str
    signals: int
    states: int
    messages: int
    current: IntArray

    @property
    def signal(self) -> IntArray:
        """The own signal in every state, `(states,)`."""
        return np.arange(self.states) // (self.states // self.signals)


class Step(NamedTuple):
    """One period of a finished round.

    Attributes:
        state: where the learner was.
        sent: its message, `(n,)`.
        flow: what it earned, u_t − p_t, `(n,)`.
        odds: the probabilities with which the message was drawn, `(n, messages)`.
    """

    state: LearnerState
    sent: IntArray
    flow: FloatArray
    odds: FloatArray


class Learner(Strategy):
    """A strategy that learns over rounds; base class of the learners.

    A subclass defines `odds`, `worth` and `learn`. Its tables come from `table`; they are kept per episode, with n
    episodes in a block.

    Parameters
    ----------
    rounds : int
        How often the economy is played, the last round, which counts, included; at least 1.
    explore : float
        Share of evenly random messages in the rounds before the last, above 0 and at most 1.
    horizon : int
        Number of periods that are told apart, at least 1.

    Raises
    ------
    InputError
        A number is out of its range.

    Examples
    --------
    A learner that estimates the mean flow of each message, whatever follows:

    >>> import numpy as np
    >>> from dynmech.agents.learners import Learner
    >>> class Myopic(Learner):
    ...     name = "myopic"
    ...
    ...     def odds(self, view, state):
    ...         return self.greedy(view, state)
    ...
    ...     def worth(self, view, state):
    ...         rows = np.arange(view.size)
    ...         tried = self.table(view, state, "tried")[rows, state.current]
    ...         total = self.table(view, state, "total")[rows, state.current]
    ...         return np.where(tried > 0, total / np.maximum(tried, 1), -np.inf)
    ...
    ...     def learn(self, view, steps):
    ...         for state, sent, flow, _ in steps:
    ...             entry = np.arange(view.size), state.current, sent
    ...             self.table(view, state, "tried")[entry] += 1
    ...             self.table(view, state, "total")[entry] += flow
    >>> Myopic(rounds=50).describe(context=None)
    'learns for 50 rounds (myopic)'
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

    # Defined by each learner

    @abstractmethod
    def odds(self, view: View, state: LearnerState) -> FloatArray:
        """Return the message probabilities in a round of learning, before exploration is mixed in.

        Parameters
        ----------
        view : View
            What the agent sees, with n episodes.
        state : LearnerState
            The state of each episode.

        Returns
        -------
        FloatArray
            Rows that sum to 1, shape `(n, messages)`.
        """

    @abstractmethod
    def worth(self, view: View, state: LearnerState) -> FloatArray:
        """Return the estimated worth of each message.

        Parameters
        ----------
        view : View
            What the agent sees, with n episodes.
        state : LearnerState
            The state of each episode.

        Returns
        -------
        FloatArray
            In units of utility, shape `(n, messages)`; −∞ for a message that was never tried.
        """

    @abstractmethod
    def learn(self, view: View, steps: list[Step]) -> None:
        """Update the tables after a round.

        Parameters
        ----------
        view : View
            The view at the start of the next round, with n episodes.
        steps : list of Step
            The periods of the finished round, first period first.
        """

    # Play

    def message(self, view: View) -> Array:
        """Return a message drawn from `odds` with exploration; in the last round the best one; shape `(n,)`."""
        if view.t == 0 and "t" in view.private:
            self.learn(view, self._round(view))
        state = self._state(view)
        if not view.learning:
            return self._number(view, self.best(view, state))
        odds = (1 - self.explore) * self.odds(view, state) + self.explore / state.messages
        bounds = np.cumsum(odds, axis=1)[:, :-1]
        chosen = (bounds <= view.uniforms[:, :1]).sum(axis=1)
        self._note(view, state, odds)
        return self._number(view, chosen)

    def best(self, view: View, state: LearnerState) -> IntArray:
        """Return the message of the highest estimated worth, the prescribed one in a tie, shape `(n,)`."""
        worth, prescribed = self.worth(view, state), nearest(view.prescribed, view.space)
        rows = np.arange(view.size)
        top = worth.max(axis=1)
        out: IntArray = np.where(worth[rows, prescribed] >= top, prescribed, worth.argmax(axis=1))
        return out

    def greedy(self, view: View, state: LearnerState) -> FloatArray:
        """Return the greedy message probabilities, shape `(n, messages)`."""
        return np.equal.outer(self.best(view, state), np.arange(state.messages)).astype(np.float64)

    def observe(self, view: View, seen: Past) -> None:
        """Note the message sent and the flow earned; a transfer due after the last period is discounted to it."""
        notes, flow = view.private, seen.utility - seen.transfer
        delay = seen.t - view.t
        if not delay:
            notes[f"sent {view.t}"] = nearest(seen.message, view.space)
            notes[f"flow {view.t}"] = flow
        else:
            weight = float(np.prod([view.game_spaces.discount] * delay))
            notes[f"flow {view.t}"] = notes[f"flow {view.t}"] + weight * flow

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return the number of rounds and the learner's name, in words."""
        return f"learns for {self.rounds:,} rounds ({self.name})"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing: learning takes as many rounds as a whole stress test."""
        yield from ()

    # States and notes

    def _state(self, view: View) -> LearnerState:
        """Return the current state of each episode."""
        game_spaces, i, t = view.game_spaces, view.agent, view.t
        index, signals = nearest(view.signal, game_spaces.signals[t][i]), choices(game_spaces.signals[t][i])
        states, messages = signals, choices(view.space)
        if t:
            last = view.past[-1]
            for value, space in (
                (last.signal, game_spaces.signals[t - 1][i]),
                (last.message, game_spaces.messages[t - 1][i]),
            ):
                index, states = index * choices(space) + nearest(value, space), states * choices(space)
        return LearnerState(f"{min(t, self.horizon)} {states} {messages}", signals, states, messages, index)

    def table(self, view: View, state: LearnerState, name: str, *more: int) -> FloatArray:
        """Return a table of the learner, zeros at first; write to it in place.

        Parameters
        ----------
        view : View
            What the agent sees, with n episodes.
        state : LearnerState
            The states that the table has rows for.
        name : str
            What the table holds.
        *more : int
            Lengths of further axes.

        Returns
        -------
        FloatArray
            Shape `(n, states, messages, *more)`.

        Raises
        ------
        PlayError
            It would be too large.
        """
        key, shape = f"{name} {state.table}", (state.states, state.messages, *more)
        if key not in view.private:
            periods = min(self.horizon + 1, len(view.game_spaces.messages))
            if periods * prod(shape) > LARGEST:
                raise PlayError(
                    f"{periods} × {state.states:,} states with {state.messages:,} messages are too many to learn; "
                    "give a smaller horizon or coarser sets"
                )
            view.private[key] = np.zeros((view.size, *shape))
        return view.private[key]

    def _note(self, view: View, state: LearnerState, odds: FloatArray) -> None:
        notes, t = view.private, view.t
        notes["t"] = np.full(view.size, t)
        notes[f"at {t}"], notes[f"odds {t}"] = state.current, odds
        shape = [min(t, self.horizon), state.signals, state.states, state.messages]
        notes[f"shape {t}"] = np.tile(np.array(shape), (view.size, 1))

    def _round(self, view: View) -> list[Step]:
        """Return the periods of the finished round, read from the notes, and mark the round as learned."""
        notes = view.private
        steps = []
        for t in range(int(notes.pop("t")[0]) + 1):
            epoch, signals, states, messages = notes[f"shape {t}"][0].tolist()
            state = LearnerState(f"{epoch} {states} {messages}", signals, states, messages, notes[f"at {t}"])
            steps.append(Step(state, notes[f"sent {t}"], notes[f"flow {t}"], notes[f"odds {t}"]))
        return steps

    def _number(self, view: View, chosen: IntArray) -> Array:
        """Return the message that each numbered choice stands for, shape `(n,)`."""
        if isinstance(view.space, Finite):
            return chosen.astype(np.intp)
        low, high = view.space.low, view.space.high
        steps = low + chosen * ((high - low) / (GRID - 1))
        return np.where(chosen == nearest(view.prescribed, view.space), view.prescribed, np.minimum(steps, high))


def choices(space: Space) -> int:
    """Return how many elements of a space a learner distinguishes."""
    return space.size if isinstance(space, Finite) else GRID


def nearest(values: Array, space: Space) -> IntArray:
    """Return the index, below `choices(space)`, of the nearest element that a learner distinguishes."""
    if isinstance(space, Finite):
        return values.astype(np.intp)
    share = (values - space.low) / (space.high - space.low)
    out: IntArray = np.clip(np.rint(share * (GRID - 1)), 0, GRID - 1).astype(np.intp)
    return out
