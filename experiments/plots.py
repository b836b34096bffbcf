"""Pictures of results."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from experiments.moments import amount
from experiments.stressing import StressResult, gain_table
from sim.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_stress(result: StressResult, path: Path) -> Path:
    """Mechanism × family heat map of gains, every cell with its number; readable in black and white.

    Raises:
        InputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    table = gain_table(result)
    values = table.to_numpy(dtype=float)
    rows, columns = values.shape
    figure = Figure(figsize=(2.6 + 1.35 * columns, 1.5 + 0.52 * rows), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    top = float(np.nanmax(values, initial=0.0)) or 1.0
    axes.imshow(np.nan_to_num(values), cmap=mpl.colormaps["Oranges"], vmin=0, vmax=1.6 * top, aspect="auto")
    for r in range(rows):
        for c in range(columns):
            found = np.isfinite(values[r, c])
            axes.text(
                c, r, f"+{amount(values[r, c])}" if found else "–", ha="center", va="center",
                color="black" if found else "0.55", fontweight="bold" if found else "normal",
            )  # fmt: skip
    axes.set_xticks(range(columns), [name.replace("-", "\n") for name in table.columns])
    axes.set_yticks(range(rows), list(table.index))
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{result.environment}: what the best lie of each family gains, ex ante", fontsize=11, loc="left")
    axes.set_xlabel("– : none found.  Simulated, against prescribed play under the same draws.", fontsize=8)
    return save_figure(figure, path)


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a picture, whole or not at all, the same bytes every time.

    Raises:
        InputError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        figure.savefig(partial, format="png", metadata={"Software": None})
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path
