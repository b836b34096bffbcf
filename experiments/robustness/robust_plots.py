"""The picture of what estimation costs, by number of draws."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dynmech.experiments.figures.saving import save_figure
from dynmech.experiments.figures.texts import wrapped
from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dynmech.experiments.robustness.robust_result import RobustResult

PANELS = {
    "gain_median": "largest gain ex post: median, and up to the 90 % quantile",
    "truthful": "share of estimates that no lie gains from",
    "welfare_lost": "welfare lost (median)",
    "largest_transfer": "largest transfer (median)",
}
"""What is drawn, and its title."""

MARKERS = "os^Dv<>pP*X"

MOST = 10
"""Mechanisms that a picture may have."""


def plot_robust(result: "RobustResult", path: Path) -> Path:
    """Draw the picture into a file.

    Raises:
        InputError: there is nothing to draw, or too much, or the file cannot be written.
    """
    return save_figure(draw_robust(result), path, result.provenance)


def draw_robust(result: "RobustResult") -> "Figure":
    """Return the picture.

    Raises:
        InputError: there is nothing to draw, or too much.
    """
    from matplotlib.figure import Figure

    table = result.rows
    table = table[table["gain_median"].notna()] if len(table) else table
    if table.empty:
        raise InputError("robust: nothing to draw; no mechanism could be built on any estimate")
    names = list(dict.fromkeys(table["mechanism"]))
    if len(names) > MOST:
        raise InputError(f"robust: {len(names)} mechanisms are too many for a picture ({MOST}); name fewer")
    draws = sorted(set(table["draws"]))
    figure = Figure(figsize=(9.6, 6.1 + 0.2 * -(-len(names) // 2)), layout="constrained", dpi=150)
    grid = figure.subplots(2, 2, squeeze=False).reshape(-1)
    for axes, (name, title) in zip(grid, PANELS.items(), strict=True):
        for k, mechanism in enumerate(names):
            _line(axes, table[table["mechanism"] == mechanism], name, k, mechanism)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("draws per law", fontsize=9)
        axes.set_xscale("log")
        axes.set_xticks(draws, [f"{n:,}" for n in draws])
        axes.set_xticks([], minor=True)
        axes.grid(color="0.9")
        axes.tick_params(labelsize=8)
    _scale(grid[0], table, result.tolerance)
    grid[1].set_ylim(-0.03, 1.03)
    grid[2].set_ylim(bottom=0, top=None if table["welfare_lost"].max() > result.tolerance else 1)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(
        handles, [wrapped(label, 60) for label in labels], loc="outside lower left", ncols=2, frameon=False, fontsize=8
    )
    figure.suptitle(wrapped(f"{result.environment}, estimated {result.way}"), fontsize=11, x=0.01, ha="left")
    return figure


def _line(axes: "Axes", own: pd.DataFrame, name: str, k: int, label: str) -> None:
    """Draw one mechanism's line; of the gain also what lies up to the 90 % quantile."""
    import matplotlib as mpl

    style: dict[str, Any] = {"color": mpl.colormaps["tab10"](k % 10), "label": label}
    x, y = own["draws"].to_numpy(float), own[name].to_numpy(float)
    axes.plot(x, y, marker=MARKERS[k % len(MARKERS)], markersize=4, **style)
    if name == "gain_median":
        axes.fill_between(x, y, own["gain_90"].to_numpy(float), color=style["color"], alpha=0.15, linewidth=0)


def _scale(axes: "Axes", table: pd.DataFrame, tolerance: float) -> None:
    """Make the gains' axis logarithmic, linear below the least gain where some are none."""
    gains = table["gain_median"].to_numpy(float)
    positive = gains[gains > tolerance]
    if not len(positive):
        return
    if len(positive) == len(gains):
        axes.set_yscale("log")
        return
    axes.set_yscale("symlog", linthresh=float(np.min(positive)))
    axes.set_ylim(bottom=0)
