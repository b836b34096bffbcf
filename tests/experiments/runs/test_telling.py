"""A story adds up to the gain it tells, is an episode of the run itself, and is there on every level of the log."""

from pathlib import Path
from typing import Any

import pytest

from dynmech import replay, run, stress
from dynmech.experiments.catalog.names import load, make_strategy, take_in_plugins
from dynmech.experiments.report.story import story_of
from dynmech.experiments.runs import episode_trace as telling
from dynmech.experiments.runs.episode_trace import PERIODS, tell_case, tell_safely
from dynmech.experiments.runs.results import read_result
from dynmech.experiments.runs.running import make_protocol
from dynmech.experiments.runs.simulation import Sampling, lone_deviation, make_game_of
from dynmech.experiments.searches.exact_searches import _exact
from dynmech.experiments.workers.pool import Done, Workers
from dynmech.experiments.workers.sandbox import Answer
from dynmech.sim.core.errors import PlayError, WorkerDied
from tests.builders.homes import home
from tests.builders.runs import bytes_below, planted, strategy

WHERE = ("contingent-density", "self-enforcing", "optimal-contract", "cremer-mclean", "team", "lowest-bid", "pivot")


def told(mechanism: str, economy: str = "", lie: str = "random", late: bool = False, seed: int = 3) -> dict[str, Any]:
    """The story of the first agent's lie."""
    environment = load(economy or home(mechanism))
    protocol = make_protocol(environment.agents, 0.5, {"all": "exponential:0.4"}) if late else None
    game = make_game_of(environment, mechanism, protocol, 1e-4)
    return tell_case(game, lone_deviation(game, 0, make_strategy(lie)), Sampling(40, seed=seed))


def adds_up(story: dict[str, Any]) -> bool:
    """Whether the gains of the periods are those of the episode."""
    return all(
        sum(one["gain"][who] for one in story["told"]) + story["rest"]["gain"][who] == pytest.approx(gain, abs=1e-9)
        for who, gain in story["gain"].items()
    )


@pytest.mark.parametrize("mechanism", WHERE)
def test_the_gains_of_all_periods_are_those_of_the_episode(mechanism: str) -> None:
    story = told(mechanism)
    assert story["gain"]
    assert adds_up(story)
    assert max(abs(gain) for gain in story["gain"].values()) > 0
    assert not adds_up({**story, "told": [one for one in story["told"] if not any(one["gain"].values())]})


def test_late_messages_are_told_with_what_was_counted() -> None:
    stories = [told("cremer-mclean", late=True, seed=seed) for seed in range(4)]
    assert all(map(adds_up, stories))
    rows = [row for story in stories for period in story["told"] for row in period["rows"]]
    assert any(row["report"] != row["counted"] for row in rows)


def test_of_a_long_game_the_first_periods_that_differ_are_told() -> None:
    story = told("pay-your-report", "repeated-auction", "misreport:map=down")
    assert story["periods"] > PERIODS == len(story["told"])
    assert all(one["differs"] for one in story["told"])
    assert story["rest"]["periods"] > 0
    assert adds_up(story)


def test_of_a_very_long_game_fewer_episodes_are_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "ROWS", 1000)
    story = told("pay-your-report", "repeated-auction", "misreport:map=down")
    assert 1 <= story["of"] < 40
    assert adds_up(story)
    monkeypatch.setattr(telling, "ROWS", 1)
    assert told("pay-your-report", "repeated-auction", "misreport:map=down")["of"] == 1


def test_a_story_is_the_same_on_every_level_and_that_of_the_log(tmp_path: Path) -> None:
    stories = {}
    for level in ("full", "episodes", "summary"):
        run(
            "oil-leases-prior",
            "cremer-mclean",
            {"0": "belief-manipulation"},
            episodes=500,
            log=level,
            out=tmp_path / level,
        )
        stories[level] = read_result(tmp_path / level)["story"]
    assert stories["full"] == stories["episodes"] == stories["summary"]
    story = stories["summary"]
    logged = replay(tmp_path / "full", "deviation", episode=story["episode"])
    assert story["gain"] == {who: pytest.approx(here) for who, (here, _) in logged.gains.items()}
    rows = [row for one in story["told"] for row in one["rows"]]
    for key, name in (("report", "report"), ("signal", "signal"), ("earns", "utility"), ("pays", "transfer")):
        assert [row[key] for row in rows] == logged.played[name].tolist()
        assert [row["truth"][key] for row in rows] == logged.played[f"truth {name}"].tolist()


