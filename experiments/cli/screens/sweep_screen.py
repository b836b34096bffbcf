"""A sweep on the terminal: of each mechanism a line and a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.catalog.names import names_file
from dynmech.experiments.cli.console import show_faults
from dynmech.experiments.cli.screens.replay_line import rerun_line, show_line
from dynmech.experiments.cli.screens.verdict_text import show_refusals
from dynmech.experiments.figures.terminal_tables import plain_table
from dynmech.experiments.runs.moments import ZERO
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.experiments.sweeps.sweep_frames import FAMILY_NAMES, mechanism_lines, point_text, worst_point
from dynmech.experiments.sweeps.sweep_result import SweepResult
from dynmech.experiments.sweeps.variations import with_options
from dynmech.sim.core.ties import figure, scale_of

HEADERS = {
    "one_shot": "one\nlie",
    "belief_manipulation": "belief\nmanip.",
    "best_response": "best\nresponse",
    "welfare": "welfare",
    "revenue": "revenue",
    "net_revenue": "net\nrevenue",
    "budget": "budget",
    "largest_transfer": "largest\ntransfer",
    "singular_value": "least\nσ",
    "hull_distance": "hull\ndistance",
    "epsilon_everywhere": "ε",
}
"""Columns of figures, in their order."""

KNOWING = {
    "ex_ante": "before anything is known",
    "on_path": "on the path of truth",
    "interim": "at any information state",
    "ex_post": "the others' signals known",
}
"""What a deviator knows, by information."""

CONDITIONING = ("singular_value", "hull_distance")
TELLING = ("spanning", "convex independence")


def show_sweep(result: SweepResult, information: str, files: Mapping[str, Path], console: Console, why: bool) -> None:
    """Print a line and a table per mechanism, what does not fit, and where the files are."""
    table = result.table(information)
    for name, line in mechanism_lines(result, information).items():
        texts = {cell["mechanism"] for cell in result.groups[name]}
        played = table[table["mechanism"].isin(texts) & (table["refused"] == "")]
        console.print(Text(f"{name}: {line}.", style="bold"))
        if not played.empty:
            console.print(_table(result, name, played))
        if (again := _worst_again(result, name, information)) is not None:
            show_line(console, "To play the worst deviation", again)
        console.print()
    console.print(Text(_legend(result, information, table), style="dim"))
    for cell in result.refused:
        at = point_text(cell["values"], cell["values"]) or "as it is"
        console.print(Text(f"{at}: {cell['refused']}", style="yellow"))
    show_refusals(result.unfit, console, why)
    show_faults(console, result.failures, result.remarks, result.damaged)
    console.print()
    if result.reused:
        console.print(Text("This sweep was there already; nothing was worked out again."))
    for what, path in files.items():
        console.print(Text(f"{what:9} {path}", no_wrap=True, overflow="ignore"), crop=False)


def _worst_again(result: SweepResult, mechanism: str, information: str) -> str | None:
    """Return the line that plays the deviation that gains most, where it gains most; None where there is no such line.

    A deviation that an exact search found is played by `best-response`; one that only a bound speaks of is not known.
    """
    worst = worst_point(result.groups[mechanism], information or result.information)
    if worst is None or result.command is None:
        return None
    cell, gain = worst
    strategy = gain.get("strategy")
    if strategy is None and cell["backend"] == "exact":
        strategy = "best-response:information=ex_post" if information == "ex_post" else "best-response"
    point = {option: value for option, value in cell["values"].items() if ":" not in option}
    if strategy is None or (point and names_file(result.environment)):
        return None
    environment = with_options(result.environment, point)
    return rerun_line(result.command, cell["mechanism"], gain["agent"], strategy, environment)


def _table(result: SweepResult, mechanism: str, rows: pd.DataFrame) -> Table:
    """Return the figures of one mechanism, a row per economy."""
    options = [name for name in result.varied if rows[name].notna().all()]
    figures = shown_columns(mechanism, rows)
    verdicts = rows["verdict"].unique()
    table = plain_table()
    for name in options:
        table.add_column(name.partition(":")[2] or name, overflow="fold")
    for name in figures:
        table.add_column(HEADERS[name], justify="right", overflow="fold")
    if len(verdicts) > 1:
        table.add_column("promises", overflow="fold")
    for row in rows.to_dict("records"):
        cells = [Text(str(row[name])) for name in options] + [_cell(row, name) for name in figures]
        table.add_row(*cells, *([WORDS.get(row["verdict"], "")] if len(verdicts) > 1 else []))
    return table


def shown_columns(mechanism: str, rows: pd.DataFrame) -> list[str]:
    """Return the figures that say something: fewer gains where nobody gains, net revenue only where there are costs."""
    records = rows.to_dict("records")
    nothing = all(abs(row[name]) <= _rounding(row) for row in records for name in FAMILY_NAMES)
    names = [name for name in HEADERS if name not in CONDITIONING]
    names = [name for name in names if not (nothing and name in FAMILY_NAMES[:2])]
    names = [name for name in names if name != "net_revenue" or has_costs(records)]
    names = [name for name in names if name != "epsilon_everywhere" or rows[name].notna().any()]
    return [*names, *(name for name in CONDITIONING if _rests_on_telling(mechanism) and rows[name].notna().any())]


def _rests_on_telling(mechanism: str) -> bool:
    """Return whether a mechanism assumes that the others' reports tell something of one's own."""
    from dynmech.experiments.catalog.names import mechanism_classes

    return any(
        assumption in " ".join(cls.promises.assumptions)
        for cls in mechanism_classes(mechanism)
        for assumption in TELLING
    )


def _cell(row: Mapping[Any, Any], name: str) -> Text:
    """A figure, with its half-width where it is simulated."""
    value, half = row[name], row.get(f"{name}_half_width")
    if pd.isna(value):
        return Text("–", style="dim")
    text = figure(float(value), 4)
    style = "red" if name in FAMILY_NAMES and value > _rounding(row) else ""
    return Text(text if half is None or pd.isna(half) else f"{text} ±{figure(float(half), 2)}", style=style)


def _rounding(row: Mapping[Any, Any]) -> float:
    """What is nothing beside the amounts of a row."""
    return ZERO * scale_of(*(row[name] for name in ("welfare", "revenue", "largest_transfer") if pd.notna(row[name])))


def _legend(result: SweepResult, information: str, table: pd.DataFrame) -> str:
    """What the figures are, as far as they are there."""
    kind = f"{information.replace('_', ' ')} ({KNOWING[information]})"
    text = f"Gains {kind}, the largest of any agent; best response: any deviation at all. Of prescribed play, "
    text += "discounted sums: welfare, revenue; budget: the least that a period's payments add up to (below 0: a "
    text += "deficit); the largest transfer of a period."
    if table.filter(like="half_width").notna().any(axis=None):
        text += " With ±: simulated, a 95 % interval; a gain with it is that of the best deviation found."
    if any(_rests_on_telling(name) for name in result.groups):
        text += " σ, hull distance: how much the others' next reports tell of one's own (0: nothing)."
    if table["epsilon_everywhere"].notna().any():
        text += " ε: by how much transfers miss their target."
    return text
