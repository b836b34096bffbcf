"""`dynmech export`: a run for other programs."""

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
    run_folder: Annotated[list[str], typer.Argument(metavar="RUN", help="A run folder.")],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help=", ".join(TO) + ".", autocompletion=complete_from(*TO))
    ] = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The file (default: RUN and its suffix, here).")
    ] = None,
    mechanism: Annotated[
        str | None, typer.Option("--mechanism", metavar="M", help="Whose game, of a tournament under several.")
    ] = None,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A run for other programs: a tournament's game, figures as arrays, tables as CSV or LaTeX."""
    from dynmech.experiments.exports.exporting import export

    if len(run_folder) > 1:
        raise InputError("export: takes one run folder; write export RUN --to FORMAT")
    if not to:
        raise InputError(f"export: --to is missing; it is one of {', '.join(TO)}")
    file = export(run_folder[0], to, out, mechanism)
    hand_out(
        as_json,
        lambda: {"file": file, "to": to},
        lambda console: console.print(f"file: {file}", soft_wrap=True),
        quiet=quiet,
        brief=lambda: (file,),
    )
