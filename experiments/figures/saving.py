"""Write a picture as PDF, SVG or PNG, the same bytes every time, with what makes it again in its metadata.

| | in a PDF | in an SVG | in a PNG |
| --- | --- | --- | --- |
| seed and configuration | Keywords | dc:subject | Seed, Configuration |
| command | Subject | dc:description | Command |

No format gets a date. Letters of a PDF are TrueType: publishers refuse Type 3, which matplotlib writes by default.
"""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from dynmech.experiments.figures.family import DPI, as_family
from dynmech.experiments.figures.forms import figure_form
from dynmech.experiments.figures.provenance import Provenance
from dynmech.sim.core.whole_files import write_whole

SALT = "dynmech"
"""From which the names of parts of an SVG are made, so that they are the same every time."""


def save_figure(figure: Figure, path: Path, about: Provenance | None = None) -> Path:
    """Write a picture, whole or not at all; its suffix says the format.

    Args:
        figure: what is drawn.
        path: of the file.
        about: seed, configuration and command, for its metadata.

    Raises:
        InputError: the suffix stands for no format, or the file cannot be written.
    """
    form, picture = figure_form(path), BytesIO()
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": SALT, "pdf.fonttype": 42}):
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # a name in a script without a font
        as_family(figure).savefig(picture, format=form, dpi=DPI, metadata=_metadata(form, about or Provenance()))
    write_whole(path, picture.getvalue())
    return path


def plotted(figure: Figure, path: Path | str | None, about: Provenance) -> Figure | Path:
    """Return a figure, or the file that it was written to."""
    return as_family(figure) if path is None else save_figure(figure, Path(path), about)


def _metadata(form: str, about: Provenance) -> dict[str, Any]:
    """Return what a format takes as metadata; None leaves out what would change from day to day, or says nothing."""
    fields = about.fields()
    if form == "png":
        return {"Software": None, **fields}
    command = fields.pop("Command", None)
    words = [f"{name.lower()}={value}" for name, value in fields.items()]
    if form == "svg":
        return {"Date": None, "Description": command, "Keywords": words or None}
    return {"CreationDate": None, "Subject": command, "Keywords": ", ".join(words) or None}
