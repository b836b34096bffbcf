"""Heat maps of gains, exact ones first."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dynmech.experiments.figures.amounts import signed
from dynmech.experiments.figures.texts import as_cut, as_text, lines, wide_enough, wrapped

ANY = "any deviation"
"""The column of exact gains, of strategies that need not have been played."""


def draw_gains(table: pd.DataFrame, title: str, note: str, exact: pd.DataFrame | None = None) -> Figure:
    """Return a heat map of gains, every cell with its number, NaN as a dash; shaded above 0.

    Args:
        table: simulated gains.
        exact: exact ones, told first wherever they are known, the simulated one in brackets below; of a column that
            `table` does not have nothing was simulated, and it comes first.
    """
    known = pd.DataFrame(index=table.index) if exact is None else exact.reindex(index=table.index)
    names_across = [*(name for name in known.columns if name not in table.columns), *table.columns]
    played, sure = (frame.reindex(columns=names_across).to_numpy(dtype=float) for frame in (table, known))
    values = np.where(np.isfinite(sure), sure, played)
    simulated = [name in table.columns for name in names_across]
    rows, columns = values.shape
    names = [wrapped(as_cut(name, 160), 40) for name in table.index]
    heading, below = wrapped(title), wrapped(note)
    wide = max(2.6 + 1.35 * columns, wide_enough(title), wide_enough(note, 8))
    least = 0.52 if exact is None else 0.62
    row = max(least, *(0.16 + 0.18 * lines(name) for name in names)) if names else least
    figure = Figure(
        figsize=(wide, 1.15 + 0.2 * lines(heading) + 0.15 * lines(below) + row * rows), layout="constrained", dpi=150
    )
    axes = figure.add_subplot()
    top = float(np.nanmax(values, initial=0.0)) or 1.0
    axes.imshow(np.nan_to_num(values), cmap=mpl.colormaps["Oranges"], vmin=0, vmax=1.6 * top, aspect="auto")
    for r in range(rows):
        for c in range(columns):
            found = np.isfinite(values[r, c])
            first = exact is None or np.isfinite(sure[r, c])
            bold = "bold" if found and first and values[r, c] > 0 else "normal"
            style: dict[str, Any] = {"ha": "center", "color": "black" if found else "0.55", "fontweight": bold}
            if np.isfinite(sure[r, c]) and simulated[c]:
                axes.text(c, r - 0.02, signed(sure[r, c]), va="bottom", **style)
                axes.text(c, r + 0.06, _in_brackets(played[r, c]), va="top", ha="center", color="0.3", fontsize=8)
                continue
            text = signed(values[r, c]) if first else _in_brackets(played[r, c])
            axes.text(c, r, text if found else "–", va="center", **style)
    axes.set_xticks(range(columns), [as_text(name, 60).replace("-", "\n") for name in names_across])
    axes.set_yticks(range(rows), names)
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(heading, fontsize=11, loc="left")
    axes.set_xlabel(below, fontsize=8)
    return figure


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


def _in_brackets(gain: float) -> str:
    """Return a simulated gain beside an exact one.

    >>> _in_brackets(1.64), _in_brackets(float("nan"))
    ('(+1.64)', '(–)')
    """
    return f"({signed(gain)})"
