"""Array types, and arrays that nobody can write to."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Array = NDArray[Any]


def frozen(array: Array) -> Array:
    """Return an array over immutable bytes, which not even its `flags` can make writeable; a copy unless it is one.

    >>> a = frozen(np.arange(3))
    >>> a.flags.writeable = True
    Traceback (most recent call last):
    ValueError: cannot set WRITEABLE flag to True of this array
    >>> frozen(a) is a
    True
    """
    if isinstance(array.base, bytes) and array.nbytes == len(array.base):
        return array
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def readonly(array: ArrayLike) -> FloatArray:
    """Return a float array that cannot be written to by accident: the array itself if it is one, else a copy.

    A read-only view is copied too: whoever holds what it looks at could still write there.
    """
    if (
        isinstance(array, np.ndarray)
        and array.dtype == np.float64
        and array.flags.owndata
        and not array.flags.writeable
    ):
        return array
    out = np.array(array, dtype=np.float64)
    out.flags.writeable = False
    return out


def index_text(index: tuple[int, ...]) -> str:
    """Return an index as it would be typed: `[0][2]`."""
    return "".join(f"[{int(k)}]" for k in index)


def first(mask: BoolArray) -> tuple[int, ...]:
    """Return the first index, in C order, at which `mask` is true."""
    return tuple(int(k) for k in np.unravel_index(int(np.argmax(mask)), mask.shape))


def expected(table: FloatArray, chance: FloatArray) -> FloatArray:
    """Return the expectation over draws, the last axis of both; one draw is certain."""
    return table[..., 0] if table.shape[-1] == 1 else (table * chance).sum(axis=-1)
