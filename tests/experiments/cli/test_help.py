"""Help: two examples that work and the exit codes for every command, readable at 80 columns."""

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.certificates.certified_audit import certify
from dynmech.experiments.cli.app import app, main
from dynmech.experiments.cli.help_text import HELP
from tests.builders.cli_calls import CODES, STUDY, PlantedPaper, exit_code
from tests.builders.runs import strategy

COMMANDS: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # a group

LONG = {"export runs/study --to gambit --mechanism pivot -o pivot.nfg",
        "check shade.py", "bound non-separable:grid=midpoints --relaxed", "reproduce --json > claims.json",
        "stress oil-leases-prior --workers 0 --log summary --out runs/oil"}  # fmt: skip
"""Examples that take longer, need a shell, or need a tournament: they are read, not run."""


def helped(command: str, columns: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The help of a command."""
    monkeypatch.setenv("COLUMNS", columns)
    with contextlib.redirect_stdout(io.StringIO()) as screen, pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert not stopped.value.code
    return screen.getvalue()


def examples(text: str) -> list[str]:
    """What help tells to type, without `dynmech`."""
    return re.findall(r"^ +dynmech (.*)$", text.partition("Examples:")[2], re.MULTILINE)


def test_every_command_has_help() -> None:
    assert set(HELP) == set(COMMANDS)


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_two_examples_and_the_exit_codes(command: str, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = helped(command, columns, monkeypatch)
    assert max(map(len, text.splitlines())) <= int(columns)
    assert examples(text) == list(HELP[command].examples)
    told = text.partition("Exit codes:")[2].strip().splitlines()
    codes = dict(re.split(r"\s{2,}", line.strip()) for line in told)
    assert list(codes) == ["0", *(["1"] if HELP[command].look else []), "2", "129, 130, 143", "141"]
    assert all(codes.values())
    assert HELP[command].look or command not in CODES


@pytest.mark.parametrize(("command", "example"), [(name, line) for name in HELP for line in HELP[name].examples])
def test_an_example_can_be_read(command: str, example: str) -> None:
    first, *words = shlex.split(example.partition(" > ")[0])
    assert first == command
    context = COMMANDS[command].make_context(command, words)
    assert context.params
    with pytest.raises(Exception, match="No such option"):
        COMMANDS[command].make_context(command, [*words, "--no-such-flag"])


@pytest.fixture(scope="module")
def lie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which the examples speak, and proofs beside it."""
    folder = tmp_path_factory.mktemp("lie") / "lie"
    for name in ("proof.json", "proof.json.gz"):
        certify(audit("oil-leases-prior", "linked"), folder.with_name(name))
    run = ["run", "oil-leases-prior", "cremer-mclean", "--episodes", "40", "--strategy", "0=misreport:map=flip"]
    assert exit_code([*run, "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.mark.parametrize("example", [line for text in HELP.values() for line in text.examples if line not in LONG])
def test_an_example_works(example: str, lie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dynmech.experiments.reproductions.claims.papers", lambda: {"liu": PlantedPaper})
    shutil.copytree(lie, "runs/lie")
    for name in ("proof.json", "proof.json.gz"):
        shutil.copy(lie.with_name(name), name)
    Path("study.toml").write_text(STUDY, encoding="utf-8")
    Path("shade.py").write_text(strategy("shade", "return view.prescribed", head="width = 0"), encoding="utf-8")
    words = shlex.split(example)
    words += ["--episodes", "40"] if words[0] in ("run", "stress") else []
    assert exit_code(words) in (0, CODES.get(words[0], 0))
