"""Pictures of stress tests: the heat map of gains."""

from pathlib import Path

import pandas as pd

from dynmech.experiments.figures.heat_map import draw_gains
from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.figures.saving import save_figure
from dynmech.experiments.runs.stress_result import StressResult


def plot_stress(result: StressResult, path: Path | str, about: Provenance | None = None) -> Path:
    """Draw a mechanism × family heat map of gains, every cell with its number; readable in black and white.

    Parameters
    ----------
    result : StressResult
        What `stress` returned.
    path : Path or str
        The file to write, a PDF, SVG or PNG by its suffix.
    about : Provenance, optional
        Seed, configuration and command for the file's metadata; those of the run folder unless given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The suffix is another one, or the file cannot be written.
    """
    return save_figure(result.draw(), Path(path), about or result.provenance)


def plot_gains(table: pd.DataFrame, path: Path, title: str, note: str, about: Provenance | None = None) -> Path:
    """Draw a heat map of gains, every cell with its number, NaN as a dash; shaded above 0.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return save_figure(draw_gains(table, title, note), path, about)
