"""`dynmech sweep`: mechanisms while options of the economy, or their own, vary; a table, a picture, CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_scenario
from dynmech.experiments.cli.shared import end_unless_complete, hand_out, terms_of
from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.sweeps.sweep_result import SweepResult

SIZES = {"bound": "bounded", "ridge": "ridge"}
"""Options of `contingent-density` that could once be named alone, and the method that takes them."""


Scenario = Annotated[
    str,
    typer.Argument(
        metavar="ENV",
        help="A scenario, name:key=value,…; of an environment file only discount can vary.",
        autocompletion=complete_scenario,
    ),
]
Old = Annotated[list[str], typer.Argument(metavar="…", hidden=True)]
Vary = Annotated[
    list[str],
    typer.Option(
        "--vary",
        metavar="[M:]OPTION=VALUE,…",
        help="Values of an option of the economy, or of mechanism M; given again: every combination.",
    ),
]
Known = Annotated[
    str,
    typer.Option(
        "--information", help="Of the gains shown: ex_ante, on_path, interim or ex_post.", show_default="ex_ante"
    ),
]
Against = Annotated[
    str,
    typer.Option(
        "--against",
        metavar="COLUMN",
        help="What is drawn against: an option that varies (the first), or a figure such as singular_value.",
    ),
]
Panels = Annotated[
    str,
    typer.Option(
        "--panels",
        metavar="NAME,…",
        help="What --plot draws, such as best_response,welfare (all in which there is something to see).",
    ),
]
Table = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="The table, all columns.")]
Episodes = Annotated[int, typer.Option("--episodes", help="Episodes of what is simulated, where no exact audit fits.")]


def sweep_command(
    environment: Scenario,
    old: Old = [],  # noqa: B006 - Typer copies defaults
    vary: Vary = [],  # noqa: B006
    mechanism: options.Mechanisms = [],  # noqa: B006
    information: Known = "",
    plot: options.Plot = None,
    against: Against = "",
    panels: Panels = "",
    csv: Table = None,
    episodes: Episodes = 1000,
    seed: options.Seed = 0,
    out: options.Out = None,
    tail: options.Tail = 1e-4,
    payments: options.Payments = "enforced",
    default: options.Default = None,
    grace: options.Grace = None,
    deposit: options.Deposit = None,
    workers: options.Count = 1,
    cluster: options.Cluster = "",
    time_limit: options.TimeLimit = 120.0,
    memory_limit: options.MemoryLimit = 2.0,
    plugin: options.Plugins = [],  # noqa: B006
    why: options.Why = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Gains, welfare, revenue, budget and transfers while options vary; exit code 1 if something named did not fit."""
    if old:
        raise InputError(f"sweep: write {new_form(environment, old, mechanism)}")
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.sweeps.sweeping import sweep
    from dynmech.experiments.workers.plugin_opening import open_plugins

    shown = _checked(information, against, varied := _varied(vary), panels, plot)
    open_plugins(plugin, staff := make_workers(workers, time_limit, memory_limit, cluster))
    how: dict[str, Any] = {"payments": terms_of(payments, default, grace, deposit), "plugins": plugin}
    how |= {"episodes": episodes, "seed": seed, "out": out, "tail": tail}
    with progress_bars(quiet) as progress:
        result = sweep(environment, varied, mechanism, workers=staff, progress=progress, **how)
    how = {"against": against, "panels": shown}
    files = {"folder": result.folder, **_write(result, kind := information or result.information, plot, csv, how)}
    hand_out(
        as_json,
        result.to_dict,
        lambda console: _show(result, kind, files, console, why),
        quiet=quiet,
        brief=lambda: [*result.told(kind), *files.values()],
    )
    end_unless_complete(result.complete)


def _varied(vary: list[str]) -> dict[str, Sequence[str]]:
    """Return the options that vary, with their values."""
    from dynmech.experiments.sweeps.variations import read_variations

    return {variation.name: variation.values for variation in read_variations(vary)}


def _named(panels: str, plot: Path | None) -> list[str]:
    """Return the panels that are named; raise if there is no such panel, or nothing is drawn."""
    from dynmech.experiments.sweeps.sweep_plots import PANELS

    found = [name.strip().replace("-", "_") for name in panels.split(",") if name.strip()]
    for name in found:
        if name not in PANELS:
            raise InputError(f"--panels: there is no panel {name!r}; there are {', '.join(PANELS)}")
    if found and plot is None:
        raise InputError("--panels needs --plot FILE: it says what the picture shows")
    return found


def _write(
    result: SweepResult, information: str, plot: Path | None, csv: Path | None, how: Mapping[str, Any]
) -> dict[str, Path]:
    """Write the files that were asked for, and return them by what they are."""
    from dynmech.sim.core.whole_files import write_whole

    if csv is not None:
        write_whole(csv, result.table(information).to_csv(index=False))
    if plot is not None:
        result.plot(plot, **how)
    return {what: path for what, path in {"plot": plot, "csv": csv}.items() if path is not None}


def _show(result: SweepResult, information: str, files: dict[str, Path], console: Console, why: bool) -> None:
    from dynmech.experiments.cli.screens.sweep_screen import show_sweep

    show_sweep(result, information, files, console, why)


def _checked(
    information: str, against: str, varied: Mapping[str, Sequence[str]], panels: str, plot: Path | None
) -> list[str]:
    """Return the panels; raise if there is no such information, or nothing to draw, before anything is worked out."""
    from dynmech.experiments.sweeps.cell_figures import EXACTLY
    from dynmech.experiments.sweeps.sweep_plots import require_column

    if against:
        require_column(varied, EXACTLY, against)
    known = ("ex_ante", "on_path", "interim", "ex_post")
    if information not in ("", *known):
        raise InputError(f"--information {information!r}: one of {', '.join(known)}")
    return _named(panels, plot)


def new_form(environment: str, old: list[str], mechanisms: list[str]) -> str:
    """Return the line that does what `sweep ENV OPTION VALUE…` once did.

    >>> new_form("common-state", ["informativeness", "0.8", "0.4"], [])
    'dynmech sweep common-state --vary informativeness=0.8,0.4 --mechanism contingent-spanning'
    """
    option, values = old[0], ",".join(old[1:]) or "VALUE,…"
    named = mechanisms or ["contingent-spanning"]
    if option in SIZES:
        option, named = f"contingent-density:{option}", [f"contingent-density:method={SIZES[option]}"]
    words = ["dynmech", "sweep", environment, "--vary", f"{option}={values}"]
    return " ".join([*words, *(word for name in named for word in ("--mechanism", name))])
