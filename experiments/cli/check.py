"""`dynmech check`: hold what plug-in files offer to what it declares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_scenario
from dynmech.experiments.cli.shared import hand_out


def check_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Python files of your own.")],
    environment: Annotated[
        str,
        typer.Option(
            "--environment",
            metavar="ENV",
            help="Where they are tried (the files' own and shipped economies that they fit, if none is given).",
            autocompletion=complete_scenario,
        ),
    ] = "",
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="S", help="Seconds that each check may take.")
    ] = 120.0,
    memory_limit: Annotated[
        float, typer.Option("--memory-limit", metavar="GB", help="Memory that each check may take.")
    ] = 2.0,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Do your own strategies, mechanisms and scenarios keep to what they declare? Exit code 1 if one does not."""
    from rich.text import Text

    from dynmech.experiments.checks.check_result import CheckResult
    from dynmech.experiments.checks.checking import plugin_findings
    from dynmech.experiments.cli.console import make_console
    from dynmech.experiments.runs.loading import make_workers

    limits = make_workers(1, time_limit, memory_limit).limits
    console, findings, silent = make_console(), [], quiet or as_json
    begin = (lambda _: None) if silent else (lambda what: console.print(Text(f"{what}: ", "bold"), end=""))
    for finding in plugin_findings(files, environment or None, limits, begin):
        findings.append(finding)
        if not silent:  # at once: the next check may take its time
            console.print(Text(finding.text))
    result = CheckResult(findings)
    hand_out(as_json, result.data, lambda _: None, quiet=quiet, brief=result.lines)
    if not result.holds:
        raise typer.Exit(1)
