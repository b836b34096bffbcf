"""Uniform numbers by address: stream name, shard, episode, period, column.

Counter-based (Philox): a stream's key is a hash of (seed, scope, stream name, shard), and the place of
a number follows from its address alone. So however episodes are cut into blocks, whoever asks first,
and whatever others draw, an address holds the same number.

Layout of one stream: chunks of `span` periods; in a chunk, episodes one after the other, each with
`span × width` numbers padded to whole Philox counters (four numbers each).
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from sim.arrays import FloatArray


@dataclass(frozen=True)
class Streams:
    """All streams of one shard.

    Args:
        seed: of the run.
        scope: what the draws are for, so that a search and the run that follows do not share luck.
        shard: its number.
        episodes: episodes in a full shard (the same for every shard of a run).
        periods: periods played, closing ones included.
    """

    seed: int
    scope: str
    shard: int
    episodes: int
    periods: int

    def tape(self, name: str, width: int, start: int, stop: int) -> "Tape":
        """The numbers of one stream for episodes start ≤ e < stop."""
        return Tape(self, name, width, start, stop)


class Tape:
    """One stream's numbers for one block of episodes, made as the periods pass."""

    def __init__(self, streams: Streams, name: str, width: int, start: int, stop: int) -> None:
        self._width, self._start, self._count = width, start, stop - start
        self._span = min(streams.periods, 16)
        self._stride = -(-self._span * width // 4) * 4
        self._chunk_counters = streams.episodes * self._stride // 4
        address = f"{streams.seed}\x1f{streams.scope}\x1f{name}\x1f{streams.shard}"
        self._key = np.frombuffer(blake2b(address.encode(), digest_size=16).digest(), np.uint64)
        self._chunk = -1
        self._numbers: FloatArray = np.empty((0, 0, 0))

    def at(self, t: int) -> FloatArray:
        """Period t's numbers in [0, 1), `(n, width)`."""
        chunk, row = divmod(t, self._span)
        if chunk != self._chunk:
            self._numbers, self._chunk = self._make(chunk), chunk
        return self._numbers[row]

    def _make(self, chunk: int) -> FloatArray:
        counter = chunk * self._chunk_counters + self._start * self._stride // 4
        source = np.random.Generator(np.random.Philox(key=self._key, counter=counter))
        flat = source.random(self._count * self._stride).reshape(self._count, self._stride)
        used = flat[:, : self._span * self._width].reshape(self._count, self._span, self._width)
        return np.ascontiguousarray(used.transpose(1, 0, 2))
