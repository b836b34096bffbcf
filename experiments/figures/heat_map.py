"""Heat maps of gains."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dynmech.experiments.figures.amounts import signed
from dynmech.experiments.figures.texts import as_cut, as_text, lines, wide_enough, wrapped


def draw_gains(table: pd.DataFrame, title: str, note: str) -> Figure:
    """Return a heat map of gains, every cell with its number, NaN as a dash; shaded above 0."""

    values = table.to_numpy(dtype=float)
    rows, columns = values.shape
    names = [wrapped(as_cut(name, 160), 40) for name in table.index]
    heading = wrapped(title)
    wide = max(2.6 + 1.35 * columns, wide_enough(title), wide_enough(note, 8))
    row = max(0.52, *(0.16 + 0.18 * lines(name) for name in names)) if names else 0.52
    figure = Figure(figsize=(wide, 1.3 + 0.2 * lines(heading) + row * rows), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    top = float(np.nanmax(values, initial=0.0)) or 1.0
    axes.imshow(np.nan_to_num(values), cmap=mpl.colormaps["Oranges"], vmin=0, vmax=1.6 * top, aspect="auto")
    for r in range(rows):
        for c in range(columns):
            found = np.isfinite(values[r, c])
            axes.text(
                c, r, signed(values[r, c]) if found else "–", ha="center", va="center",
                color="black" if found else "0.55", fontweight="bold" if found and values[r, c] > 0 else "normal",
            )  # fmt: skip
    axes.set_xticks(range(columns), [as_text(name, 60).replace("-", "\n") for name in table.columns])
    axes.set_yticks(range(rows), names)
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(heading, fontsize=11, loc="left")
    axes.set_xlabel(note, fontsize=8)
    return figure
