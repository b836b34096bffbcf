"""The empirical game on hand-made games: regrets, bands that cover, dominance, replicator dynamics."""

from collections.abc import Callable

import numpy as np
import pytest

from dynmech.experiments.tournament.bootstrap import DRAWS
from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.population import Population
from dynmech.experiments.tournament.profiles import Profile, Role
from dynmech.sim.core.arrays import FloatArray
from tests.builders.games import bimatrix_payoffs, game_of, players

DILEMMA = bimatrix_payoffs([[3, 0], [5, 1]], [[3, 5], [0, 1]])
"""s0 cooperates, s1 defects."""


def test_regrets_of_the_prisoners_dilemma() -> None:
    game = game_of(players(2), DILEMMA)
    found = {game.label(r.profile): (r.value, r.interval) for r in game.regrets}
    assert found == {"s0_s0": (2, (2, 2)), "s0_s1": (1, (1, 1)), "s1_s0": (1, (1, 1)), "s1_s1": (0, (0, 0))}
    worst = game.regret((("s0",), ("s0",)))
    assert worst.move is not None
    assert (worst.move.old, worst.move.new) == ("s0", "s1")
    assert [game.label(r.profile) for r in game.regrets if r.verdict(game.scale) == "not_refuted"] == ["s1_s1"]


def test_dominance_in_the_prisoners_dilemma() -> None:
    found = game_of(players(2), DILEMMA).dominated()
    assert [(one.role, one.old, one.new, one.least, one.comparisons) for one in found] == [
        ("row", "s0", "s1", 1, 2),
        ("column", "s0", "s1", 1, 2),
    ]


def test_a_symmetric_role_takes_the_payoff_of_who_plays_the_strategy() -> None:
    """Each that plays `share` earns 6 / (number that do); each that abstains 2: the regret of three is 0, of one 1."""
    role = Role("agent", (0, 1, 2), ("share", "out"))

    def payoffs(played: list[str]) -> list[float]:
        return [6 / played.count("share") if s == "share" else 2.5 for s in played]

    game = game_of([role], payoffs)
    found = {game.label(r.profile): r.value for r in game.regrets}
    assert found == pytest.approx({"3-share": 0.5, "2-share.1-out": 0, "1-share.2-out": 0.5, "3-out": 3.5})
    assert game.mean[game.cell((("share", "share", "out"),), 0, "share")] == 3
    assert not game.dominated()


def test_a_profile_of_which_a_deviation_was_not_played_is_only_bounded() -> None:
    whole = game_of(players(2), DILEMMA)
    cells = {profile: batches for profile, batches in whole.cells.items() if profile != (("s1",), ("s0",))}
    game = EmpiricalGame(whole.roles, cells)
    assert not game.whole
    assert game.regret((("s1",), ("s1",))).known is False
    assert game.regret((("s1",), ("s1",))).verdict(game.scale) == "undecided"
    assert game.regret((("s0",), ("s1",))).known
    assert [r.known for r in game.regrets] == [True, False, False]


def noisy(rng: np.random.Generator, common: float, own: float) -> Callable[[Profile], FloatArray]:
    """Noise of unit-free spread: a part that all profiles share batch by batch, and one of each profile's own."""
    shared = common * rng.standard_normal((2, 40))
    return lambda _: shared + own * rng.standard_normal((2, 40))


def test_differences_are_paired_by_common_draws() -> None:
    """Noise that all profiles share must not widen a regret; the same amount of their own must."""
    rng = np.random.default_rng(1)
    narrow, wide = (
        game_of(players(2), DILEMMA, noisy(rng, *spread)).regret((("s0",), ("s0",))).interval
        for spread in ((5.0, 0.1), (0.1, 5.0))
    )
    assert narrow[1] - narrow[0] < 0.2
    assert wide[1] - wide[0] > 1.5
    game = game_of(players(2), DILEMMA, noisy(rng, 5.0, 0.1))
    assert game.error.min() > 0.5  # while each payoff is known as badly as before


