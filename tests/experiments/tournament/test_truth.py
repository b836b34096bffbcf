"""What a tournament says of truth by all: exactly where the economy is finite, else as far as play can tell."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dynmech.agents.oracle.gains import Gain
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.cli.app import main
from dynmech.experiments.report.page import render_report
from dynmech.experiments.runs.results import read_result, read_run
from dynmech.experiments.searches.exact import Exact, exact_gains
from dynmech.experiments.tournament import truth as truth_module
from dynmech.experiments.tournament.empirical import Regret
from dynmech.experiments.tournament.found import Tournament
from dynmech.experiments.tournament.loading import check_tournament
from dynmech.experiments.tournament.playing import tournament
from dynmech.experiments.tournament.truth import TruthSearch
from tests.builders.audit_figures import gains as audited_gains
from tests.builders.runs import bytes_below

LEASES: dict[str, Any] = {
    "environment": "oil-leases-prior",
    "mechanisms": ["cremer-mclean", "linked", "pivot", "pay-your-report"],
    "strategies": {"truth": "truthful", "lie": "one-shot:period=0,map=flip", "best": "best-response"},
    "coalitions": {"both": ["firm 1", "firm 2"]},
    "episodes": 1000,
}
STATUS = {
    "cremer-mclean": "breaks",
    "linked": "holds",
    "pivot": "outside_assumptions",
    "pay-your-report": "not_promised",
}


def play(folder: Path, **changes: Any) -> Tournament:
    return tournament(check_tournament({**LEASES, "out": str(folder), **changes}, "s"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Tournament:
    return play(tmp_path_factory.mktemp("truth") / "run")


def test_every_mechanism_has_the_word_of_the_audit(found: Tournament) -> None:
    assert {part.mechanism: part.verdict for part in found.parts} == STATUS
    environment = load("oil-leases-prior")
    for part in found.parts:
        exact = audited_gains(
            audit(environment, make_mechanism(part.mechanism, environment)), Family.BEST_RESPONSE, "ex_ante"
        )
        assert list(part.search.gains) == ["firm 1", "firm 2"]
        assert list(part.search.gains.values()) == pytest.approx(list(exact), abs=1e-9)


def test_the_first_sentence_says_what_is_known_exactly(found: Tournament) -> None:
    missing = "not so here: private values, independent types"
    for said in (
        "truth by all breaks under cremer-mclean (firm 1 gains 2.00, exact)",
        f"it is outside its assumptions under pivot (firm 1 gains 2.50, exact; {missing})",
        "it is not promised under pay-your-report (firm 1 gains ",
        "it holds under linked (exact: no deviation gains)",
    ):
        assert said in found.sentence
    data = read_result(found.parts[0].folder)
    assert data["sentence"] == found.sentence
    kept = {game["mechanism"]: game for game in data["games"]}
    assert {name: game["verdict"] for name, game in kept.items()} == STATUS
    assert kept["cremer-mclean"]["exact"]["gains"]["firm 1"] == pytest.approx(2, abs=1e-9)
    assert "stable" not in kept["linked"]


def test_lies_that_are_not_in_the_study_count(tmp_path: Path) -> None:
    """No single lie gains under `cremer-mclean`; what nobody of the study plays gains 2."""
    strategies = {"truth": "truthful", "lie": "one-shot:period=0,map=flip"}
    (part,) = play(tmp_path, mechanisms=["cremer-mclean"], strategies=strategies, coalitions={}).parts
    assert part.regret is not None
    assert part.regret.interval[0] == 0
    assert part.verdict == "breaks"
    assert part.search.most == pytest.approx(2, abs=1e-9)
    honest = part.table.set_index("profile").loc["truth_truth", "verdict"]
    assert honest != "holds", "that profile is only not left by what was played"


@pytest.mark.parametrize(
    ("interval", "known", "status"),
    [
        ((0.0, 0.955), True, "undecided"),
        ((0.0, 0.05), True, "not_refuted"),
        ((0.0, 0.05), False, "undecided"),
        ((0.01, 0.05), True, "breaks"),
    ],
)
def test_not_refuted_needs_a_small_upper_bound(interval: tuple[float, float], known: bool, status: str) -> None:
    """At most a hundredth of the largest payoff, here 10; without an exact search that is all that there is to say."""
    regret = Regret((("truth",),), None, interval[0], interval, known)
    assert TruthSearch("", {}).verdict(regret, 10.0) == status
    assert regret.verdict(0.1) in ("undecided", "breaks"), "relative to the scale"
    assert TruthSearch("holds", {"a": 0.0}).verdict(regret, 10.0) == "holds"
    assert TruthSearch("", {}, promised=False).verdict(regret, 10.0) == "not_promised"
    excused = TruthSearch("", {}, violated=("private values",)).verdict(regret, 10.0)
    assert excused == ("outside_assumptions" if status == "breaks" else status)


def test_where_nothing_is_finite_the_interval_is_said(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"environment": "trading-game-continuous", "mechanisms": ["continuous-trade"]}
    changes["strategies"] = {"truth": "truthful", "noisy": {"use": "truthful", "noise": 0.5}}
    found = play(tmp_path / "few", episodes=6, coalitions={}, **changes)
    assert found.parts[0].search.refused == "the economy is not finite"
    assert found.parts[0].verdict == "undecided"
    assert re.search(r"is undecided under continuous-trade \(up to [\d.]+ may be gained, 95 %\)", found.sentence)
    assert found.farthest is None


def test_the_exact_search_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    search = truth_module.search_truth

    def counted(*given: Any) -> TruthSearch:
        asked.append(given[0].mechanism.name)
        return search(*given)

    monkeypatch.setattr(truth_module, "search_truth", counted)
    first = play(tmp_path / "run", mechanisms=["linked", "pivot"], episodes=40)
    before = bytes_below(tmp_path / "run")
    again = play(tmp_path / "run", mechanisms=["linked", "pivot"], episodes=40)
    assert asked == ["linked", "pivot"]
    assert again.reused
    assert [part.search for part in again.parts] == [part.search for part in first.parts]
    assert bytes_below(tmp_path / "run") == before


def test_simulated_gains_stand_beside_exact_ones(found: Tournament) -> None:
    rows = {(part.mechanism, row["who"], row["deviation"]): row for part in found.parts for row in part.comparisons}
    best = rows["cremer-mclean", "firm 1", "best"]
    assert not best["one_sided"]
    assert best["apart"] == pytest.approx((best["gain"] - 2) / best["error"], abs=1e-6)
    assert rows["cremer-mclean", "firm 1", "lie"]["one_sided"]
    assert not rows["pivot", "both", "joint best response"]["one_sided"]
    assert found.farthest is not None
    compared = [row for row in rows.values() if row["apart"] == row["apart"]]
    assert found.farthest.comparisons == len(compared) > 4
    assert found.farthest.likely
    assert read_result(found.parts[0].folder)["farthest"]["comparisons"] == len(compared)


def test_a_wrong_exact_figure_is_told_from_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the oracle's gains are 0.9 too large; the best response in play does not earn them."""

    def wrong(*given: Any) -> Exact:
        right = exact_gains(*given)
        return replace(right, gains={key: Gain(f.gain + 0.9, f.bound, f.state) for key, f in right.gains.items()})

    monkeypatch.setattr(truth_module, "exact_gains", wrong)
    found = play(tmp_path / "run", mechanisms=["cremer-mclean"], coalitions={})
    assert found.farthest is not None
    assert not found.farthest.likely
    assert found.farthest.where["deviation"] == "best"
    assert "MORE THAN CHANCE" in render_report(tmp_path / "run")


