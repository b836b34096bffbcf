"""`dynmech new`: a module of one's own to begin with, and its test."""

from pathlib import Path
from typing import Annotated

import typer


def new_command(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="scenario, mechanism or strategy.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called: small letters, - between words.")],
    folder: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Where to.")] = Path(),
) -> None:
    """A scenario, a mechanism or a strategy of your own to begin with: a module that works, and its test."""
    from dynmech.experiments.catalog.skeletons import write_skeleton
    from dynmech.experiments.cli.console import make_console

    module, test = write_skeleton(kind, name, folder)
    console = make_console()
    console.print(f"module: {module}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"test:   {test}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"try:    dynmech check {_typed(module)}", soft_wrap=True, markup=False, highlight=False)


def _typed(path: Path) -> str:
    """A path as it is typed in a shell."""
    from shlex import quote

    return quote(str(path))
