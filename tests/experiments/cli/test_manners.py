"""What every command takes: --json with a schema, --quiet, --verbose; errors in one line, as JSON too."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import ValidationError
from rich.console import Console

from dynmech.experiments.cli.app import app
from dynmech.experiments.cli.json_shapes import ErrorShape
from dynmech.experiments.cli.result_shapes import SHAPES, json_schemas
from dynmech.experiments.cli.screens.verdict_text import show_refusals
from dynmech.experiments.designs.mapping import possibility_map
from tests.builders.cli_calls import CALLS, CODES, STUDY, enter, exit_code
from tests.builders.runs import ROOT

COMMANDS: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # a group

MANNERS = {"as_json": ["--json"], "quiet": ["--quiet", "-q"]}
"""Options that every command has."""


@pytest.fixture(autouse=True)
def here(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(prepared, tmp_path, monkeypatch)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


def strict(text: str) -> Any:
    """JSON without numbers that JSON does not have."""

    def no_such_number(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=no_such_number)


def test_every_command_has_a_call() -> None:
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_options(command: str) -> None:
    options = {name: parameter.opts for parameter in COMMANDS[command].params for name in [parameter.name]}
    for name, flags in MANNERS.items():
        assert options.get(name) == flags
    assert {"--verbose", "-v"} <= set(options.get("verbose") or options["why"])


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_object_that_says_its_schema(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([*CALLS[command], "--json", "--quiet"]) == CODES.get(command, 0)
    output = capsys.readouterr()
    data = strict(output.out)
    assert isinstance(data, dict)
    assert data["schema"] == 2
    assert len(data) > 1
    assert "error" not in data
    assert output.err == "", "quiet: no progress"
    if command in SHAPES:
        SHAPES[command].model_validate(data)
        with pytest.raises(ValidationError):
            SHAPES[command].model_validate({**data, "more": 0})


def test_a_map_of_designs_has_its_shape() -> None:
    found = possibility_map("oil-leases")
    data = json.loads(json.dumps({"schema": 2, **found.data()}))
    assert SHAPES["design"].model_validate(data)
    for wrong in ({**data, "more": 0}, {**data, "cells": [{**data["cells"][0], "status": "maybe"}]}):
        with pytest.raises(ValidationError):
            SHAPES["design"].model_validate(wrong)


def test_the_published_schemas_are_these() -> None:
    kept = json.loads((ROOT / "docs" / "commands.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schemas()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_error_is_json_too_and_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--no-such-flag"], ["an", "argument", "too many", "of", "them"]):
        words = [*CALLS[command], *wrong] if command not in ("check", "sweep") else [command, *wrong]
        assert exit_code([*words, "--json"]) == 2, words
        output = capsys.readouterr()
        data = strict(output.out)
        ErrorShape.model_validate(data)
        assert set(data) == {"schema", "error"}
        assert data["schema"] == 2
        assert output.err == f"dynmech: {data['error']}\n"


def test_an_interrupt_is_json_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dynmech.experiments.report.page.report", interrupted)
    assert exit_code(["report", "lie", "--json"]) == 130
    output = capsys.readouterr()
    assert strict(output.out) == {"schema": 2, "error": "interrupted; the same line resumes"}
    assert output.err == "dynmech: interrupted; the same line resumes\n"


QUIET = {
    "check": r"strategy 'mine': holds on oil-leases\n",
    "new": r"fresh\.py\ntest_fresh\.py\n",
    "run": r"Under cremer-mclean on oil-leases-prior, firm 1 plays .*\nr\n",
    "stress": r"On oil-leases-prior, linked holds: .*\ns\n",
    "audit": r".*breaks.*\n",
    "equilibrium": r"cremer-mclean on oil-leases-prior: after 1 round of replies an equilibrium: .*\n",
    "tournament": r"4 profiles: truth by all .*\nt\n",
    "report": r"run\.html\n",
    "replay": r"cremer-mclean, episode \d+: firm 1 plays .*\n",
    "bound": r"two-period-sale: no mechanism earns more than .*\n",
    "export": r"lie\.csv\n",
    "sweep": r"pivot: no deviation gains anything ex ante\nruns/sweep-[\w-]+\n",
    "verify": r"proved\n",
    "robust": r"pivot: a lie gains .*\nb\n",
    "estimate": r"oil-leases-prior: 10 laws, .*\nestimated\.json\n",
    "design": r"Without memory, .* truth cannot be made best for firm 1 .*\n",
    "reproduce": r"Of 2 claims 1 agrees and 1 fails\.\n",
}
"""What is left of the screen."""


@pytest.mark.parametrize("command", COMMANDS)
def test_quiet_leaves_the_verdict_and_what_was_written(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([*CALLS[command], "--quiet"]) == CODES.get(command, 0)
    output = capsys.readouterr()
    assert output.err == ""
    assert set(QUIET) == set(COMMANDS) - {"list"}
    if command == "list":
        assert "best-response" in output.out.splitlines()
        assert all(re.fullmatch(r"[a-z0-9-]+", line) for line in output.out.splitlines())
    else:
        assert re.fullmatch(QUIET[command], output.out), output.out
    assert exit_code([*CALLS[command], "--quiet", "--no-such-flag"]) == 2
    assert capsys.readouterr().err.startswith("dynmech: "), "errors are still said"


@pytest.mark.parametrize("command", COMMANDS)
def test_verbose_says_how_long_it_took_on_standard_error_only(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([*CALLS[command], "-v"]) == CODES.get(command, 0)
    output = capsys.readouterr()
    assert re.fullmatch(rf"{command}: \d+\.\d s", output.err.splitlines()[-1])
    assert not re.search(r"\b\d+\.\d s\b", output.out)


@pytest.mark.parametrize("command", ["list", "bound", "replay"])
def test_flags_may_stand_anywhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = CALLS[command]
    assert exit_code([first, "--json", *rest]) == 0
    before = capsys.readouterr().out
    assert exit_code([first, *rest, "--json"]) == 0
    assert capsys.readouterr().out == before


def test_what_was_named_and_not_played_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    Path("study.toml").write_text(STUDY.replace('["cremer-mclean"]', '["linked", "minimum-rent", "once:base=team"]'))
    assert exit_code(["tournament", "study.toml"]) == 1, "it was asked for"
    text = capsys.readouterr().out
    assert "(--why says why)" not in text
    assert re.search(r"^minimum-rent on oil-leases-prior: not played, \w.*", text, re.MULTILINE)


def test_what_nobody_named_is_one_line_until_one_asks_why(capsys: pytest.CaptureFixture[str]) -> None:
    refusals = {name: f"it does not fit {name}" for name in ("one", "two", "three")}
    console = Console(width=80)
    show_refusals(refusals, console, why=False, asked=["two"])
    assert capsys.readouterr().out == "two: not played, it does not fit two\nNot played: one, three (--why says why).\n"
    show_refusals(refusals, console, why=True)
    assert capsys.readouterr().out.splitlines() == [f"{name}: not played, {why}" for name, why in refusals.items()]
