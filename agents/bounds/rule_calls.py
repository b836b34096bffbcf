"""A mechanism's rules as the bounds ask them: one deviator's message, prescribed ones of the others, what comes of it.

Where decision, charge and next memory do not depend on the memory, they are asked for once instead of once per memory.
Whether they do is found out by asking them with a memory that cannot be read: a rule that answers all the same has not
looked. It may still look in other cases of that period; so wherever an answer counts, it is asked in that way, too.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.environment import State
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import Acts, Situation


class Outcome(NamedTuple):
    """What comes of messages, m cases, L draws of a lottery (1 without one).

    Attributes:
        messages: `(m, N)`.
        chance: of each draw, `(m, L)`.
        flow: utility less charge of the deviator, likewise.
        following: the next memory of each draw, a list of `(m, …)`; empty in the last period.
    """

    messages: Array
    chance: FloatArray
    flow: FloatArray
    following: list[Array]


@dataclass(frozen=True, eq=False)
class RuleCalls:
    """The rules of a game for one deviator."""

    game: Game
    agent: int
    _reads: dict[int, bool] = field(default_factory=dict)

    def messages(self, now: Situation, state: State, own: Array) -> Array:
        """Return what is sent, `(m, N)`: `own` by the deviator, what is prescribed by everybody else."""
        columns = [
            own if j == self.agent else np.asarray(self.game.mechanism.prescribed(now, j, state.signals[:, j]))
            for j in range(len(self.game.environment.agents))
        ]
        return np.stack(columns, axis=1)

    def truth(self, now: Situation, state: State) -> Array:
        """Return the deviator's prescribed message, `(m,)`."""
        return np.asarray(self.game.mechanism.prescribed(now, self.agent, state.signals[:, self.agent]))

    def outcome(self, now: Situation, state: State, own: Array, *, last: bool = False) -> Outcome:
        """Return what comes of messages in m cases; what falls due apart (`due`)."""
        game, messages = self.game, self.messages(now, state, own)
        decision = np.asarray(game.mechanism.decide(now, messages))
        nobody = Acts(np.zeros(messages.shape, np.intp), np.zeros(messages.shape))
        if decision.ndim == 1:
            drawn, chance = [decision], np.ones((len(messages), 1))
        else:
            possible = np.flatnonzero(decision.any(axis=0))
            drawn = [np.full(len(messages), d) for d in possible]
            chance = decision[:, possible]
        flows = [
            game.environment.utility(now.t, state, d)[:, self.agent]
            - np.asarray(game.mechanism.charge(now, messages, d, nobody))[:, self.agent]
            for d in drawn
        ]
        after = [] if last else [np.asarray(game.mechanism.remember(now, messages, d, nobody)) for d in drawn]
        return Outcome(messages, chance, np.stack(flows, axis=1), after)

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return what the deviator owes from earlier periods, `(m,)`."""
        due: FloatArray = np.asarray(self.game.mechanism.due(now, messages))[:, self.agent]
        return due

    def reads_memory(self, t: int, state: State, own: Array) -> bool:
        """Return whether prescribed messages, decision, charge or next memory are seen to look at a period's memory.

        Said once per period, so that a value of states that rests on it is one function.

        Args:
            state: some states; the first `TRIED` of them are tried.
            own: the deviator's messages there.
        """
        if t not in self._reads:
            state, own = some(state, slice(0, TRIED)), own[:TRIED]
            try:
                found = self.outcome(
                    Situation(t, unreadable(), state.public), state, own, last=t + 1 >= self.game.periods
                )
            except Exception:  # whatever a rule raises that looked at it
                self._reads[t] = True
            else:
                kept = [isinstance(x, np.ndarray) and x.shape[:1] == own.shape for x in found.following]
                self._reads[t] = not all(kept)
        return self._reads[t]


class _Unreadable:
    """Something that raises however it is looked at."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the memory was looked at")

    __array__ = __getattr__ = __getitem__ = __len__ = __iter__ = __bool__ = __eq__ = __ne__ = __hash__ = _refuse
    __int__ = __float__ = __index__ = __array_ufunc__ = __array_function__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse


def unreadable() -> Any:
    """Return something in place of a memory; a module that held one could not be looked through."""
    return _Unreadable()


TRIED = 64
"""Cases in which it is tried whether rules look at the memory, at most."""


def repeat(state: State, times: int) -> State:
    """Return every case so many times in a row."""
    profile = None if state.profile is None else np.repeat(state.profile, times)
    return State(np.repeat(state.public, times), np.repeat(state.signals, times, axis=0), profile)


def some(state: State, which: slice) -> State:
    """Return some of the cases."""
    profile = None if state.profile is None else state.profile[which]
    return State(state.public[which], state.signals[which], profile)
