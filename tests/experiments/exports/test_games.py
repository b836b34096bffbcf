"""Games go out and come back: Gambit's format, gameanalysis, arrays; other libraries read them."""

import json
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech import export
from dynmech.experiments.exports.gambit import distinct, nfg_text, plain_letters
from dynmech.experiments.exports.payoff_tensors import PayoffTensor
from dynmech.experiments.tournament.equilibria import bimatrix
from dynmech.experiments.tournament.found import Tournament
from dynmech.experiments.tournament.profiles import label
from dynmech.sim.core.arrays import FloatArray
from tests.builders.nfg import parse_nfg, read_nfg

NAMES = st.text(st.sampled_from("ab \"\\{}'é☃\n\t0"), max_size=8)


def tensor(found: Tournament, mechanism: str, error: bool = False) -> FloatArray:
    """Payoffs by player and all strategies, straight from the game that was played."""
    (game,) = [one.game for one in found.parts if one.mechanism == mechanism]
    whose = {agent: (r, role) for r, role in enumerate(game.roles) for agent in role.agents}
    names = [whose[a][1].strategies for a in sorted(whose)]
    out = np.full((len(names), *map(len, names)), np.nan)
    cells = {game.label(profile): profile for profile in game.profiles}
    for place in product(*(range(len(one)) for one in names)):
        picks = [names[a][k] for a, k in enumerate(place)]
        way = tuple(tuple(sorted((picks[a] for a in r.agents), key=r.strategies.index)) for r in game.roles)
        if label(way, game.roles) in cells:
            for a, pick in enumerate(picks):
                cell = game.cell(way, whose[a][0], pick)
                out[(a, *place)] = (game.error if error else game.mean)[cell]
    return out


@pytest.mark.parametrize("mechanism", ["pivot", "pay-your-report"])
def test_an_nfg_file_is_the_game(mechanism: str, three: Tournament, tmp_path: Path) -> None:
    read = read_nfg(export(three, "gambit", tmp_path / "g.nfg", mechanism))
    assert read.title == f"{mechanism} on repeated-auction:bidders=3,horizon=2"
    assert read.players == ["bidder 1", "bidder 2", "bidder 3"]
    assert read.strategies == [["truth", "down"], ["truth", "down"], ["truth", "down", "up"]]
    assert read.comment.startswith("40 episodes per profile; seed 0; configuration ")
    assert np.array_equal(read.payoffs, tensor(three, mechanism))
    assert len({round(x, 12) for x in read.payoffs.ravel()}) > 10, "axes that are mixed up show"


def test_pygambit_reads_the_same(three: Tournament, tmp_path: Path) -> None:
    gambit = pytest.importorskip("pygambit")
    game = gambit.read_nfg(str(export(three, "gambit", tmp_path / "g.nfg", "pivot")))
    players = list(game.players)
    assert [one.label for one in players] == ["bidder 1", "bidder 2", "bidder 3"]
    assert [[s.label for s in one.strategies] for one in players][2] == ["truth", "down", "up"]
    assert "seed 0" in game.description
    expected = tensor(three, "pivot")
    for place in game.contingencies:
        payoffs = [float(game[place][player]) for player in players]
        assert payoffs == expected[(slice(None), *place)].tolist()


@given(st.lists(NAMES, min_size=2, max_size=3), st.lists(NAMES, min_size=1, max_size=3), NAMES)
def test_any_name_can_be_written(players: list[str], strategies: list[str], title: str) -> None:
    rng = np.random.default_rng(len(players))
    shape = (len(players), *[len(strategies)] * len(players))
    payoffs = rng.normal(size=shape) * 10.0 ** rng.integers(-12, 12, shape)
    told = PayoffTensor(title, "m", tuple(players), (tuple(strategies),) * len(players), payoffs, payoffs)
    read = parse_nfg(nfg_text(told, title))
    assert np.array_equal(read.payoffs, payoffs)
    assert read.title == plain_letters(f"m on {title}")
    assert read.players == distinct(players)
    assert len(set(read.players)) == len(players)
    assert all(one == one.strip() and "  " not in one and one for one in (*read.players, *read.strategies[0]))


