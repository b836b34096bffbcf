"""Cells of the page's tables: a figure, a mean with its interval."""

from collections.abc import Mapping
from typing import Any

from dynmech.experiments.figures.amounts import amount
from dynmech.experiments.figures.html_tables import Cell


def figure(value: float | None, digits: int = 2, below: str = "") -> Cell:
    """Return a figure, or a dash."""
    return Cell("–" if value is None else amount(float(value), digits), below=below, value=value)


def mean(row: Mapping[str, Any], key: str, digits: int = 2, below: str = "") -> Cell:
    """Return a mean with half of its interval."""
    text = f"{amount(row[key], digits)} ± {amount(row[f'{key}_half_width'], digits)}"
    return Cell(text, below=below, value=row[key])
