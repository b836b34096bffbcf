"""`dynmech sweep`: the same numbers as from Python, as a table, as JSON and CSV, and as a picture."""

import json
import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from dynmech import write_plots
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.screens.sweep_screen import show_sweep
from dynmech.experiments.sweeps.sweeping import sweep
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.payment_terms import PaymentTerms

GRID = (
    "repeated-auction:horizon=2 --vary discount=0.5,0.9 --vary values=2,3 --mechanism pivot --mechanism pay-your-report"
)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def swept(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as left:
        main(["sweep", *shlex.split(line)])
    found = capsys.readouterr()
    assert left.value.code == code, found.err
    return found.err if code == 2 else found.out


def test_a_grid_is_a_table_that_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = swept(capsys, f"{GRID} --csv grid.csv --plot grid.png --out grid")
    lines = [line for line in shown.splitlines() if not line.startswith("To play")]  # these are pasted, not read
    assert max(map(len, lines)) <= 80
    assert "pivot: no deviation gains anything ex ante at any of 4 points." in shown
    found = sweep(
        "repeated-auction:horizon=2",
        {"discount": [0.5, 0.9], "values": [2, 3]},
        ["pivot", "pay-your-report"],
        out="grid",
    )
    assert found.reused
    worst = found.figures["best_response"].max()
    (row,) = [line for line in shown.splitlines() if f"{worst:.4g}" in line and line.startswith("0.9")]
    assert row.split()[:2] == ["0.9", "3"]
    kept = pd.read_csv("grid.csv")
    assert kept["best_response"].tolist() == pytest.approx(found.figures["best_response"].tolist())
    assert list(kept.columns) == list(found.figures.columns)
    assert Path("grid.png").read_bytes().startswith(b"\x89PNG")
    assert "nothing was worked out again" in swept(capsys, f"{GRID} --out grid")
    data = json.loads(swept(capsys, f"{GRID} --out grid --json"))
    assert data["schema"] == 2
    assert data["cells"] == found.to_dict()["cells"]
    interim = pd.read_csv(StringIO(swept_csv(capsys, f"{GRID} --out grid --information interim")))
    assert interim["best_response"].max() > worst


def swept_csv(capsys: pytest.CaptureFixture[str], line: str) -> str:
    swept(capsys, f"{line} --csv other.csv")
    return Path("other.csv").read_text(encoding="utf-8")


def test_correlation_is_a_case_and_what_does_not_fit_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    line = "common-state --vary informativeness=0.4,0.2,0 --mechanism contingent-spanning"
    shown = swept(capsys, f"{line} --plot fading.png --against singular_value", code=1)
    assert "least" in shown
    assert "hull" in shown
    assert "informativeness=0: " in shown
    assert "what the others may say cancels" in " ".join(shown.split())
    assert Path("fading.png").exists()
    assert swept(capsys, "common-state --vary informativeness=0.4 --mechanism contingent-spanning")


def test_a_plug_in_that_fails_is_a_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text(
        "from dynmech import DirectMechanism\n\n\n"
        "class Mine(DirectMechanism):\n"
        "    name = 'mine'\n\n"
        "    def charge(self, now, messages, decision, acts):\n"
        "        if self.environment.discount > 0.8:\n"
        "            raise RuntimeError('too patient')\n"
        "        return messages * 0.0\n\n"
        "    def transfer_bound(self):\n"
        "        return 0.0\n",
        encoding="utf-8",
    )
    line = "repeated-auction:horizon=2 --vary discount=0.5,0.9 --mechanism mine --plugin mine.py --out mine"
    shown = swept(capsys, line, code=1)
    assert shown.count("failed: ") == 1
    assert "mechanism 'mine'" in shown
    assert "too patient" in shown
    assert "bidder 1 gains" in shown  # at 0.5, where it is free
    assert swept(capsys, line.replace("discount=0.5,0.9", "discount=0.5").replace("--out mine", "--out half"))


@pytest.mark.parametrize("payments", ["", " --payments voluntary"])
def test_the_line_plays_the_worst_deviation_where_it_gains_most(
    capsys: pytest.CaptureFixture[str], payments: str
) -> None:
    shown = swept(capsys, f"{GRID} --episodes 400{payments}")
    told = [line for line in shown.splitlines() if line.startswith("To play the worst deviation: ")]
    line = told[-1].partition(": ")[2]
    words = shlex.split(line)
    assert words[:4] == ["dynmech", "run", "repeated-auction:horizon=2,discount=0.9,values=3", "pay-your-report"]
    found = sweep(
        "repeated-auction:horizon=2",
        {"discount": ["0.9"], "values": ["3"]},
        ["pay-your-report"],
        payments=PaymentTerms("exclude") if payments else None,
        out="one",
    )
    with pytest.raises(SystemExit) as left:
        main([*words[1:], "--json", "--quiet"])
    assert not left.value.code
    agents = {row["agent"]: row for row in json.loads(capsys.readouterr().out)["agents"]}
    row = agents[words[5].partition("=")[0]]
    exact = found.figures["best_response"].max()
    assert exact > 0.1
    assert row["gain"] == pytest.approx(exact, abs=2 * row["gain_half_width"])
    if not payments:
        assert len(told) == 1, "of pivot, where nobody gains, there is none"


def test_the_line_plays_what_was_found_and_nothing_where_that_is_not_known() -> None:
    found = sweep("repeated-auction:horizon=2", {"values": [3]}, ["pay-your-report"], out="one")
    (cell,) = found.cells

    def told(backend: str, environment: str = found.environment, **more: object) -> list[str]:
        gains = [{**row, **more} for row in cell["gains"]]
        other = replace(found, environment=environment, cells=[{**cell, "backend": backend, "gains": gains}])
        console = Console(record=True, file=StringIO(), width=200)
        show_sweep(other, "ex_ante", {}, console, why=False)
        lines = [line for line in console.export_text().splitlines() if line.startswith("To play")]
        return [word for line in lines for word in shlex.split(line) if "=" in word][:2]

    assert told("exact") == ["repeated-auction:horizon=2,values=3", "bidder 1=best-response"]
    assert told("simulated", strategy="misreport:map=down", half_width=0.0)[1] == "bidder 1=misreport:map=down"
    assert told("bounds") == []
    assert told("exact", environment="economy.json") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "common-state informativeness 0.8 0.4",
            "common-state --vary informativeness=0.8,0.4 --mechanism contingent-spanning",
        ),
        ("common-state informativeness", "common-state --vary informativeness=VALUE,… --mechanism contingent-spanning"),
        (
            "graded-ore echo 0.6 --mechanism contingent-convex",
            "graded-ore --vary echo=0.6 --mechanism contingent-convex",
        ),
        (
            "continuous-licence ridge 0.1 0.01",
            "continuous-licence --vary contingent-density:ridge=0.1,0.01 --mechanism contingent-density:method=ridge",
        ),
    ],
)
def test_the_old_form_names_the_new_one(capsys: pytest.CaptureFixture[str], old: str, new: str) -> None:
    assert swept(capsys, old, code=2) == f"dynmech: sweep: write dynmech sweep {new}\n"


