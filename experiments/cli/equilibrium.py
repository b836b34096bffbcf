"""`dynmech equilibrium`: what may be played where truth is not best."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_from
from dynmech.experiments.cli.shared import hand_out, open_economy

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.audits.found_equilibrium import Equilibrium


def equilibrium_command(
    environment: options.EnvironmentName,
    mechanism: options.MechanismName,
    recall: Annotated[
        str,
        typer.Option(
            "--recall",
            help="What strategies depend on beside own signals: none, reports (last period's), signals (own last one).",
            autocompletion=complete_from("auto", "none", "reports", "signals"),
        ),
    ] = "auto",
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="A gain of no more than this share of the economy's scale is none.")
    ] = 1e-6,
    rounds: Annotated[int, typer.Option("--rounds", help="Rounds of fictitious play, where replies cycle.")] = 128,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.json", help="Write the profile, for `audit --profile`."),
    ] = None,
    plugin: options.Plugins = [],  # noqa: B006
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Where truth breaks: a profile from which nobody gains more than ε, and who earns what then."""
    from dynmech.experiments.audits.found_equilibrium import search_equilibrium
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.runs.loading import open_rules
    from dynmech.experiments.workers.pool import Workers
    from dynmech.sim.core.whole_files import require_place

    require_place(output)
    staff = Workers()
    economy = open_economy(environment, plugin, staff)
    rules = open_rules(economy, mechanism, staff)
    with progress_bars(quiet) as progress:
        result = search_equilibrium(economy, rules, (environment, mechanism), recall, tolerance, rounds, progress)
    if output is not None:
        result.save(output)
    files = () if output is None else (output,)
    hand_out(
        as_json,
        result.to_dict,
        lambda console: _show(result, console, output),
        quiet=quiet,
        brief=lambda: (result.sentence, *files),
    )
    if not result.found:
        raise typer.Exit(1)


def _show(result: "Equilibrium", console: "Console", output: Path | None) -> None:
    from shlex import join

    from dynmech.experiments.cli.screens.equilibrium_screen import show_equilibrium
    from dynmech.experiments.cli.screens.replay_line import show_line

    show_equilibrium(result, console)
    if output is not None:
        again = join(["dynmech", "audit", *result.names, "--profile", str(output)])
        show_line(console, "What is gained against it", again)
        show_line(console, "profile", str(output))
