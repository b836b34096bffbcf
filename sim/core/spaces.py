"""What a message, an action or a reply may be: a finite set of labels, or an interval of numbers."""

from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import Array, BoolArray
from dynmech.sim.core.errors import InputError

SILENT = -1
"""The message of an agent that sends none (only a strategy that declares `silent` may return it)."""

LEAVE = -2
"""The message of an agent that leaves for good (only a strategy that declares `leaves` may return it)."""


@dataclass(frozen=True)
class Finite:
    """The set {0, …, K−1}, each element with a label."""

    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.labels)

    def accepts(self, dtype: np.dtype[np.generic]) -> bool:
        """Return whether arrays of this type can hold elements: integers, not booleans, not floats."""
        return dtype.kind in "iu"

    def contains(self, values: Array) -> BoolArray:
        """Return elementwise membership."""
        inside: BoolArray = (values >= 0) & (values < self.size)
        return inside

    def describe(self) -> str:
        """Return `0..1: '4', '6'`."""
        shown = ", ".join(repr(label) for label in self.labels[:8])
        return f"0..{self.size - 1}: {shown}" + (", …" if self.size > 8 else "")

    def index(self, text: str, where: str) -> int:
        """Return the element called `text`, by label or else by number.

        Raises:
            InputError: no such element; `where` opens the line.
        """
        if text in self.labels:
            return self.labels.index(text)
        if text.isdecimal() and int(text) < self.size:
            return int(text)
        raise InputError(f"{where}: {text!r} is none of {self.describe()}")


@dataclass(frozen=True)
class Interval:
    """The real numbers from `low` to `high`."""

    low: float
    high: float

    def accepts(self, dtype: np.dtype[np.generic]) -> bool:
        """Return whether arrays of this type can hold elements: numbers, not booleans."""
        return dtype.kind in "iuf"

    def contains(self, values: Array) -> BoolArray:
        """Return elementwise membership; NaN is outside."""
        inside: BoolArray = (values >= self.low) & (values <= self.high)
        return inside

    def describe(self) -> str:
        """Return `[0, 1]`."""
        return f"[{self.low:g}, {self.high:g}]"


Space = Finite | Interval
