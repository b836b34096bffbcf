"""Games read back from a run folder are the games that were played."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.experiments.runs.results import read_result
from dynmech.experiments.tournament.found import Tournament
from dynmech.experiments.tournament.from_result import empirical_game, played_game, sampled_game
from dynmech.experiments.tournament.loading import check_tournament
from dynmech.experiments.tournament.playing import tournament
from dynmech.experiments.tournament.profiles import Role, all_profiles, label, parse_label
from dynmech.sim.core.errors import InputError


def played(out: Path, **more: Any) -> Tournament:
    """Three bidders, three strategies: 10 profiles, each played in six orders."""
    data = {
        "environment": "repeated-auction:bidders=3,horizon=2",
        "mechanisms": ["pivot", "pay-your-report"],
        "strategies": {"truth": "truthful", "down": "misreport:map=down", "up": "misreport:map=up"},
        "episodes": 60,
        "out": str(out),
        **more,
    }
    return tournament(check_tournament(data, "s"))


@pytest.mark.parametrize("more", [{}, {"profiles": 8}, {"width": 0.6, "most": 600}], ids=["all", "some", "width"])
def test_batches_are_those_that_were_played(more: dict[str, Any], tmp_path: Path) -> None:
    found = played(tmp_path, **more)
    kept = read_result(tmp_path)
    for part, game in zip(found.parts, kept["games"], strict=True):
        again = sampled_game(game, tmp_path, found.study.seed)
        assert again.profiles == part.game.profiles
        for profile, batches in part.game.cells.items():
            assert np.array_equal(again.cells[profile], batches)
        assert np.array_equal(played_game(game).mean, part.game.mean)
        assert (empirical_game(game) is None) == ("profiles" in more)
        assert game["agents"] == ["bidder 1", "bidder 2", "bidder 3"]


def test_a_journal_that_lacks_a_shard_is_named(tmp_path: Path) -> None:
    found = played(tmp_path, mechanisms=["pivot"])
    (game,) = read_result(tmp_path)["games"]
    journal = tmp_path / "shards.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "/case=3-up/" not in line]
    assert 0 < len(kept) < len(lines)
    journal.write_text("".join(kept), encoding="utf-8")
    with pytest.raises(InputError, match="journal does not hold"):
        sampled_game(game, tmp_path, found.study.seed)


def test_payoffs_that_are_not_those_of_the_journal_are_named(tmp_path: Path) -> None:
    found = played(tmp_path, mechanisms=["pivot"])
    (game,) = read_result(tmp_path)["games"]
    other = json.loads(json.dumps(game))
    other["payoffs"][0]["payoff"] += 1e-6
    with pytest.raises(InputError, match="journal does not hold"):
        sampled_game(other, tmp_path, found.study.seed)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=3))
def test_a_name_is_read_as_it_is_written(sizes: list[tuple[int, int]]) -> None:
    names = ("truth", "low-2", "Late-1-x")
    roles, first = [], 0
    for k, (agents, strategies) in enumerate(sizes):
        roles.append(Role(f"r_{k}", tuple(range(first, first + agents)), names[:strategies]))
        first += agents
    for profile in all_profiles(roles):
        assert parse_label(label(profile, roles), roles) == profile
