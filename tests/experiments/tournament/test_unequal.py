"""Agents of a role that a mechanism tells apart are told of, and only they."""

import numpy as np
import pytest

from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.profiles import Profile, Role
from dynmech.experiments.tournament.unequal import unequal
from dynmech.sim.core.arrays import FloatArray

ROLE = Role("bidder", (0, 1), ("truth", "up"))


def game(gift: float, noise: float = 0.1, seed: int = 3) -> EmpiricalGame:
    """Both earn the same up to noise, and the second a gift."""
    rng = np.random.default_rng(seed)
    cells: dict[Profile, FloatArray] = {}
    for way in ROLE.ways():
        payoffs = 2.0 + noise * rng.normal(size=(2, 40))
        payoffs[1] += gift
        cells[way,] = payoffs
    return EmpiricalGame((ROLE,), cells)


def test_a_gift_to_one_is_told() -> None:
    (found,) = unequal(game(0.5))
    assert (found.role, found.agents) == ("bidder", (1, 0))
    assert found.difference == pytest.approx(0.5, abs=found.half_width)
    assert 0 < found.half_width < 0.2


def test_noise_is_told_as_rarely_as_its_interval_allows() -> None:
    told = sum(bool(unequal(game(0.0, seed=seed))) for seed in range(300))
    assert told <= 300 * 0.05 + 3 * (300 * 0.05 * 0.95) ** 0.5
    assert unequal(game(0.0, noise=0.0)) == []


def test_without_noise_the_smallest_difference_counts_and_rounding_does_not() -> None:
    assert unequal(game(1e-6, noise=0.0))[0].difference == pytest.approx(1e-6)
    assert unequal(game(1e-12, noise=0.0)) == []
