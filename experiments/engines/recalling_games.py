"""Play from tables where messages depend on the last period, too: best responses, lies that wait for a condition.

What such a strategy sends follows from the mechanism's memory, the signals, and what was seen, sent and decided last
period. These are *situations*: from period to period those that can be reached are listed, with the strategy's own
message in each of their states. So a situation stands where a memory does in `fused_games.Script`.

Axes: C situations, part by part, N agents, X = C × profiles states.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.engines.period_tables import period_tables, prescribed_in, states_of
from dynmech.mechanisms.rules.tabulation import RuleTables
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import DynmechError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import State
from dynmech.sim.play.fused import PeriodTables
from dynmech.sim.play.game import Game
from dynmech.sim.play.output_validation import checked_answer
from dynmech.sim.play.roles import Past, View

Members = tuple[tuple[Strategy, ...], ...]
"""By part of a block, a strategy per agent."""

LARGEST = 1 << 62
"""What a number that stands for several columns may reach."""


@dataclass(frozen=True, eq=False)
class _Last:
    """The period before, situation by situation, `(C,)` and `(C, N)`."""

    t: int
    public: IntArray
    signals: IntArray
    messages: IntArray
    decision: IntArray


@dataclass(frozen=True, eq=False)
class _Situations:
    """What can be known when a period opens.

    Attributes:
        part, memory: `(C,)` each; parts in order.
        last: None in the first period, and where nobody asks for it any more.
    """

    part: IntArray
    memory: IntArray
    last: _Last | None

    def same(self, other: "_Situations") -> bool:
        """Whether both list the same, dates aside."""
        if (self.last is None) != (other.last is None):
            return False
        ours, theirs = ((one.part, one.memory, *_columns(one.last)) for one in (self, other))
        return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def _columns(last: _Last | None) -> tuple[IntArray, ...]:
    return () if last is None else (last.public, last.signals, last.messages, last.decision)


class TooManyStatesError(Exception):
    """More states can be reached than are worth writing out."""


class RecallingScript:
    """What is played, period by period, as tables.

    Args:
        game: which.
        rules: its rules, by entry.
        members: who plays.
        most: states that are written out in all.

    Raises:
        TooManyStatesError: there are more.
        DynmechError: a strategy cannot say what it sends.
    """

    def __init__(self, game: Game, rules: list[RuleTables], members: Members, most: int) -> None:
        self.game, self.rules, self.members, self.left = game, rules, members, most
        none = np.zeros(len(members), np.intp)
        now = _Situations(np.arange(len(members)), none, None)
        self._periods: list[PeriodTables] = []
        before: tuple[_Situations, IntArray, PeriodTables, _Situations] | None = None
        for t in range(game.periods + game.closing):
            sent = self._sent(t, now)
            alike = before is not None and self._alike(t) and now.same(before[0]) and np.array_equal(sent, before[1])
            if alike and before is not None:
                tables, following = before[2], before[3]
            else:
                tables, following = self._period(t, now, sent)
            before = now, sent, tables, following
            self._periods.append(tables)
            now = _dated(following, t)

    def __call__(self, t: int) -> PeriodTables:
        """Return the tables of period t."""
        return self._periods[t]

    def _entry(self, t: int) -> int:
        return min(t, 1) if self.game.environment.horizon is None else t

    def _alike(self, t: int) -> bool:
        """Whether the rules of a period, and what is asked after it, are those of the period before."""
        closes = t + 1 >= self.game.periods
        return t > 1 and self.game.environment.horizon is None and not closes

    def _sent(self, t: int, now: _Situations) -> IntArray:
        """Return all messages, `(N, X)`."""
        entry = self._entry(t)
        sent = prescribed_in(self.game, self.rules[entry], entry, np.repeat(now.memory, self._size(entry)))
        if t >= self.game.periods:
            return sent
        out = sent.copy()
        starts = np.searchsorted(now.part, np.arange(len(self.members) + 1))
        for member, (start, stop) in zip(self.members, pairwise(starts), strict=True):
            here = slice(start * self._size(entry), stop * self._size(entry))
            state = states_of(self.game, entry, stop - start)
            for i, strategy in enumerate(member):
                space = self.game.game_spaces.messages[t][i]
                assert isinstance(space, Finite)
                mapped = strategy.message_map(t, space)
                if mapped is not None:
                    out[i, here] = mapped[sent[i, here]]
                    continue
                view = self._view(t, now, slice(start, stop), i, strategy, state, sent[i, here], space)
                out[i, here] = checked_answer(strategy.message(view), space, view.size, partial(str, strategy.name))
        return out

    def _size(self, entry: int) -> int:
        size: int = self.game.environment.stage(entry).size  # type: ignore[attr-defined] # it is finite
        return size

    def _view(
        self,
        t: int,
        now: _Situations,
        part: slice,
        agent: int,
        strategy: Strategy,
        state: State,
        prescribed: IntArray,
        space: Finite,
    ) -> View:
        """Return what a strategy sees in every state of a part."""
        size = self._size(self._entry(t))

        def each(column: IntArray) -> IntArray:
            return np.repeat(column[part], size, axis=0)

        past: tuple[Past, ...] = ()
        private: dict[str, IntArray] | None = {}
        if now.last is not None:
            last, unknown = now.last, np.full(len(prescribed), np.nan)
            signals, messages = each(last.signals), each(last.messages)
            past = (
                Past(last.t, each(last.public), signals[:, agent], messages[:, agent], each(last.decision), messages,
                     unknown, None, unknown),
            )  # fmt: skip
            private = strategy.private_after(signals)
        assert private is not None
        return View(
            t=t,
            agent=agent,
            signal=state.signals[:, agent],
            public=state.public,
            memory=each(now.memory),
            space=space,
            prescribed=prescribed,
            uniforms=np.zeros((len(prescribed), 0)),
            past=past,
            private=private,
            game_spaces=self.game.game_spaces,
            spied=state.signals if strategy.spies else None,
        )

    def _period(self, t: int, now: _Situations, sent: IntArray) -> tuple[PeriodTables, _Situations]:
        """Return a period's tables, and the situations that follow."""
        entry = self._entry(t)
        size = self._size(entry)
        self.left -= sent.shape[1]
        if self.left < 0:
            raise TooManyStatesError
        after: list[_Situations] = []

        def following(memory: IntArray, decision: IntArray) -> IntArray:
            if t + 1 >= self.game.periods + self.game.closing:
                after.append(now)
                return np.zeros(len(memory), np.intp)
            state = states_of(self.game, entry, len(now.part))
            seen = None
            if t + 1 < self.game.periods:
                seen = _Last(t, state.public, state.signals, sent.T, decision)
            situations, place = _distinct(np.repeat(now.part, size), memory, seen)
            after.append(situations)
            return place * self._size(self._entry(t + 1))

        first = np.searchsorted(now.part, np.arange(len(self.members))) * size
        rules, memory = self.rules[entry], np.repeat(now.memory, size)
        closing = t >= self.game.periods
        tables = period_tables(self.game, rules, (entry, closing), memory, sent, following=following, first=first)
        return tables, after[0]


