"""Tables go out whole: CSV to the last digit, LaTeX that LaTeX reads, whatever names there are."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from dynmech import export, read_run
from dynmech.experiments.exports.latex import escaped, one_line, table
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.results import read_result, save_result
from dynmech.experiments.runs.run_result import RunResult
from dynmech.experiments.runs.running import run
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.sweeps.sweep_result import SweepResult
from dynmech.experiments.sweeps.sweeping import sweep
from dynmech.experiments.tournament.found import Tournament, payoff_table
from dynmech.sim.core.errors import InputError
from tests.builders.report_pages import ODD, renamed
from tests.builders.tex import read_tables, shown


@pytest.fixture(scope="module")
def stressed(tmp_path_factory: pytest.TempPathFactory) -> StressResult:
    """Two mechanisms, one of which breaks."""
    out = tmp_path_factory.mktemp("stress") / "leases"
    return stress("oil-leases-prior", ["cremer-mclean", "linked"], episodes=200, log="summary", out=out)


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run in which one agent lies."""
    out = tmp_path_factory.mktemp("run") / "lie_1"
    return run("oil-leases-prior", "cremer-mclean", {"0": "misreport:map=flip"}, episodes=60, log="summary", out=out)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    """Two mechanisms at two discounts; only one has the option that varies beside it."""
    varied: dict[str, list[Any]] = {"discount": [0.5, 0.9], "balanced:base": ["pivot", "team"]}
    out = tmp_path_factory.mktemp("sweep") / "patience"
    return sweep("repeated-auction:horizon=2", varied, ["balanced", "pay-your-report"], out=out)


