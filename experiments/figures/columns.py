"""Figures in rows, a panel per column: points with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from dynmech.experiments.figures.amounts import amount
from dynmech.experiments.figures.texts import as_cut, lines, wide_enough, wrapped


@dataclass(frozen=True)
class Column:
    """One figure of every row: values (None: not known), and perhaps both ends of their intervals."""

    name: str
    values: Sequence[float | None]
    ends: Sequence[tuple[float | None, float | None]] | None = None

    @classmethod
    def even(cls, name: str, rows: Sequence[Mapping[Any, Any]], key: str) -> "Column":
        """Return a mean with its half-width."""
        pairs = [(row[key], row[f"{key}_half_width"]) for row in rows]
        return cls(name, [value for value, _ in pairs], [(value - half, value + half) for value, half in pairs])


def draw_columns(names: Sequence[str], columns: Sequence[Column], filled: Sequence[bool], title: str) -> Figure:
    """Return a row per name and a panel per column: points with intervals, each with its number beside it.

    Args:
        filled: rows with a filled square; the others have a ring.
    """
    heading = wrapped(title)
    size = (max(3.2 + 2.5 * len(columns), wide_enough(title)), 1.1 + 0.2 * lines(heading) + 0.3 * len(names))
    figure = Figure(figsize=size, layout="constrained", dpi=150)
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for axes, column in zip(panels, columns, strict=True):
        _draw_column(axes, column, filled)
    panels[0].set_yticks(range(len(names)), [wrapped(as_cut(name, 88), 44) for name in names], fontsize=8)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    figure.suptitle(heading, fontsize=11, x=0.01, ha="left")
    return figure


def _draw_column(axes: Any, column: Column, filled: Sequence[bool]) -> None:
    ends = column.ends or [(None, None)] * len(column.values)
    known = [x for x in (*column.values, *(x for pair in ends for x in pair)) if x is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    wide = (high - low) or max(abs(high), 1.0)
    for row, (value, (left, right), full) in enumerate(zip(column.values, ends, filled, strict=True)):
        if value is None:
            axes.text(low, row, "–", va="center", fontsize=7)
            continue
        if left is not None and right is not None:
            axes.plot([left, right], [row, row], color="black", linewidth=1.2)
        mark = (
            {"marker": "s", "color": "black"} if full else {"marker": "o", "color": "black", "markerfacecolor": "white"}
        )
        axes.plot([value], [row], markersize=5, linestyle="none", **mark)
        beside = max(value, value if right is None else right)
        axes.annotate(amount(value), (beside, row), (6, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_xlim(low - 0.08 * wide, high + 0.42 * wide)
    axes.set_title(column.name, fontsize=9, loc="left")
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=0) if low <= 0 <= high else None
    axes.grid(axis="y", color="0.92", linewidth=0.8, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["top", "right", "left"]].set_visible(False)
