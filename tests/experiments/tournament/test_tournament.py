"""Tournaments end to end: equal bytes however they were played, samples, adaptive rounds, symmetric roles."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.results import read_result
from dynmech.experiments.tournament.found import Tournament
from dynmech.experiments.tournament.loading import check_tournament
from dynmech.experiments.tournament.playing import tournament
from dynmech.experiments.tournament.profiles import moves
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.errors import InputError
from tests.builders.audit_figures import gains
from tests.builders.runs import Command, bytes_below, call, planted, strategy

STUDY: dict[str, Any] = {
    "environment": "repeated-auction:bidders=3,values=3,horizon=2",
    "mechanisms": ["pivot", "pay-your-report"],
    "strategies": {
        "truth": "truthful",
        "down": "misreport:map=down",
        "noisy": {"use": "truthful", "noise": 0.3},
    },
    "episodes": 240,
}


def play(folder: Path, workers: int = 1, **changes: Any) -> Tournament:
    return tournament(check_tournament({**STUDY, "out": str(folder), **changes}, "s"), workers=Workers(workers))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Tournament:
    return play(tmp_path_factory.mktemp("tournament") / "run")


def test_every_profile_is_played_under_every_mechanism(found: Tournament) -> None:
    assert [part.mechanism for part in found.parts] == ["pivot", "pay-your-report"]
    assert (found.profiles, found.possible, found.sampled) == (10, 10, False)
    for part in found.parts:
        assert part.game.whole
        assert (part.table["episodes"] == 240).all()
        assert np.isfinite(part.game.error).all()


def test_truth_holds_under_pivot_and_is_beaten_where_one_pays_ones_report(found: Tournament) -> None:
    pivot, pay = (part.game.regret((("truth",) * 3,)) for part in found.parts)
    assert pivot.interval[0] == 0
    assert pay.interval[0] > 0.05
    assert pay.move is not None
    assert pay.move.new == "down"
    assert "it holds under pivot (exact: no deviation gains)" in found.sentence
    assert "is not promised under pay-your-report (bidder 1 gains " in found.sentence


def test_what_profiles_do_to_the_mechanism_stands_beside_them(found: Tournament) -> None:
    rows = {row["profile"]: row for row in found.parts[0].table.to_dict("records")}
    assert rows["3-truth"]["welfare"] == pytest.approx(rows["3-truth"]["first_best"], abs=0.25)
    assert rows["3-noisy"]["welfare"] < rows["3-truth"]["welfare"] - 0.05
    assert all(row["worst_deficit"] <= 0 for row in rows.values())
    assert rows["3-truth"]["participation_violations"] == 0


def test_the_same_study_is_not_played_again_and_another_is_refused(tmp_path: Path) -> None:
    first = play(tmp_path / "run", mechanisms=["pivot"], episodes=24)
    before = bytes_below(tmp_path / "run")
    assert not first.reused
    assert play(tmp_path / "run", mechanisms=["pivot"], episodes=24).reused
    assert bytes_below(tmp_path / "run") == before
    with pytest.raises(Exception, match="holds another run"):
        play(tmp_path / "run", mechanisms=["pivot"], episodes=24, seed=1)


def test_one_worker_and_two_leave_equal_bytes_wherever_the_folder_lies(tmp_path: Path) -> None:
    play(tmp_path / "one", 1, log="episodes", episodes=48)
    play(tmp_path / "elsewhere" / "two", 2, log="episodes", episodes=48)
    one, two = bytes_below(tmp_path / "one"), bytes_below(tmp_path / "elsewhere" / "two")
    assert one == two
    assert "result.json" in one


STUDY_FILE = """
environment = "repeated-auction:bidders=3,values=3,horizon=3"
mechanisms = ["pivot", "pay-your-report"]
episodes = 600
log = "episodes"
[strategies]
truth = "truthful"
down = "misreport:map=down"
noisy = { use = "truthful", noise = 0.3 }
"""


@pytest.mark.slow
def test_a_killed_tournament_goes_on_with_equal_bytes(tmp_path: Path) -> None:
    planted(tmp_path / "study.toml", STUDY_FILE)
    code, _, _ = call(["tournament", "study.toml", "--out", "whole"], tmp_path)
    assert code == 0
    command = Command(["tournament", "study.toml", "--out", "killed"], tmp_path)
    journal, deadline = tmp_path / "killed" / "shards.jsonl", time.monotonic() + 60
    while not (journal.exists() and journal.stat().st_size > 3000) and time.monotonic() < deadline:
        time.sleep(0.005)
    command.end()
    command.wait()
    lines = len(journal.read_bytes().splitlines())
    assert 0 < lines < len((tmp_path / "whole" / "shards.jsonl").read_bytes().splitlines())
    code, out, _ = call(["tournament", "study.toml", "--out", "killed"], tmp_path)
    assert code == 0
    assert out.startswith("10 profiles")
    assert bytes_below(tmp_path / "killed") == bytes_below(tmp_path / "whole")


def test_cells_are_played_on_until_they_are_narrow_enough(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"mechanisms": ["pivot"], "episodes": 48, "width": 0.2, "most": 20_000}
    found = play(tmp_path / "a", **changes)
    table = found.parts[0].table
    assert (table["width"] <= 0.2).all()
    assert table["episodes"].min() < table["episodes"].max()  # some needed more than others
    play(tmp_path / "b", 2, **changes)
    assert bytes_below(tmp_path / "a") == bytes_below(tmp_path / "b")


def test_no_cell_is_played_longer_than_allowed(tmp_path: Path) -> None:
    table = play(tmp_path, mechanisms=["pivot"], episodes=48, width=0.001, most=96).parts[0].table
    assert (table["episodes"] == 96).all()
    assert (table["width"] > 0.001).all()


def test_a_sample_says_so_and_knows_the_regret_of_truth(tmp_path: Path) -> None:
    found = play(tmp_path, mechanisms=["pivot"], episodes=24, profiles=5)
    assert (found.sampled, found.profiles, found.possible) == (True, 5, 10)
    assert found.sentence.startswith("A sample of 5 of 10 profiles: ")
    game = found.parts[0].game
    assert not game.whole
    truth = (("truth",) * 3,)
    assert game.regret(truth).known
    known = [all(move.to in game.cells for move in moves(p, game.roles)) for p in game.profiles]
    assert [game.regret(p).known for p in game.profiles] == known
    assert not all(known)
    data = read_result(tmp_path)
    assert data["sampled"]
    assert data["games"][0]["population"] == []


def test_a_symmetric_role_gives_the_payoffs_of_the_full_enumeration(tmp_path: Path) -> None:
    """A tie goes to the first bidder: who is first must not matter, or a regret would depend on the numbering."""
    names = [f"bidder {k}" for k in (1, 2, 3)]
    shared: dict[str, Any] = {"mechanisms": ["pay-your-report"], "episodes": 6000}
    shared["strategies"] = {"truth": "truthful", "down": "misreport:map=down"}
    reduced = play(tmp_path / "a", **shared).parts[0].game
    full = play(tmp_path / "b", **shared, roles={"all": {"agents": names, "symmetric": False}}).parts[0].game
    assert (len(reduced.cells), len(full.cells)) == (4, 8)
    for profile in reduced.cells:
        for s in set(profile[0]):
            alike = [p for p in full.cells if sorted(way[0] for way in p) == sorted(profile[0])]
            cells = [full.cell(p, r, s) for p in alike for r in range(3) if p[r] == (s,)]
            k = reduced.cell(profile, 0, s)
            allowed = 4 * float(np.hypot(reduced.error[k], full.error[cells].mean()))
            assert reduced.mean[k] == pytest.approx(full.mean[cells].mean(), abs=allowed)
    lone = [
        full.mean[full.cell(tuple(("down",) if r == q else ("truth",) for r in range(3)), q, "down")] for q in (0, 2)
    ]
    assert lone[0] > lone[1] + 0.05  # the first bidder wins ties: one order alone would mislead


def test_episodes_are_rounded_up_to_play_every_order_equally_often(tmp_path: Path) -> None:
    table = play(tmp_path, mechanisms=["pivot"], episodes=100).parts[0].table
    assert set(table["episodes"]) == {102}


def test_a_sweep_leaves_a_run_for_each_economy(tmp_path: Path) -> None:
    entry = {"use": "repeated-auction:bidders=2", "sweep": {"horizon": [1, 2]}}
    found = play(tmp_path, environment=entry, mechanisms=["pivot"], episodes=24)
    assert len(found.parts) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "repeated-auction-bidders-2-horizon-1",
        "repeated-auction-bidders-2-horizon-2",
    ]
    assert all(read_result(part.folder)["kind"] == "tournament" for part in found.parts)


def test_truth_has_no_regret_under_pivot_on_private_values_with_noise(tmp_path: Path) -> None:
    found = play(
        tmp_path,
        mechanisms=["pivot"],
        episodes=600,
        strategies={
            "truth": "truthful",
            "down": "misreport:map=down",
            "up": "misreport:map=up",
            "random": "random",
            "late": {"use": "truthful", "delay": 1},
        },
    )
    regret = found.parts[0].game.regret((("truth",) * 3,))
    assert regret.known
    assert regret.interval[0] == 0


def test_the_regret_of_truth_under_cremer_mclean_is_the_oracles_figure(tmp_path: Path) -> None:
    """The belief manipulation of Liu's oil leases gains 2, and nothing gains more."""
    environment = load("oil-leases-prior")
    found_exactly = audit(environment, make_mechanism("cremer-mclean", environment))
    exact = gains(found_exactly, Family.BEST_RESPONSE, "ex_ante")
    assert exact == pytest.approx([2, 0], abs=1e-10)
    found = tournament(
        check_tournament(
            {
                "environment": "oil-leases-prior",
                "mechanisms": ["cremer-mclean"],
                "episodes": 20_000,
                "strategies": {
                    "truth": "truthful",
                    "manipulate": "belief-manipulation",
                    "flip": "misreport:map=flip",
                    "random": "random",
                },
                "roles": {"first": {"agents": ["firm 1"]}, "second": {"agents": ["firm 2"]}},
                "out": str(tmp_path),
            },
            "s",
        )
    )
    regret = found.parts[0].game.regret((("truth",), ("truth",)))
    assert regret.interval[0] > 1.5
    assert regret.interval[0] <= exact[0] <= regret.interval[1]
    assert regret.move is not None
    assert regret.move.new == "manipulate"


