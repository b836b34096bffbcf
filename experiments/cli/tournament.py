"""`dynmech tournament STUDY.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import end_unless_complete, hand_out, terms_of

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.tournament.found import Tournament


def tournament_command(
    study: Annotated[Path, typer.Argument(metavar="STUDY.toml", help="What is played, see docs/auction.toml.")],
    override: Annotated[
        list[str], typer.Option("--set", metavar="A.B=V", help="Put another value in the study, e.g. episodes=500.")
    ] = [],  # noqa: B006 - Typer copies defaults
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Run folder, not the study's.")] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Processes (0: one per core).")] = 1,
    cluster: Annotated[str, typer.Option("--cluster", metavar="ADDRESS", help="A Dask scheduler to use instead.")] = "",
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="S", help="Seconds a plug-in may take.")] = 120.0,
    memory_limit: Annotated[float, typer.Option("--memory-limit", metavar="GB", help="Memory for a plug-in.")] = 2.0,
    payments: options.Payments = "enforced",
    default: options.Default = None,
    grace: options.Grace = None,
    deposit: options.Deposit = None,
    plot: options.Plot = None,
    why: options.Why = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Strategies against each other, as an empirical game: regret, dominated strategies, equilibria."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.tournament.loading import load_tournament
    from dynmech.experiments.tournament.playing import tournament

    terms_of(payments, default, grace, deposit)  # wrong ones get a line before the study is read
    bills = {"payments": None if payments == "enforced" else payments, "default": default, "grace": grace}
    bills |= {"deposit": deposit}
    override = [*override, *(f"{name}={value}" for name, value in bills.items() if value is not None)]
    staff = make_workers(workers, time_limit, memory_limit, cluster)
    resolved = load_tournament(study, override, staff)
    if out is not None:
        resolved = resolved.model_copy(update={"out": str(out)})
    typed = [str(study), *(word for one in override for word in ("--set", one))]
    with progress_bars(quiet) as progress:
        result = tournament(resolved, workers=staff, progress=progress, typed=typed)
    if plot is not None:
        result.plot(plot)
    hand_out(
        as_json,
        result.data,
        lambda console: _show(result, console, why, typed, plot),
        quiet=quiet,
        brief=lambda: (result.sentence, *_folders(result)),
    )
    end_unless_complete(result.complete)


def _folders(result: Tournament) -> list[Path]:
    """The run folders, one per economy."""
    return list(dict.fromkeys(part.folder for part in result.parts))


def _show(result: Tournament, console: Console, why: bool, typed: list[str], plot: Path | None) -> None:
    from dynmech.experiments.cli.console import show_faults
    from dynmech.experiments.cli.screens.tournament_screen import show_tournament

    show_tournament(result, console, why, typed)
    show_faults(console, result.failures, [], [])
    for folder in _folders(result):
        console.print(f"{'was there already' if result.reused else 'run'}: {folder}", soft_wrap=True)
    if plot is not None:
        console.print(f"plot: {plot}", soft_wrap=True)
