"""Uniform numbers by address: stream name, shard, episode, period, column.

Counter-based (Philox): a stream's key is a hash of (seed, scope, stream name, shard), and the place of
a number follows from its address alone. So however episodes are cut into blocks, whoever asks first,
and whatever others draw, an address holds the same number.

Layout of one stream: chunks of `span` periods; in a chunk, episodes one after the other, each with
`span × width` numbers padded to whole Philox counters (four numbers each).
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray

HELD = 1 << 17
"""Numbers that a tape keeps at most, unless a single chunk has more."""


@dataclass(frozen=True)
class Streams:
    """All streams of one shard.

    Args:
        seed: of the run.
        scope: what the draws are for, so that a search and the run that follows use different numbers.
        shard: its number.
        episodes: episodes in a full shard (the same for every shard of a run).
        periods: periods played, closing ones included.
        copies: how often the shard's episodes stand in a block, one whole after the other, all with the same numbers.
    """

    seed: int
    scope: str
    shard: int
    episodes: int
    periods: int
    copies: int = 1

    @cached_property
    def span(self) -> int:
        """Periods in a chunk."""
        return min(self.periods, 16)

    def key(self, name: str) -> Array:
        """Return the Philox key of one stream."""
        address = f"{self.seed}\x1f{self.scope}\x1f{name}\x1f{self.shard}"
        return np.frombuffer(blake2b(address.encode(), digest_size=16).digest(), np.uint64)

    def tape(self, name: str, width: int, start: int, stop: int) -> "Tape":
        """Return the numbers of one stream for episodes start ≤ e < stop."""
        return Tape(self, (name,), width, start, stop)


class Tape:
    """The numbers of streams of one width, side by side, for episodes start ≤ e < stop; made as the periods pass."""

    def __init__(self, streams: Streams, names: tuple[str, ...], width: int, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self._width, self._span = width, streams.span
        self._sources = [np.random.Generator(np.random.Philox(key=streams.key(name), counter=0)) for name in names]
        self._counter = 0
        self._stride = -(-self._span * width // 4) * 4
        self._chunk_counters = streams.episodes * self._stride // 4
        self._chunks: dict[int, FloatArray] = {}

    def at(self, t: int) -> FloatArray:
        """Return period t's numbers in [0, 1), `(n, streams × width)`."""
        chunk, row = divmod(t, self._span)
        numbers = self._chunks.get(chunk)
        if numbers is None:
            numbers = self._make(chunk)
            if (len(self._chunks) + 1) * numbers.size > HELD:
                self._chunks.clear()
            self._chunks[chunk] = numbers
        return numbers[row].T

    def _make(self, chunk: int) -> FloatArray:
        """Return a chunk of all streams, `(span, streams × width, n)`, so that one period's numbers lie together."""
        count, width = self.stop - self.start, self._width
        counter = chunk * self._chunk_counters + self.start * self._stride // 4
        out = np.empty((self._span, len(self._sources) * width, count))
        for k, source in enumerate(self._sources):
            source.bit_generator.advance(counter - self._counter)  # type: ignore[attr-defined] # it is a Philox
            flat = source.random(count * self._stride).reshape(count, self._stride)
            used = flat[:, : self._span * width].reshape(count, self._span, width)
            out[:, k * width : (k + 1) * width] = used.transpose(1, 2, 0)
        self._counter = counter + count * self._stride // 4
        return out


class Tapes:
    """A shard's streams as one block of episodes after the other asks for them; small blocks share a tape."""

    def __init__(self, streams: Streams, block: int, episodes: int) -> None:
        self._streams, self._block, self._episodes = streams, block, episodes
        self._tapes: dict[tuple[tuple[str, ...], int], Tape] = {}

    def at(self, names: tuple[str, ...], width: int, t: int, start: int, stop: int) -> FloatArray:
        """Return period t's numbers for the block's episodes start ≤ e < stop, `(n, streams × width)`."""
        copies = self._streams.copies
        if copies == 1:
            return self._once(names, width, t, start, stop)
        numbers = self._once(names, width, t, 0, self._episodes // copies)
        return np.tile(numbers.T, copies)[:, start:stop].T

    def _once(self, names: tuple[str, ...], width: int, t: int, start: int, stop: int) -> FloatArray:
        """Return the numbers of episodes of the shard itself, from a tape that is kept while blocks lie in it."""
        tape = self._tapes.get((names, width))
        if tape is None or start < tape.start or stop > tape.stop:
            tape = self._tapes[names, width] = self._tape(names, width, start)
        return tape.at(t)[start - tape.start : stop - tape.start]

    def _tape(self, names: tuple[str, ...], width: int, start: int) -> Tape:
        """Return a tape that begins at episode `start` and holds as many whole blocks as fit."""
        span = self._streams.span
        periods = -(-self._streams.periods // span) * span
        per_block = max(1, periods * len(names) * width * self._block)
        length = self._block * max(1, HELD // per_block)
        return Tape(self._streams, names, width, start, min(start + length, self._episodes))
