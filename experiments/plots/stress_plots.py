"""Pictures of stress tests: the heat map of gains."""

from pathlib import Path

from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.figures.saving import save_figure
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.sim.core.arguments import checked_arguments


@checked_arguments
def plot_stress(result: StressResult, path: Path | str, about: Provenance | None = None) -> Path:
    """Draw a mechanism × family heat map of gains, every cell with its number; readable in black and white.

    Exact gains come first; simulated ones stand in brackets.

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
