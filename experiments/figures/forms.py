"""The formats of pictures."""

from pathlib import Path

from dynmech.sim.core.errors import InputError

FORMS = ("pdf", "svg", "png")
"""Formats by suffix."""


def figure_form(path: Path | str) -> str:
    """Return the format that a file's suffix stands for.

    Raises:
        InputError: it stands for none.

    >>> figure_form("gains.PDF")
    'pdf'
    """
    form = Path(path).suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise InputError(f"{path}: pictures are PDF, SVG or PNG; let the name end in .pdf, .svg or .png")
    return form
