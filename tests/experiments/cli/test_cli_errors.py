"""Whatever is wrong with what a user gives: exit code 2, one line on standard error, nothing on standard output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.cli.app import main
from tests.builders.bad_calls import BAD, RUN, strategy
from tests.builders.runs import ROOT


@pytest.fixture(autouse=True)
def no_plugins_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names from plug-ins end with the test."""
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        monkeypatch.setattr(registry, "_added", {})


def fails(call: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """The one line that a failing call leaves on standard error, progress lines aside."""
    with pytest.raises(SystemExit) as stopped:
        main(call)
    output = capsys.readouterr()
    assert stopped.value.code == code, output.err
    assert output.out == ""
    *progress, line = output.err.splitlines()
    assert all(
        text.partition(":")[0] in ("playing", "looking for deviations", "searching exactly") for text in progress
    )
    assert line.startswith("dynmech: ")
    assert "Traceback" not in output.err
    return line


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = BAD[name]
    monkeypatch.chdir(tmp_path)
    for path, text in bad.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    before = everything_below(tmp_path)
    line = fails(bad.call, capsys, bad.code)
    for fragment in bad.says:
        assert fragment in line
    assert everything_below(tmp_path) == before | bad.leaves, "a failed call leaves nothing else behind"


def test_there_are_at_least_thirty() -> None:
    assert len(BAD) >= 30


def test_the_spoilt_call_itself_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Else every case above could fail for the wrong reason.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(RUN)
    assert stopped.value.code == 0
    assert "linked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--seed", "1"], "seed is 0 there, 1 here"),
        (["--episodes", "21"], "episodes is 20 there, 21 here"),
        (["--strategy", "firm 1=random"], "strategies.firm 1 is \"truthful\" there, \"random\" here"),
        (["--deadline", "0.5"], "protocol.deadline is 0.0 there, 0.5 here"),
    ],
)  # fmt: skip
def test_out_holding_another_run_names_the_first_difference(
    change: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(RUN)
    capsys.readouterr()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert fails([*RUN, *change], capsys) == f"dynmech: out: holds another run: {said}; choose another --out"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_corrected_call_can_use_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fails([*RUN, "--strategy", "0=misreport:map=4/6/6"], capsys)
    with pytest.raises(SystemExit) as stopped:
        main([*RUN, "--strategy", "0=one-shot:map=6/4"])
    assert stopped.value.code == 0


MENU = "    @classmethod\n    def candidates(cls, context):\n        yield 1 / 0\n"
OPTIONS = "    def options(self):\n        return {'depth': '3'}\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (MENU, "strategy 'planted', candidates: ZeroDivisionError: division by zero (p.py, line 11)"),
        (OPTIONS, "strategy 'planted': its options() do not make it again"),
    ],
    ids=["menu", "options"],
)
def test_a_family_that_fails_in_a_stress_test_is_left_out_with_one_line(
    more: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.py").write_text(strategy("return view.prescribed") + more, encoding="utf-8")
    call = ["stress", "oil-leases", "--mechanism", "linked", "--episodes", "40", "--out", "out", "--plugin", "p.py"]
    with pytest.raises(SystemExit) as stopped:
        main([*call, "--json"])
    data = json.loads(capsys.readouterr().out)
    assert stopped.value.code == 1
    assert [(row["key"], row["tries"]) for row in data["failures"]] == [
        (f"mechanism=linked/case=firm-{k}.planted", 2) for k in (1, 2)
    ]
    assert all(said in row["failed"] for row in data["failures"])
    assert "planted" not in {row["family"] for row in data["gains"]}
    families = {"one-shot", "misreport", "contingent", "random"}  # no belief is manipulated in two periods
    assert {row["family"] for row in data["gains"]} == families
    with pytest.raises(SystemExit):
        main(call)
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("failed: ")]
    assert said.partition(":")[0] in line


def test_a_mistake_beside_an_empty_folder_leaves_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    fails([*RUN, "--strategy", "0=misreport:map=4/6/6"], capsys)
    assert everything_below(tmp_path) == {"out"}


def test_a_file_that_cannot_be_written_is_named_and_what_was_played_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The disk fills up at the fourth file: the second shard's first.
    moved = 0
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        nonlocal moved
        if target.suffix == ".parquet":
            moved += 1
            if moved > 3:
                raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.replace", full)
    line = fails([*RUN, "--shard", "10"], capsys)
    assert "shard-00001.parquet: cannot be written: No space left on device" in line
    assert [p for p in everything_below(tmp_path) if "partial" in p] == []
    monkeypatch.setattr("os.replace", replace)
    with pytest.raises(SystemExit) as stopped:
        main([*RUN, "--shard", "10"])
    assert stopped.value.code == 0
    assert len(list(tmp_path.rglob("*.parquet"))) == 6


def test_the_installed_command_fails_in_the_same_way(tmp_path: Path) -> None:
    # In a process of its own: nothing of Python's shows, whatever main() was called with above.
    for call, said in (
        (["run", "oil-leases", "likned"], "dynmech: unknown mechanism 'likned'; did you mean 'linked'?\n"),
        (
            ["stress", "nowhere/at-all.json"],
            "dynmech: nowhere/at-all.json: cannot be read: No such file or directory\n",
        ),
    ):
        done = subprocess.run(
            [sys.executable, "-c", "from dynmech.experiments.cli.app import main; main()", *call],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        )
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    assert list(tmp_path.iterdir()) == []
