"""The page of a run: one file that tells what matters, opens offline, and in which names are shown and never run."""

import json
import re
import shlex
import tomllib
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from dynmech.experiments.cli.app import main
from dynmech.experiments.report.page import render_report, report
from dynmech.experiments.report.tournament_page import by_mechanism, tournament_context
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.results import read_result, read_run, save_result
from dynmech.experiments.runs.running import run
from dynmech.experiments.tournament.from_result import empirical_game
from dynmech.experiments.tournament.loading import check_tournament
from dynmech.experiments.tournament.playing import tournament
from dynmech.sim.core.errors import InputError
from tests.builders.report_pages import HOSTILE, KINDS, ODD, study


class Tags(HTMLParser):
    """Tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def words(page: Path) -> str:
    """The page's text, blanks as one."""
    return " ".join(Tags(page.read_text(encoding="utf-8")).text.split())


def own_script_alone(page: str) -> bool:
    """Whether a page has one script, ours, without address, and a policy that names its hash and no other."""
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ours = (files("dynmech.experiments.report") / "templates" / "tables.js").read_text(encoding="utf-8")
    policy = b64encode(sha256(script.encode()).digest()).decode()
    named = re.findall(r"script-src ([^;]*);", page)
    return script == ours and named == [f"'sha256-{policy}'"] and page.count("<script") == 1


# One file, in which nothing runs but its own script


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_needs_nothing_but_itself(kind: str, pages: dict[str, Path]) -> None:
    text = pages[kind].read_text(encoding="utf-8")
    tags = Tags(text).tags
    assert not [tag for tag, _ in tags if tag in ("iframe", "object", "embed", "img")]
    assert own_script_alone(text)
    for _, attributes in tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert attributes.get("href", "data:,") == "data:,"
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize("kind", ["run", "tournament", "sweep"])
def test_a_hostile_name_is_shown_and_never_run(kind: str, pages: dict[str, Path]) -> None:
    page = Tags(pages[kind].read_text(encoding="utf-8"))
    assert HOSTILE in page.text
    assert own_script_alone(pages[kind].read_text(encoding="utf-8"))


def test_odd_names_are_shown_wherever_they_stand(odd_pages: list[Path]) -> None:
    for k, page in enumerate(odd_pages):
        read = Tags(page.read_text(encoding="utf-8"))
        assert "img" not in {tag for tag, _ in read.tags}
        assert own_script_alone(page.read_text(encoding="utf-8"))
        assert ODD[k % len(ODD)] in read.text
        assert ODD[(k + 1) % len(ODD)] in read.text


# What it tells


def test_the_page_of_a_stress_test_tells_first_what_breaks_and_who_gains_what(pages: dict[str, Path]) -> None:
    text = words(pages["stress"])
    assert "cremer-mclean breaks: firm 1 gains 2.00 by lying" in text
    assert text.index("breaks: firm 1") < text.index("Who gains what from which lie") < text.index("How it was made")
    assert "belief-manipulation" in text
    assert "+2.00" in text
    for name in ("welfare", "revenue", "worst budget", "unwilling"):
        assert name in text
    assert "↑ worst budget" in text
    assert "revenue →" in text


def test_the_worst_lie_is_told_though_no_rows_were_logged(pages: dict[str, Path]) -> None:
    text = words(pages["stress"])
    assert "The worst lie, period by period" in text
    assert "periodseessendsdecisionearnspaysgainso far" in text
    assert re.search(r"so far 0 ?[01] ?[01] \([01]\)", text), "a lie, and what was prescribed"
    assert re.search(r"Together: firm 1 \+[46]\.00", text)


def test_what_cannot_be_played_again_is_said(folders: dict[str, Path], tmp_path: Path) -> None:
    result = read_result(folders["stress"])
    result["stories"] = {"cremer-mclean": {"words": "firm 1 lies", "untold": "strategy 'mine': it is gone"}}
    (tmp_path / "run.json").write_bytes((folders["stress"] / "run.json").read_bytes())
    save_result(tmp_path, "stress", result)
    text = words(report(tmp_path, tmp_path / "page.html"))
    assert "could not be played again to be told period by period: strategy 'mine': it is gone" in text


def test_the_page_of_a_run_tells_payoffs_gains_and_how_it_was_learned(pages: dict[str, Path]) -> None:
    text = words(pages["learner"])
    assert "firm 1 plays q-learning:rounds=50" in text
    assert "What everybody gets" in text
    assert "How it was learned" in text
    assert "50, which counts" in text
    assert "How it was learned" not in words(pages["run"])


def test_a_learners_page_says_whose_payoff_and_when_exploration_ends(
    pages: dict[str, Path], folders: dict[str, Path]
) -> None:
    text, learner = words(pages["learner"]), read_result(folders["learner"])["agents"][0]
    assert f"firm 1* {amount(learner['payoff'] - learner['gain'])}" in text
    assert "firm 2*" not in text, "only who learns has such a line"
    assert "Learners explore in every round but the last, which is the one that counts" in text


