"""Arrow arrays from NumPy arrays and from words, out of their bytes, and back.

The same as `pyarrow.array` and `to_numpy`, which import pandas: a process that only writes shards would need longer for
that than for a shard.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from dynmech.sim.core.arrays import Array, BoolArray, IntArray


def from_numpy(values: Array, null: BoolArray | None = None) -> pa.Array:
    """Return numbers or truth values `(n,)`; null where it is said.

    >>> from_numpy(np.array([1, 2, 3]), np.array([False, True, False])).to_pylist()
    [1, None, 3]
    """
    truth = values.dtype.kind == "b"
    data = _bits(values) if truth else pa.py_buffer(np.ascontiguousarray(values))
    present = None if null is None or not null.any() else _bits(~null)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [present, data])


def from_words(words: Sequence[str]) -> pa.Array:
    """Return texts.

    >>> from_words(["", "Öl"]).to_pylist()
    ['', 'Öl']
    """
    parts = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, parts)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(parts), pa.py_buffer(ends), pa.py_buffer(b"".join(parts)))


def numbers_at(column: pa.ChunkedArray, places: IntArray) -> Array:
    """Return some rows of a column of numbers; null is NaN.

    >>> numbers_at(pa.chunked_array([from_numpy(np.array([1.0, 2.0, 3.0]), np.array([False, True, False]))]), [2, 1])
    array([ 3., nan])
    """
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    present, data = array.buffers()
    rows = np.asarray(places) + array.offset
    values: Array = np.frombuffer(data, array.type.to_pandas_dtype())[rows]
    if present is None:
        return values
    return np.where(np.unpackbits(np.frombuffer(present, np.uint8), bitorder="little")[rows] == 1, values, np.nan)


def _bits(values: BoolArray) -> pa.Buffer:
    """Return truth values packed, the first one lowest."""
    return pa.py_buffer(np.packbits(values, bitorder="little"))
