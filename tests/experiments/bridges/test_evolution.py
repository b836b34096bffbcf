"""OpenSpiel's α-rank and Moran process on games of tournaments, against chains that are solved here."""

from itertools import product

import numpy as np
import pytest

pytest.importorskip("pyspiel")

from dynmech.experiments.bridges.evolution import alpha_rank, fixation
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal

GAME = np.array([[3.0, 0.0, 1.0], [4.0, 1.0, 0.5], [2.0, 2.0, 1.5]])
NAMES = [["truth", "down", "up"]] * 2


def takes_over(game: FloatArray, mutant: int, resident: int, population: int, strength: float) -> float:
    """The chance of a mutant by the linear system of its birth–death chain (pairwise comparison, Fermi)."""
    m = population
    steps = np.zeros((m + 1, m + 1))
    steps[0, 0] = steps[m, m] = 1.0
    for k in range(1, m):
        mine = ((k - 1) * game[mutant, mutant] + (m - k) * game[mutant, resident]) / (m - 1)
        theirs = ((m - k - 1) * game[resident, resident] + k * game[resident, mutant]) / (m - 1)
        meet = k / m * (m - k) / (m - 1)
        steps[k, k + 1] = meet / (1 + np.exp(-strength * (mine - theirs)))
        steps[k, k - 1] = meet / (1 + np.exp(strength * (mine - theirs)))
        steps[k, k] = 1 - steps[k, k + 1] - steps[k, k - 1]
    inner = np.eye(m - 1) - steps[1:m, 1:m]
    return float(np.linalg.solve(inner, steps[1:m, m])[0])


@pytest.mark.parametrize(("population", "strength"), [(2, 0.7), (10, 0.3), (20, 1.0)])
def test_a_mutant_takes_over_as_often_as_its_chain_says(population: int, strength: float) -> None:
    table = fixation(np.stack([GAME, GAME.T]), NAMES, population, strength)
    for resident, mutant in product(range(3), range(3)):
        found = table.to_numpy()[resident, mutant]
        if resident == mutant:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(takes_over(GAME, mutant, resident, population, strength), rel=1e-8)


def test_without_selection_all_mutants_are_alike() -> None:
    table = fixation(np.stack([GAME, GAME.T]), NAMES, 25, 0.0)
    assert np.nanmax(np.abs(table.to_numpy() - 1 / 25)) < 1e-12


def stationary(payoffs: FloatArray, population: int, strength: float) -> dict[tuple[int, ...], float]:
    """α-rank by Theorem 2.1.1: a chain over profiles, one player at a time, solved as a linear system."""
    shape = payoffs.shape[1:]
    profiles = list(product(*map(range, shape)))
    at = {profile: k for k, profile in enumerate(profiles)}
    rate = 1 / sum(size - 1 for size in shape)
    steps = np.zeros((len(profiles), len(profiles)))
    for profile in profiles:
        for player, size in enumerate(shape):
            for other in range(size):
                if other != profile[player]:
                    to = (*profile[:player], other, *profile[player + 1 :])
                    u = strength * (payoffs[(player, *to)] - payoffs[(player, *profile)])
                    chance = 1 / population if abs(u) < 1e-14 else np.expm1(-u) / np.expm1(-population * u)
                    steps[at[profile], at[to]] = rate * chance
        steps[at[profile], at[profile]] = 1 - steps[at[profile]].sum()
    system = np.vstack([steps.T - np.eye(len(profiles)), np.ones(len(profiles))])
    shares = np.linalg.lstsq(system, np.append(np.zeros(len(profiles)), 1.0), rcond=None)[0]
    return dict(zip(profiles, shares.tolist(), strict=True))


def test_shares_of_profiles_are_those_of_the_chain() -> None:
    payoffs = np.random.default_rng(3).normal(size=(3, 2, 3, 2))
    names = [["a", "b"], ["c", "d", "e"], ["f", "g"]]
    table = alpha_rank(payoffs, names, population=8, strength=0.9)
    expected = stationary(payoffs, 8, 0.9)
    assert table["share"].sum() == pytest.approx(1.0)
    assert table["share"].is_monotonic_decreasing
    for row in table.itertuples(index=False):
        place = tuple(one.index(name) for one, name in zip(names, row[:3], strict=True))
        assert row.share == pytest.approx(expected[place], abs=1e-9)
    assert not np.allclose(sorted(expected.values()), 1 / 12, atol=1e-2)


def test_a_dominant_profile_is_where_populations_are() -> None:
    payoffs = np.stack([np.array([[2.0, 2.0], [1.0, 1.0]]), np.array([[2.0, 1.0], [2.0, 1.0]])])
    first = alpha_rank(payoffs, [["truth", "down"]] * 2).iloc[0]
    assert (first[0], first[1]) == ("truth", "truth")
    assert first["share"] > 0.99


def test_what_cannot_be_ranked_is_one_line() -> None:
    both = np.stack([GAME, GAME.T])
    gap = both.copy()
    gap[0, 0, 0] = np.nan
    for payoffs, error, words in (
        (gap, Refusal, "needs every profile"),
        (both[:1], InputError, "not a player's payoffs"),
        (np.stack([GAME, GAME]), Refusal, "symmetric games of two"),
    ):
        with pytest.raises(error, match=words):
            fixation(payoffs, NAMES)
    with pytest.raises(InputError, match="population: 1 is below 2"):
        alpha_rank(both, NAMES, population=1)
    with pytest.raises(Refusal, match="too strong"):
        alpha_rank(both, NAMES, strength=1e5)
    with pytest.raises(Refusal, match="1,024 profiles are more than 1,000"):
        alpha_rank(np.zeros((5, 4, 4, 4, 4, 4)), [list("abcd")] * 5)
