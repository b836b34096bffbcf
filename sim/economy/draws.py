"""The next profile from uniform numbers, for many episodes at once: distribution functions laid out for gathers.

Shapes as in `kernels`: J axes of a profile, S profiles, D decisions, n episodes.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property, lru_cache
from math import prod
from operator import mul

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray, IntArray, frozen
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel, cumulate

COUNTED = 8
"""Up to so many outcomes are counted; more are searched by halves."""

LISTED = 1 << 16
"""Up to so many numbers are also kept as Python's."""

NEVER = 2.0
"""Where a distribution function is padded: above every uniform number."""

SMALL = np.dtype(np.int8)


class Inverse:
    """Outcome k where F[row, k−1] ≤ u < F[row, k], on J axes at once.

    Args:
        functions: of every axis, distribution functions `(R_j, K_j)`, as `cumulate` makes them.

    Attributes:
        counted: whether outcomes are counted; else they are searched by halves.
        columns: where they are counted, every step of all functions, `(ΣR_j,)`.
        width: numbers that a row holds, a power of two.
        flat: all rows, one after the other.
    """

    def __init__(self, functions: Sequence[FloatArray]) -> None:
        rows = [len(table) for table in functions]
        self.first = np.concatenate([[0], np.cumsum(rows)[:-1]]).astype(np.intp)
        widest = max(table.shape[1] for table in functions)
        self.width = 1 << (widest - 1).bit_length()
        stack = np.full((sum(rows), self.width), NEVER)
        for first, table in zip(self.first, functions, strict=True):
            stack[first : first + len(table), : table.shape[1] - 1] = table[:, :-1]
        self.counted = widest <= COUNTED
        self.columns = [np.ascontiguousarray(stack[:, k]) for k in range(widest - 1)] if self.counted else []
        self.flat = stack.reshape(-1)

    def __call__(self, rows: IntArray, uniforms: FloatArray) -> IntArray:
        """Outcomes of rows (axis j's begin at `first[j]`); axes `(J, n)`, `(J, n)` to `(J, n)`."""
        return self._count(rows, uniforms) if self.counted else self._halve(rows, uniforms)

    def _count(self, rows: IntArray, uniforms: FloatArray) -> IntArray:
        """How many steps of F are not above u."""
        if not self.columns:
            return np.zeros(rows.shape, np.intp)
        total = (self.columns[0].take(rows) <= uniforms).view(SMALL)
        for column in self.columns[1:]:
            total += (column.take(rows) <= uniforms).view(SMALL)
        return total.astype(np.intp)

    def _halve(self, rows: IntArray, uniforms: FloatArray) -> IntArray:
        """The same by halving the outcomes that are left."""
        at = rows * self.width
        step = self.width
        while step > 1:
            step >>= 1
            at += (self.flat.take(at + (step - 1)) <= uniforms) * step
        out: IntArray = at & (self.width - 1)
        return out

    @cached_property
    def listed(self) -> list[list[float]] | None:
        """The steps of every row as Python numbers, for those who ask for one at a time; None if there are too many."""
        return self.flat.reshape(-1, self.width).tolist() if self.flat.size <= LISTED else None


class Move:
    """The draw of the next profile by a kernel: coordinates `(J', n)` and the flat profile `(n,)`."""

    def __init__(self, kernel: JointKernel | IndependentKernel) -> None:
        self._joint = isinstance(kernel, JointKernel)
        self._axes, self._next = kernel.axes, kernel.next_axes
        self._size = prod(kernel.axes)
        # What a step along each axis adds to the flat index.
        self._steps = [prod(self._next[j + 1 :]) for j in range(len(self._next))]
        self._column = np.array(self._steps, np.intp)[:, None]
        if isinstance(kernel, JointKernel):
            self._inverse = Inverse([cumulate(kernel.table.reshape(-1, prod(self._next)))])
        else:
            self._inverse = Inverse([cumulate(factor.reshape(-1, factor.shape[2])) for factor in kernel.factors])
            decisions = np.arange(len(kernel.factors[0]))
            # Where the rows of each axis for each decision begin.
            self._start = self._inverse.first[:, None] + np.multiply.outer(kernel.axes, decisions)
            self._starts: list[list[int]] = self._start.T.tolist()

    def __call__(
        self, decision: IntArray, profile: IntArray, axes: IntArray, uniforms: FloatArray
    ) -> tuple[IntArray, IntArray]:
        """From decisions `(n,)`, flat profiles `(n,)`, their coordinates `(J, n)` and uniforms `(n, streams)`."""
        if self._joint:
            flat = self._inverse((decision * self._size + profile)[None], uniforms.T)[0]
            return coordinates(self._next).take(flat, axis=1), flat
        if len(decision) == 1 and self._inverse.listed:
            return self._one(self._inverse.listed, decision, axes, uniforms)
        drawn = self._inverse(self._start.take(decision, axis=1) + axes, uniforms.T)
        return drawn, np.add.reduce(drawn * self._column, axis=0)

    def _one(
        self, steps: list[list[float]], decision: IntArray, axes: IntArray, uniforms: FloatArray
    ) -> tuple[IntArray, IntArray]:
        """One episode alone is served faster without NumPy."""
        starts = self._starts[decision.item()]
        drawn = [
            bisect_right(steps[start + k], u)
            for start, k, u in zip(starts, axes.ravel().tolist(), uniforms.ravel().tolist(), strict=True)
        ]
        flat = sum(map(mul, drawn, self._steps))
        return np.array(drawn, np.intp)[:, None], np.array((flat,), np.intp)

    def from_states(self, decision: IntArray, profile: IntArray) -> "StateMove":
        """Return the same draw from states that are numbered: of each its decision and flat profile, `(X,)`."""
        if self._joint:
            rows = (decision * self._size + profile)[None]
        else:
            rows = self._start.take(decision, axis=1) + coordinates(self._axes).take(profile, axis=1)
        return StateMove(self._inverse, rows, self._column[-1:] if self._joint else self._column)


class StateMove:
    """The draw of the next profile from numbered states: the steps of each state's distribution functions lie ready.

    Args:
        inverse: of the distribution functions.
        rows: of every axis and state, `(J, X)`.
        steps: what a step along each axis adds to the flat profile, `(J, 1)`.
    """

    def __init__(self, inverse: Inverse, rows: IntArray, steps: IntArray) -> None:
        self.inverse, self.rows, self.steps = inverse, rows, steps
        self._columns = [column.take(rows) for column in inverse.columns]

    def __call__(self, state: IntArray, uniforms: FloatArray) -> IntArray:
        """Return the flat next profile, `(n,)`, from states `(n,)` and uniforms `(n, J)`."""
        if self.inverse.counted:
            drawn: Array = np.zeros((len(self.rows), len(state)), SMALL)
            for column in self._columns:
                drawn += (column.take(state, axis=1) <= uniforms.T).view(SMALL)
        else:
            drawn = self.inverse(self.rows.take(state, axis=1), uniforms.T)
        if len(drawn) == 1:
            return drawn[0].astype(np.intp, copy=False)
        out: IntArray = np.add.reduce(drawn * self.steps, axis=0)
        return out


@lru_cache(maxsize=64)
def coordinates(shape: tuple[int, ...]) -> IntArray:
    """The coordinates of every flat index, `(J, S)`."""
    return frozen(np.indices(shape).reshape(len(shape), -1))


@lru_cache(maxsize=4)
def nowhere(n: int) -> IntArray:
    """The public state of an economy that has none, `(n,)`."""
    return frozen(np.zeros(n, np.intp))
