"""The picture of what estimation costs, by number of draws, and of worst laws, by radius."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dynmech.experiments.figures.family import PAGE
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

    table, balls = (_known(frame, name) for frame, name in ((result.rows, "gain_median"), (result.ball, "upper")))
    names = list(dict.fromkeys([name for frame in (table, balls) if len(frame) for name in frame["mechanism"]]))
    if not names:
        raise InputError("robust: nothing to draw; no mechanism could be built")
    if len(names) > MOST:
        raise InputError(f"robust: {len(names)} mechanisms are too many for a picture ({MOST}); name fewer")
    lines = 2 * bool(len(table)) + bool(len(balls))
    figure = Figure(figsize=(PAGE, 0.8 + 1.9 * lines + 0.2 * -(-len(names) // 2)), layout="constrained")
    grid = list(figure.subplots(lines, 2, squeeze=False).reshape(-1))
    if len(table):
        _draw_draws(grid[:4], table, names, result.tolerance)
    if len(balls):
        _draw_balls(grid[-2:], balls, result.robustness_radius, names)
    for axes in grid:
        axes.grid(color="0.9")
        axes.tick_params(labelsize=8)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(
        handles, [wrapped(label, 60) for label in labels], loc="outside lower left", ncols=2, frameon=False, fontsize=8
    )
    how = f", estimated {result.way}" if len(table) else ""
    figure.suptitle(wrapped(f"{result.environment}{how}"), fontsize=11, x=0.01, ha="left")
    return figure


def _known(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows in which something is known."""
    return frame[frame[name].notna()] if len(frame) else frame


def _draw_draws(grid: "Sequence[Axes]", table: pd.DataFrame, names: Sequence[str], tolerance: float) -> None:
    """Draw figures by number of draws."""
    draws = sorted(set(table["draws"]))
    for axes, (name, title) in zip(grid, PANELS.items(), strict=True):
        for k, mechanism in enumerate(names):
            _line(axes, table[table["mechanism"] == mechanism], name, k, mechanism)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("draws per law", fontsize=9)
        axes.set_xscale("log")
        axes.set_xticks(draws, [f"{n:,}" for n in draws])
        axes.set_xticks([], minor=True)
    _scale(grid[0], table, tolerance)
    grid[1].set_ylim(-0.03, 1.03)
    grid[2].set_ylim(bottom=0, top=None if table["welfare_lost"].max() > tolerance else 1)


def _draw_balls(grid: "Sequence[Axes]", balls: pd.DataFrame, radii: pd.DataFrame, names: Sequence[str]) -> None:
    """Draw bounds of the worst gain by radius, and the robustness radius of each mechanism."""
    import matplotlib as mpl

    gain, radius = grid
    for k, mechanism in enumerate(names):
        own = balls[balls["mechanism"] == mechanism].sort_values("radius")
        color = mpl.colormaps["tab10"](k % 10)
        x = own["radius"].to_numpy(float)
        gain.fill_between(x, own["lower"].to_numpy(float), own["upper"].to_numpy(float), color=color, alpha=0.2)
        gain.plot(x, own["upper"].to_numpy(float), color=color, marker=MARKERS[k % len(MARKERS)], label=mechanism)
        gain.plot(x, own["lower"].to_numpy(float), color=color, linestyle="--")
        for row in radii[radii["mechanism"] == mechanism].to_dict("records"):
            proved = row["lower"] if row["lower"] is not None else 0.0
            refuted = 2.0 if row["upper"] is None or np.isnan(row["upper"]) else row["upper"]
            radius.barh(k, proved, color=color)
            radius.barh(k, refuted - proved, left=proved, color=color, alpha=0.2)
    gain.set_title("gain under the worst law:\nat most (line), at least (dashed)", fontsize=10, loc="left")
    gain.set_xlabel("radius of the ball, L1", fontsize=9)
    gain.set_ylim(bottom=0)
    radius.set_title("radius up to which truth is best:\nproved, and not refuted (pale)", fontsize=10, loc="left")
    radius.set_yticks(range(len(names)), [wrapped(name, 24) for name in names], fontsize=8)
    radius.set_xlabel("radius, L1", fontsize=9)
    radius.set_xlim(left=0)


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
    if np.max(positive) < 10 * np.min(positive):  # a scale of one decade has no ticks to speak of
        axes.set_ylim(bottom=0)
        return
    axes.set_yscale("symlog", linthresh=float(np.min(positive)))
    axes.set_ylim(bottom=0)
