"""Pictures of results."""

import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd

from dynmech.experiments.runs.moments import signed
from dynmech.experiments.runs.stress_result import StressResult, gain_table
from dynmech.sim.core.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_stress(result: StressResult, path: Path) -> Path:
    """Draw a mechanism × family heat map of gains, every cell with its number; readable in black and white.

    Parameters
    ----------
    result : StressResult
        What `stress` returned.
    path : Path
        The PNG file to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return plot_gains(
        gain_table(result),
        path,
        f"{result.environment}: what the best lie of each family gains, ex ante",
        "– : none found.  Simulated, against prescribed play under the same draws.",
    )


def plot_gains(table: pd.DataFrame, path: Path, title: str, note: str) -> Path:
    """Draw a heat map of gains, every cell with its number, NaN as a dash; shaded above 0.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    from matplotlib.figure import Figure

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
    return save_figure(figure, path)


def as_text(text: object, most: int = 40) -> str:
    r"""Return a user's text for a picture: never read as a formula, and cut where it is too long.

    >>> as_text("firm $1$"), as_text("aaaaaa", 4)
    ('firm \\$1\\$', 'aaa…')
    """
    return as_cut(text, most).replace("$", r"\$")


def as_cut(text: object, most: int) -> str:
    """Return a text, its end cut off where it is too long."""
    shown = str(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


PIECES = re.compile(r"(?<=[\s,:_])|(?<=\.)(?=\d+-)")
"""Where a line may end: after a blank, between options, roles of a profile and strategies of a role."""


def wrapped(text: object, most: int = 90) -> str:
    r"""Return a user's text on lines of so many letters at most, nothing cut; never read as a formula.

    >>> wrapped("pivot on auction:bidders=3,fatigue=0.5", 24)
    'pivot on auction:\nbidders=3,fatigue=0.5'
    """
    out = [""]
    for piece in PIECES.split(str(text)):
        if len(out[-1]) + len(piece.rstrip()) > most and out[-1]:
            out.append("")
        whole = out[-1] + piece
        *full, rest = [whole[k : k + most] for k in range(0, len(whole), most)] or [""]
        out[-1:] = [*full, rest]
    return "\n".join(as_text(line.strip(), most) for line in out if line.strip())


def lines(text: str) -> int:
    """Count the lines of a text that has been wrapped."""
    return 1 + text.count("\n")


def wide_enough(title: str, points: float = 11, most: int = 90) -> float:
    """Return how many inches a line of text takes, with some room."""
    return 0.6 + 0.0085 * points * min(len(title), most)


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a picture, whole or not at all, the same bytes every time.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    picture = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # a name in a script without a font
        figure.savefig(picture, format="png", metadata={"Software": None})
    write_whole(path, picture.getvalue())
    return path
