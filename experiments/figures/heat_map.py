"""Heat maps of gains, exact ones first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dynmech.experiments.figures.amounts import amount, printed, signed
from dynmech.experiments.figures.family import COLUMN, PAGE, SMALL, TEXT, TITLE, as_family, letters
from dynmech.experiments.figures.texts import as_cut, as_text, lines, wide_enough, wrapped
from dynmech.sim.core.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ANY = "any deviation"
"""The column of exact gains, of strategies that need not have been played."""


def draw_gains(
    table: pd.DataFrame,
    title: str,
    note: str,
    exact: pd.DataFrame | None = None,
    halves: pd.DataFrame | None = None,
) -> Figure:
    """Return a heat map of gains, every cell with its number, NaN as a dash; white for nothing, losses the other way.

    Args:
        table: simulated gains.
        exact: exact ones, told first wherever they are known, the simulated one in brackets below; of a column that
            `table` does not have nothing was simulated, and it comes first.
        halves: half of the interval of each simulated gain, in the shape of `table`.
    """
    known = pd.DataFrame(index=table.index) if exact is None else exact.reindex(index=table.index)
    names_across = [*(name for name in known.columns if name not in table.columns), *table.columns]
    whole = pd.DataFrame(index=table.index) if halves is None else halves
    played, sure, spread = (frame.reindex(columns=names_across).to_numpy(float) for frame in (table, known, whole))
    values = np.where(np.isfinite(sure), sure, played)
    cells = [
        [
            _cell_text(sure[r, c], played[r, c], spread[r, c], name in table.columns, exact is None)
            for c, name in enumerate(names_across)
        ]
        for r in range(len(table.index))
    ]
    headings = [as_text(name, 60).replace("-", "\n") for name in names_across]
    return heat_map(values, cells, [wrapped(as_cut(name, 160), 34) for name in table.index], headings, (title, note))


def _cell_text(sure: float, played: float, half: float, simulated: bool, alone: bool) -> tuple[str, str]:
    """Return the figure that is told first, and what stands below it; either may be empty."""
    if np.isfinite(sure):
        return printed(signed(sure)), _in_brackets(played, half) if simulated else ""
    if not np.isfinite(played):
        return "–", ""
    interval = f"± {amount(half)}" if np.isfinite(half) else ""
    return (printed(signed(played)), interval) if alone else ("", _in_brackets(played, half))


def heat_map(
    values: FloatArray,
    cells: Sequence[Sequence[tuple[str, str]]],
    names: Sequence[str],
    headings: Sequence[str],
    said: tuple[str, str],
) -> Figure:
    """Return a heat map of values on a scale that is white at 0 and the same both ways.

    Args:
        values: shape (rows, columns); NaN is white.
        cells: what stands in each: the first figure, and what is below it.
        names: of the rows.
        headings: of the columns.
        said: the title, and the note below.
    """
    wide = min(PAGE, max(COLUMN, 1.7 + 0.85 * len(headings), wide_enough(said[0], TITLE, 84)))
    heading, below = wrapped(said[0], letters(wide)), wrapped(said[1], letters(wide))
    row = max([0.34, *(0.1 + 0.13 * lines(name) for name in names)])
    high = 0.55 + 0.15 * lines(heading) + 0.13 * lines(below) + 0.12 * max(map(lines, headings), default=1)
    figure = Figure(figsize=(wide, high + row * len(names)), layout="constrained")
    shade_cells(figure.add_subplot(), values, cells, names, headings)
    figure.axes[0].set_xlabel(below)
    figure.suptitle(heading)
    return as_family(figure)


def shade_cells(
    axes: "Axes",
    values: FloatArray,
    cells: Sequence[Sequence[tuple[str, str]]],
    names: Sequence[str],
    headings: Sequence[str],
) -> None:
    """Draw a heat map, see `heat_map`."""
    top = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    axes.imshow(np.nan_to_num(values), cmap=_diverging(), vmin=-1.6 * top, vmax=1.6 * top, aspect="auto")
    for r, row in enumerate(cells):
        for c, (first, second) in enumerate(row):
            style: dict[str, Any] = {"ha": "center", "va": "center", "color": "0.45" if first == "–" else "black"}
            bold = "bold" if first.startswith("+") else "normal"
            if first:
                axes.text(c, r - (0.17 if second else 0), first, fontsize=TEXT, fontweight=bold, **style)
            if second:
                axes.text(c, r + (0.2 if first else 0), second, fontsize=SMALL - 0.5, **{**style, "color": "0.2"})
    rows, columns = values.shape
    axes.set_xticks(range(columns), headings)
    axes.set_yticks(range(rows), names)
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _diverging() -> Any:
    """Return a scale from blue over white to orange."""
    return mpl.colors.LinearSegmentedColormap.from_list("gains", ["#0b5fa5", "#ffffff", "#c85a00"])


def draw_leaving(gains: Mapping[str, Mapping[str, float]], exact: Mapping[str, float | None], truth: str) -> Figure:
    """Return a heat map of what one agent gains by leaving truth while all others are truthful.

    Args:
        gains: simulated, by mechanism and strategy.
        exact: the most that any deviation gains, by mechanism; None where there is no exact search.
        truth: the strategy that is truth.
    """
    table = pd.DataFrame.from_dict({name: dict(row) for name, row in gains.items()}, orient="index", dtype=float)
    if not table.size:
        table = pd.DataFrame({truth: [float("nan")] * len(gains)}, index=list(gains))
    title, under = "What one agent gains by leaving truth, ex ante", "simulated, all others truthful"
    if all(gain is None for gain in exact.values()):
        return draw_gains(table, title, f"{under.capitalize()}; no exact search.  – : not played.")
    sure = pd.DataFrame({ANY: pd.Series(exact, dtype=float)})
    note = f"Any deviation: exact, of any agent; in brackets {under}.  – : not played, or not searched."
    return draw_gains(table, title, note, sure)


def _in_brackets(gain: float, half: float = float("nan")) -> str:
    """Return a simulated gain beside an exact one.

    >>> _in_brackets(1.64, 0.25), _in_brackets(1.64), _in_brackets(float("nan"))
    ('(+1.64 ± 0.25)', '(+1.64)', '(–)')
    """
    return f"({printed(signed(gain))}{f' ± {amount(half)}' if np.isfinite(half) else ''})"