def test_a_users_strategy_that_breaks_takes_only_its_profiles_with_it(tmp_path: Path) -> None:
    plugin = planted(tmp_path / "mine.py", strategy("broken", "raise ValueError('no')"))
    found = play(
        tmp_path / "run",
        mechanisms=["pivot"],
        episodes=24,
        plugins=[str(plugin)],
        strategies={"truth": "truthful", "bad": {"use": "broken", "noise": 0.1}},
    )
    assert [found.parts[0].game.label(p) for p in found.parts[0].game.profiles] == ["3-truth"]
    (failure,) = found.failures
    assert "broken" in failure["failed"]


def test_options_that_mean_nothing_are_said_before_anything_is_played(tmp_path: Path) -> None:
    entries = {
        "truth": "truthful",
        "odd": "one-shot:period=99",
        "either": {"mix": {"truth": 0.5, "third": 0.5}},
        "third": {"use": "misreport:map=0>7", "noise": 0.1},
    }
    with pytest.raises(InputError) as caught:
        play(tmp_path / "run", strategies=entries)
    said = str(caught.value)
    assert "\n" not in said
    for name in ("odd", "either", "third"):
        assert f"strategies.{name}: " in said
    assert "period: 99 is none of 0 … 1, which are played" in said
    assert not (tmp_path / "run").exists()


