"""What several commands do: open an economy, read AGENT=… pairs, hand out a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.workers.pool import Workers
    from dynmech.sim.economy.environment import Environment


def open_economy(environment: str, plugins: Iterable[Path], workers: Workers) -> Environment:
    """Take in plug-in files, then open an environment by its name or path."""
    from dynmech.experiments.runs.loading import open_environment, open_plugins

    open_plugins(plugins, workers)
    return open_environment(environment, workers)


def read_pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Return what an option that is given as AGENT=… says of each agent.

    Raises:
        InputError: a text is not of that form, or names an agent again.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        agent, equals, value = text.partition("=")
        if not (agent and equals and value):
            raise InputError(f"{option} {text!r}: not of the form AGENT=…")
        if agent in pairs:
            raise InputError(f"{option}: agent {agent!r} is given twice")
        pairs[agent] = value
    return pairs


def hand_out(as_json: bool, data: Callable[[], Any], show: Callable[[Console], None]) -> None:
    """Print a result: as JSON for a program, or as `show` shows it to people."""
    if as_json:
        from dynmech.experiments.runs.to_json import print_json

        print_json(data())
        return
    from dynmech.experiments.cli.console import make_console

    show(make_console())


def show_paths(console: Console, folder: Path, reused: bool, plot: Path | None = None) -> None:
    """Print where the datasets and the picture of a run are."""
    from rich.text import Text

    from dynmech.sim.log.run_folder import DATASETS

    console.print()
    if reused:
        console.print(Text("This run was there already; nothing was played again."))
    paths = {name: folder / name for name in DATASETS if (folder / name).is_dir()}
    for name, path in {**paths, **({"plot": plot} if plot else {})}.items():
        console.print(Text(f"{name:9} {path}", no_wrap=True, overflow="ignore"), crop=False)
