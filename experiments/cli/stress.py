"""`dynmech stress`: mechanisms against every family of deviations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import end_unless_complete, hand_out, open_economy, read_pairs, show_paths

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
    tail: options.Tail = 1e-4,
    deadline: options.Deadline = 0.0,
    latency: options.Latency = [],  # noqa: B006
    disclosure: options.Disclosure = "everything",
    log: options.Log = "full",
    workers: options.Count = 1,
    cluster: options.Cluster = "",
    time_limit: options.TimeLimit = 120.0,
    memory_limit: options.MemoryLimit = 2.0,
    plugin: options.Plugins = [],  # noqa: B006
    why: options.Why = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Every mechanism against every family of deviations: who gains what from which lie."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.plots.stress_plots import plot_stress
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.runs.running import make_protocol
    from dynmech.experiments.runs.simulation import Sampling
    from dynmech.experiments.runs.stressing import stress

    staff = make_workers(workers, time_limit, memory_limit, cluster)
    economy = open_economy(environment, plugin, staff)
    with progress_bars(quiet) as progress:
        result = stress(
            economy,
            mechanism,
            out=out,
            protocol=make_protocol(economy.agents, deadline, read_pairs(latency, "--latency"), disclosure),
            tail=tail,
            sampling=Sampling(episodes, seed, shard, block),
            plugins=plugin,
            log=log,
            workers=staff,
            progress=progress,
            typed=environment,
        )
    plot = plot_stress(result, result.folder / "gains.png")
    _hand_out(result, plot, as_json, quiet, why)


def _hand_out(result: StressResult, plot: Path | None, as_json: bool, quiet: bool, why: bool) -> None:
    """Print the result; exit code 1 where something could not be played."""
    hand_out(
        as_json,
        result.data,
        lambda console: _show(result, plot, console, why),
        quiet=quiet,
        brief=lambda: (result.sentence, result.folder),
    )
    end_unless_complete(result.complete)


def _show(result: StressResult, plot: Path | None, console: Console, why: bool) -> None:
    from dynmech.experiments.cli.console import show_faults, show_stress

    show_stress(result, console, why)
    show_faults(console, result.failures, result.remarks, result.damaged)
    show_paths(console, result.folder, result.reused, plot)
