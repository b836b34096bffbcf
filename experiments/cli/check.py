"""`dynmech check`: hold what plug-in files offer to what it declares."""

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli.completion import complete_scenario


def check_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Python files of your own.")],
    environment: Annotated[
        str,
        typer.Option(
            "--environment",
            metavar="ENV",
            help="Where they are tried (shipped economies, if none is given).",
            autocompletion=complete_scenario,
        ),
    ] = "",
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="S", help="Seconds that each check may take.")
    ] = 120.0,
    memory_limit: Annotated[
        float, typer.Option("--memory-limit", metavar="GB", help="Memory that each check may take.")
    ] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list on standard output.")] = False,
) -> None:
    """Do your own strategies, mechanisms and scenarios keep to what they declare? Exit code 1 if one does not."""
    from rich.text import Text

    from dynmech.experiments.cli.console import make_console
    from dynmech.experiments.runs.checking import check_plugins
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.runs.to_json import print_json

    limits = make_workers(1, time_limit, memory_limit).limits
    console, findings = make_console(), []
    begin = (lambda _: None) if as_json else (lambda what: console.print(Text(f"{what}: ", "bold"), end=""))
    for finding in check_plugins(files, environment or None, limits=limits, begin=begin):
        findings.append(finding)
        if not as_json:
            console.print(Text.assemble(finding.status, f", {finding.why}" if finding.why else ""))
    if as_json:
        print_json([finding._asdict() for finding in findings])
    if any(finding.status == "fails" for finding in findings):
        raise typer.Exit(1)
