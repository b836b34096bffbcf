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


def rerun_line(command: str, mechanism: str, agent: str, strategy: str, environment: str = "") -> str:
    """Return the line that plays one case of a stress test or of a sweep, with a full log.

    Args:
        command: the line of the stress test or the sweep.
        environment: the economy at one point of a sweep; empty: that of the line.

    >>> rerun_line("dynmech stress sale --mechanism=pivot --seed 1 --log summary", "pivot", "ann", "random")
    'dynmech run sale pivot --strategy ann=random --seed 1'
    >>> rerun_line("dynmech sweep sale --vary=a=1,2 --seed 0", "pivot", "ann", "random", "sale:a=2")
    'dynmech run sale:a=2 pivot --strategy ann=random --seed 0'
    """
    program, _, typed, *rest = shlex.split(command)
    environment = environment or typed
    options = [word for word in _with_full_log(rest) if not word.startswith(("--mechanism=", "--vary="))]
    return shlex.join([program, "run", environment, mechanism, "--strategy", f"{agent}={strategy}", *options])


def logged_line(command: str) -> str:
    """Return the line of a run with a full log."""
    return shlex.join(_with_full_log(shlex.split(command)))


def _with_full_log(words: Sequence[str]) -> list[str]:
    """Leave out what keeps rows from the log."""
    places = [place for place, word in enumerate(words) if word == "--log"]
    return [word for place, word in enumerate(words) if place not in places and place - 1 not in places]
