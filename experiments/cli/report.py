"""`dynmech report`: a run as one page."""

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out


def report_command(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The page.")] = Path("run.html"),
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A run as one page that opens offline: does it hold, who gains what, the worst lie period by period."""
    from dynmech.experiments.report.page import report

    page = report(run_folder, out)
    hand_out(
        as_json,
        lambda: {"page": page},
        lambda console: console.print(f"page: {page}", soft_wrap=True),
        quiet=quiet,
        brief=lambda: (page,),
    )
