"""`dynmech replay`: a logged episode, period by period."""

from pathlib import Path
from typing import Annotated

import typer


def replay_command(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, of `run` or `stress`.")],
    case: Annotated[str, typer.Option("--case", metavar="K", help="Which case: the name of its folder.")],
    mechanism: Annotated[
        str | None, typer.Option("--mechanism", metavar="M", help="Under which mechanism, where several played it.")
    ] = None,
    episode: Annotated[
        int | None, typer.Option("--episode", help="Which episode (default: where the deviator gains most).")
    ] = None,
) -> None:
    """A logged episode period by period, beside what truth would have given."""
    from dynmech.experiments.cli.console import make_console, show_replay
    from dynmech.experiments.runs.replaying import replay

    show_replay(replay(run_folder, case, mechanism=mechanism, episode=episode), make_console())
