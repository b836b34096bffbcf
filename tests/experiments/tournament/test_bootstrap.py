"""The bootstrap: resampled means are plain weighted means, and a band holds all gains together."""

import numpy as np
import pytest

from dynmech.experiments.tournament.bootstrap import DRAWS, resampled_means, simultaneous_band, standard_error
from tests.builders.generators import generator


def test_batches_weigh_alike_in_every_cell() -> None:
    """A cell that is another plus 1 stays so in every draw; a longer one has the others' weights first."""
    batches = generator(1).normal(size=30)
    means = resampled_means([batches, batches + 1.0, batches[:20]], 7)
    assert means.shape == (DRAWS, 3)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1.0, atol=1e-12)
    alone = resampled_means([np.append(batches[:20], np.zeros(10)), batches[:20]], 7)
    np.testing.assert_array_equal(alone[:, 1], means[:, 2])
    assert means[:, 0].std() == pytest.approx(standard_error(batches), rel=0.15)


def test_a_band_holds_all_of_several_means_in_95_of_100_samples() -> None:
    """Twelve means of 60 batches whose true values are 0: how often all lie within their band."""
    held = 0
    for seed in range(300):
        batches = generator(seed).normal(size=(12, 60))
        point = batches.mean(axis=1)
        band = simultaneous_band(point, resampled_means(list(batches), seed).T, 1.0)
        held += bool((np.abs(point) <= band).all())
    assert 0.90 <= held / 300 <= 0.985


def test_without_any_spread_the_band_is_nothing() -> None:
    point = np.array([1.0, 2.0])
    assert simultaneous_band(point, np.repeat(point[:, None], DRAWS, axis=1), 2.0).tolist() == [0.0, 0.0]
    assert standard_error(np.array([1.0])) == float("inf")
