"""`dynmech report`: a run as one page."""

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The page.")] = Path("run.html"),
) -> None:
    """A run as one page that opens offline: does it hold, who gains what, the worst lie period by period."""
    from dynmech.experiments.cli.console import make_console
    from dynmech.experiments.report.page import report

    make_console().print(f"page: {report(run_folder, out)}", soft_wrap=True)
