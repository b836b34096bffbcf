"""The confidence sequence: it holds at all sample sizes at once, in any batches, and is no wider than it must be."""

import numpy as np
import pytest

from dynmech.agents.bounds.confidence import BoundedMean


@pytest.mark.parametrize(("law", "mean"), [("coin", 0.3), ("rare", 0.01), ("even", 0.5)])
def test_it_fails_no_more_often_than_it_may(law: str, mean: float) -> None:
    rng, alpha, runs, failures = np.random.default_rng(1), 0.1, 300, 0
    for _ in range(runs):
        draws = rng.random(1000)
        samples = draws if law == "even" else (draws < mean).astype(float)
        bound = BoundedMean(-1.0, 3.0, alpha)
        bound.add(4 * samples - 1)
        failures += not bound.lower <= 4 * mean - 1 <= bound.upper
    assert failures <= 2 * alpha * runs + 3 * np.sqrt(2 * alpha * runs)


def test_stopping_when_it_looks_best_does_not_break_it() -> None:
    """An interval for one sample size, looked at after each, fails far more often than it may; this one does not."""
    rng, alpha, runs = np.random.default_rng(2), 0.05, 200
    sequence = fixed = 0
    for _ in range(runs):
        samples = rng.random(2000)
        bound = BoundedMean(0.0, 1.0, alpha / 2)
        bound.add(samples)
        sequence += not bound.lower <= 0.5 <= bound.upper
        count = np.arange(1, 2001)
        off = np.abs(np.cumsum(samples) / count - 0.5) * np.sqrt(12 * count)
        fixed += bool((off[20:] > 1.96).any())
    assert sequence <= alpha * runs
    assert fixed > 3 * alpha * runs


def test_batches_change_nothing() -> None:
    samples = np.random.default_rng(3).random(500)
    whole, parts = BoundedMean(0.0, 2.0, 0.05), BoundedMean(0.0, 2.0, 0.05)
    whole.add(samples)
    for part in np.split(samples, [1, 7, 300]):
        parts.add(part)
    for name in ("lower", "upper", "mean", "deviation", "count"):
        assert getattr(whole, name) == pytest.approx(getattr(parts, name), rel=1e-12)


def test_it_narrows_with_the_spread_of_the_samples() -> None:
    rng = np.random.default_rng(4)
    wide, narrow = BoundedMean(0.0, 1.0, 0.025), BoundedMean(0.0, 1.0, 0.025)
    wide.add((rng.random(20_000) < 0.5).astype(float))
    narrow.add(0.5 + 0.01 * rng.standard_normal(20_000))
    fixed = 2 * 1.96 * 0.5 / np.sqrt(20_000)  # the width for one sample size, of samples that are known to be normal
    assert fixed < wide.upper - wide.lower < 3 * fixed
    assert narrow.upper - narrow.lower < 0.1 * (wide.upper - wide.lower)


def test_a_sample_outside_its_range_is_an_error() -> None:
    bound = BoundedMean(0.0, 1.0, 0.05)
    with pytest.raises(ArithmeticError, match="outside"):
        bound.add(np.array([0.5, 1.1]))
    certain = BoundedMean(2.0, 2.0, 0.05)
    certain.add(np.array([2.0, 2.0]))
    assert (certain.lower, certain.upper, certain.mean) == (2.0, 2.0, 2.0)
