"""`dynmech robust`: what mechanisms that are built on estimates do under the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_from, complete_mechanism
from dynmech.experiments.cli.shared import end_unless_complete, hand_out
from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.robustness.robust_result import RobustResult

Named = Annotated[
    list[str],
    typer.Argument(
        metavar="MECHANISM…", help="Mechanisms, name:key=value,…; all get the same estimates.",
        autocompletion=complete_mechanism,
    ),
]  # fmt: skip
Draws = Annotated[
    str, typer.Option("--draws", metavar="N,…", help="Transitions drawn out of every law.", show_default="30,…,1000")
]
By = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="WAY",
        help="Estimated joint, or by agent; unless given, as the economy's own law is.",
        autocompletion=complete_from("joint", "agent"),
    ),
]

Replications = Annotated[int, typer.Option("--replications", metavar="R", help="Estimates per number of draws.")]
Smoothing = Annotated[float, typer.Option("--smoothing", metavar="A", help="Added to every count.")]
Target = Annotated[
    float | None, typer.Option("--target", metavar="GAIN", help="A gain: how many draws keep 95 % below it?")
]

Radii = Annotated[
    str,
    typer.Option(
        "--ball", metavar="E,…", help="Radii in L1, or data: the worst laws that near; no draws unless asked."
    ),
]

UtilityError = Annotated[
    float, typer.Option("--utility-error", metavar="X", help="With --ball: utilities may be off by X, too.")
]

DiscountError = Annotated[
    float, typer.Option("--discount-error", metavar="Y", help="With --ball: the discount factor may be off by Y.")
]


def robust_command(
    environment: options.EnvironmentName,
    mechanisms: Named,
    draws: Draws = "",
    replications: Replications = 50,
    by: By = "",
    smoothing: Smoothing = 0.0,
    target: Target = None,
    ball: Radii = "",
    utility_error: UtilityError = 0.0,
    discount_error: DiscountError = 0.0,
    seed: options.Seed = 0,
    out: options.Out = None,
    plot: options.Plot = None,
    workers: options.Count = 1,
    cluster: options.Cluster = "",
    time_limit: options.TimeLimit = 120.0,
    memory_limit: options.MemoryLimit = 2.0,
    plugin: options.Plugins = [],  # noqa: B006 - Typer copies defaults
    why: options.Why = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """What estimation costs, and what the worst law near the economy's own does; exact audits under the truth."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.robustness.robusting import robust
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.workers.plugin_opening import open_plugins

    staff = make_workers(workers, time_limit, memory_limit, cluster)
    open_plugins(plugin, staff)
    how: dict[str, Any] = {"replications": replications, "seed": seed, "smoothing": smoothing, "target": target}
    how |= {"draws": read_numbers(draws, "--draws") or None, "ball": [word.strip() for word in ball.split(",") if ball]}
    how |= {"utility_error": utility_error, "discount_error": discount_error}
    how |= {"by": by or None, "out": out, "plugins": plugin}
    with progress_bars(quiet) as progress:
        result = robust(environment, mechanisms, workers=staff, progress=progress, **how)
    files = {"folder": result.folder, **({"plot": Path(str(result.plot(plot)))} if plot else {})}
    hand_out(
        as_json,
        result.to_dict,
        lambda console: _show(result, files, console, why),
        quiet=quiet,
        brief=lambda: [*result.told(), *files.values()],
    )
    end_unless_complete(result.complete)


def read_numbers(text: str, option: str) -> list[int]:
    """Return whole numbers that are given as N,…; none of an empty text.

    Raises:
        InputError: something else stands there.
    """
    words = text.split(",") if text else []
    for word in words:
        if not (word.strip().isascii() and word.strip().isdigit() and len(word) < 12):
            raise InputError(f"{option} {text!r}: {word!r} is no whole number; write them as 30,100,300")
    return [int(word) for word in words]


def _show(result: RobustResult, files: dict[str, Path], console: Console, why: bool) -> None:
    from dynmech.experiments.cli.screens.robust_screen import show_robust

    show_robust(result, files, console, why)
