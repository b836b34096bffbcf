"""What people see on the terminal."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pandas as pd
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from experiments.running import RunResult
from experiments.stressing import StressResult, describe_gain, gain_table, headline

WIDE = 112
"""Columns from which the stress table stands in one piece."""


def make_console() -> Console:
    """Standard output; 120 columns where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=False)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int], Callable[[int], None]]]:
    """Bars on a terminal, one plain line per phase elsewhere; both on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:

        def plain(name: str, total: int) -> Callable[[int], None]:
            print(f"{name}: {total} pieces", file=sys.stderr, flush=True)  # noqa: T201 - plain lines without a TTY
            return lambda _: None

        yield plain
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:

        def phase(name: str, total: int) -> Callable[[int], None]:
            task = bars.add_task(name, total=total)
            return lambda done: bars.advance(task, done)

        yield phase


def show_stress(result: StressResult, console: Console) -> None:
    """One sentence, one table, and what stands behind it."""
    console.print(Text(result.sentence, style="bold"))
    console.print()
    families = list(gain_table(result).columns)
    if console.width >= WIDE:
        console.print(_stress_table(result, families, properties=True))
    else:
        console.print(_stress_table(result, families, properties=False))
        console.print(_stress_table(result, [], properties=True))
    console.print(
        Text(
            "Gains: the best lie of each family, ex ante, against prescribed play under the same draws of nature; "
            f"–: none found (95 % interval, allowing for all {result.comparisons} comparisons). "
            "*: against everything that was tried. Right of the gains, prescribed play, discounted sums per episode: "
            f"welfare (first best {result.mechanisms['first_best'].iloc[0]:.2f}, exact), revenue, the worst deficit of "
            "a period, and how many (agent, date, own signal) would rather leave.",
            style="dim",
        )
    )
    console.print()
    for name in result.mechanisms["mechanism"]:
        console.print(_worst_line(result, name))
    for name, reason in result.refusals.items():
        console.print(Text.assemble((f"{name}: ", "bold"), (f"not played, {reason}", "dim")))


def _stress_table(result: StressResult, families: Sequence[str], properties: bool) -> Table:
    """Rows are mechanisms, worst first; columns the families of lies, then what prescribed play is worth."""
    gains = gain_table(result)
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("mechanism")
    table.add_column("verdict", no_wrap=True)
    for family in families:
        table.add_column(family.replace("-", "\n"), justify="right", no_wrap=True)
    if properties:
        for header in ("welfare", "revenue", "worst\ndeficit", "unwilling"):
            table.add_column(header, justify="right", no_wrap=True)
    for row in result.mechanisms.to_dict("records"):
        name = row["mechanism"]
        cells = [
            Text(f"+{gains.loc[name, f]:.2f}", style="bold red")
            if pd.notna(gains.loc[name, f])
            else Text("–", style="dim")
            for f in families
        ]
        if properties:
            cells += [
                Text(f"{row['welfare']:.2f}"),
                Text(f"{row['revenue']:.2f}"),
                Text(f"{row['worst_deficit']:.2f}"),
                Text(f"{row['participation_violations']}/{row['participation_cells']}"),
            ]
        verdict = Text("breaks", style="bold red") if row["breaks"] else Text("holds*", style="green")
        table.add_row(name, verdict, *cells)
    return table


def _worst_line(result: StressResult, mechanism: str) -> Text:
    mine = result.gains[result.gains["mechanism"] == mechanism]
    found = mine[mine["found"]]
    if found.empty:
        return Text.assemble((f"{mechanism}: ", "bold"), f"no gain in {int(mine['tried'].sum())} deviations tried.")
    text = f"{describe_gain(headline(found))}."
    if not (found["family"] == "one-shot").any() and (mine["family"] == "one-shot").any():
        text += " No single lie on the path of truth gains."
    return Text.assemble((f"{mechanism}: ", "bold"), text)


def show_run(result: RunResult, console: Console) -> None:
    """A sentence, a table by agent, a line of totals."""
    s = result.summary
    liars = result.agents[result.agents["strategy"] != "truthful"]
    if liars.empty:
        opening = f"Everybody plays as prescribed by {s['mechanism']} on {s['environment']}."
    else:
        parts = [
            f"{row['agent']} plays {row['strategy']} and gains {row['gain']:.2f} ± {row['gain_half_width']:.2f}"
            for row in liars.to_dict("records")
        ]
        opening = f"Under {s['mechanism']} on {s['environment']}, {'; '.join(parts)}."
    console.print(Text(opening, style="bold"))
    table = Table(header_style="bold", pad_edge=False)
    for header in ("agent", "strategy", "payoff", "gain against prescribed play"):
        table.add_column(header, justify="left" if header in ("agent", "strategy") else "right")
    for row in result.agents.to_dict("records"):
        table.add_row(
            row["agent"],
            row["strategy"],
            f"{row['payoff']:.3f} ± {row['payoff_half_width']:.3f}",
            f"{row['gain']:.3f} ± {row['gain_half_width']:.3f}",
        )
    console.print(table)
    cut = f"; horizon cut after {s['periods']} periods, at most {s['tail']:.1g} left out" if s["tail"] else ""
    console.print(
        f"welfare {s['welfare']:.3f} ± {s['welfare_half_width']:.3f} (first best {s['first_best']:.3f}), "
        f"revenue {s['revenue']:.3f} ± {s['revenue_half_width']:.3f}, worst deficit of a period "
        f"{s['worst_deficit']:.2f}; under prescribed play {s['participation_violations']} of "
        f"{s['participation_cells']} (agent, date, own signal) would rather leave; {s['episodes']} episodes{cut}"
    )