def test_every_mechanism_that_breaks_has_its_story_and_no_other(tmp_path: Path) -> None:
    found = stress(
        "oil-leases-prior", ["linked", "cremer-mclean", "pivot"], episodes=300, log="summary", out=tmp_path / "a"
    )
    assert set(found.stories) == {"cremer-mclean", "pivot"}
    for name, story in found.stories.items():
        assert adds_up(story)
        assert story["words"].startswith("firm ")
        top = found.gains[found.gains["mechanism"] == name].iloc[0]
        assert story["mean"] >= top["gain"] - top["half_width"] - story["half_width"]
    again = stress(
        "oil-leases-prior", ["linked", "cremer-mclean", "pivot"], episodes=300, log="summary", out=tmp_path / "a"
    )
    assert again.reused
    assert again.stories == found.stories


def test_nobody_who_deviates_no_story(tmp_path: Path) -> None:
    assert run("oil-leases", "linked", {}, episodes=20, out=tmp_path / "a").story is None


def test_a_users_strategy_is_told_too_and_what_it_breaks_is_said(tmp_path: Path) -> None:
    take_in_plugins(
        [planted(tmp_path / "teller.py", strategy("teller", "return view.space.size - 1 - view.prescribed"))]
    )
    game = make_game_of(load("oil-leases"), "linked", None, 1e-4)
    story = tell_safely(game, lone_deviation(game, 0, make_strategy("teller")), Sampling(30), Workers())
    assert adds_up(story)
    take_in_plugins([planted(tmp_path / "mute.py", strategy("mute", "raise ValueError('no')"))])
    story = tell_safely(game, lone_deviation(game, 0, make_strategy("mute")), Sampling(30), Workers(), "firm 1 is mute")
    assert story["words"] == "firm 1 is mute"
    assert "mute" in story["untold"]
    assert "told" not in story


def test_truth_after_a_lie_that_moved_the_signal_is_no_lie_and_a_lie_is_not_as_prescribed() -> None:
    """Whoever wins tires: a lie moves later signals, and what is prescribed there is that signal."""
    once = [
        told("pivot", "repeated-auction:fatigue=0.9,values=3", "one-shot:period=0,map=flip", seed=seed)
        for seed in range(6)
    ]
    always = [
        told("pivot", "repeated-auction:fatigue=0.9,values=3", "misreport:map=flip", seed=seed) for seed in range(6)
    ]
    moved = 0
    for story in map(story_of, [*once, *always]):
        assert story is not None
        for period in story["told"]:
            row, line = period["rows"][0], period["lines"][0]
            assert line["asked"] == row["signal"]
            assert line["lies"] is (row["report"] != row["signal"])
            moved += row["signal"] != row["truth"]["signal"]
    assert moved > 0, "else nothing is shown"
    later = [line for story in map(story_of, once) if story for one in story["told"][1:] for line in one["lines"]]
    assert later
    assert not any(line["lies"] for line in later), "one lie"


def test_a_story_whose_worker_is_killed_is_no_result_and_comes_with_the_same_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result without it would be kept as if it were whole, and other bytes than those of an undisturbed run."""
    path = tmp_path / "early.py"
    path.write_text(strategy("early", "return view.space.size - 1 - view.prescribed"), encoding="utf-8")
    take_in_plugins([path])
    call = ("oil-leases", "linked", {"firm 1": "early"})
    run(*call, episodes=4, out=tmp_path / "whole")

    def died(*_: object) -> object:
        raise WorkerDied("strategy 'early': its worker process died 4 times (killed, or out of memory)")

    with monkeypatch.context() as patch:
        patch.setattr("dynmech.experiments.runs.episode_trace.run_isolated", died)
        with pytest.raises(PlayError, match="its worker process died"):
            run(*call, episodes=4, out=tmp_path / "killed")
    assert not (tmp_path / "killed" / "result.json").exists()
    run(*call, episodes=4, out=tmp_path / "killed")
    assert bytes_below(tmp_path / "killed") == bytes_below(tmp_path / "whole")


def test_a_search_whose_worker_is_killed_is_no_figure_that_is_missing() -> None:
    done = Done("linked", Answer(error=WorkerDied("its worker process died 4 times"), bare=True), 4)
    with pytest.raises(WorkerDied, match="linked: searching for the best response: its worker process died"):
        _exact([], done)
    other = Done("mine", Answer(error=PlayError("hangs"), bare=True), 2)
    assert "hangs" in _exact(["mechanism 'mine'"], other).refused