def test_pygambit_takes_every_label(tmp_path: Path) -> None:
    gambit = pytest.importorskip("pygambit")
    players = ('bidder "1"', "back\\", "Zoë", "Zoe", "{x}", "שלום  x\n")
    payoffs = np.arange(6.0).reshape(6, 1, 1, 1, 1, 1, 1)
    told = PayoffTensor('ti"tle\\', "é", players, (("s",),) * 6, payoffs, payoffs)
    path = tmp_path / "g.nfg"
    path.write_text(nfg_text(told, 'com"ment\\'), encoding="ascii")
    game = gambit.read_nfg(str(path))
    assert [one.label for one in game.players] == distinct(players)
    assert game.title == 'e on ti"tle/'
    assert game.description == 'com"ment/'


# gameanalysis


def rebuilt(data: dict[str, Any], roles: list[list[int]], read: Any) -> FloatArray:
    """The tensor of a game of roles, every order of like players filled in."""
    names = list(data["players"])
    whose = {agent: names[r] for r, agents in enumerate(roles) for agent in agents}
    strategies = [data["strategies"][whose[a]] for a in sorted(whose)]
    out = np.full((len(strategies), *map(len, strategies)), np.nan)
    for profile in data["profiles"]:
        paid = {(role, s): read(pay) for role in names for s, _, pay in profile[role]}
        ways = []
        for role, agents in zip(names, roles, strict=True):
            picks = [s for s, n, _ in profile[role] for _ in range(n)]
            assert len(picks) == len(agents) == data["players"][role]
            ways.append(set(permutations(picks)))
        for way in product(*ways):
            played = {
                a: s for picks, agents in zip(way, roles, strict=True) for a, s in zip(agents, picks, strict=True)
            }
            place = tuple(strategies[a].index(played[a]) for a in sorted(played))
            for a, s in played.items():
                out[(a, *place)] = paid[whose[a], s]
    return out


def test_gameanalysis_files_are_the_game(three: Tournament, tmp_path: Path) -> None:
    game, sampled = (
        json.loads(export(three, to, tmp_path / to, "pivot").read_text()) for to in ("gameanalysis", "samplegame")
    )
    assert (game["type"], sampled["type"]) == ("game.1", "samplegame.1")
    assert game["players"] == {"front": 2, "back": 1}
    assert game["strategies"] == {"front": ["truth", "down"], "back": ["truth", "down", "up"]}
    assert len(game["profiles"]) == 9
    roles = [[0, 1], [2]]
    assert np.array_equal(rebuilt(game, roles, float), tensor(three, "pivot"))
    assert np.allclose(rebuilt(sampled, roles, np.mean), tensor(three, "pivot"), atol=1e-12)
    errors = rebuilt(sampled, roles, lambda pays: np.std(pays, ddof=1) / np.sqrt(len(pays)))
    assert np.allclose(errors, tensor(three, "pivot", error=True), atol=1e-12)
    assert (errors > 0).any()


def test_a_sample_of_profiles_goes_out_as_far_as_it_was_played(part: Tournament, tmp_path: Path) -> None:
    data = json.loads(export(part, "gameanalysis", tmp_path / "g.json").read_text())
    assert len(data["profiles"]) == len(part.parts[0].game.profiles) == 8
    arrays = np.load(export(part, "npz", tmp_path / "g.npz"))
    expected = tensor(part, "pivot")
    assert np.isnan(expected).any()
    assert np.array_equal(arrays["payoffs"][0], expected, equal_nan=True)
    assert np.array_equal(rebuilt(data, [[0, 1, 2]], float), expected, equal_nan=True)


# Arrays


