"""What estimation costs, on the terminal: of each mechanism a line, then a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.console import show_faults
from dynmech.experiments.figures.terminal_tables import fits, plain_table
from dynmech.experiments.robustness.robust_result import RobustResult
from dynmech.sim.core.plain_text import harmless
from dynmech.sim.core.ties import figure

LEGEND = (
    "Gains of a best response under the true law of motion: ex post, largest over agents and states; and ex ante. "
    "Truthful: the share of estimates whose mechanism no lie gains from. Lost, deficit, transfer: medians."
)

NEAR = (
    "The largest gain ex post under any law whose rows are within the radius (L1) of the economy's own: at least that "
    "of a law that was found, at most a bound over all. Rules and transfers stay; lie and truth meet the same law. "
    "With --ball data every law has a radius of its own, and the largest is shown."
)

GAINS = {
    "gain_median": "gain,\nmedian",
    "gain_90": "90 %",
    "gain_ex_ante_median": "ex ante,\nmedian",
    "gain_ex_ante_90": "90 %",
    "truthful": "truth-\nful",
}
"""Headers of what estimation lets a lie gain."""

COSTS = {
    "welfare_lost": "welfare\nlost",
    "deficit": "deficit",
    "largest_transfer": "largest\ntransfer",
}
"""Headers of what else estimation costs."""

DIGITS = 4


def show_robust(result: RobustResult, files: Mapping[str, Path], console: Console, why: bool) -> None:
    """Print lines per mechanism, the tables, and where the files are."""
    for line in result.told():
        console.print(Text(harmless(f"{line}."), style="bold"))
    console.print()
    if result.figures["rows"]:
        for table in _tables(result, console):
            console.print(table, end="\n\n")
        console.print(Text(LEGEND, style="dim"))
    if result.figures["ball"]:
        if result.figures["rows"]:
            console.print()
        console.print(_balls(result))
        console.print(Text(NEAR, style="dim"))
    partly = {row["mechanism"] for row in result.figures["rows"] if 0 < row["refused"] < row["replications"]}
    for name, reason in ((name, reason) for name, reason in result.refusals.items() if name in partly):
        text = f"{name}: could not be built on some estimates{f': {reason}' if why else ' (--why says why)'}"
        console.print(Text(harmless(text), style="yellow"))
    show_faults(console, result.failures, result.remarks, result.damaged)
    console.print()
    if result.reused:
        console.print(Text("This comparison was there already; nothing was worked out again."))
    for what, path in files.items():
        console.print(Text(f"{what:9} {path}", no_wrap=True, overflow="ignore"), crop=False)


def _tables(result: RobustResult, console: Console) -> list[Table]:
    """Return the figures in one table, or gains and costs apart where that is too wide."""
    whole = _table(result, GAINS | COSTS)
    return [whole] if fits(whole, console) else [_table(result, GAINS), _table(result, COSTS)]


def _table(result: RobustResult, figures: Mapping[str, str]) -> Table:
    """Return figures, a row per mechanism and number of draws; headers by name."""
    table = plain_table()
    table.add_column("mechanism", overflow="fold")
    for name in ("draws", *figures.values()):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.figures["rows"]:
        cells = [_cell(name, row[name]) for name in figures]
        table.add_row(harmless(row["mechanism"]), f"{row['draws']:,}", *cells)
    return table


def _balls(result: RobustResult) -> Table:
    """Return bounds, a row per mechanism and radius."""
    table = plain_table()
    table.add_column("mechanism", overflow="fold")
    for name in ("radius", "gain,\nat least", "at most"):
        table.add_column(name, justify="right")
    for row in result.figures["ball"]:
        cells = [_number(row[name]) for name in ("radius", "lower", "upper")]
        table.add_row(harmless(row["mechanism"]), *cells)
    return table


def _number(value: float | str | None) -> str:
    """Return a radius or a bound; the radius of a confidence set is a word where it was not worked out."""
    return "–" if value is None else value if isinstance(value, str) else figure(value)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.0%}" if name == "truthful" else figure(value, DIGITS)