@pytest.mark.parametrize(("common", "own"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
@pytest.mark.parametrize("gains", [(0.0,) * 6, (0.3, 0.28, 0.0, -0.4, -0.4, -1.0)])
def test_the_interval_of_a_regret_covers_it(gains: tuple[float, ...], common: float, own: float) -> None:
    """Seven strategies against one: also where all gains are 0, where the largest estimate is well above it."""
    roles = [Role("row", (0,), tuple(f"s{k}" for k in range(7))), Role("column", (1,), ("s0",))]
    row = [0.0, *gains]
    true = max(0.0, *gains)
    rng = np.random.default_rng(7)
    hits, high = 0, 0
    runs = 120
    for _ in range(runs):
        game = game_of(roles, bimatrix_payoffs([[x] for x in row], [[0.0]] * 7), noisy(rng, common, own))
        regret = game.regret((("s0",), ("s0",)))
        hits += regret.interval[0] - 1e-9 <= true <= regret.interval[1] + 1e-9
        high += regret.value > true + 1e-9
    assert hits / runs > 0.89  # 0.95 less three standard errors
    if own:
        assert high / runs > 0.6  # the estimate itself is biased upwards


def test_bands_of_a_difference_are_as_wide_as_its_standard_error_says() -> None:
    rng = np.random.default_rng(3)
    roles = [Role("row", (0,), ("s0", "s1")), Role("column", (1,), ("s0",))]
    game = game_of(roles, bimatrix_payoffs([[0.0], [1.0]], [[0.0], [0.0]]), noisy(rng, 3.0, 1.0))
    low, high = game.regret((("s0",), ("s0",))).interval
    pair = game.cells[("s1",), ("s0",)][0] - game.cells[("s0",), ("s0",)][0]
    assert high - low == pytest.approx(2 * 1.96 * pair.std(ddof=1) / np.sqrt(40), rel=0.15)


def test_one_batch_tells_no_spread() -> None:
    game = game_of(players(2), DILEMMA, batches=1)
    assert np.isinf(game.error).all()
    regret = game.regret((("s0",), ("s0",)))
    assert (regret.value, regret.interval) == (2, (0, np.inf))


def test_profiles_of_unequal_length_share_their_first_batches() -> None:
    rng = np.random.default_rng(5)
    shared = 5 * rng.standard_normal((2, 80))
    whole = game_of(players(2), DILEMMA, lambda _: shared[:, :40])
    longer = {p: b if p[0] == ("s0",) else b[:, :1] - shared[:, :1] + shared for p, b in whole.cells.items()}
    game = EmpiricalGame(whole.roles, longer)
    assert game.resampled.shape == (DRAWS, 8)
    assert game.regret((("s0",), ("s0",))).interval[1] < 8  # much noise left, but finite and around 2
    column = game.gain((("s0",), ("s0",)), game.moves((("s0",), ("s0",)))[1], game.resampled)
    assert np.ptp(column) < 1e-9  # both profiles of equal length: the noise cancels


# Populations


def hawk_dove(value: float, cost: float) -> EmpiricalGame:
    table = {("h", "h"): (value - cost) / 2, ("h", "d"): value, ("d", "h"): 0.0, ("d", "d"): value / 2}
    role = Role("bird", (0, 1), ("h", "d"))
    return game_of([role], lambda played: [table[played[0], played[1]], table[played[1], played[0]]])


@pytest.mark.parametrize(("value", "cost", "hawks"), [(1.0, 2.0, 0.5), (1.0, 4.0, 0.25), (3.0, 2.0, 1.0)])
def test_hawks_and_doves_come_to_rest_where_they_are_known_to(value: float, cost: float, hawks: float) -> None:
    """The evolutionarily stable share of hawks is V/C, or 1 where V ≥ C (Maynard Smith 1982)."""
    population = Population(hawk_dove(value, cost))
    for start in (0.1, 0.5, 0.9):
        path = population.replicator([np.array([start, 1 - start])])
        assert path[-1][0] == pytest.approx([hawks, 1 - hawks], abs=1e-5)


def test_shares_that_are_absent_stay_absent() -> None:
    path = Population(hawk_dove(3.0, 2.0)).replicator([np.array([0.0, 1.0])])
    assert path[-1][0].tolist() == [0.0, 1.0]


def test_fitness_is_the_mean_over_all_draws_of_the_others() -> None:
    """Against enumeration of the others one by one, two roles, three agents in one."""
    roles = [Role("a", (0, 1, 2), ("x", "y", "z")), Role("b", (3,), ("u", "v"))]
    weight = {"x": 0.2, "y": 1.3, "z": -0.7, "u": 2.0, "v": 0.1}

    def payoffs(played: list[str]) -> list[float]:
        total = sum(weight[s] for s in played)
        return [weight[s] * total**2 for s in played]

    population = Population(game_of(roles, payoffs))
    shares = [np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4])]
    fitness = population.fitness(shares)
    for k, mine in enumerate("xyz"):
        expected = sum(
            shares[0][i] * shares[0][j] * shares[1][m] * payoffs([mine, "xyz"[i], "xyz"[j], "uv"[m]])[0]
            for i in range(3)
            for j in range(3)
            for m in range(2)
        )
        assert fitness[0][k] == pytest.approx(expected)
    assert fitness[1].shape == (2,)


def test_populations_need_every_profile() -> None:
    whole = game_of(players(2), DILEMMA)
    part = EmpiricalGame(whole.roles, dict(list(whole.cells.items())[:3]))
    with pytest.raises(ValueError, match="every profile"):
        Population(part)