def _distinct(part: IntArray, memory: IntArray, last: _Last | None) -> tuple[_Situations, IntArray]:
    """Return the situations that differ, parts in order, and for every state the one that it leads to, `(X,)`."""
    columns = [part, memory]
    if last is not None:
        columns += [last.public, *last.signals.T, *last.messages.T, last.decision]
    rows, span = np.zeros(len(part), np.int64), 1
    for column in columns:
        width = int(column.max()) + 1
        if span * width > LARGEST:  # numbered anew, in the same order
            rows = np.unique(rows, return_inverse=True)[1].reshape(-1)
            span = len(rows)
        rows, span = rows * width + column, span * width
    _, example, place = np.unique(rows, return_index=True, return_inverse=True)
    seen = None
    if last is not None:
        seen = _Last(last.t, *(column[example] for column in _columns(last)))
    return _Situations(part[example], memory[example], seen), place.reshape(-1)


def _dated(now: _Situations, t: int) -> _Situations:
    """Return situations whose last period was t."""
    if now.last is None:
        return now
    return _Situations(now.part, now.memory, _Last(t, *_columns(now.last)))


def recalling_script(game: Game, rules: list[RuleTables], members: Members, most: int) -> RecallingScript | None:
    """Return what is played as tables; None where the event loop plays it.

    Args:
        most: states that are written out in all.
    """
    if game.protocol.disclosure != "everything" or not all(_tells(game, one) for some in members for one in some):
        return None
    try:
        return RecallingScript(game, rules, members, most)
    except (TooManyStatesError, DynmechError):  # what is wrong, the event loop says where it matters
        return None


def _tells(game: Game, strategy: Strategy) -> bool:
    """Whether what a strategy sends follows from the situation that it is in."""
    nothing = np.zeros((0, len(game.environment.agents)), np.intp)
    return type(strategy).message_map is not Strategy.message_map or strategy.private_after(nothing) is not None
