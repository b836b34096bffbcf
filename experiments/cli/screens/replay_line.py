"""The line that plays again what was found: typed in a shell, it shows the lie."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text


def show_line(console: Console, what: str, line: str) -> None:
    """Print a command after a few words; never broken by us, so that it can be pasted."""
    console.print(Text(f"{what}: {line}", style="dim"), soft_wrap=True)


def replay_line(folder: Path, mechanism: str | None = None) -> str:
    """Return the line that shows the worst lie of a run folder, or that under one of its mechanisms."""
    return shlex.join(["dynmech", "replay", str(folder), *(["--mechanism", mechanism] if mechanism else [])])


def is_logged(folder: Path) -> bool:
    """Whether a run keeps the rows that `replay` shows."""
    return (folder / "outcomes").is_dir()


def rerun_line(command: str, mechanism: str, agent: str, strategy: str) -> str:
    """Return the line that plays one case of a stress test, with a full log.

    >>> rerun_line("dynmech stress sale --mechanism=pivot --seed 1 --log summary", "pivot", "ann", "random")
    'dynmech run sale pivot --strategy ann=random --seed 1'
    """
    program, _, environment, *rest = shlex.split(command)
    options = [word for word in _with_full_log(rest) if not word.startswith("--mechanism=")]
    return shlex.join([program, "run", environment, mechanism, "--strategy", f"{agent}={strategy}", *options])


def logged_line(command: str) -> str:
    """Return the line of a run with a full log."""
    return shlex.join(_with_full_log(shlex.split(command)))


def _with_full_log(words: Sequence[str]) -> list[str]:
    """Leave out what keeps rows from the log."""
    places = [place for place, word in enumerate(words) if word == "--log"]
    return [word for place, word in enumerate(words) if place not in places and place - 1 not in places]
