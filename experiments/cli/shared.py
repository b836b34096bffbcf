"""What several commands do: open an economy, read AGENT=… pairs, hand out a result."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dynmech.sim.core.errors import InputError
from dynmech.sim.core.plain_text import harmless

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.workers.pool import Workers
    from dynmech.sim.economy.environment import Environment
    from dynmech.sim.play.payment_terms import PaymentTerms

SCHEMA = 2
"""Of every JSON object that a command prints."""


def open_economy(environment: str, plugins: Iterable[Path], workers: Workers) -> Environment:
    """Take in plug-in files, then open an environment by its name or path."""
    from dynmech.experiments.runs.loading import open_environment
    from dynmech.experiments.workers.plugin_opening import open_plugins

    open_plugins(plugins, workers)
    return open_environment(environment, workers)


def terms_of(payments: str, default: str | None, grace: int | None, deposit: float | str | None) -> PaymentTerms | None:
    """Return the terms of voluntary payments; None where payments are enforced."""
    from dynmech.sim.play.payment_terms import payment_terms

    return payment_terms(payments, default, grace, deposit)


def read_pairs(texts: Sequence[str], option: str, left: str = "AGENT", right: str = "…") -> dict[str, str]:
    """Return what an option that is given as LEFT=RIGHT, several times, says of each name on the left.

    Raises:
        InputError: a text is not of that form, or says a name again.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise InputError(f"{option} {text!r}: not of the form {left}={right}")
        if name in pairs:
            raise InputError(f"{option}: {left.lower()} {name!r} is given twice")
        pairs[name] = value
    return pairs


def hand_out(
    as_json: bool,
    data: Callable[[], Any],
    show: Callable[[Console], None],
    *,
    quiet: bool = False,
    brief: Callable[[], Iterable[object]] = tuple,
) -> None:
    """Print a result: as JSON for a program, as `show` shows it to people, or a few lines where `quiet` is asked for.

    Args:
        data: an object, or rows; the JSON object says its schema, and has the rows under `rows`.
        brief: the verdict, and the files or folders that were written, a line each.
    """
    if as_json:
        from dynmech.experiments.runs.to_json import print_json

        print_json(with_schema(data()))
    elif quiet:
        sys.stdout.writelines(f"{harmless(str(line))}\n" for line in brief())
    else:
        from dynmech.experiments.cli.console import make_console

        show(make_console())


def with_schema(data: Any) -> dict[str, Any]:
    """Return a JSON object that says its schema.

    >>> with_schema([1])
    {'schema': 2, 'rows': [1]}
    """
    return {"schema": SCHEMA, **(data if isinstance(data, dict) else {"rows": data})}


def end_unless_complete(complete: bool) -> None:
    """End with exit code 1 where something that was named, or that fits, could not be played."""
    if not complete:
        raise typer.Exit(1)


def show_engine(console: Console, folder: Path, engine: str) -> None:
    """Say what the event loop played although tables were asked for, and why."""
    from rich.text import Text

    from dynmech.experiments.runs.results import read_run

    if engine not in ("tables", "compiled"):
        return
    for name, why in read_run(folder).manifest.get("engine", {}).get("loop", {}).items():
        console.print(Text(f"{name}: played on the event loop, not by --engine {engine}: {why}", style="dim"))


def show_paths(console: Console, folder: Path, reused: bool, plot: Path | None = None) -> None:
    """Print where the datasets and the picture of a run are."""
    from rich.text import Text

    from dynmech.sim.log.own_files import DATASETS

    console.print()
    if reused:
        console.print(Text("This run was there already; nothing was played again."))
    paths = {name: folder / name for name in DATASETS if (folder / name).is_dir()}
    for name, path in {**paths, **({"plot": plot} if plot else {})}.items():
        console.print(Text(f"{name:9} {path}", no_wrap=True, overflow="ignore"), crop=False)
