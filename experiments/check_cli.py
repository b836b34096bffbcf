"""`dynmech check`: hold what plug-in files offer to what it declares."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from experiments import console as screen
from experiments.checking import check_plugins
from experiments.plain import print_json


def check_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Python files of your own.")],
    environment: Annotated[
        str,
        typer.Option(
            "--environment", metavar="ENV", help="Where they are tried (shipped economies, if none is given)."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list on standard output.")] = False,
) -> None:
    """Do your own strategies, mechanisms and scenarios keep to what they declare? Exit code 1 if one does not."""
    found = [tuple(finding) for finding in check_plugins(files, environment or None)]
    if as_json:
        print_json([dict(zip(("what", "status", "why"), finding, strict=True)) for finding in found])
    else:
        console = screen.make_console()
        for what, status, why in found:
            console.print(Text.assemble((f"{what}: ", "bold"), status, f", {why}" if why else ""))
    if any(status == "fails" for _, status, _ in found):
        raise typer.Exit(1)
