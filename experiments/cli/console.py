"""What people see on the terminal."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.screens.replay_line import is_logged, logged_line, replay_line, show_line
from dynmech.experiments.figures.terminal_tables import plain_table
from dynmech.experiments.runs.failures import said_once
from dynmech.experiments.runs.moments import ZERO, amount
from dynmech.experiments.runs.run_result import RunResult
from dynmech.experiments.runs.simulation import silent
from dynmech.experiments.runs.tally import has_costs
from dynmech.sim.core.plain_text import harmless
from dynmech.sim.core.ties import scale_of

PLAIN_WIDTH = 120
"""Columns where standard output is no terminal and COLUMNS is not set."""


ENOUGH = 5
"""Pieces that must be done before the time left is shown: one alone may have been the longest, or the shortest."""

PLAIN_EVERY = 10.0
"""Seconds between plain lines of progress."""


def make_console() -> Console:
    """Standard output, names shown as they are (no markup, no emoji)."""
    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal() else PLAIN_WIDTH
    return HarmlessConsole(width=wide, highlight=False, soft_wrap=False, markup=False, emoji=False)


class HarmlessConsole(Console):
    """A console on which text from outside (labels, names of files) cannot give orders to the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Yield segments, their text with everything escaped that a terminal obeys; styles are Rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))


