"""`dynmech new`: a module of one's own to begin with, and its test."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_from
from dynmech.experiments.cli.shared import hand_out

if TYPE_CHECKING:
    from rich.console import Console


def new_command(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="scenario, mechanism or strategy.",
            autocompletion=complete_from("scenario", "mechanism", "strategy"),
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called: small letters, - between words.")],
    folder: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Where to.")] = Path(),
    memory: Annotated[bool, typer.Option("--memory", help="A mechanism that remembers something.")] = False,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A scenario, a mechanism or a strategy of your own to begin with: a module that works, and its test."""
    from dynmech.experiments.catalog.skeletons import write_skeleton

    module, test = write_skeleton(kind, name, folder, memory=memory)
    written = {"module": str(module), "test": str(test), "try": shlex.join(["dynmech", "check", str(module)])}
    hand_out(
        as_json, lambda: written, lambda console: _show(written, console), quiet=quiet, brief=lambda: (module, test)
    )


def _show(written: dict[str, str], console: Console) -> None:
    for what, value in written.items():
        console.print(f"{what + ':':7} {value}", soft_wrap=True)
