"""`dynmech stress`: mechanisms against every family of deviations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import (
    end_unless_complete,
    hand_out,
    open_economy,
    read_pairs,
    show_engine,
    show_paths,
    terms_of,
)

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.runs.stress_result import StressResult


def stress_command(
    environment: options.EnvironmentName,
    mechanism: options.Mechanisms = [],  # noqa: B006 - Typer copies defaults
    episodes: Annotated[
        int, typer.Option("--episodes", help="Episodes per case (0: 10,000, fewer in long games).")
    ] = 0,
    seed: options.Seed = 0,
    out: options.Out = None,
    shard: options.Shard = 0,
    block: options.Block = 4096,
    engine: options.Engine = "auto",
    tail: options.Tail = 1e-4,
    deadline: options.Deadline = 0.0,
    latency: options.Latency = [],  # noqa: B006
    disclosure: options.Disclosure = "everything",
    payments: options.Payments = "enforced",
    default: options.Default = None,
    grace: options.Grace = None,
    deposit: options.Deposit = None,
    leave: options.Leave = False,
    log: options.Log = "full",
    workers: options.Count = 1,
    cluster: options.Cluster = "",
    time_limit: options.TimeLimit = 120.0,
    memory_limit: options.MemoryLimit = 2.0,
    plugin: options.Plugins = [],  # noqa: B006
    plot: options.Plot = None,
    why: options.Why = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Every mechanism against every family of deviations: who gains what from which lie."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.runs.running import make_protocol
    from dynmech.experiments.runs.stressing import stress

    terms = terms_of(payments, default, grace, deposit)
    staff = make_workers(workers, time_limit, memory_limit, cluster)
    economy = open_economy(environment, plugin, staff)
    slow = read_pairs(latency, "--latency")
    protocol = make_protocol(economy.agents, deadline, slow, disclosure, terms, exit=leave)
    sizes = {"episodes": episodes, "seed": seed, "shard": shard, "block": block, "engine": engine}
    how: dict[str, Any] = {"out": out, "tail": tail, "log": log, "plugins": plugin, "typed": environment, **sizes}
    with progress_bars(quiet) as progress:
        result = stress(economy, mechanism, protocol=protocol, workers=staff, progress=progress, **how)
    _hand_out(result, plot, why, engine, quiet, as_json)


def _hand_out(result: StressResult, plot: Path | None, why: bool, engine: str, quiet: bool, as_json: bool) -> None:
    """Draw and print what was found; exit code 1 where something could not be played."""
    drawn = _drawn(result, plot)
    hand_out(
        as_json,
        result.data,
        lambda console: _show(result, drawn, console, why, engine),
        quiet=quiet,
        brief=lambda: (result.sentence, result.folder),
    )
    end_unless_complete(result.complete)


def _drawn(result: StressResult, plot: Path | None) -> Path:
    """Draw the heat map into the run folder where it is new, and into a file asked for; return that which is shown."""
    kept = result.folder / "gains.png"
    if plot is None and result.reused and kept.exists():
        return kept
    from dynmech.experiments.plots.stress_plots import plot_stress

    kept = plot_stress(result, kept)
    return kept if plot is None else plot_stress(result, plot)


def _show(result: StressResult, plot: Path | None, console: Console, why: bool, engine: str) -> None:
    from dynmech.experiments.cli.console import show_faults
    from dynmech.experiments.cli.screens.stress_screen import show_stress

    show_stress(result, console, why)
    show_faults(console, result.failures, result.remarks, result.damaged)
    show_engine(console, result.folder, engine)
    show_paths(console, result.folder, result.reused, plot)
