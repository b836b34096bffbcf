"""The picture of a sweep: what it found, against the first option that varies."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dynmech.experiments.catalog.options import split
from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.figures.saving import save_figure
from dynmech.experiments.figures.texts import as_cut, wrapped
from dynmech.experiments.runs.moments import ZERO
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.sweeps.cell_figures import EXACTLY
from dynmech.experiments.sweeps.sweep_frames import best_information
from dynmech.experiments.sweeps.variations import as_number, with_options
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import TIE, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dynmech.experiments.sweeps.sweep_result import SweepResult

PANELS = {
    "best_response": "largest gain of a best response",
    "welfare": "welfare",
    "revenue": "revenue",
    "net_revenue": "revenue less the designer's costs",
    "budget": "least of a period's payments",
    "largest_transfer": "largest transfer",
}
"""What is drawn, and its title."""

MOST = 24
"""Lines that a picture may have."""

MARKERS = "os^Dv<>pP*X"

WIDE = 100.0
"""Ratio of the largest to the least positive value from which an axis is logarithmic."""


def plot_sweep(result: "SweepResult", path: Path, against: str = "", panels: Sequence[str] = ()) -> Path:
    """Draw a sweep against an option or a figure; error bars where a figure is simulated.

    Raises:
        InputError: nothing could be played, there is no such column or panel, too many lines, or it cannot be written.
    """
    return save_figure(draw_sweep(result, against, panels), path, Provenance.of_folder(result.folder, result.command))


def draw_sweep(result: "SweepResult", against: str = "", panels: Sequence[str] = ()) -> "Figure":
    """Return the picture of a sweep: all panels, or those that are named.

    Raises:
        InputError: nothing could be played, there is no such column or panel, or there are too many lines.
    """
    from matplotlib.figure import Figure

    information = best_information(result)
    table = result.table(information)
    table = table[table["refused"] == ""]
    if table.empty:
        raise InputError("sweep: nothing to draw; no mechanism could be played at any point")
    across, others = _axes_of(result, table, against)
    table = without_rounding(table).assign(line=[_label(row, across, others) for row in table.to_dict("records")])
    names = list(dict.fromkeys(table["line"]))
    if len(names) > MOST:
        raise InputError(f"sweep: {len(names)} lines are too many for a picture ({MOST}); vary or name less")
    panels = _panels(table, panels)
    across_page = min(2, len(panels))
    rows = -(-len(panels) // across_page)
    size = (3.6 * across_page, 0.8 + 1.9 * rows + 0.2 * -(-len(names) // across_page))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, across_page, squeeze=False).reshape(-1)
    values = result.varied.get(across, [])
    for axes, name in zip(grid, panels, strict=False):
        _draw(axes, table, name, names, across, values)
        title = f"{PANELS[name]}, {information.replace('_', ' ')}" if name == "best_response" else PANELS[name]
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel(as_cut(across.replace("_", " "), 60), fontsize=9)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    handles, labels = grid[0].get_legend_handles_labels()
    shown = [wrapped(label, 60) for label in labels]
    figure.legend(handles, shown, loc="outside lower left", ncols=across_page, frameon=False, fontsize=8)
    figure.suptitle(wrapped(result.environment), fontsize=11, x=0.01, ha="left")
    return figure


def _panels(table: pd.DataFrame, named: Sequence[str]) -> list[str]:
    """Return which panels are drawn: those named, else all in which there is something to see."""
    panels = [name for name in PANELS if name != "net_revenue" or has_costs(table.to_dict("records"))]
    panels = [name for name in panels if table[name].notna().any()]
    if not isinstance(named, Sequence) or not all(isinstance(name, str) for name in named):
        raise InputError(f"sweep: panels={named!r} is no list of names; there are {', '.join(panels)}")
    named = [named] if isinstance(named, str) else named
    for name in named:
        if name not in panels:
            raise InputError(f"sweep: there is no panel {name!r}; there are {', '.join(panels)}")
    return list(dict.fromkeys(named)) or [name for name in panels if _tells(table, name)] or panels[:1]


def _tells(table: pd.DataFrame, name: str) -> bool:
    """Return whether a figure is not everywhere the same; that nobody gains is worth a panel."""
    values = table[name].dropna().to_numpy(dtype=float)
    return name == "best_response" or bool(np.ptp(values) > TIE * scale_of(values))


def without_rounding(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table in which a gain that is rounding beside the amounts of its row is 0."""
    amounts = table[["welfare", "revenue", "largest_transfer"]].astype(float).abs().max(axis=1)
    small = table["best_response"].astype(float).abs() <= ZERO * amounts.where(amounts > 0, 1.0)
    return table.assign(best_response=table["best_response"].mask(small, 0.0))