def test_the_last_round_is_the_one_that_counts(folders: dict[str, Path]) -> None:
    result = read_result(folders["learner"])
    for i, agent in enumerate(result["agents"]):
        last = [row for row in result["learning"] if row["agent"] == i][-1]
        assert last["payoff"] == pytest.approx(agent["payoff"])


def test_the_page_of_a_tournament_tells_regrets(pages: dict[str, Path]) -> None:
    text = words(pages["tournament"])
    assert "Truth by all is not promised under pay-your-report; it holds under pivot" in text
    assert "holds Truth by all holds: no deviation of anybody gains anything (exact)." in text
    assert "not promised Truth by all is not promised: bidder 1 gains " in text
    assert "Regret of truth by all among the strategies played: 0.000" in text
    assert "gains most by playing down instead of truth" in text
    assert "Replicator dynamics from equal shares lead" in text
    assert "Nash: 1.00 truth against 1.00 truth" in text
    assert "Payoffs in all 3 profiles, with intervals" in text
    assert "cartel: bidder 1 and bidder 2 play their joint best response (in period " in text


def test_coalitions_that_gain_are_told_first(pages: dict[str, Path], folders: dict[str, Path]) -> None:
    games = read_result(folders["tournament"])["games"]
    gains = sorted(((game["coalitions"][0]["exact"], game["mechanism"]) for game in games), reverse=True)
    assert gains[-1][0] > 0
    told = [f"cartel (bidder 1 + bidder 2) gains {amount(gain)} together under {name}" for gain, name in gains]
    text = words(pages["tournament"])
    assert f"Coalitions: {'; '.join(told)}." in text
    assert text.index("Coalitions: cartel") < text.index("Who gains what by leaving truth")


def test_coalitions_that_gain_nothing_are_not_told_first(folders: dict[str, Path]) -> None:
    result = read_result(folders["tournament"])
    for one in (game["coalitions"][0] for game in result["games"]):
        one["gains"] = False
    result["games"][1]["coalitions"][0] |= {"exact": None, "gains": False}
    assert tournament_context(result)["gaining"] == []


def test_agents_of_a_role_of_several_are_called_so(pages: dict[str, Path], tmp_path: Path) -> None:
    assert f"an agent of role {HOSTILE} gains most by playing down" in words(pages["tournament"])
    roles = {"small gains": {"agents": ["bidder 1"]}, "boss": {"agents": ["bidder 2"]}}
    tournament(check_tournament(study(tmp_path / "two", roles=roles, mechanisms=["pay-your-report"]), "s"))
    text = words(report(tmp_path / "two", tmp_path / "page.html"))
    assert re.search(r"under pay-your-report, (small gains|boss) gains", text)
    assert "an agent of role" not in text
    assert "truth_truth: small gains plays truth; boss plays truth." in text


def test_the_names_of_profiles_are_explained(pages: dict[str, Path]) -> None:
    assert f"1-truth.1-down: of {HOSTILE}, 1 plays truth and 1 plays down." in words(pages["tournament"])


def test_what_surely_is_dominated_comes_first_and_the_rest_is_perhaps(folders: dict[str, Path]) -> None:
    result = read_result(folders["tournament"])
    rows = [("truth", "down", -0.1), ("down", "up", -0.3), ("up", "down", 0.2), ("up", "truth", 0.1)]
    result["games"][0]["dominated"] = [
        {"role": HOSTILE, "old": old, "new": new, "least": 0.5, "interval": [low, 1.0], "comparisons": 3}
        for old, new, low in rows
    ]
    found = tournament_context(result)["games"][0]["beaten"]
    assert [(one["old"], one["new"], one["sure"]) for one in found] == [
        ("up", "down", True), ("truth", "down", False), ("down", "up", False),
    ]  # fmt: skip


