"""Post-decision states of a deviator's problem, and expectations taken from them.

Before the next profile θ′ is drawn, the future depends on the *post-decision state* (c′, a, θ) alone: the next state of
the mechanism's memory, the decision taken, and the profile at which it was taken. Only those that some choice leads to
are worked out. With a mechanism that remembers last period's reports and decision they are few: D S K_i of D² S².

Axes: C merged memories, S profiles, R own messages, B own actions, D decisions; W own informations, O others' profiles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod

import numpy as np

from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.economy.stage import Stage

ROOM = 1 << 22
"""Largest number of entries of laws that are gathered at a time."""


@dataclass(frozen=True, eq=False)
class PostDecisionStates:
    """Distinct post-decision states (c′, a, θ), sorted in that order.

    Attributes:
        memory: c′, `(n,)`.
        event: a S + θ, `(n,)`.
        profiles: S.
    """

    memory: IntArray
    event: IntArray
    profiles: int
    _cuts: dict[tuple[int, int], "list[_Chunk]"] = field(default_factory=dict, repr=False)

    def chunks(self, events: int, following: int) -> "list[_Chunk]":
        """Return the states some at a time, so that the laws of `(E, S)` that go with them fit; cut once."""
        if (events, following) not in self._cuts:
            self._cuts[events, following] = list(_cut(self.memory, self.event, max(1, ROOM // following), events))
        return self._cuts[events, following]

    @property
    def decision(self) -> IntArray:
        """a, `(n,)`."""
        return self.event // self.profiles

    @property
    def profile(self) -> IntArray:
        """θ, `(n,)`."""
        return self.event % self.profiles

    def __len__(self) -> int:
        return len(self.memory)

    def among(self, table: BoolArray) -> BoolArray:
        """Return the entries of a table `(C', D, S)` at these states, shape `(n,)`."""
        return table.reshape(len(table), -1)[self.memory, self.event]


@lru_cache(maxsize=4)
def before_the_first(memory: int) -> PostDecisionStates:
    """Return the one state from which the first period is entered."""
    return PostDecisionStates(np.array([memory], np.intp), np.zeros(1, np.intp), 1)


@lru_cache(maxsize=4)
def all_post_decision_states(states: int, events: int, profiles: int) -> PostDecisionStates:
    """Return every (c′, a, θ), reachable or not; a search asks for the same ones again and again."""
    memory, event = np.divmod(np.arange(states * events), events)
    return PostDecisionStates(memory, event, profiles)


def find_post_decision_states(
    moves: Sequence[tuple[IntArray, IntArray]], states: int, decisions: int
) -> tuple[PostDecisionStates, tuple[IntArray, ...]]:
    """Return the post-decision states that moves lead to.

    Args:
        moves: next states and what is done, `(C, S, R, B)` each, from one or several periods.
        states: C′.

    Returns:
        the distinct states, and the index among them of every move, `(C, S, R, B)` each.
    """
    size = moves[0][0].shape[1]
    profile = np.arange(size)[:, None, None]
    codes = [(following * decisions + done) * size + profile for following, done in moves]
    seen = np.zeros(states * decisions * size, np.bool_)
    for code in codes:
        seen[code] = True
    memory, event = np.divmod(np.flatnonzero(seen), decisions * size)
    number = np.cumsum(seen, dtype=np.intp) - 1
    return PostDecisionStates(memory, event, size), tuple(number[code] for code in codes)


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Consecutive states by memory: `(g,)` memories, `(g, k)` events, padded where `real` is false."""

    rows: slice
    memory: slice | IntArray
    event: IntArray
    real: BoolArray | None


