"""What all results have in common: a few lines of text, one JSON object, tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.runs.to_json import json_text, plain
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.plain_text import harmless

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SCHEMA = 2
"""Of the JSON of every result."""

ROWS = 60
"""Rows of a table in a notebook."""


class ShownResult:
    """A result that one can hold: it says itself in a few lines, and hands out its figures.

    A subclass has `data`, `lines` and `frames`.
    """

    def data(self) -> Any:
        """Return everything as plain data, or as rows."""
        raise NotImplementedError

    def lines(self) -> list[str]:
        """Return what was found in a few lines."""
        raise NotImplementedError

    def frames(self) -> "Mapping[str, pd.DataFrame]":
        """Return the tables of the result by name."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data: what the command line prints with `--json`."""
        data = plain(self.data())
        return {"schema": SCHEMA, **(data if isinstance(data, dict) else {"rows": data})}

    def to_json(self) -> str:
        """Return the result as one JSON object, in text."""
        return json_text(self.to_dict())

    def __repr__(self) -> str:
        return harmless("\n".join(self.lines()))  # labels of a stranger's file are in them

    def _repr_html_(self) -> str:
        from dynmech.experiments.figures.html_tables import notebook
        from dynmech.experiments.figures.notebook_tables import frame_table

        return notebook(self.lines(), [frame_table(frame, ROWS) for frame in self.frames().values()])


class DrawnResult(ShownResult):
    """A result that has a picture.

    A subclass has `draw` and `provenance` besides.
    """

    def draw(self) -> "Figure":
        """Return the picture as a figure of matplotlib."""
        raise NotImplementedError

    @property
    def provenance(self) -> Provenance:
        """What makes it again, for the picture's metadata."""
        raise NotImplementedError

    @checked_arguments
    def plot(self, path: Path | str | None = None) -> "Figure | Path":
        """Draw the picture, see `draw`.

        Parameters
        ----------
        path : Path or str, optional
            The PDF, SVG or PNG file to write; without one the figure is returned.

        Returns
        -------
        Figure or Path
            The figure, or the file.
        """
        from dynmech.experiments.figures.saving import plotted

        return plotted(self.draw(), path, self.provenance)
