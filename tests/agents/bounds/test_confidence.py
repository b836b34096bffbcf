"""The confidence sequence: it holds at all sample sizes at once, in any batches, and is no wider than it must be."""

import numpy as np
import pytest

from dynmech.agents.bounds.confidence import FIRST, NARROWEST, AsymptoticMean, BoundedMean, mean_of


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


# Where the range is not known


def test_the_asymptotic_sequence_is_the_published_one() -> None:
    alpha = 0.02
    samples = np.random.default_rng(5).normal(3.0, 2.0, 3 * NARROWEST)
    bound = mean_of(-np.inf, np.inf, alpha)
    assert isinstance(bound, AsymptoticMean)
    square = (-2 * np.log(2 * alpha) + np.log(-2 * np.log(2 * alpha)) + 1) / NARROWEST  # rho squared
    lower, upper = -np.inf, np.inf
    for n in (FIRST // 2, FIRST, 700, NARROWEST, 3 * NARROWEST):
        bound.add(samples[bound.count : n])
        if n >= FIRST:
            over = n * square + 1
            width = np.sqrt(2 * over / (n**2 * square) * np.log(1 + np.sqrt(over) / (2 * alpha)))
            half = samples[:n].std() * width
            lower, upper = samples[:n].mean() - half, samples[:n].mean() + half
        assert (bound.lower, bound.upper) == pytest.approx((lower, upper), rel=1e-9)


def test_bounds_of_few_samples_do_not_outlive_more_of_them() -> None:
    """A gain on one path in a hundred: the first hundred may not show it, and said at first that there is none."""
    rng, failures = np.random.default_rng(7), 0
    for _ in range(200):
        bound = AsymptoticMean(0.025)
        for samples in 100.0 * (rng.random((20, 100)) < 0.01):
            bound.add(samples)
        failures += not bound.lower <= 1 <= bound.upper
    assert failures <= 10


def test_the_asymptotic_sequence_fails_no_more_often_than_it_may() -> None:
    """Looked at after every tenth sample; an interval for one sample size fails far more often."""
    rng, alpha, runs, failures, fixed = np.random.default_rng(6), 0.05, 200, 0, 0
    for _ in range(runs):
        samples, bound, failed = rng.exponential(1.0, 3000), AsymptoticMean(alpha), False
        for n in range(0, 3000, 10):
            bound.add(samples[n : n + 10])
            if bound.count >= FIRST:
                half = 1.645 * np.sqrt(bound._square) / bound.count
                failed |= abs(bound.mean - 1) > half
        failures += not bound.lower <= 1 <= bound.upper
        fixed += failed
    assert failures <= 2 * alpha * runs
    assert fixed > 4 * alpha * runs