def test_the_page_tells_the_verdicts(found: Tournament) -> None:
    page = render_report(found.parts[0].folder)
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page)
    said = re.sub("<.*?>", "", heading)
    assert said == (
        "Truth by all breaks under cremer-mclean; it is outside its assumptions under pivot; "
        "it is not promised under pay-your-report; it holds under linked"
    )
    assert "The largest exact gain: under <bdi>cremer-mclean</bdi>, <bdi>firm 1</bdi> gains 2.00 ex ante" in page
    assert ">stable<" not in page
    assert "not searched exactly" not in page


STUDY = """
environment = "repeated-auction:bidders=3,values=3,horizon=2"
mechanisms = ["pivot", "pay-your-report"]
episodes = 24
[strategies]
truth = "truthful"
noisy = { use = "truthful", noise = 0.3 }
late = { use = "truthful", delay = 1 }
[coalitions]
cartel = ["bidder 1", "bidder 2"]
"""


@pytest.mark.parametrize("columns", [80, 200])
def test_tables_can_be_read_at_any_width(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is wider than the terminal, no header or number is cut, and no profile's name is broken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(columns))
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["tournament", "study.toml", "--out", "run"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert max(len(line) for line in lines if "dynmech run" not in line) <= columns, "but for what is to be pasted"
    for word in (
        "welfare",
        "revenue",
        "unwilling",
        "95 % interval",
        "best deviation",
        "1-truth.1-noisy.1-late",
        "each",
    ):
        assert word in out
    tables = [line for line in lines if line.startswith("profile ")]
    assert len(tables) == (4 if columns == 80 else 2)


def test_best_responses_change_places_as_all_strategies_do(tmp_path: Path) -> None:
    """Ties go to the first, so that bidders who are alike gain unequally: a role gains the mean of what both do."""
    economy, rules = "repeated-auction:bidders=2,values=3,horizon=2", "pay-your-report"
    strategies = {"truth": "truthful", "best": "best-response"}
    study = {"environment": economy, "mechanisms": [rules], "strategies": strategies, "log": "episodes"}
    (part,) = tournament(check_tournament({**study, "episodes": 4000, "out": str(tmp_path / "run")}, "s")).parts
    rows = read_run(part.folder).episodes(mechanism=rules, case="1-truth.1-best")
    played = rows[rows["strategy"].astype(str).str.startswith("best-response")].groupby("agent", observed=True).size()
    assert played.to_dict() == {"bidder 1": 2000, "bidder 2": 2000}
    environment = load(economy)
    exact = audited_gains(audit(environment, make_mechanism(rules, environment)), Family.BEST_RESPONSE, "ex_ante")
    assert abs(exact[0] - exact[1]) > 0.1
    assert part.regret is not None
    low, high = part.regret.interval
    assert low - (high - low) / 2 <= sum(exact) / 2 <= high + (high - low) / 2, "within four standard errors"
    assert max(exact) > high + (high - low) / 2, "that of the last one alone is told apart"
