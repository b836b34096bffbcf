"""Parts of long lists and of products for the quick suite; the rest runs with the slow tests."""

from collections.abc import Collection
from typing import Any

import pytest


def every_nth(values: Collection[Any], step: int) -> list[Any]:
    """Every value; all but each `step`-th is slow."""
    return [_param(k % step == 0, value) for k, value in enumerate(values)]


def diagonals(first: Collection[Any], second: Collection[Any], kept: int) -> list[Any]:
    """Every pair; in the quick suite each value of `first` meets `kept` of `second`, which take turns."""
    return [
        _param((i + j) % len(second) < kept, one, other)
        for i, one in enumerate(first)
        for j, other in enumerate(second)
    ]


def _param(quick: bool, *values: Any) -> Any:
    return pytest.param(*values, marks=[] if quick else [pytest.mark.slow])