def test_the_line_that_is_named_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    said = swept(capsys, "common-state informativeness 0.4", code=2)
    assert swept(capsys, said.partition("dynmech sweep ")[2].strip())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("spectrum --vary weather=1 --mechanism pivot", "unknown option 'weather'"),
        ("spectrum --vary discount=1.5 --mechanism pivot", "discount: 1.5 is not in"),
        ("spectrum --mechanism pivot", "nothing varies; write --vary OPTION=VALUE"),
        ("spectrum --vary discount --mechanism pivot", "--vary 'discount': write OPTION=VALUE"),
        ("spectrum --vary balanced:base=team --mechanism pivot", "add --mechanism balanced"),
        ("spectrum --vary discount=0.5 --mechanism magic", "unknown mechanism 'magic'"),
        ("spectrum --vary discount=0.5 --mechanism pivot --information all", "--information 'all': one of ex_ante"),
        ("spectrum --vary discount=0.5 --mechanism pivot --workers -1", "workers: -1 is below 0"),
        ("nowhere.json --vary discount=0.5 --mechanism pivot", "nowhere.json"),
    ],
)
def test_bad_input_gets_one_line(capsys: pytest.CaptureFixture[str], line: str, why: str) -> None:
    said = swept(capsys, line, code=2)
    assert why in said
    assert len(said.strip().splitlines()) == 1
    assert not Path("runs").exists()


def test_a_page_of_a_sweep_is_refused_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    swept(capsys, "repeated-auction:horizon=2,values=2 --vary discount=0.5 --mechanism pivot --out small")
    with pytest.raises(SystemExit) as left:
        main(["report", "small", "-o", "page.html"])
    assert left.value.code == 2
    assert "there is no page of a sweep" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--case", "prescribed"]])
def test_a_replay_of_a_sweep_is_refused_in_a_line(capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    swept(capsys, "repeated-auction:horizon=2,values=2 --vary discount=0.5 --mechanism pivot --out small")
    with pytest.raises(SystemExit) as left:
        main(["replay", "small", *more])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "small: is a sweep, which keeps figures, no episodes; draw it by `dynmech sweep … --plot FILE`" in said
    assert len(said.splitlines()) == 1


def test_pictures_of_a_sweep_are_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    swept(capsys, "repeated-auction:horizon=2,values=2 --vary discount=0.5 --mechanism pivot --out small")
    with pytest.raises(InputError, match=r"^small: is a sweep, .* in Python dm\.sweep\(…\)\.plot\(FILE\)$"):
        write_plots("small", "drawn")
    assert not Path("drawn").exists()


@pytest.mark.parametrize(
    "against", ["discout", "informativeness", "pivot:fees"], ids=["misspelt", "not varied", "of a mechanism"]
)
def test_what_is_not_there_to_draw_against_is_refused_before_anything_is_played(
    capsys: pytest.CaptureFixture[str], against: str
) -> None:
    line = "repeated-auction:horizon=2,values=2 --vary discount=0.5,0.6 --mechanism pivot --out small"
    said = swept(capsys, f"{line} --plot small.png --against {against}", code=2)
    assert f"cannot draw against {against!r}; there are discount" in said
    assert len(said.splitlines()) == 1
    assert not Path("small").exists()


def test_the_panels_of_the_picture_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    swept(capsys, f"{GRID} --out grid --plot all.png")
    swept(capsys, f"{GRID} --out grid --plot two.png --panels best-response,welfare")
    sweep("repeated-auction:horizon=2", {"discount": [0.5, 0.9], "values": [2, 3]}, ["pivot", "pay-your-report"],
          out="grid").plot("python.png", panels=["best_response", "welfare"])  # fmt: skip
    assert Path("two.png").read_bytes() == Path("python.png").read_bytes() != Path("all.png").read_bytes()
    said = swept(capsys, f"{GRID} --out grid --plot no.png --panels best", 2)
    assert "there is no panel 'best'; there are best_response, welfare" in said
    assert "--panels needs --plot FILE" in swept(capsys, f"{GRID} --out grid --panels welfare", 2)