def test_without_roles_those_who_are_alike_share_one(tmp_path: Path) -> None:
    found = play(tmp_path / "a", episodes=6, strategies={"truth": "truthful", "random": "random"})
    assert [(role.name, role.agents) for role in found.parts[0].game.roles] == [("agent", (0, 1, 2))]
    changes: dict[str, Any] = {"mechanisms": ["linked"], "strategies": {"truth": "truthful", "random": "random"}}
    found = play(tmp_path / "b", environment="oil-leases-prior", episodes=4, **changes)
    assert [(role.name, role.agents) for role in found.parts[0].game.roles] == [("firm 1", (0,)), ("firm 2", (1,))]
    assert found.profiles == 4


def test_what_was_not_held_against_every_strategy_is_not_called_beaten(tmp_path: Path) -> None:
    plugin = planted(tmp_path / "mine.py", strategy("broken", "raise ValueError('no')"))
    entries = {"truth": "truthful", "down": "misreport:map=down", "bad": "broken"}
    found = play(tmp_path / "run", episodes=120, plugins=[str(plugin)], strategies=entries)
    seen = {part.mechanism: part.regret.verdict(part.game.scale) for part in found.parts if part.regret is not None}
    assert seen == {"pivot": "undecided", "pay-your-report": "breaks"}
    assert {part.mechanism: part.verdict for part in found.parts} == {
        "pivot": "holds",  # exactly, whatever was played
        "pay-your-report": "not_promised",
    }
    assert not found.complete