@contextmanager
def progress_bars(quiet: bool = False) -> Iterator[Callable[[str, int], Callable[[int], None]]]:
    """Bars on a terminal, plain lines elsewhere, with rate and time left; both on standard error. Or nothing."""
    if quiet:
        yield silent
        return
    console = HarmlessConsole(stderr=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        yield PlainPhases()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        _TimeLeft(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Bars(bars)


@dataclass(frozen=True)
class _Bars:
    """Phases as bars; lines stand above them."""

    bars: Progress

    def __call__(self, name: str, total: int) -> Callable[[int], None]:
        task = self.bars.add_task(name, total=total)
        return lambda done: self.bars.advance(task, done)

    def say(self, line: str) -> None:
        """Show a line."""
        self.bars.console.print(Text(line))


class PlainPhases:
    """Phases as lines of text."""

    def __call__(self, name: str, total: int) -> Callable[[int], None]:
        return PlainProgress(name, total).advance

    def say(self, line: str) -> None:
        """Show a line."""
        print(harmless(line), file=sys.stderr, flush=True)  # noqa: T201 - plain lines without a TTY


def pace(rate: float) -> str:
    """Return how fast pieces are done, in words.

    Args:
        rate: pieces a second.

    >>> pace(12.34), pace(1 / 75), pace(1 / 600), pace(0.0)
    ('12.3/s', '75 s each', '10 min each', '')
    """
    if rate <= 0:
        return ""
    if rate >= 1:
        return f"{rate:.3g}/s"
    return f"{1 / rate:.2g} s each" if rate > 1 / 100 else f"{1 / rate / 60:.2g} min each"


class _Rate(ProgressColumn):
    """Pieces a second, or seconds a piece."""

    def render(self, task: Task) -> Text:
        return Text(pace(task.speed or 0.0))


class _TimeLeft(TimeRemainingColumn):
    """The time left, once it can be known."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.completed >= ENOUGH else Text()


class PlainProgress:
    """A phase as lines of text: one at its start, one every ten seconds, one at its end if that took as long.

    Args:
        clock: seconds (for tests).
    """

    def __init__(self, name: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.total, self.clock = name, total, clock
        self.done, self.start = 0, clock()
        self.last = self.start
        self._say(f"{name}: {total} piece{'s' * (total != 1)}" if total else name)

    def advance(self, done: int) -> None:
        """So many more are done."""
        self.done += done
        now = self.clock()
        if now - self.last < PLAIN_EVERY:
            return
        self.last = now
        rate = self.done / (now - self.start)
        left = (
            f", {timedelta(seconds=round((self.total - self.done) / rate))} left"
            if rate and self.done >= ENOUGH
            else ""
        )
        self._say(f"{self.name}: {self.done} of {self.total}{', ' if rate else ''}{pace(rate)}{left}")

    def _say(self, text: str) -> None:
        text = harmless(" ".join(text.splitlines()))
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - plain lines without a TTY


def show_names(kind: str, rows: Sequence[tuple[str, str, list[str], str]], console: Console) -> None:
    """A line for each name, its source at the end; below it, its options with their defaults."""
    console.print(Text(kind, style="bold"))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, about, options, source in rows:
        table.add_row(Text(name, style="bold"), Text.assemble(about, (f"  [{source}]", "dim")))
        if options:
            table.add_row("", Text(f"options: {', '.join(options)}", style="dim"))
    console.print(table)
    console.print()


def show_meanings(meanings: Mapping[str, str], console: Console) -> None:
    """What options may be."""
    for option, meaning in meanings.items():
        console.print(Text.assemble((f"{option}: ", "bold"), meaning))
    console.print()


def show_faults(
    console: Console, failures: Sequence[dict[str, Any]], remarks: Sequence[dict[str, Any]], damaged: Sequence[str]
) -> None:
    """What could not be played, a line for each plug-in; what wrote where it should not; what was made again."""
    for reason in said_once(failures):
        console.print(Text.assemble(("failed: ", "bold red"), reason))
    if failures:
        console.print(Text("What failed is left out of the table; the same line tries it again.", style="dim"))
    for remark, count in Counter(entry["remark"] for entry in remarks).items():
        console.print(Text.assemble(("note: ", "bold yellow"), remark, f" ({count} times)" if count > 1 else ""))
    for name in damaged:
        console.print(Text.assemble(("made again: ", "bold yellow"), name))


def run_sentence(result: RunResult) -> str:
    """Who plays what, and what it gains."""
    s = result.summary
    liars = result.agents[result.agents["strategy"] != "truthful"]
    if liars.empty:
        return f"Everybody plays as prescribed by {s['mechanism']} on {s['environment']}."
    parts = [
        f"{row['agent']} plays {row['strategy']} and gains {amount(row['gain'])} ± {amount(row['gain_half_width'])}"
        for row in liars.to_dict("records")
    ]
    return f"Under {s['mechanism']} on {s['environment']}, {'; '.join(parts)}."


def show_run(result: RunResult, console: Console) -> None:
    """A sentence, a table by agent, a line of totals."""
    s = result.summary
    console.print(Text(run_sentence(result), style="bold"))
    console.print()
    table = plain_table()
    for header in ("agent", "strategy"):
        table.add_column(header, overflow="fold")
    for header in ("payoff", "gain against\nprescribed play"):
        table.add_column(header, justify="right", no_wrap=True)
    for row in result.agents.to_dict("records"):
        table.add_row(
            row["agent"],
            row["strategy"],
            f"{amount(row['payoff'], 3)} ± {amount(row['payoff_half_width'], 3)}",
            f"{amount(row['gain'], 3)} ± {amount(row['gain_half_width'], 3)}",
        )
    console.print(table)
    console.print()
    first_best = f" (first best {amount(s['first_best'], 3)}, exact)" if np.isfinite(s["first_best"]) else ""
    facts = [
        ("welfare", f"{amount(s['welfare'], 3)} ± {amount(s['welfare_half_width'], 3)}{first_best}"),
        ("revenue", f"{amount(s['revenue'], 3)} ± {amount(s['revenue_half_width'], 3)}"),
        *_net_revenue(s),
        ("budget", f"{amount(s['worst_deficit'])} in the worst period (below 0: a deficit)"),
        (
            "unwilling",
            f"{s['participation_violations']} of {s['participation_cells']} (agent, date, own signal) "
            "under prescribed play",
        ),
        *_credit(result),
        ("episodes", f"{s['episodes']}, {s['periods']} period{'s' * (s['periods'] > 1)} each"),
    ]
    if s["tail"]:
        facts.append(("horizon", f"infinite, cut after {s['periods']} periods: at most {s['tail']:.1g} left out"))
    for name, fact in facts:
        console.print(Text.assemble((f"{name:10}", "bold"), fact))
    liars = result.agents[result.agents["strategy"] != "truthful"]
    if (liars["gain"] - liars["gain_half_width"] > ZERO * scale_of(result.agents["payoff"].to_numpy())).any():
        _show_gain_again(result, console)


def _show_gain_again(result: RunResult, console: Console) -> None:
    """Print the line that shows the episode in which a deviator gains most, or that makes a log which has it."""
    console.print()
    if is_logged(result.folder):
        show_line(console, "To see where it gains most", replay_line(result.folder))
    elif result.command is not None:
        show_line(console, "To log it for replay", logged_line(result.command))


def _credit(result: RunResult) -> list[tuple[str, str]]:
    """Who defaults, and what the designer loses by it, where bills are paid voluntarily."""
    s = result.summary
    if "default_rate" not in s:
        return []
    defaults = [
        f"{name} in {rate:.1%} of episodes ({amount(claims, 3)} not paid)"
        for name, rate, claims in zip(result.agents["agent"], s["default_rate"], s["claims_outstanding"], strict=True)
        if rate
    ]
    loss = f"{amount(s['designers_loss'], 3)} ± {amount(s['designers_loss_half_width'], 3)}"
    return [
        ("defaults", "; ".join(defaults) or "nobody: every bill is paid"),
        ("loss", f"{loss} of the designer: what is not paid, less forfeited deposits"),
    ]


def _net_revenue(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Revenue less the designer's costs, where there are any."""
    if not has_costs([summary]):
        return []
    mean, half_width = (amount(summary[key], 3) for key in ("net_revenue", "net_revenue_half_width"))
    return [("net rev.", f"{mean} ± {half_width}, less the designer's costs")]
