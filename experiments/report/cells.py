"""Cells of the page's tables: a figure, a mean with its interval."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dynmech.experiments.figures.amounts import amount
from dynmech.experiments.figures.html_tables import Cell
from dynmech.experiments.runs.stress_frames import exactly


def figure(value: float | None, digits: int = 2, below: str = "") -> Cell:
    """Return a figure, or a dash."""
    return Cell("–" if value is None else amount(float(value), digits), below=below, value=value)


def mean(row: Mapping[str, Any], key: str, digits: int = 2, below: str = "") -> Cell:
    """Return a mean with half of its interval."""
    text = f"{amount(row[key], digits)} ± {amount(row[f'{key}_half_width'], digits)}"
    return Cell(text, below=below, value=row[key])


def exact_mean(row: Mapping[str, Any], key: str, below: str = "") -> Cell:
    """Return the exact figure, and in brackets the simulated one with half of its interval; else that alone."""
    simulated, known = mean(row, key, below=below), exactly(row, key)
    if known is None:
        return simulated
    text = Markup('{} <span class="beside">({})</span>').format(amount(known), simulated.text)
    return Cell(text, below=below, value=known)