def require_column(varied: Iterable[str], figures: Iterable[str], against: str) -> None:
    """Raise if there is nothing of that name to draw against: no option that varies, no figure.

    Raises:
        InputError: there is none.
    """
    known = [*varied, *figures]
    if against not in ("", *known):
        raise InputError(f"sweep: cannot draw against {against!r}; there are {', '.join(known)}")


def _axes_of(result: "SweepResult", table: pd.DataFrame, against: str) -> tuple[str, list[str]]:
    """Return the column on the horizontal axis, and the options of the economy that tell lines apart."""
    options = [name for name in result.varied if ":" not in name]
    require_column(result.varied, (name for name in EXACTLY if table[name].notna().all()), against)
    first = (options or list(result.varied))[0]
    along = against if against in result.varied else first  # what moves along a line
    others = [name for name in options if name != along and len(result.varied[name]) > 1]
    return against or first, others


def _label(row: dict[Any, Any], across: str, others: Sequence[str]) -> str:
    """Return what a line is called: the mechanism, and the values of the options that are not on the axis."""
    name, options = split(row["mechanism"], "mechanism")
    kept = {option: value for option, value in options.items() if f"{name}:{option}" != across}
    place = ", ".join(f"{option}={row[option]}" for option in others)
    return f"{with_options(name, kept)} ({place})" if place else with_options(name, kept)


def _draw(
    axes: "Axes", table: pd.DataFrame, name: str, names: Sequence[str], across: str, labels: Sequence[str]
) -> None:
    """Draw one figure of every line, numbers at their place and words side by side.

    What does not vary along the axis, as another mechanism's option is on it, is a level line.
    """
    import matplotlib as mpl

    values = [as_number(label) for label in labels]
    numeric = bool(pd.api.types.is_numeric_dtype(table[across]))
    for k, label in enumerate(names):
        mine = table[table["line"] == label]
        half = (
            mine[f"{name}_half_width"].to_numpy(dtype=float)
            if f"{name}_half_width" in mine
            else np.full(len(mine), np.nan)
        )
        simulated = bool(np.isfinite(half).any())
        style: dict[str, Any] = {
            "color": mpl.colormaps["tab10"](k % 10),
            "linestyle": "--" if simulated else "-",
            "label": as_cut(label, 160),
        }
        if mine[across].isna().all():
            axes.axhline(float(mine[name].iloc[0]), **style)
            continue
        x = mine[across].to_numpy(dtype=float) if numeric else np.array([values.index(v) for v in mine[across]])
        order, y = np.argsort(x, kind="stable"), mine[name].to_numpy(dtype=float)
        bars: dict[str, Any] = {"yerr": np.nan_to_num(half)[order], "capsize": 3} if simulated else {}
        axes.errorbar(x[order], y[order], marker=MARKERS[k % len(MARKERS)], markersize=4, **bars, **style)
    if not numeric:
        axes.set_xticks(range(len(labels)), [wrapped(label, 20) for label in labels], fontsize=8)
    _scale_axes(axes, table, name, across)
    axes.grid(color="0.9")
    axes.tick_params(labelsize=8)


def _scale_axes(axes: "Axes", table: pd.DataFrame, name: str, across: str) -> None:
    """Make an axis logarithmic where positive figures are far apart."""
    values = table[name].dropna().to_numpy(dtype=float)
    if values.size and values.min() > 0 and values.max() > WIDE * values.min():
        axes.set_yscale("log")
    if name == "best_response" and values.size and not values.any():
        axes.set_ylim(-0.05, 1)
    if across in EXACTLY and table[across].min() > 0:
        axes.set_xscale("log")
