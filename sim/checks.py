"""Checks of what users write: each raises InputError with one line that names the field and the first bad value."""

from collections.abc import Sequence

import numpy as np

from sim.arrays import FloatArray, first, index_text
from sim.errors import InputError

SUM_TOLERANCE = 1e-9
"""How far probabilities may be from summing to 1."""


def check_names(names: Sequence[str], where: str) -> None:
    """Raise InputError unless these are different, non-empty names, at least one."""
    if not names:
        raise InputError(f"{where}: none given, at least one is needed")
    for k, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise InputError(f"{where}[{k}]: {name!r} is not a name")
        if name in names[:k]:
            raise InputError(f"{where}[{k}]: {name!r} is there already; names must differ")


def check_shape(array: FloatArray, shape: tuple[int, ...], where: str) -> None:
    """Raise InputError unless the array has this shape."""
    if array.shape != shape:
        raise InputError(f"{where}: shape {list(array.shape)}, expected {list(shape)}")


def check_finite(array: FloatArray, where: str) -> None:
    """Raise InputError at the first value that is NaN or infinite."""
    bad = ~np.isfinite(array)
    if bad.any():
        at = first(bad)
        raise InputError(f"{where}{index_text(at)}: {array[at]} is not a finite number")


def check_law(array: FloatArray, where: str, axes: int) -> None:
    """Raise InputError unless the last `axes` axes hold probabilities that sum to 1 everywhere."""
    check_finite(array, where)
    if (array < 0).any():
        at = first(array < 0)
        raise InputError(f"{where}{index_text(at)}: probability {array[at]:g} is negative")
    total = array.reshape(*array.shape[: array.ndim - axes], -1).sum(axis=-1)
    off = np.asarray(np.abs(total - 1) > SUM_TOLERANCE)
    if off.any():
        at = first(off) if off.ndim else ()
        raise InputError(f"{where}{index_text(at)}: probabilities sum to {float(total[at]):.12g}, expected 1")