# Coalitions

CARTEL = {"cartel": ["bidder 1", "bidder 2"], "alone": ["bidder 3"], "everybody": ["0", "1", "2"]}


def test_coalitions_earn_in_play_what_the_oracle_says(tmp_path: Path) -> None:
    """Beside an audit of the same coalition; and what all gain together is welfare gained and revenue lost."""
    changes: dict[str, Any] = {"strategies": {"truth": "truthful"}, "episodes": 1200, "coalitions": CARTEL}
    found = play(tmp_path / "run", **changes)
    environment = load(STUDY["environment"])
    for part in found.parts:
        by_name = {one.name: one for one in part.coalitions}
        cartel, alone, everybody = (by_name[name] for name in CARTEL)
        audited = audit(environment, make_mechanism(part.mechanism, environment), coalitions=[[0, 1]])
        assert cartel.exact == pytest.approx(gains(audited, Family.BEST_RESPONSE, "ex_ante")[0], abs=1e-9)
        assert cartel.members == ("bidder 1", "bidder 2")
        for one in by_name.values():
            assert one.agrees
            assert one.gain is not None
            assert one.half_width is not None
            assert sum(one.shares) == pytest.approx(one.gain, abs=1e-12)
        assert cartel.exact is not None
        assert cartel.exact > 0.2
        assert abs((cartel.gain or 0) - cartel.exact) < 2 * (cartel.half_width or 0)
        assert (alone.exact or 0) <= (everybody.exact or 0)
        assert everybody.properties is not None
        revenue = float(part.table["revenue"].iloc[0])
        welfare = everybody.properties["welfare"] - float(part.table["welfare"].iloc[0])
        assert everybody.gain == pytest.approx(welfare + revenue - everybody.properties["revenue"], abs=1e-9)
    assert found.parts[0].coalitions[1].exact == pytest.approx(0, abs=1e-9), "nobody gains alone under pivot"
    assert found.parts[1].coalitions[1].exact > 0.05  # type: ignore[operator]
    assert found.sentence.endswith("Together bidder 1 and bidder 2 and bidder 3 gain 1.90 under pivot (exact).")
    again = play(tmp_path / "run", **changes)
    assert again.reused
    assert again.parts[0].coalitions == found.parts[0].coalitions
    kept = read_result(tmp_path / "run")["games"][0]["coalitions"]
    assert kept[0]["exact"] == pytest.approx(found.parts[0].coalitions[0].exact)


def test_a_coalition_that_cannot_be_searched_says_why(tmp_path: Path) -> None:
    found = play(
        tmp_path / "run",
        environment="trading-game-continuous",
        mechanisms=["continuous-trade"],
        strategies={"truth": "truthful"},
        episodes=24,
        coalitions={"both": ["0", "1"]},
        roles={"buyer": {"agents": ["buyer"]}, "seller": {"agents": ["seller"]}},
    )
    assert not found.complete
    (both,) = found.parts[0].coalitions
    assert (both.exact, both.gain) == (None, None)
    assert both.refused == "the economy is not finite"


@pytest.mark.slow
def test_the_command_prints_one_object_for_programs(tmp_path: Path) -> None:
    planted(tmp_path / "study.toml", STUDY_FILE)
    words = ["tournament", "study.toml", "--set", "episodes=24", "--out", "run", "--json"]
    code, out, _ = call(words, tmp_path)
    assert code == 0
    data = json.loads(out)
    assert data["study"]["episodes"] == 24
    assert [game["mechanism"] for game in data["games"]] == ["pivot", "pay-your-report"]
    assert {"profile", "role", "strategy", "payoff", "error"} <= set(data["games"][0]["payoffs"][0])
    code, _, err = call(["tournament", "study.toml", "--set", "episodes=1"], tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "episodes: 1 is below 2" in err
