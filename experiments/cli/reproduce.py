"""`dynmech reproduce`: what the papers print beside what comes out, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.reproductions.base import Claim

STYLES = {"agrees": "green", "slip": "yellow", "fails": "bold red"}


def reproduce_command(
    paper: Annotated[str | None, typer.Argument(metavar="PAPER", help="liu, …; all of them, if none is given.")] = None,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Every worked example and number of the papers: printed, exact, simulated, and whether they agree."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.reproductions.claims import reproduce, sentence

    with progress_bars(quiet) as progress:
        claims = reproduce(paper, progress=progress)
    hand_out(
        as_json,
        lambda: [claim.data() for claim in claims],
        lambda console: show_claims(claims, console),
        quiet=quiet,
        brief=lambda: (sentence(claims),),
    )


def show_claims(claims: Sequence[Claim], console: Console) -> None:
    """A sentence, then a table per paper."""
    from rich.text import Text

    from dynmech.experiments.cli.console import plain_table
    from dynmech.experiments.reproductions.claims import papers, sentence

    console.print(Text(sentence(claims), style="bold"))
    titles = {name: module.TITLE for name, module in papers().items()}
    for name, rows in groupby(claims, key=lambda claim: claim.paper):
        console.print()
        console.print(Text(titles.get(name, name), style="bold"))
        table = plain_table()
        table.add_column("claim", overflow="fold")
        for header in ("printed", "exact", "simulated"):
            table.add_column(header, justify="right", no_wrap=True)
        table.add_column("verdict", overflow="fold")
        for claim in rows:
            kind = claim.verdict.partition(":")[0]
            table.add_row(
                claim.claim,
                "" if claim.printed is None else _figure(claim.printed),
                _figure(claim.exact),
                _simulated(claim),
                Text(claim.verdict, style=STYLES[kind]),
            )
        console.print(table)


def _figure(value: float) -> str:
    """Six digits; what is 0 up to rounding is 0."""
    return "0" if abs(value) < 1e-9 else f"{value:.6g}"


def _simulated(claim: Claim) -> str:
    """The mean and the half-width of its 95 % interval."""
    if claim.simulated is None or claim.interval is None:
        return ""
    return f"{claim.simulated:.4g} ± {(claim.interval[1] - claim.interval[0]) / 2:.2g}"
