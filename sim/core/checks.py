"""Checks of what users write: each raises InputError with one line that names the field and the first bad value."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dynmech.sim.core.arrays import FloatArray, first, index_text
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.plain_text import (
    BIDIRECTIONAL as BIDIRECTIONAL,
    UNPRINTABLE as UNPRINTABLE,
    escaped as escaped,
    harmless as harmless,
    on_one_line as on_one_line,
    unprintable as unprintable,
)

SUM_TOLERANCE = 1e-9
"""How far probabilities may be from summing to 1."""


def shown(value: Any, most: int = 60) -> str:
    """Return the beginning of a value's representation, for a message.

    >>> shown("a" * 100, 10), shown(3)
    ("'aaaaaaaa…", '3')
    """
    try:
        text = repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # its own __repr__ fails, or it is nested too deeply, or has too many digits
        return f"a value of type {type(value).__name__} that cannot be shown"
    text = escaped(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def field_path(place: Iterable[int | str]) -> str:
    """Return the path of a field in nested lists and tables; a key that is not a word is quoted.

    >>> field_path(["stages", 0, "kernel"]), field_path(["strategies", "firm 1"])
    ('stages[0].kernel', "strategies.'firm 1'")
    >>> len(field_path(["a" * 1000]))
    60
    """
    words = [k if isinstance(k, int) or (k.isidentifier() and len(k) <= 60) else shown(k) for k in place]
    return "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in words).removeprefix(".")


def check_names(names: Sequence[str], where: str) -> None:
    """Raise InputError unless these are different, non-empty names, at least one."""
    if not names:
        raise InputError(f"{where}: none given, at least one is needed")
    before: set[str] = set()
    for k, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise InputError(f"{where}[{k}]: {name!r} is not a name")
        if name in before:
            raise InputError(f"{where}[{k}]: {name!r} is there already; names must differ")
        check_text(name, f"{where}[{k}]")
        before.add(name)


def check_text(text: str, where: str) -> None:
    """Raise InputError unless a text can be written to a file: no halves of characters."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"{where}: {text!r} has half of a character (a lone surrogate)")


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
