"""Means, intervals and their sums, against NumPy and against their own promises."""

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from dynmech.experiments.runs.moments import LEVEL, Moments, amount, by_signal
from dynmech.sim.core.arrays import FloatArray

numbers = st.floats(-1e3, 1e3, allow_subnormal=False)


@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(2, 40)), elements=numbers), st.data())
def test_shards_merge_to_the_moments_of_the_whole(samples: FloatArray, data: st.DataObject) -> None:
    count = samples.shape[1]
    cuts = sorted(data.draw(st.sets(st.integers(1, count - 1), max_size=5)))
    pieces = [Moments.of(piece) for piece in np.split(samples, cuts, axis=1)]
    merged = pieces[0]
    for piece in pieces[1:]:
        merged = merged.merge(piece)
    assert (merged.count == count).all()
    assert_allclose(merged.mean, np.mean(samples, axis=1), atol=1e-9)
    assert_allclose(merged.square, np.var(samples, axis=1) * count, atol=1e-6)
    assert_allclose(merged.error, np.std(samples, axis=1, ddof=1) / np.sqrt(count), atol=1e-6)


@given(arrays(np.float64, 30, elements=numbers), arrays(np.intp, 30, elements=st.integers(0, 4)))
def test_groups_are_the_moments_of_their_members(
    samples: FloatArray, groups: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> None:
    found = Moments.grouped(samples, groups, 6)
    for k in range(6):
        mine = samples[groups == k]
        assert found.count[k] == len(mine)
        if len(mine):
            assert_allclose(found.mean[k], np.mean(mine), atol=1e-9)
            assert_allclose(found.square[k], np.sum((mine - np.mean(mine)) ** 2), atol=1e-6)
        assert np.isinf(found.error[k]) == (len(mine) < 2)


def test_an_empty_group_changes_nothing_when_merged() -> None:
    some = Moments.grouped(np.array([1.0, 5.0]), np.array([0, 0]), 2)
    more = Moments.grouped(np.array([2.0, 4.0]), np.array([1, 1]), 2)
    both = some.merge(more)
    assert both.count.tolist() == [2, 2]
    assert both.mean.tolist() == [3, 3]
    assert both.square.tolist() == [8, 2]  # 2 (±2)², 2 (±1)²


def test_by_signal_has_a_row_per_date() -> None:
    samples = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 60.0]])
    found = by_signal(samples, np.array([[0, 0, 1], [1, 1, 1]]), [2, 2])
    assert found.mean.tolist() == [[1.5, 3], [0, 30]]
    assert found.count.tolist() == [[2, 1], [0, 3]]
    assert by_signal(np.zeros((0, 3)), np.zeros((0, 3), np.intp), []).count.shape == (0, 1)


def test_large_means_do_not_swallow_small_variances() -> None:
    # One pass over Σ x² would lose every digit here.
    samples = 1e9 + np.array([0.0, 1.0, 2.0, 3.0])
    merged = Moments.of(samples[:2]).merge(Moments.of(samples[2:]))
    assert merged.square.item() == pytest.approx(5, abs=1e-6)  # 2 (0.5² + 1.5²)


def test_the_interval_covers_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    for draw in (generator.normal, generator.exponential, generator.random):
        samples = draw(size=(4000, 200))
        truth = {"normal": 0.0, "exponential": 1.0, "random": 0.5}[draw.__name__]
        moments = Moments.of(samples)
        covered = (np.abs(moments.mean - truth) <= moments.half()).mean()
        # 4000 repetitions: standard error 0.0034; the skewed law may cost a little at n = 200.
        assert covered == pytest.approx(LEVEL, abs=0.015)


def test_simultaneous_intervals_cover_all_at_once() -> None:
    samples = np.random.default_rng(2).normal(size=(800, 20, 200))
    moments = Moments.of(samples)
    singly = (np.abs(moments.mean) <= moments.half()).all(axis=1).mean()
    together = (np.abs(moments.mean) <= moments.half(20)).all(axis=1).mean()
    assert singly < 0.5  # 0.95 ** 20 = 0.36
    assert together == pytest.approx(LEVEL, abs=0.03)


def test_more_comparisons_give_wider_intervals() -> None:
    moments = Moments.of(np.array([0.0, 1.0, 2.0, 5.0]))
    widths = [moments.half(n).item() for n in (1, 2, 10, 100, 1000)]
    assert widths == sorted(set(widths))
    # Quantiles of the normal law at 0.975 and 0.9975, from a table.
    assert widths[0] / moments.error.item() == pytest.approx(1.959964, abs=1e-6)
    assert widths[2] / moments.error.item() == pytest.approx(2.807034, abs=1e-6)


def test_plain_data_and_back() -> None:
    moments = Moments.of(np.random.default_rng(3).normal(size=(2, 3, 7)))
    again = Moments.from_data(json.loads(json.dumps(moments.to_data())))
    for field in ("count", "mean", "square"):
        assert np.array_equal(getattr(again, field), getattr(moments, field)), field


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.004, "2.00"), (-12, "-12.00"), (0.0031, "0.0031"), (-0.0031, "-0.0031"), (-1e-12, "0.00"), (float("nan"), "–")],
)
def test_amounts_never_hide_a_gain_nor_show_minus_zero(value: float, text: str) -> None:
    assert amount(value) == text
