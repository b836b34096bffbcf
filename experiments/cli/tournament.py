"""`dynmech tournament STUDY.toml`."""

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli import console as screen
from dynmech.experiments.cli.tournament_screen import show_tournament
from dynmech.experiments.runs.loading import make_workers
from dynmech.experiments.runs.to_json import print_json
from dynmech.experiments.tournament.loading import load_tournament
from dynmech.experiments.tournament.playing import tournament


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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Strategies against each other, as an empirical game: regret, dominated strategies, equilibria."""
    staff = make_workers(workers, time_limit, memory_limit, cluster)
    resolved = load_tournament(study, override, staff)
    if out is not None:
        resolved = resolved.model_copy(update={"out": str(out)})
    with screen.progress_bars() as progress:
        found = tournament(resolved, workers=staff, progress=progress)
    if as_json:
        print_json(found.data())
        return
    console = screen.make_console()
    show_tournament(found, console)
    screen.show_faults(console, found.failures, [], [])
    for folder in dict.fromkeys(part.folder for part in found.parts):
        console.print(f"{'was there already' if found.reused else 'run'}: {folder}", soft_wrap=True)
