"""`dynmech estimate`: an economy from a log of reports and decisions, as an environment file with its counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_from, complete_scenario
from dynmech.experiments.cli.shared import hand_out, open_economy, read_pairs
from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.estimation.estimate_result import Estimate

Economy = Annotated[
    str,
    typer.Option(
        "--environment",
        metavar="ENV",
        help="The economy: agents, signals, decisions, utilities, prior; a name or a file.",
        autocompletion=complete_scenario,
    ),
]
By = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="WAY",
        help="joint, or agent (by agent); unless given, as the economy's own law is.",
        autocompletion=complete_from("joint", "agent"),
    ),
]


def estimate_command(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A run folder, or a Parquet or CSV file.")],
    environment: Economy = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The environment file (default: estimated.json).")
    ] = None,
    by: By = "",
    smoothing: Annotated[float, typer.Option("--smoothing", metavar="A", help="Added to every count.")] = 0.0,
    confidence: Annotated[
        float, typer.Option("--confidence", metavar="P", help="That all laws lie within their radii.")
    ] = 0.95,
    column: Annotated[
        list[str],
        typer.Option(
            "--column",
            metavar="ROLE=NAME",
            help="A column's name: episode, period, agent, report, decision, public; or an agent, of its signals.",
        ),
    ] = [],  # noqa: B006 - Typer copies defaults
    only: Annotated[
        list[str], typer.Option("--only", metavar="COLUMN=VALUE", help="Count only rows that have this value there.")
    ] = [],  # noqa: B006
    plugin: options.Plugins = [],  # noqa: B006
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """An economy from data: a log of reports and decisions becomes an environment file that keeps its counts."""
    if not environment:
        raise InputError("estimate: --environment is missing; it says whose signals, decisions and utilities these are")
    from dynmech.experiments.estimation.estimating import estimate
    from dynmech.experiments.workers.pool import Workers

    economy = open_economy(environment, plugin, Workers())
    how = {
        "columns": read_pairs(column, "--column", "ROLE", "NAME"),
        "only": read_pairs(only, "--only", "COLUMN", "VALUE"),
    }
    found = estimate(log, economy, by=by or None, smoothing=smoothing, confidence=confidence, **how)
    file = found.save(out or Path("estimated.json"))
    hand_out(
        as_json,
        lambda: {**found.to_dict(), "file": file},
        lambda console: _show(found, console, file, verbose),
        quiet=quiet,
        brief=lambda: [found.headline, file],
    )


def _show(found: Estimate, console: Console, file: Path, verbose: bool) -> None:
    from dynmech.experiments.cli.screens.estimate_screen import show_estimate

    show_estimate(found, console, file, verbose)
