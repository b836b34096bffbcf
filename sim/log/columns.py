"""Columns of the log's tables: arrays by period, agent and episode turned into rows by episode, period, agent."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.spaces import LEAVE, Finite, Space
from dynmech.sim.log.arrow_arrays import from_numpy, from_words
from dynmech.sim.play.record import NOTHING

STRIP = 16
"""Rows that are turned at a time, so that what is read and what is written both stay in the cache."""

LEFT = "leave"
"""What an agent that has left says."""

Spaces = Sequence[Sequence[Space]]
"""By period and agent."""


def turned(values: Array) -> Array:
    """Return an array `(P, N, E)` as rows, episodes slowest: `(E · P · N,)`."""
    sheet = values.reshape(-1, values.shape[-1])
    out = np.empty(sheet.shape[::-1], values.dtype)
    for k in range(0, len(sheet), STRIP):
        out[:, k : k + STRIP] = sheet[k : k + STRIP].T
    return out.reshape(-1)


def numbers(values: Array) -> pa.Array:
    """Return a column of numbers or truth values from an array `(P, N, E)`."""
    if _is_one_value(values):
        return from_numpy(np.full(values.size, values.flat[0]))
    return from_numpy(turned(values))


def numbers_or_none(values: Array) -> pa.Array:
    """Return a column of numbers from an array `(P, N, E)`; NaN becomes null."""
    if _is_one_value(values) and np.isnan(values.flat[0]):
        return pa.nulls(values.size, pa.float64())
    return _nan_is_null(turned(values))


def names(agents: Sequence[str], times: int) -> pa.Array:
    """Return a column that repeats one word per agent."""
    unique = list(dict.fromkeys(agents))
    codes = np.array([unique.index(name) for name in agents], np.int16)
    return _words(from_numpy(np.tile(codes, times)), unique)


def labels(values: Array, spaces: Spaces, *, leaving: bool = False) -> pa.Array:
    """Return a column of labels, or of numbers where a space is an interval; what does not exist becomes null.

    Args:
        values: `(P, N, E)`; or `(P, 1, E)`, the same for all agents.
        leaving: whether `LEAVE` may be among them, which becomes `leave`, or null among numbers.
    """
    alike = len(spaces[0]) // values.shape[1]
    left = values == LEAVE if leaving else None
    if left is not None:
        values = np.where(left, np.nan if values.dtype.kind == "f" else NOTHING, values)
    if any(not isinstance(space, Finite) for row in spaces for space in row):
        return _nan_is_null(np.repeat(turned(values).astype(np.float64), alike))
    words, places = _dictionary(spaces)
    if _is_one_value(values) and values.flat[0] == NOTHING:
        return _words(pa.nulls(values.size, pa.int32()), words)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=NOTHING)
    codes = np.repeat(turned(_coded(values.astype(np.int32, copy=False), spaces, places)), alike)
    if left is not None:
        words = words if LEFT in words else [*words, LEFT]
        codes = np.where(np.repeat(turned(left), alike), np.int32(words.index(LEFT)), codes)
    return _words(from_numpy(codes, codes < 0), words)


def _is_one_value(values: Array) -> bool:
    """Return whether an array is one number, broadcast."""
    return values.size > 0 and not any(values.strides)


def _nan_is_null(values: Array) -> pa.Array:
    return from_numpy(values, np.isnan(values))


def _words(codes: pa.Array, words: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes, from_words(words), safe=False)


def _dictionary(spaces: Spaces) -> tuple[list[str], dict[Space, IntArray]]:
    """Return all labels, and by space where its labels stand among them, with `NOTHING` as the last place."""
    distinct = list(dict.fromkeys(space for row in spaces for space in row if isinstance(space, Finite)))
    words = list(dict.fromkeys(label for space in distinct for label in space.labels))
    position = {label: k for k, label in enumerate(words)}
    return words, {space: np.array([*map(position.get, space.labels), NOTHING], np.int32) for space in distinct}


def _coded(values: Array, spaces: Spaces, places: dict[Space, IntArray]) -> Array:
    """Return indices in each agent's own space as indices among all labels, `(P, N, E)`."""
    if len(places) == 1:
        (place,) = places.values()
        same = np.array_equal(place[:-1], np.arange(len(place) - 1))
        return values if same else place.take(values)
    out = np.empty_like(values)
    for t, row in enumerate(spaces):
        for i in range(values.shape[1]):
            out[t, i] = places[row[i]].take(values[t, i])
    return out