def test_the_page_says_which_strategies_are_perhaps_dominated(folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes((folders["tournament"] / "run.json").read_bytes())
    for low, said in ((-0.1, "Perhaps dominated, "), (0.1, "Dominated, ")):
        result = read_result(folders["tournament"])
        one = {"role": HOSTILE, "old": "down", "new": "truth", "least": 0.5, "interval": [low, 1.0], "comparisons": 3}
        for game in result["games"]:
            game["dominated"] = [one]
        save_result(tmp_path, "tournament", result)
        text = words(report(tmp_path, tmp_path / "page.html"))
        assert f"{said}{HOSTILE}: truth beats down" in text


@pytest.mark.parametrize(
    ("beaten", "at"), [("abcd", "all 4 economies"), ("abc", "3 of 4 economies"), ("bc", "b and c"), ("d", "d")]
)
def test_the_economies_of_a_sweep_are_told_together(beaten: str, at: str) -> None:
    games = [{"mechanism": name, "where": where} for where in "abcd" for name in ("pivot", "mine")]
    found = [game for game in games if game["mechanism"] == "mine" and game["where"] in beaten]
    assert by_mechanism(found, games) == [{"mechanism": "mine", "at": at}]
    assert by_mechanism(games[:1], games[:2]) == [{"mechanism": "pivot", "at": ""}]


def test_the_headline_of_a_sweep_tells_mechanisms_once(pages: dict[str, Path]) -> None:
    assert (
        "Truth by all is not promised under pay-your-report (at all 2 economies); it holds under pivot (at all"
        in words(pages["sweep"])
    )


def test_a_tournament_on_several_economies_makes_one_page(pages: dict[str, Path], folders: dict[str, Path]) -> None:
    text = words(pages["sweep"])
    for fatigue in ("0.0", "0.5"):
        assert f"pivot on repeated-auction:bidders=2,horizon=2,fatigue={fatigue}" in text
    with pytest.raises(InputError, match="holds several runs, not one; choose one of them: "):
        render_report(folders["stress"].parent)


def test_an_empirical_game_is_the_same_from_its_result(folders: dict[str, Path]) -> None:
    found = tournament(check_tournament(study(folders["tournament"]), "s"))
    for part, kept in zip(found.parts, read_result(folders["tournament"])["games"], strict=True):
        again = empirical_game(kept)
        assert again is not None
        assert again.mean.tolist() == pytest.approx(part.game.mean.tolist(), abs=1e-12)
        assert [again.label(p) for p in again.profiles] == [part.game.label(p) for p in part.game.profiles]
        kept["profiles"].pop()
        assert empirical_game(kept) is None


# How it was made


@pytest.mark.parametrize("kind", ["stress", "learner"])
def test_the_line_on_the_page_makes_the_run_again(
    kind: str, folders: dict[str, Path], pages: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = read_result(folders[kind])["command"]
    assert line in Tags(pages[kind].read_text(encoding="utf-8")).text
    with pytest.raises(SystemExit) as stop:
        main([*shlex.split(line)[1:], "--out", str(tmp_path / "again")])
    capsys.readouterr()
    assert stop.value.code == 0
    assert read_run(tmp_path / "again").manifest["configuration"] == read_run(folders[kind]).manifest["configuration"]
    assert read_result(tmp_path / "again") == read_result(folders[kind])


def test_the_study_on_the_page_plays_the_tournament_again(pages: dict[str, Path], folders: dict[str, Path]) -> None:
    text = Tags(pages["tournament"].read_text(encoding="utf-8")).text
    shown = re.search(r"dynmech tournament study\.toml:\n(.*?)\n\s*\n\s*run folder", text, re.DOTALL)
    assert shown is not None
    again = check_tournament(tomllib.loads(shown[1]), "s").data(out=False)
    assert again == read_run(folders["tournament"]).manifest["configuration"]["study"]


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_and_versions_are_there(kind: str, pages: dict[str, Path], folders: dict[str, Path]) -> None:
    text = words(pages[kind])
    assert re.search(r"seed ?0", text)
    ledgers = folders[kind].rglob("run.json")
    for manifest in map(json.loads, (path.read_text(encoding="utf-8") for path in ledgers)):
        assert manifest["configuration_hash"] in text
        assert all(version in text for version in manifest["versions"].values())


def test_o_is_short_for_out(folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["report", str(folders["run"]), "-o", str(tmp_path / "run.html")])
    assert stop.value.code == 0
    assert str(tmp_path / "run.html") in capsys.readouterr().out.replace("\n", "")
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_without_a_result_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        render_report(tmp_path / "absent")
    with pytest.raises(InputError, match="not a run folder"):
        render_report(tmp_path)
    folder = tmp_path / "run"
    run("oil-leases", "linked", {}, episodes=20, out=folder)
    kept = (folder / "result.json").read_text(encoding="utf-8")
    (folder / "result.json").unlink()
    with pytest.raises(InputError, match="has not been finished"):
        render_report(folder)
    (folder / "result.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        render_report(folder)
    (folder / "result.json").write_text(kept.replace('"mechanism": "linked"', '"mechanism": "pivot"'), encoding="utf-8")
    with pytest.raises(InputError, match="damaged; repeat the command that began the run"):
        render_report(folder)
    (folder / "result.json").write_text(kept.replace('"schema": 2', '"schema": 1'), encoding="utf-8")
    with pytest.raises(InputError, match="of another version of dynmech; repeat the command"):
        render_report(folder)
    assert run("oil-leases", "linked", {}, episodes=20, out=folder).reused
    assert (folder / "result.json").read_text(encoding="utf-8") == kept
    save_result(folder, "other", {})
    with pytest.raises(InputError, match="not the result of"):
        render_report(folder)
    (folder / "result.json").write_text(kept, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        report(folder, tmp_path / "absent" / "page.html")


def test_the_page_of_a_stress_test_tells_the_exact_gain_first(pages: dict[str, Path]) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", pages["stress"].read_text(encoding="utf-8")).split())
    assert re.search(r"It gains \d+\.\d\d before anything is known \(exact; simulated \d+\.\d\d ± \d+\.\d\d, ", text)
    assert "exact simulated standard errors apart" in text
