"""Run folders and journals, and what they hold."""

from pathlib import Path
from typing import Any

from dynmech.sim.log.journal import Journal
from dynmech.sim.log.run_folder import RunFolder


def entry(key: str, **facts: Any) -> dict[str, Any]:
    return {"key": key, **facts}


def everything(journal: Journal) -> dict[str, dict[str, Any]]:
    return {key: journal.read(key) for key in journal}


def folder(path: Path, seed: int = 1) -> RunFolder:
    return RunFolder(path, {"seed": seed}, {"python": "3"})
