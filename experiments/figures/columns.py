"""Points with intervals, a row per name and a panel per figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from dynmech.experiments.figures.amounts import amount, printed
from dynmech.experiments.figures.family import COLUMN, PAGE, SMALL, as_family, letters
from dynmech.experiments.figures.texts import as_cut, lines, wrapped
from dynmech.sim.core.ties import scale_of

SAME = 1e-9
"""Values closer than this, relative to their size, are the same."""


@dataclass(frozen=True)
class Column:
    """One figure of every row: values (None: not known), and perhaps both ends of their intervals.

    Attributes:
        mark: a value to compare with, drawn across all rows, and what it is called; None: nothing.
    """

    name: str
    values: Sequence[float | None]
    ends: Sequence[tuple[float | None, float | None]] | None = None
    mark: tuple[str, float] | None = None

    @classmethod
    def even(
        cls, name: str, rows: Sequence[Mapping[Any, Any]], key: str, mark: tuple[str, float] | None = None
    ) -> "Column":
        """Return a mean with its half-width."""
        pairs = [(row[key], row[f"{key}_half_width"]) for row in rows]
        return cls(name, [value for value, _ in pairs], [(value - half, value + half) for value, half in pairs], mark)

    @property
    def constant(self) -> bool:
        """Whether all of several rows have the same value."""
        known = [value for value in self.values if value is not None]
        if len(self.values) < 2 or len(known) < len(self.values):
            return False
        return max(known) - min(known) <= SAME * scale_of(*known)


def draw_columns(names: Sequence[str], columns: Sequence[Column], filled: Sequence[bool], title: str) -> Figure:
    """Return a row per name and a panel per column: points with intervals, each with its number beside it.

    What is the same in all rows has no panel: it is said below the title.

    Args:
        filled: rows with a filled square; the others have a ring.
    """
    shown = [column for column in columns if not column.constant] or list(columns)
    wide = min(PAGE, max(COLUMN, 2.2 + 1.4 * len(shown)))
    heading = wrapped(title, letters(wide))
    if same := [_said(column) for column in columns if column not in shown]:
        heading += "\n" + wrapped(f"The same in all rows: {', '.join(same)}", letters(wide))
    figure = Figure(figsize=(wide, 0.65 + 0.15 * lines(heading) + 0.19 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, column in zip(panels, shown, strict=True):
        _draw_column(axes, column, filled)
    panels[0].set_yticks(range(len(names)), [wrapped(as_cut(name, 88), 44) for name in names])
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    figure.suptitle(heading)
    return as_family(figure)


def _said(column: Column) -> str:
    mark = f" ({column.mark[0]} {printed(amount(column.mark[1]))})" if column.mark else ""
    return f"{column.name} {printed(amount(column.values[0] or 0.0))}{mark}"


def _draw_column(axes: Any, column: Column, filled: Sequence[bool]) -> None:
    ends = column.ends or [(None, None)] * len(column.values)
    known = [x for x in (*column.values, *(x for pair in ends for x in pair)) if x is not None]
    known += [column.mark[1]] if column.mark else []
    low, high = min(known, default=0.0), max(known, default=0.0)
    wide = (high - low) or max(abs(high), 1.0)
    for row, (value, (left, right), full) in enumerate(zip(column.values, ends, filled, strict=True)):
        if value is None:
            axes.text(low, row, "–", va="center", fontsize=SMALL)
            continue
        if left is not None and right is not None:
            axes.plot([left, right], [row, row], color="black", linewidth=1.0)
        mark = (
            {"marker": "s", "color": "black"} if full else {"marker": "o", "color": "black", "markerfacecolor": "white"}
        )
        axes.plot([value], [row], markersize=3.6, linestyle="none", **mark)
        beside = max(value, value if right is None else right)
        axes.annotate(
            printed(amount(value)), (beside, row), (5, 0), textcoords="offset points", va="center", fontsize=SMALL
        )
    axes.set_xlim(low - 0.08 * wide, high + 0.5 * wide)
    axes.set_title(_named(column), loc="left")
    if column.mark:
        axes.axvline(column.mark[1], color="black", linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.6, zorder=0) if low <= 0 <= high else None
    axes.grid(axis="y", color="0.92", linewidth=0.6, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _named(column: Column) -> str:
    """Return what a panel is called, and what its dashed line is."""
    called = wrapped(column.name, 22)
    return f"{called}\n– –  {column.mark[0]} {printed(amount(column.mark[1]))}" if column.mark else called
