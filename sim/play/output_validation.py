"""Checks of what strategies and rules return; a wrong value becomes an error of one line."""

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.registry import place
from dynmech.sim.core.spaces import LEAVE, SILENT, Finite, Space

if TYPE_CHECKING:
    from dynmech.sim.play.billing import Bill

INDEX = np.dtype(np.intp)
UNSIGNED = np.dtype(np.uintp)

FEW = 8


def checked_answer(
    answer: object, space: Space, n: int, who: Callable[[], str], *, silent: bool = False, leaves: bool = False
) -> Array:
    """A private copy of an answer, if it is one element of `space` per episode; `who` says whose, if it is not.

    Args:
        silent: whether it may be `SILENT`, too.
        leaves: whether it may be `LEAVE`, too.

    Raises:
        PlayError: wrong type, wrong shape, or the first value outside the space.
    """
    if type(answer) is np.ndarray and answer.dtype is INDEX and answer.shape == (n,) and isinstance(space, Finite):
        copy = answer.copy()
        if within(copy, space.size, SILENT if silent else 0):
            return copy
    return _examined(answer, space, n, who, ([SILENT] if silent else []) + ([LEAVE] if leaves else []))


def checked_payment(answer: object, bill: "Bill", who: str) -> FloatArray:
    """A private copy of a payment, if it is a number from 0 to what is owed per episode; `who` says whose.

    Raises:
        PlayError: wrong type or shape, or the first payment below 0 or above what is owed.
    """
    n = len(bill.owed)
    if not (isinstance(answer, np.ndarray) and answer.shape == (n,) and answer.dtype.kind in "iuf"):
        what = f"an array of shape {answer.shape} and type {answer.dtype}" if isinstance(answer, np.ndarray) else ""
        raise PlayError(f"{who} returned {what or shown(answer, 40)}, expected an array of {n} numbers")
    paid = np.array(answer, np.float64)
    for wrong, limit in (
        (~(paid >= 0), "a payment is 0 or more"),
        (~(paid <= bill.owed), "more than the {owed:g} that it owes"),
    ):
        if wrong.any():
            k = int(np.argmax(wrong))
            raise PlayError(f"{who} returned {paid[k]:g} (row {k} of the block): {limit.format(owed=bill.owed[k])}")
    return paid


def within(values: Array, size: int, least: int = 0) -> bool:
    """Whether least ≤ v < size for all indices (at least one)."""
    if values.size == 1:
        return least <= values.item() < size
    shifted = values - least if least else values
    # Seen as unsigned, what is negative is large: one pass finds both.
    return bool(np.maximum.reduce(shifted.view(UNSIGNED)) < size - least)


def finite(values: Array) -> bool:
    """Whether all numbers of a matrix are finite."""
    if values.size <= FEW:  # Python is faster here
        return all(map(isfinite, values.ravel().tolist()))
    return bool(np.isfinite(values).all())


def _examined(answer: object, space: Space, n: int, who: Callable[[], str], beside: list[int]) -> Array:
    """The same, step by step, for answers of other types and to find what is wrong."""
    if not isinstance(answer, np.ndarray):
        what = f"{type(answer).__name__} {shown(answer, 40)}"
        raise PlayError(f"{who()} returned {what}, expected an array of shape ({n},)")
    answer = np.asarray(answer)
    if answer.shape != (n,):
        raise PlayError(f"{who()} returned an array of shape {answer.shape}, expected ({n},)")
    if not space.accepts(answer.dtype):
        start = f", first value {shown(answer[:1].tolist()[0], 40)}" if n else ""
        raise PlayError(f"{who()} returned type {answer.dtype}{start}, expected elements of {space.describe()}")
    inside = space.contains(answer)
    for other in beside:
        inside = inside | (answer == other)
    if not inside.all():
        k = int(np.argmin(inside))
        raise PlayError(f"{who()} returned {answer[k]} (row {k} of the block), outside {space.describe()}")
    return answer.astype(np.intp if isinstance(space, Finite) else np.float64)


def one_line(error: BaseException) -> str:
    """An error as one line.

    >>> one_line(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    return " ".join(f"{type(error).__name__}: {error}{place(error)}".split())