def read_csv(path: Path) -> pd.DataFrame:
    """A table as anybody reads it, to the last digit."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def test_csv_of_a_run(lying: RunResult, tmp_path: Path) -> None:
    found = read_csv(export(lying, "csv", tmp_path / "r.csv"))
    assert found["environment"].tolist() == ["oil-leases-prior"] * 2
    pd.testing.assert_frame_equal(found.drop(columns=["environment", "mechanism"]), lying.agents, check_exact=True)


def test_csv_of_a_stress_test(stressed: StressResult, tmp_path: Path) -> None:
    found = read_csv(export(stressed, "csv", tmp_path / "s.csv"))
    assert len(found) == len(stressed.gains)
    for column in ("mechanism", "family", "agent", "strategy", "case"):
        assert found[column].tolist() == stressed.gains[column].tolist()
    for column in ("gain", "half_width", "exact"):
        assert np.array_equal(found[column].to_numpy(float), stressed.gains[column].to_numpy(float), equal_nan=True)


def test_csv_of_a_tournament(three: Tournament, tmp_path: Path) -> None:
    found = read_csv(export(three, "csv", tmp_path / "t.csv"))
    pd.testing.assert_frame_equal(found, pd.concat(map(payoff_table, three.parts), ignore_index=True), check_exact=True)
    (pivot,) = [part for part in three.parts if part.mechanism == "pivot"]
    one = read_csv(export(three, "csv", tmp_path / "p.csv", "pivot"))
    pd.testing.assert_frame_equal(one, payoff_table(pivot), check_exact=True)


def test_csv_of_a_sweep_is_its_table(swept: SweepResult, tmp_path: Path) -> None:
    found = read_csv(export(swept, "csv", tmp_path / "w.csv"))
    assert set(found["environment"]) == {"repeated-auction:horizon=2"}
    assert set(found["information"]) == {"ex_ante"}
    for column in ("discount", "best_response", "welfare", "revenue", "largest_transfer"):
        assert np.array_equal(found[column], swept.figures[column], equal_nan=True)
    assert found["mechanism"].tolist() == swept.figures["mechanism"].tolist()


def test_arrays_of_a_sweep_are_its_table(swept: SweepResult, tmp_path: Path) -> None:
    data = np.load(export(swept.folder, "npz", tmp_path / "w.npz"), allow_pickle=False)
    assert data["options"].tolist() == ["discount", "balanced:base"]
    assert data["option: discount"].tolist() == swept.figures["discount"].tolist()
    assert set(data["option: balanced:base"].tolist()) == {"", "pivot", "team"}
    for name in ("best_response", "welfare", "budget"):
        assert data[name].tolist() == swept.figures[name].tolist()
    assert data["best_response"].max() > 0, "paying one's report invites a lie"
    assert not data["best_response_error"].any(), "exact"


def test_latex_of_a_sweep_has_a_table_per_mechanism(swept: SweepResult, tmp_path: Path) -> None:
    balanced, naive = read_tables(export(swept, "latex", tmp_path / "w.tex").read_text(encoding="utf-8"))
    assert balanced.heads[:3] == ["discount", "balanced:base", "best response"]
    assert naive.heads[:2] == ["discount", "best response"]
    assert (len(balanced.rows), len(naive.rows)) == (4, 2)
    assert "(exact)" in naive.caption
    worst = swept.figures.query("mechanism == 'pay-your-report'")["best_response"].tolist()
    assert [row[1] for row in naive.rows] == [amount(value) for value in worst]


def test_a_sweep_is_no_game(swept: SweepResult, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a sweep is no game, which gambit holds; give --to csv, latex, npz"):
        export(swept, "gambit", tmp_path / "w.nfg")


def test_arrays_of_a_stress_test_are_its_table(stressed: StressResult, tmp_path: Path) -> None:
    data = np.load(export(stressed, "npz", tmp_path / "s.npz"), allow_pickle=False)
    axes = [data[name].tolist() for name in ("mechanisms", "families", "agents")]
    assert axes[2] == ["firm 1", "firm 2"]
    assert data["gain"].shape == tuple(map(len, axes))
    for row in stressed.gains.to_dict("records"):
        place = tuple(axis.index(row[key]) for axis, key in zip(axes, ("mechanism", "family", "agent"), strict=True))
        assert data["gain"][place] == row["gain"]
        assert data["gain_error"][place] * 1.959964 == pytest.approx(row["half_width"], rel=1e-6)
        assert np.array_equal(data["exact"][place], row["exact"], equal_nan=True)
    assert np.isfinite(data["gain"]).sum() == len(stressed.gains)
    welfare = dict(zip(axes[0], data["welfare"].tolist(), strict=True))
    assert welfare == dict(zip(stressed.mechanisms["mechanism"], stressed.mechanisms["welfare"], strict=True))
    assert str(data["command"]) == stressed.command
    assert str(data["configuration"]) == read_run(stressed.folder).manifest["configuration_hash"]


def test_arrays_of_a_run_are_its_table(lying: RunResult, tmp_path: Path) -> None:
    data = np.load(export(lying, "npz", tmp_path / "r.npz"), allow_pickle=False)
    for key in ("payoff", "gain"):
        assert data[key].tolist() == lying.agents[key].tolist()
        assert data[f"{key}_error"] * 1.959964 == pytest.approx(lying.agents[f"{key}_half_width"].to_numpy(), rel=1e-6)
    assert data["strategies"].tolist() == lying.agents["strategy"].tolist()


# LaTeX


def test_latex_of_a_stress_test(stressed: StressResult, tmp_path: Path) -> None:
    text = export(stressed, "latex", tmp_path / "s.tex").read_text(encoding="utf-8")
    gains, worth = read_tables(text)
    assert f"command: {stressed.command}" in text.splitlines()[0]
    for one in (gains, worth):
        assert "oil-leases-prior (200 episodes, seed 0)" in one.caption
        assert [row[0] for row in one.rows] == ["cremer-mclean", "linked"]
    assert (gains.label, worth.label) == ("tab:leases-gains", "tab:leases-worth")
    cells = dict(zip(gains.heads, gains.rows[0], strict=True))
    assert (cells["verdict"], cells["one-shot"], cells["best-response"]) == ("breaks", "–", "2.00")
    misreport = stressed.gains.query("mechanism == 'cremer-mclean' and family == 'misreport'").iloc[0]
    assert cells["misreport"] == f"({amount(misreport['gain'])} ± {amount(misreport['half_width'])})"
    assert set(gains.rows[1][2:]) == {"–"}
    (row,) = stressed.mechanisms.query("mechanism == 'linked'").to_dict("records")
    assert worth.rows[1][1] == "0.00"
    assert worth.rows[1][3] == f"{amount(row['revenue'])} ± {amount(row['revenue_half_width'])}"


def test_latex_of_a_run(lying: RunResult, tmp_path: Path) -> None:
    (found,) = read_tables(export(lying, "latex", tmp_path / "r.tex").read_text(encoding="utf-8"))
    assert "cremer-mclean on oil-leases-prior (60 episodes, seed 0)" in found.caption
    assert found.label == "tab:lie-1"
    row = lying.agents.iloc[1]
    assert found.rows[1] == [
        "firm 2", "truthful", f"{amount(row['payoff'])} ± {amount(row['payoff_half_width'])}",
        f"{amount(row['gain'])} ± {amount(row['gain_half_width'])}",
    ]  # fmt: skip


def test_latex_of_a_tournament(three: Tournament, tmp_path: Path) -> None:
    tables = read_tables(export(three, "latex", tmp_path / "t.tex").read_text(encoding="utf-8"))
    for part, found in zip(three.parts, tables, strict=True):
        assert f"{part.mechanism} on {part.environment} (40 episodes per profile, seed 0)" in found.caption
        holds = all(gain < 1e-6 for gain in part.search.gains.values())
        assert ("Truth by all holds: no deviation" in found.caption) == holds
        assert ("by a best response (exact)." in found.caption) == (not holds)
        assert [row[0] for row in found.rows] == [part.game.label(one.profile) for one in part.game.regrets]
        assert [row[1] for row in found.rows] == [amount(one.value) for one in part.game.regrets]


def test_the_names_of_profiles_are_explained_in_latex(three: Tournament, tmp_path: Path) -> None:
    text = export(three.parts[0].folder, "latex", tmp_path / "t.tex").read_text(encoding="utf-8")
    said = " ".join(text.split())
    assert "Names of profiles: in " in said
    assert " play" in said.split("Names of profiles: in ")[1]


@pytest.mark.parametrize("name", [*ODD, "$x$ & \\input{x}", "100 % #1 ~ ^^ __ `` '' ,, --", "[2ex] x", "* y"])
def test_names_are_shown_as_they_are(name: str, stressed: StressResult, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "run.json").write_bytes((stressed.folder / "run.json").read_bytes())
    data = renamed(read_result(stressed.folder), {"cremer-mclean": name, "oil-leases-prior": name})
    save_result(folder, "stress", data)
    gains, worth = read_tables(export(folder, "latex", tmp_path / "s.tex").read_text(encoding="utf-8"))
    assert gains.rows[0][0] == worth.rows[0][0] == one_line(name)
    assert f"on {one_line(name)} (200 episodes" in worth.caption
    assert read_csv(export(folder, "csv", tmp_path / "s.csv"))["mechanism"][0] == name


@given(st.text(st.sampled_from("a-1 \\{}$&#%_^~<>|\"`'[]*,→±∞δ–\t\n\0\u202e"), max_size=12))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    made = escaped(text)
    assert "\n" not in made
    assert shown(made) == one_line(text)
    (found,) = read_tables(table(["x", "y"], "lr", [[text, text]], "c", text or "t"))
    assert len(found.rows) == 1


def test_a_table_that_latex_would_not_read_is_caught() -> None:
    good = table(["x"], "l", [["1"]], "c", "t")
    assert read_tables(good)
    for old, new in (
        ("1 \\\\", "1 & 2 \\\\"),
        ("1", "50 %"),
        ("1", "a_b"),
        ("1", "\\foo"),
        ("1", "{"),
        ("1", "[x]"),
        ("\\midrule", ""),
    ):
        with pytest.raises(AssertionError):
            read_tables(good.replace(old, new, 1))


# Errors


def refused(*arguments: Any, **options: Any) -> str:
    """The line that is said."""
    with pytest.raises(InputError) as error:
        export(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_cannot_go_out_is_one_line(
    three: Tournament, part: Tournament, stressed: StressResult, lying: RunResult, tmp_path: Path
) -> None:
    assert refused(lying, "gambit").endswith(
        "a single run is no game, which gambit holds; give --to csv, latex, npz, or play a tournament"
    )
    assert "a stress test is no game, which samplegame holds" in refused(stressed, "samplegame")
    assert "choose one with --mechanism: pivot, pay-your-report" in refused(three, "gambit")
    assert "no mechanism 'team'; there are pivot, pay-your-report" in refused(three, "npz", mechanism="team")
    assert "not every profile was played; give --to gameanalysis, csv or npz" in refused(part, "gambit")
    assert "leave out --mechanism" in refused(lying, "csv", mechanism="cremer-mclean")
    assert refused(lying, "xml") == "export: 'xml' is none of gambit, gameanalysis, samplegame, csv, latex, npz"
    assert "no such run folder" in refused(tmp_path / "absent", "csv")
    assert "export: int: has no run folder" in refused(3, "csv")
    assert "cannot be written" in refused(lying, "csv", tmp_path / "none" / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_named_after_the_run(lying: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert export(lying.folder, "latex") == Path("lie_1.tex")
    assert export(str(lying.folder), "npz").is_file()
    monkeypatch.chdir(lying.folder)
    assert export(".", "csv", tmp_path / "x.csv").is_file()
