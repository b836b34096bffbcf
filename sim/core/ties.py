"""Ties, by a stated rule: what is named where several do equally well, and how small a residual is printed.

The last bits of a sum depend on the processor (which order its linear algebra adds in) and must decide nothing that is
said. So wherever the best of several is *named* (a state, an agent, a message, a line of a table, a cycle):

- all within `TIE` × scale of the best tie, and the **first** of them in the fixed order of the tables is named; where a
  prescribed message is among them, that one;
- the *figure* reported is the true extreme, not that of the one named (they differ by the tolerance at most);
- the scale is that of what is compared: the largest absolute value that went into it.

Iterations stop at residuals of 1e-11 and 1e-12 of the largest value, so that 1e-9 is beyond anything that computing can
do, and below anything that an economy would mean. Decisions of plans, which others must be able to recompute, tie
within a narrower 1e-11 (`dynmech.mechanisms.planning.planner.TIE`).

A null vector has a direction only: `oriented` makes its largest entry (the first of those that tie) +1. A numerical
rank counts singular values above `RANK` × the largest.
"""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, log10
from typing import Generic, TypeVar

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray

TIE = 1e-9
"""What is within this of the best, relative to the scale, ties with it."""

RANK = 1e-9
"""Singular values up to this, relative to the largest (at least 1), are 0."""

FLOOR = 1e-12
"""No residual bound is printed below this, relative to the scale."""

NUDGE = 1e-6
"""Relative distance to a round number at which a bound counts as that number."""

HALF = 1e-11
"""Relative distance at which a figure counts as half-way between two printed ones."""

T = TypeVar("T")


def scale_of(*tables: Array | float) -> float:
    """Return the largest finite absolute value in the tables; 1 if all are 0."""
    largest = 0.0
    for table in tables:
        values = np.abs(np.asarray(table, dtype=np.float64))
        largest = max(largest, float(values.max(initial=0.0, where=np.isfinite(values))))
    return largest or 1.0


def first_largest(values: Array | Sequence[float], scale: float | None = None) -> int:
    """Return the first flat index that ties with the largest value, on the scale given or that of the values.

    >>> first_largest([1.0, 3.0 - 1e-15, 3.0])
    1
    >>> first_largest([1.0, 2.9, 3.0])
    2
    """
    table = np.asarray(values, dtype=np.float64).reshape(-1)
    table = np.where(np.isnan(table), -np.inf, table)
    top = table.max()
    if not np.isfinite(top):
        return int(table.argmax())
    return int(np.argmax(table >= top - TIE * (scale_of(table) if scale is None else scale)))


def first_smallest(values: Array | Sequence[float], scale: float | None = None) -> int:
    """Return the first flat index that ties with the smallest value; NaN counts as ∞.

    >>> first_smallest([1.0, 0.0, -1e-15])
    1
    """
    return first_largest(-np.asarray(values, dtype=np.float64), scale)


def largest_place(table: Array, scale: float | None = None) -> tuple[int, ...]:
    """Return the first index, in C order, that ties with the largest value."""
    return tuple(int(k) for k in np.unravel_index(first_largest(table, scale), table.shape))


def first_of(things: Iterable[T], value: Callable[[T], float], scale: float | None = None) -> T:
    """Return the first item that ties with the one of largest value: `max(..., key=)` with ties by tolerance."""
    known = list(things)
    return known[first_largest([value(one) for one in known], scale)]


class Best(Generic[T]):
    """The largest of values that come one after the other, and what the first that ties with it is called.

    >>> worst = Best[str](scale=1.0)
    >>> for value, name in ((1.0, "a"), (2.0, "b"), (2.0 + 1e-15, "c"), (1.5, "d")):
    ...     worst.offer(value, name)
    >>> worst.value > 2, worst.named
    (True, 'b')
    """

    def __init__(self, scale: float) -> None:
        self.value, self._slack = -np.inf, TIE * scale
        self._records: list[tuple[float, T]] = []  # ever larger, all that may still tie

    def offer(self, value: float, thing: T) -> None:
        """Take one more value and its name."""
        if value > self.value:
            self.value = float(value)
            kept = [one for one in self._records if one[0] >= self.value - self._slack]
            self._records = [*kept, (self.value, thing)]

    def offer_all(self, values: Array, name: Callable[[int], T]) -> None:
        """Take the values of a table in C order; `name` gives the name of a flat index."""
        flat = values.reshape(-1)
        top = flat.max(initial=-np.inf)
        if not top > self.value:
            return
        near = np.flatnonzero(flat >= top - self._slack)
        records = np.maximum.accumulate(flat[near])
        for k in near[np.diff(records, prepend=-np.inf) > 0]:
            self.offer(float(flat[k]), name(int(k)))

    @property
    def named(self) -> T | None:
        """None where nothing was offered."""
        return self._records[0][1] if self._records else None


