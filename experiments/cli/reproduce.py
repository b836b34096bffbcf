"""`dynmech reproduce`: what the papers print beside what comes out, for people or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.reproductions.base import Claim

STYLES = {"agrees": "green", "derived": "cyan", "slip": "yellow", "fails": "bold red"}

HEADERS = ("printed", "derived", "exact", "simulated", "tolerance")

WIDTHS = (10, 10, 10, 21, 11)

INDENT = "  "


def reproduce_command(
    paper: Annotated[str | None, typer.Argument(metavar="PAPER", help="liu, …; all of them, if none is given.")] = None,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Every worked example and number of the papers: printed, derived another way, exact, simulated; and a verdict."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.reproductions.claims import reproduce, sentence

    with progress_bars(quiet) as progress:
        claims = reproduce(paper, progress=progress)
    hand_out(
        as_json,
        claims.data,
        lambda console: show_claims(claims, console),
        quiet=quiet,
        brief=lambda: (sentence(claims),),
    )


def show_claims(claims: Sequence[Claim], console: Console) -> None:
    """Counts by verdict; then, paper by paper, every claim on lines of its own with its figures below it."""
    from rich.text import Text

    from dynmech.experiments.reproductions.claims import counted, papers, sentence

    console.print(Text(sentence(claims), style="bold"))
    titles = {name: module.TITLE for name, module in papers().items()}
    for name, rows in groupby(claims, key=lambda claim: claim.paper):
        of_paper = list(rows)
        console.print()
        console.print(Text(titles.get(name, name), style="bold"))
        console.print(Text(f"{counted(of_paper)}."))
        console.print()
        console.print(Text(_line("verdict", HEADERS), style="bold"))
        for claim in of_paper:
            _show_claim(claim, console)


def _show_claim(claim: Claim, console: Console) -> None:
    """The claim, its figures, and what there is to say of them."""
    from rich.text import Text

    console.print(Text(claim.claim))
    figures = (_figure(claim.printed), _figure(claim.derived), _figure(claim.exact), _simulated(claim))
    line = Text(_line(claim.verdict, (*figures, f"{claim.tolerance:.2g}")))
    line.stylize(STYLES[claim.verdict], 0, len(INDENT) + len(claim.verdict))
    console.print(line)
    if claim.note:
        for part in wrap(claim.note, console.width - 1, initial_indent=INDENT, subsequent_indent=INDENT):
            console.print(Text(part, style="dim"))


def _line(verdict: str, figures: Sequence[str]) -> str:
    """A verdict and five columns, the right edges of which stay where they are; 72 characters."""
    return f"{INDENT}{verdict:8}" + "".join(f"{one:>{width}}" for one, width in zip(figures, WIDTHS, strict=True))


def _figure(value: float | None) -> str:
    """Six digits; what is 0 up to rounding is 0, and what is not there a dash."""
    if value is None:
        return "–"
    return "0" if abs(value) < 1e-9 else f"{value:.6g}"


def _simulated(claim: Claim) -> str:
    """The mean and the half-width of its 95 % interval."""
    if claim.simulated is None or claim.interval is None:
        return "–"
    return f"{claim.simulated:.4g} ± {(claim.interval[1] - claim.interval[0]) / 2:.2g}"
