"""`dynmech export` on the command line."""

import json
import shlex
import tomllib
from html import unescape
from pathlib import Path

import pytest

from dynmech import export, write_plots
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.export import TO
from dynmech.experiments.exports.exporting import FORMATS
from dynmech.experiments.runs.running import run
from dynmech.experiments.tournament.loading import check_tournament
from dynmech.experiments.tournament.playing import tournament


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run."""
    path = tmp_path_factory.mktemp("export") / "leases"
    return run("oil-leases", "linked", episodes=20, log="summary", out=path).folder


def ended(line: str, code: int, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What a command says."""
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(line))
    out, err = capsys.readouterr()
    assert stop.value.code == code, err
    return out, err


def test_the_name_of_the_file_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    out, _ = ended(f"export {folder} --to csv", 0, capsys)
    assert out == "file: leases.csv\n"
    assert (tmp_path / "leases.csv").read_text(encoding="utf-8").startswith("environment,mechanism,agent")
    out, _ = ended(f"export {folder} --to latex -o table.tex --json", 0, capsys)
    assert json.loads(out) == {"schema": 2, "file": "table.tex", "to": "latex"}
    assert (tmp_path / "table.tex").is_file()


def test_what_is_wrong_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line, said in (
        (f"export {folder}", "--to is missing; it is one of gambit, "),
        ("export oil-leases linked pivot", "takes one run folder, or an economy and a mechanism"),
        (f"export {folder} --to gambit", "a single run is no game, which gambit holds"),
        (f"export {folder} --to pdf", "'pdf' is none of gambit, "),
    ):
        out, err = ended(line, 2, capsys)
        assert out == ""
        assert said in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("to", "name", "said"),
    [
        ("latex", "table.csv", ".csv is of csv; let the name end in .tex, or give --to csv"),
        ("csv", "Table.TEX", ".tex is of latex; let the name end in .csv, or give --to latex"),
        ("npz", "table.json", ".json is of gameanalysis; let the name end in .npz, or give --to gameanalysis"),
    ],
)
def test_a_file_is_not_called_as_another_format_is(
    to: str, name: str, said: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = ended(f"export {folder} --to {to} -o {tmp_path / name}", 2, capsys)
    assert err == f"dynmech: export: {tmp_path / name}: {said}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["table", "table.txt", "table.v2.csv", "TABLE.CSV"])
def test_a_file_may_have_a_suffix_of_no_format(
    name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(f"export {folder} --to csv -o {tmp_path / name}", 0, capsys)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith("environment,mechanism,agent")


def test_formats_are_those_that_there_are() -> None:
    assert list(TO) == list(FORMATS)


CALLS = {
    "run": "run oil-leases-prior cremer-mclean --strategy 0=misreport:map=flip --episodes 20 --log summary --out r",
    "stress": "stress oil-leases-prior --mechanism linked --episodes 20 --log summary --out s",
    "tournament": "tournament study.toml --out t",
}

STUDY = """
environment = "oil-leases-prior"
mechanisms = ["cremer-mclean"]
episodes = 20
[strategies]
truth = "truthful"
flip = "misreport:map=flip"
"""


@pytest.mark.parametrize("command", CALLS)
def test_a_command_draws_into_a_file(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    _, err = ended(f"{CALLS[command]} --plot picture.gif", 2, capsys)
    assert err == "dynmech: picture.gif: pictures are PDF, SVG or PNG; let the name end in .pdf, .svg or .png\n"
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"], "nothing was played"
    out, _ = ended(f"{CALLS[command]} --plot picture.svg", 0, capsys)
    assert "picture.svg" in out
    assert "configuration=" in (tmp_path / "picture.svg").read_text(encoding="utf-8")


def test_files_of_a_tournament_say_the_line_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my licence.toml").write_text(STUDY, encoding="utf-8")
    line = "dynmech tournament 'my licence.toml' --set episodes=10"
    ended(f"{line.removeprefix('dynmech ')} --out t --plot picture.svg", 0, capsys)
    ended("export t --to gambit -o game.nfg", 0, capsys)
    ended("export t --to latex -o game.tex", 0, capsys)
    drawn = write_plots("t", "drawn", "svg")
    for file in (Path("picture.svg"), Path("game.nfg"), Path("game.tex"), *drawn):
        assert line in unescape(file.read_text(encoding="utf-8")), file


def test_files_of_a_tournament_without_a_study_file_say_where_the_study_is(tmp_path: Path) -> None:
    study = check_tournament({**tomllib.loads(STUDY), "episodes": 10, "out": str(tmp_path / "t")}, "s")
    found = tournament(study)
    assert found.command is None
    text = export(found, "gambit", tmp_path / "game.nfg").read_text(encoding="utf-8")
    assert "command: dynmech tournament, study in run.json" in text
