"""Equilibria of known games; a search that takes too long is broken off and says so."""

import time

import numpy as np
import pytest

from dynmech.experiments.tournament import equilibria
from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.equilibria import bimatrix, mixed, pure
from dynmech.experiments.tournament.profiles import Role
from dynmech.sim.core.errors import InputError
from tests.builders.games import bimatrix_payoffs, game_of, players

PENNIES = bimatrix_payoffs([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])


def test_matching_pennies() -> None:
    pytest.importorskip("nashpy")
    game = game_of(players(2), PENNIES)
    assert pure(game) == []
    search = mixed(game)
    assert search.note == ""
    (one,) = search.found
    assert np.allclose(one.shares, 0.5)
    assert np.allclose(one.payoffs, 0)


def test_battle_of_the_sexes_has_three() -> None:
    """Pure (2, 1) and (1, 2), and the mixed one in which each plays its favourite with 2/3, worth 2/3 to both."""
    pytest.importorskip("nashpy")
    game = game_of(players(2), bimatrix_payoffs([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
    assert {game.label(regret.profile) for regret in pure(game)} == {"s0_s0", "s1_s1"}
    found = mixed(game).found
    assert np.allclose(sorted(one.payoffs for one in found), [(2 / 3, 2 / 3), (1, 2), (2, 1)])


def test_one_role_of_two_is_a_symmetric_game() -> None:
    role = Role("agent", (0, 1), ("s0", "s1"))
    game = game_of([role], bimatrix_payoffs([[3, 0], [5, 1]], [[3, 5], [0, 1]]))
    first, second = bimatrix(game)
    assert first.tolist() == [[3, 0], [5, 1]]
    assert second.tolist() == first.T.tolist()


def test_a_degenerate_game_says_that_there_may_be_more() -> None:
    pytest.importorskip("nashpy")
    game = game_of(players(2), bimatrix_payoffs([[1, 1], [1, 0]], [[1, 1], [1, 0]]))
    assert "degenerate" in mixed(game).note


def test_a_search_that_takes_too_long_is_broken_off_and_keeps_what_was_found_soon() -> None:
    """Support enumeration of 16 strategies goes through four thousand million pairs of supports."""
    pytest.importorskip("nashpy")
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 16, 16)).tolist()
    game = game_of(players(16), bimatrix_payoffs(first, second))
    began = time.monotonic()
    search = mixed(game, seconds=2.0)
    assert time.monotonic() - began < 12
    assert "broken off" in search.note
    assert search.found
    for one in search.found:
        x, y = map(np.array, one.shares)
        assert (np.array(first) @ y).max() - one.payoffs[0] < 1e-8
        assert (x @ np.array(second)).max() - one.payoffs[1] < 1e-8


def test_no_more_than_asked_for_are_listed() -> None:
    pytest.importorskip("nashpy")
    game = game_of(players(4), bimatrix_payoffs(np.eye(4).tolist(), np.eye(4).tolist()))
    search = mixed(game, most=5)
    assert len(search.found) == 5
    assert "only the first 5" in search.note


def test_games_of_three_and_games_with_holes_are_refused() -> None:
    three = game_of([Role("agent", (0, 1, 2), ("s0", "s1"))], lambda _: [0.0] * 3)
    with pytest.raises(InputError, match="two players only"):
        bimatrix(three)
    whole = game_of(players(2), PENNIES)
    part = EmpiricalGame(whole.roles, dict(list(whole.cells.items())[:3]))
    with pytest.raises(InputError, match="every profile"):
        bimatrix(part)


def test_without_nashpy_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equilibria, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"dynmech\[games\]"):
        mixed(game_of(players(2), PENNIES))
