"""The rows of a design program: Σ coefficient · unknown >= limit, or = limit; each belongs to a goal and has a name."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DEFINITION = -1
"""The goal of rows that define unknowns: they can always be met."""


@dataclass(frozen=True, eq=False)
class Terms:
    """Terms of m linear expressions: columns and coefficients `(m, k)`, constants `(m,)`."""

    columns: IntArray
    values: FloatArray
    constant: FloatArray


@dataclass(eq=False)
class Rows:
    """Rows in the order in which they were added."""

    row: list[IntArray] = field(default_factory=list)
    column: list[IntArray] = field(default_factory=list)
    value: list[FloatArray] = field(default_factory=list)
    limit: list[FloatArray] = field(default_factory=list)
    equal: list[BoolArray] = field(default_factory=list)
    goal: list[IntArray] = field(default_factory=list)
    names: list[tuple[str, int, int, IntArray]] = field(default_factory=list)
    count: int = 0

    def add(
        self,
        name: tuple[str, int, int],
        goal: int,
        places: IntArray,
        parts: list[tuple[IntArray, IntArray, FloatArray]],
        limit: FloatArray,
        *,
        equal: bool = False,
    ) -> None:
        """Append rows.

        Args:
            name: the kind of row, its agent (-1: everybody), and its entry.
            goal: the goal that they belong to, or `DEFINITION`.
            places: what else tells them apart, `(rows, k)`.
            parts: triples of rows (from 0), columns and coefficients, each of one shape; the same place may recur.
            limit: the right-hand sides, `(rows,)`.
        """
        for row, column, value in parts:
            shape = np.broadcast_shapes(row.shape, column.shape, value.shape)
            flat = [np.broadcast_to(one, shape).reshape(-1) for one in (row, column, value)]
            some = flat[2] != 0
            self.row.append(flat[0][some] + self.count)
            self.column.append(flat[1][some])
            self.value.append(flat[2][some])
        self.limit.append(np.asarray(limit, np.float64))
        self.equal.append(np.full(len(limit), equal))
        self.goal.append(np.full(len(limit), goal, np.intp))
        self.names.append((*name, places))
        self.count += len(limit)

    def matrix(self, columns: int) -> "csr_array":
        """Return the coefficients as a sparse matrix, `(rows, columns)`."""
        from scipy.sparse import coo_array

        indices = (np.concatenate(self.row), np.concatenate(self.column))
        return coo_array((np.concatenate(self.value), indices), shape=(self.count, columns)).tocsr()

    def name_of(self, row: int) -> tuple[str, int, int, tuple[int, ...]]:
        """Return the name of a row: its kind, agent, entry and place."""
        for kind, agent, e, places in self.names:
            if row < len(places):
                return kind, agent, e, tuple(int(k) for k in places[row])
            row -= len(places)
        raise IndexError(row)
