"""`dynmech replay`: a logged episode, period by period."""

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out


def replay_command(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    case: Annotated[
        str | None,
        typer.Option("--case", metavar="K", help="Which case: the name of its folder (default: the worst lie)."),
    ] = None,
    mechanism: Annotated[
        str | None, typer.Option("--mechanism", metavar="M", help="Under which mechanism, where several played it.")
    ] = None,
    episode: Annotated[
        int | None, typer.Option("--episode", help="Which episode (default: where the deviator gains most).")
    ] = None,
    periods: Annotated[
        int, typer.Option("--periods", metavar="N", min=0, help="How many periods are shown, the first ones (0: all).")
    ] = 20,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A logged episode period by period, beside what truth would have given."""
    from dynmech.experiments.cli.screens.replay_screen import replay_sentence, show_replay
    from dynmech.experiments.runs.replaying import replay

    found = replay(run_folder, case, mechanism=mechanism, episode=episode)
    hand_out(
        as_json,
        found.data,
        lambda console: show_replay(found, console, periods),
        quiet=quiet,
        brief=lambda: (replay_sentence(found),),
    )
