"""`dynmech export`: a run for other programs, or a mechanism as a file of tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_from
from dynmech.experiments.cli.shared import hand_out
from dynmech.sim.core.errors import InputError

TO = ("gambit", "gameanalysis", "samplegame", "csv", "latex", "npz")
"""The formats; their own module would load numerical libraries."""


def export_command(
    what: Annotated[
        list[str], typer.Argument(metavar="RUN | ENV MECHANISM", help="A run folder, or an economy and a mechanism.")
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help=", ".join(TO) + ".", autocompletion=complete_from(*TO))
    ] = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The file (default: named after what it holds).")
    ] = None,
    mechanism: Annotated[
        str | None, typer.Option("--mechanism", metavar="M", help="Whose game, of a tournament under several.")
    ] = None,
    plugin: options.Plugins = [],  # noqa: B006 - Typer reads it, nobody changes it
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A run for other programs (a game, arrays, tables as CSV or LaTeX), or a mechanism as a file of tables."""
    if len(what) > 2:
        raise InputError("export: takes one run folder, or an economy and a mechanism")
    if len(what) == 2:
        if to or mechanism:
            raise InputError("export ENV MECHANISM: writes a mechanism file; leave --to and --mechanism out")
        file, form = _mechanism_file(what[0], what[1], out, plugin), "mechanism"
    else:
        file, form = _run_file(what[0], to, out, mechanism), to
    hand_out(
        as_json,
        lambda: {"file": file, "to": form},
        lambda console: console.print(f"file: {file}", soft_wrap=True),
        quiet=quiet,
        brief=lambda: (file,),
    )


def _run_file(folder: str, to: str, out: Path | None, mechanism: str | None) -> Path:
    """Write a run in a format and return the file."""
    from dynmech.experiments.exports.exporting import export

    if not to:
        raise InputError(f"export: --to is missing; it is one of {', '.join(TO)}")
    return export(folder, to, out, mechanism)


def _mechanism_file(environment: str, mechanism: str, out: Path | None, plugins: list[Path]) -> Path:
    """Write a mechanism's tables and return the file."""
    from dynmech.experiments.cli.shared import open_economy
    from dynmech.experiments.runs.loading import open_rules
    from dynmech.experiments.workers.pool import Workers
    from dynmech.mechanisms.tables.mechanism_files import save_mechanism

    workers = Workers()
    rules = open_rules(open_economy(environment, plugins, workers), mechanism, workers)
    file = out or Path(f"{rules.name}.json")
    save_mechanism(rules, file)
    return file
