"""A run folder of an older version gets one line, whatever is asked of it."""

import json
from pathlib import Path

import pytest

from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.results import read_run
from dynmech.sim.core.errors import InputError

RUN = ["run", "oil-leases-prior", "linked", "--episodes", "4"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as it was written before names changed: `conduct`, `lies` and `contingent` in its configuration."""
    folder = tmp_path / "old"
    (folder / "outcomes" / "mechanism=linked" / "case=prescribed").mkdir(parents=True)
    configuration = {"command": "run", "conduct": {"deadline": 0.0}, "families": ["contingent"], "lies": 1}
    manifest = {
        "schema": 1,
        "configuration": configuration,
        "configuration_hash": "0123456789abcdef",
        "seed": 0,
        "versions": {},
        "complete": True,
    }
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "shards.jsonl").write_text("", encoding="utf-8")
    (folder / "result.json").write_text(json.dumps({"kind": "run", "schema": 1}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "command",
    [["report", "OLD", "-o", "page.html"], ["replay", "OLD", "--case", "prescribed"], [*RUN, "--out", "OLD"]],
    ids=["report", "replay", "resume"],
)
def test_an_old_folder_gets_one_line(command: list[str], old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(old) if word == "OLD" else word for word in command])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    (line,) = [line for line in said.splitlines() if line.startswith("dynmech: ")]
    assert "was written by an older version (schema 1); play it again" in line


def test_an_old_folder_cannot_be_read(old: Path) -> None:
    with pytest.raises(InputError, match=r"older version \(schema 1\)"):
        read_run(old)