class Expectations:
    """Expectations over a period's profiles, from the post-decision states that lead to it.

    Args:
        laws: the law of the profile by event, `(E, S)`.
        own: what the deviator will know of each profile, `(S,)`, below `width`.
        origins: the post-decision states, sorted by memory.
    """

    def __init__(self, laws: FloatArray, own: IntArray, width: int, origins: PostDecisionStates) -> None:
        self.laws, self.width, self.count = laws, width, len(origins)
        order = np.argsort(own, kind="stable")
        self._order = None if np.array_equal(order, np.arange(len(order))) else order
        self._chunks = origins.chunks(*laws.shape)
        self._whole: FloatArray | None = None
        self._kept: FloatArray | None = None

    def best(self, choices: FloatArray, *, spying: bool) -> FloatArray:
        """Return the expected worth of the best message, shape `(n,)`, from worths by profile, `(C, S, R)`.

        With `spying` the message is chosen knowing the profile; else knowing the deviator's own part of it.
        """
        out = np.empty(self.count)
        if spying:
            top = self._own_first(choices.max(axis=2))[..., None]
            for chunk in self._chunks:
                out[chunk.rows] = _unpadded(chunk, (self._laws(chunk) @ top[chunk.memory])[..., 0])
            return out
        for chunk, values in zip(self._chunks, self._products(choices), strict=True):
            out[chunk.rows] = _unpadded(chunk, values.max(axis=-1).sum(axis=1))
        return out

    def by_own(self, choices: FloatArray) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
        """Yield, some states at a time: which, P(w) `(m, W)` and Σ_o P(w, o) Q(c, (w, o), r) `(m, W, R)`."""
        for chunk, values in zip(self._chunks, self._products(choices), strict=True):
            mass = self._laws(chunk).reshape(*chunk.event.shape, self.width, -1).sum(axis=-1)
            yield chunk.rows, _unpadded(chunk, mass), _unpadded(chunk, values.transpose(0, 2, 1, 3))

    def _products(self, choices: FloatArray) -> Iterator[FloatArray]:
        """Yield the sums of `by_own` chunk by chunk, `(g, W, k, R)`."""
        sorted_choices = self._own_first(choices)
        for chunk in self._chunks:
            laws = self._laws(chunk)
            by_own = laws.reshape(*laws.shape[:2], self.width, -1).transpose(0, 2, 1, 3)
            worth = sorted_choices[chunk.memory]
            yield by_own @ worth.reshape(len(worth), self.width, -1, worth.shape[-1])

    def _own_first(self, table: FloatArray) -> FloatArray:
        """Return the table with profiles (axis 1) sorted by what the deviator knows of them."""
        return table if self._order is None else table.take(self._order, axis=1)

    def _laws(self, chunk: _Chunk) -> FloatArray:
        """Return the laws of a chunk, `(g or 1, k, S)`, profiles sorted; they are kept if there is only one chunk."""
        if self._kept is not None:
            return self._kept
        if chunk.event.shape[0] == 1 and chunk.event.shape[1] == len(self.laws):  # all events, in order
            if self._whole is None:
                self._whole = self._own_first(self.laws)[None]
            return self._whole
        gathered = self.laws[chunk.event]
        if self._order is not None:
            gathered = gathered.take(self._order, axis=2)
        if len(self._chunks) == 1:
            self._kept = gathered
        return gathered


def _unpadded(chunk: _Chunk, values: FloatArray) -> FloatArray:
    """Drop the padding: from `(g, k, …)` to `(m, …)`."""
    return values.reshape(-1, *values.shape[2:]) if chunk.real is None else values[chunk.real]


def _cut(memory: IntArray, event: IntArray, room: int, events: int) -> Iterator[_Chunk]:
    """Yield chunks of at most `room` states, padding included; a memory with every event is a chunk by itself."""
    starts = np.flatnonzero(np.diff(memory, prepend=-1))
    stops = np.append(starts[1:], len(memory))
    group: list[tuple[int, int]] = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if stop - start == events:
            if group:
                yield _chunk(memory, event, group)
                group = []
            yield _chunk(memory, event, [(start, stop)])
            continue
        for low in range(start, stop, room):
            piece = (low, min(low + room, stop))
            widest = max(b - a for a, b in (*group, piece))
            if group and (len(group) + 1) * widest > room:
                yield _chunk(memory, event, group)
                group = []
            group.append(piece)
    if group:
        yield _chunk(memory, event, group)


def _chunk(memory: IntArray, event: IntArray, group: list[tuple[int, int]]) -> _Chunk:
    low, high = (np.array(side) for side in zip(*group, strict=True))
    index = low[:, None] + np.arange((high - low).max())
    real = index < high[:, None]
    memories = memory[low]
    in_a_row = slice(int(memories[0]), int(memories[-1]) + 1)
    return _Chunk(
        rows=slice(int(low[0]), int(high[-1])),
        memory=in_a_row if np.array_equal(memories, np.arange(in_a_row.start, in_a_row.stop)) else memories,
        event=event[np.minimum(index, high[:, None] - 1)],
        real=None if real.all() else real,
    )


def known_axes(stage: Stage, who: tuple[int, ...]) -> list[int]:
    """Return the axes of a profile that a deviator knows: the public state, and its members' signals."""
    return [*range(stage.offset), *(stage.offset + i for i in who)]


def own_information(stage: Stage, who: tuple[int, ...]) -> tuple[IntArray, int]:
    """Return the index of public state and own signals of every profile, `(S,)`, and how many there are."""
    axes = known_axes(stage, who)
    profile = np.unravel_index(np.arange(stage.size), stage.axes)
    if not axes:
        return np.zeros(stage.size, np.intp), 1
    sizes = [stage.axes[k] for k in axes]
    return np.ravel_multi_index([profile[k] for k in axes], sizes).astype(np.intp), prod(sizes)
