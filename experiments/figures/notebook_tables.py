"""Frames as tables of a notebook, with the marks of the page."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from dynmech.experiments.figures.html_tables import Cell, Heading, Table
from dynmech.experiments.figures.html_text import name

if TYPE_CHECKING:
    import pandas as pd


def frame_table(frame: "pd.DataFrame", most: int) -> Markup:
    """Return a frame as a table of so many rows at most; further ones are counted."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    figures = [is_numeric_dtype(frame[key]) and not is_bool_dtype(frame[key]) for key in frame.columns]
    headings = [
        Heading(name(str(key).replace("_", " ")), left=not numeric, narrow=str(key))
        for key, numeric in zip(frame.columns, figures, strict=True)
    ]
    rows = [
        [_cell(value, numeric) for value, numeric in zip(row, figures, strict=True)]
        for row in frame.head(most).itertuples(index=False, name=None)
    ]
    left = len(frame) - len(rows)
    more = Markup("<p class='note'>{} more rows.</p>").format(left) if left else Markup()
    return Table.of(headings, rows).html("plain") + more


def _cell(value: Any, numeric: bool) -> Cell:
    """Return a value; what is not known is a dash."""
    if value is None or (isinstance(value, float) and value != value):
        return Cell("–", kind="dim")
    if numeric:
        return Cell(f"{value:.4g}" if isinstance(value, float) else str(value), value=float(value))
    return Cell(name(value), kind="wrap" if len(str(value)) > 40 else "")
