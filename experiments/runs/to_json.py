"""Results as JSON for programs."""

import json
import sys
from math import isfinite
from pathlib import Path
from typing import Any


def print_json(data: Any) -> None:
    """Write one JSON value to standard output."""
    sys.stdout.write(json_text(data) + "\n")


def json_text(data: Any) -> str:
    """Return one JSON value as text."""
    return json.dumps(plain(data), indent=1, allow_nan=False)


def plain(data: Any) -> Any:
    """Convert data for JSON: NumPy scalars to Python's, a table to its rows, paths to text, infinities and NaN to null.

    >>> plain({"x": float("nan"), "y": (1,)})
    {'x': None, 'y': [1]}
    """
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    pandas = sys.modules.get("pandas")  # where it is not loaded, there is no table
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return plain(data.astype(object).to_dict("records"))
    if isinstance(data, Path):
        return str(data)
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    value = data.item() if hasattr(data, "item") else data
    return None if isinstance(value, float) and not isfinite(value) else value