def descending(values: Array | Sequence[float], scale: float | None = None) -> list[int]:
    """Return indices by falling value; values that tie with the one before keep their order.

    >>> descending([1.0, 2.0, 2.0 + 1e-15, 3.0])
    [3, 1, 2, 0]
    """
    table = np.asarray(values, dtype=np.float64).reshape(-1)
    order = np.argsort(-table, kind="stable")  # NaN last
    fall = -np.diff(table[order])
    group = np.cumsum(~(fall <= TIE * (scale_of(table) if scale is None else scale)))
    places = np.concatenate([[0], group]) if len(order) else np.zeros(0)
    return order[np.lexsort((order, places))].tolist()


def oriented(direction: FloatArray) -> FloatArray:
    """Return a direction as one vector: its largest entry, the first of those that tie, is +1.

    >>> oriented(np.array([0.5, -0.5 - 1e-15, 0.25])).round(12).tolist()
    [1.0, -1.0, 0.5]
    """
    return direction / direction[first_largest(np.abs(direction))] + 0.0


def null_vector(space: FloatArray) -> FloatArray:
    """Return one vector of a space given by orthonormal rows: the same whichever rows span it.

    That with the last entries 0 that can be, by elimination: the space's projection of the first unit vector that is
    not orthogonal to it, the entries that may be so set to 0, oriented.

    >>> turned = np.array([[0.6, 0.8, 0.0], [0.8, -0.6, 0.0]])
    >>> null_vector(turned).round(9).tolist()
    [1.0, 0.0, 0.0]
    """
    rows = np.array(space, dtype=np.float64)
    for column in reversed(range(rows.shape[1])):
        if len(rows) == 1:
            break
        size = np.linalg.norm(rows[:, column])
        if size > RANK:  # turn the rows so that one alone has this entry, and leave that one out
            turn = np.linalg.svd(rows[:, [column]])[0]
            rows = (turn.T @ rows)[1:]
    vector = oriented(rows[0])
    return np.where(np.abs(vector) > RANK, vector, 0.0)


def rank(singular_values: FloatArray) -> int:
    """Return the number of singular values that count as different from 0."""
    return int((singular_values > RANK * max(1.0, float(singular_values.max(initial=0.0)))).sum())


def figure(value: float, digits: int = 6, *, scale: float = 1.0) -> str:
    """Return a figure in words; within `TIE` × scale of 0 it becomes 0, halves (up to `HALF`) are rounded away from 0.

    >>> figure(-3e-16), figure(2 / 3, 4), figure(1.198125), figure(1.198125 * (1 - 1e-14)), figure(2e-10, scale=1e-9)
    ('0', '0.6667', '1.19813', '1.19813', '2e-10')
    """
    return f"{value * (1 + HALF):.{digits}g}" if not abs(value) <= TIE * scale else "0"


def rounded_up(bound: float, scale: float) -> float:
    """Return a residual bound rounded up to one digit, `FLOOR` × scale at least, so that processors agree.

    >>> rounded_up(2.1e-11, 1.0), rounded_up(2e-11 * (1 + 1e-9), 1.0), rounded_up(3e-17, 10.0)
    (3e-11, 2e-11, 1e-11)
    """
    least = max(bound, FLOOR * scale)
    if not np.isfinite(least) or least <= 0:
        return least
    power = floor(log10(least) + NUDGE)
    return float(f"{ceil(least / 10.0**power * (1 - NUDGE))}e{power}")
