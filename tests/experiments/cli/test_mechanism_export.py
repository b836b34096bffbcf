"""`export ENV MECHANISM`, and a mechanism's file where its name is meant."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dynmech as dm
from dynmech.experiments.cli.app import main
from dynmech.sim.core.errors import InputError, Refusal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return what a command prints as JSON."""
    with pytest.raises(SystemExit):
        main([*words, "--json"])
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


def test_the_file_is_named_after_the_mechanism(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = "balanced:base=pay-your-report"
    said = printed(capsys, "export", "repeated-auction", typed)
    assert (said["file"], said["to"]) == ("balanced.json", "mechanism")
    assert [path.name for path in here.iterdir()] == ["balanced.json"]
    file, name = (printed(capsys, "audit", "repeated-auction", one) for one in ("balanced.json", typed))
    assert (file["gains"], file["budget"], file["truth"]) == (name["gains"], name["budget"], name["truth"])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["oil-leases-prior", "linked", "--to", "csv"], "writes a mechanism file; leave --to and --mechanism out"),
        (["oil-leases-prior", "linked", "pivot"], "takes one run folder, or an economy and a mechanism"),
        (["continuous-licence", "contingent-density"], "only a mechanism for a finite environment can be written out"),
        (["oil-leases-prior", "linked", "-o", "no/such/folder.json"], "folder.json: cannot be written"),
    ],
)
def test_what_cannot_be_exported_gets_one_line(
    words: list[str], line: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["export", *words])
    said = capsys.readouterr()
    assert (stop.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert line in said.err
    assert list(here.iterdir()) == []


def test_another_file_is_another_run(here: Path) -> None:
    env = dm.load("oil-leases-prior")
    dm.save_mechanism(dm.make_mechanism("linked", env), "rules.json")
    runs: dict[str, Callable[[], Path]] = {
        "run": lambda: dm.run(env, "rules.json", {}, episodes=20, out=here / "run").folder,
        "stress": lambda: dm.stress(env, ["rules.json"], episodes=20, out=here / "stress").folder,
    }
    for play in runs.values():
        assert play() == play()
    manifest = json.loads((here / "run" / "run.json").read_text(encoding="utf-8"))
    assert list(manifest["configuration"]["mechanism_files"]) == ["rules.json"]
    shutil.copy("rules.json", "kept.json")
    dm.save_mechanism(dm.make_mechanism("cremer-mclean", env), "rules.json")
    for play in runs.values():
        with pytest.raises(InputError, match=r"holds another run: mechanism_files\.'?rules\.json"):
            play()
    shutil.move("kept.json", "rules.json")
    for play in runs.values():
        play()


def test_a_file_is_no_direct_mechanism(here: Path) -> None:
    env = dm.load("oil-leases-prior")
    dm.save_mechanism(dm.make_mechanism("linked", env), here / "rules.json")
    with pytest.raises(Refusal, match="its base 'linked' does not ask for signals"):
        dm.audit(env, f"once:base={here / 'rules.json'}")


def test_tables_made_in_python_have_no_line(here: Path) -> None:
    env = dm.load("oil-leases-prior")
    dm.save_mechanism(dm.make_mechanism("linked", env), "rules.json")
    rules = dm.load_mechanism("rules.json", env)
    assert "oil-leases-prior rules.json" in str(
        dm.run("oil-leases-prior", rules, {}, episodes=20, out=here / "run").command
    )
    rules.path = ""
    with pytest.raises(InputError, match="save_mechanism, and give the file"):
        dm.run(env, rules, {}, episodes=20, out=here / "other")