def test_arrays_hold_payoffs_errors_and_labels(three: Tournament, tmp_path: Path) -> None:
    first, second = (export(three, "npz", tmp_path / f"{k}.npz") for k in range(2))
    assert first.read_bytes() == second.read_bytes()
    data = np.load(first, allow_pickle=False)
    assert data["mechanisms"].tolist() == ["pivot", "pay-your-report"]
    assert data["players"].tolist() == ["bidder 1", "bidder 2", "bidder 3"]
    assert data["strategies"].tolist() == [["truth", "down", ""]] * 2 + [["truth", "down", "up"]]
    for k, mechanism in enumerate(data["mechanisms"]):
        assert np.array_equal(data["payoffs"][k], tensor(three, mechanism))
        assert np.array_equal(data["errors"][k], tensor(three, mechanism, error=True))
    assert (int(data["seed"]), int(data["episodes"])) == (0, 40)
    assert (
        str(data["configuration"]) == json.loads((three.parts[0].folder / "run.json").read_text())["configuration_hash"]
    )


def test_openspiel_ranks_what_was_exported(three: Tournament, tmp_path: Path) -> None:
    pytest.importorskip("pyspiel")
    from dynmech.experiments.bridges.evolution import alpha_rank

    data = np.load(export(three, "npz", tmp_path / "g.npz"))
    names = [[name for name in row if name] for row in data["strategies"].tolist()]
    for mechanism, payoffs in zip(data["mechanisms"], data["payoffs"], strict=True):
        table = alpha_rank(payoffs, names, population=10, strength=1.0)
        assert len(table) == 2 * 2 * 3
        assert table["share"].sum() == pytest.approx(1.0)
        # the same shares from the game as it was played, by names; which way payoffs are read would change them
        played = alpha_rank(tensor(three, mechanism), names, population=10, strength=1.0)
        assert table.equals(played)
        transposed = alpha_rank(payoffs[[1, 0, 2]], names, population=10, strength=1.0)
        assert not np.allclose(transposed["share"], table["share"])


def test_mutants_take_over_what_was_exported(two: Tournament, tmp_path: Path) -> None:
    """OpenSpiel's Moran process on the exported tensor, against the closed form over the payoffs that were played."""
    pytest.importorskip("pyspiel")
    from dynmech.experiments.bridges.evolution import fixation

    data = np.load(export(two, "npz", tmp_path / "g.npz"))
    (payoffs,), names = data["payoffs"], [[name for name in row if name] for row in data["strategies"].tolist()]
    size, strength = 10, 0.5
    table = fixation(payoffs, names, population=size, strength=strength)
    game = tensor(two, "pay-your-report")[0]
    for resident, mutant in permutations(range(len(game)), 2):
        ahead = [
            ((k - 1) * game[mutant, mutant] + (size - k) * game[mutant, resident]) / (size - 1)
            - ((size - k - 1) * game[resident, resident] + k * game[resident, mutant]) / (size - 1)
            for k in range(1, size)
        ]
        expected = 1 / (1 + np.exp(-strength * np.cumsum(ahead)).sum())
        assert table.loc[names[0][resident], names[0][mutant]] == pytest.approx(expected, rel=1e-8)
    assert np.nanmax(table) > 1.5 / size, "somebody is selected for"


def test_nashpy_finds_the_same_equilibria(two: Tournament, tmp_path: Path) -> None:
    nashpy = pytest.importorskip("nashpy")
    (payoffs,) = np.load(export(two, "npz", tmp_path / "g.npz"))["payoffs"]
    game = nashpy.Game(*payoffs)
    ours = nashpy.Game(*bimatrix(two.parts[0].game))
    found = [np.concatenate(pair).tolist() for pair in game.support_enumeration()]
    assert found == [np.concatenate(pair).tolist() for pair in ours.support_enumeration()]
    assert found
    for pair in game.support_enumeration():
        x, y = pair
        assert (payoffs[0] @ y).max() <= x @ payoffs[0] @ y + 1e-9
        assert (x @ payoffs[1]).max() <= x @ payoffs[1] @ y + 1e-9
