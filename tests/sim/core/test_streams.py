"""Uniform numbers by address: what is asked for when, and by whom, changes nothing."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import kstest

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.streams import Streams, Tape, Tapes


def table(streams: Streams, name: str, width: int) -> FloatArray:
    """All numbers of one stream in one go, `(periods, episodes, width)`."""
    tape = streams.tape(name, width, 0, streams.episodes)
    return np.stack([tape.at(t) for t in range(streams.periods)])


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.data())
def test_an_address_holds_the_same_number_for_any_block_and_order(
    episodes: int, periods: int, width: int, data: st.DataObject
) -> None:
    streams = Streams(3, "play", 1, episodes, periods)
    whole = table(streams, "nature", width)
    start = data.draw(st.integers(0, episodes - 1))
    stop = data.draw(st.integers(start + 1, episodes))
    tape = streams.tape("nature", width, start, stop)
    for t in data.draw(st.lists(st.integers(0, periods - 1), min_size=1, max_size=6)):  # any order, with repeats
        assert tape.at(t).shape == (stop - start, width)
        assert tape.at(t).tolist() == whole[t, start:stop].tolist()


@pytest.mark.parametrize("block", [1, 7, 8192])
def test_blocks_of_1_7_and_8192_see_the_same_numbers(block: int) -> None:
    streams = Streams(0, "play", 0, 30, 20)
    parts = [streams.tape("nature 0", 3, k, min(k + block, 30)) for k in range(0, 30, block)]
    by_blocks = np.stack([np.concatenate([part.at(t) for part in parts]) for t in range(20)])
    assert by_blocks.tobytes() == table(streams, "nature 0", 3).tobytes()


def test_who_else_draws_changes_nothing() -> None:
    streams = Streams(0, "play", 0, 10, 5)
    alone = table(streams, "nature", 2)
    tape, other = streams.tape("nature", 2, 0, 10), streams.tape("strategy 1", 4, 0, 10)
    interleaved = []
    for t in range(5):
        other.at(t)
        interleaved.append(tape.at(t))
        other.at(4 - t)
    assert np.stack(interleaved).tolist() == alone.tolist()


def test_no_number_is_shared_within_a_stream_or_between_streams() -> None:
    base = Streams(0, "play", 0, 50, 40)
    addresses = [
        (base, "nature"),
        (base, "nature 0"),
        (Streams(0, "play", 1, 50, 40), "nature"),
        (Streams(0, "search", 0, 50, 40), "nature"),
        (Streams(1, "play", 0, 50, 40), "nature"),
        (Streams(-1, "play", 0, 50, 40), "nature"),
    ]
    numbers = np.concatenate([table(streams, name, 3).ravel() for streams, name in addresses])
    # 36 000 draws from 2**53 values: a chance repetition has probability below 1e-7, an overlap of addresses repeats.
    assert len(np.unique(numbers)) == len(addresses) * 50 * 40 * 3


def test_name_and_shard_do_not_run_together() -> None:
    # Written one after the other, "s1" 12 and "s11" 2 would be the same address.
    one = table(Streams(0, "a", 12, 4, 4), "s1", 1)
    two = table(Streams(0, "a", 2, 4, 4), "s11", 1)
    assert one.tolist() != two.tolist()


@pytest.mark.parametrize(("width", "periods"), [(1, 1), (3, 20), (4, 16)])
def test_numbers_are_uniform_on_0_1(width: int, periods: int) -> None:
    numbers = table(Streams(5, "play", 0, 60_000 // (width * periods), periods), "nature", width)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    # A Kolmogorov–Smirnov test at one in a thousand; the seed is fixed, so the outcome is too.
    assert kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    n = numbers.size
    assert abs(numbers.mean() - 1 / 2) < 4 * np.sqrt(1 / 12 / n)
    assert abs((numbers**2).mean() - 1 / 3) < 4 * np.sqrt(4 / 45 / n)


def test_neighbouring_addresses_are_uncorrelated() -> None:
    numbers = table(Streams(9, "play", 0, 4000, 8), "nature", 3) - 0.5
    other = table(Streams(9, "play", 0, 4000, 8), "nature 1", 3) - 0.5
    pairs = [
        (numbers[1:], numbers[:-1]),  # periods
        (numbers[:, 1:], numbers[:, :-1]),  # episodes
        (numbers[..., 1:], numbers[..., :-1]),  # columns
        (numbers, other),  # streams
    ]
    for a, b in pairs:
        # The product of two independent centred uniforms has standard deviation 1/12.
        assert abs((a * b).mean()) < 4 / 12 / np.sqrt(a.size)


def test_a_stream_of_width_0_is_empty() -> None:
    assert Streams(0, "play", 0, 5, 3).tape("nothing", 0, 1, 4).at(2).shape == (3, 0)


# Tapes that are read block after block


@pytest.mark.parametrize("held", [1, 700, 1 << 17])
@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 7), st.integers(1, 3))
def test_blocks_read_the_same_numbers_however_many_share_a_tape(
    held: int, episodes: int, periods: int, block: int, width: int
) -> None:
    full = Streams(3, "play", 1, episodes + 2, periods)  # the last shard of a run may be short
    names = ("nature 0", "nature 1")
    expected = np.concatenate([table(full, name, width) for name in names], axis=2)[:, :episodes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dynmech.sim.core.streams.HELD", held)
        tapes = Tapes(full, block, episodes)
        for start in range(0, episodes, block):
            stop = min(start + block, episodes)
            for t in range(periods):
                assert tapes.at(names, width, t, start, stop).tolist() == expected[t, start:stop].tolist()
                assert tapes.at(names[1:], width, t, start, stop).tolist() == expected[t, start:stop, width:].tolist()


def test_a_tape_makes_every_number_once_and_keeps_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = Tape._make

    def counted(self: Tape, chunk: int) -> FloatArray:
        made.append(chunk)
        return make(self, chunk)

    monkeypatch.setattr(Tape, "_make", counted)
    monkeypatch.setattr("dynmech.sim.core.streams.HELD", 80 * 10)
    for block, tapes_made in ((1, 4), (5, 4), (40, 1)):  # ten episodes to a tape, or a block that is larger
        made.clear()
        tapes = Tapes(Streams(0, "play", 0, 40, 76), block, 40)
        for start in range(0, 40, block):
            for t in range(76):
                tapes.at(("nature",), 1, t, start, start + block)
                chunks = tapes._tapes[("nature",), 1]._chunks.values()
                assert len(chunks) == 1 or sum(chunk.size for chunk in chunks) <= 80 * 10
        assert made == [0, 1, 2, 3, 4] * tapes_made
