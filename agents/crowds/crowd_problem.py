"""What a deviator faces where the others matter by their numbers only: crowds in place of agents.

A *crowd* is a set of other agents who are alike: one chain, one law of the first signal, and exchanging two of them
changes nothing that the deviator gets or pays. The deviator's flow then depends on its true signal, its report, and how
many in each crowd hold each signal. Signals are not moved by decisions, and the mechanism has no memory, so that what
one sends has no consequences beyond the period.

Axes: K own signals, R = K reports, then one axis per crowd, its vectors of numbers in the order of `count_vectors`.
Vectors that a table does not tell apart are lumped: of 496 vectors often three classes are left, and expectations
become products of thin matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.chains import crowd_states


@dataclass(frozen=True, eq=False)
class Crowd:
    """Other agents who are alike.

    Attributes:
        size: how many.
        prior: an agent's first signal, `(J,)`.
        chain: P(next | present), `(J, J)`.
    """

    size: int
    prior: FloatArray
    chain: FloatArray

    @property
    def states(self) -> int:
        """Number of vectors of numbers."""
        return crowd_states(self.size, len(self.prior))


@dataclass(frozen=True, eq=False)
class Lumped:
    """A table whose crowd axes are cut to classes of vectors that it does not tell apart.

    Attributes:
        small: the table by classes; crowd axes last.
        classes: per crowd, the class of every vector, `(C,)`.
    """

    small: FloatArray
    classes: tuple[IntArray, ...]

    def indicator(self, crowd: int) -> FloatArray:
        """Which vectors are in which class, `(C, c)`."""
        kinds = self.classes[crowd]
        return np.eye(int(kinds.max()) + 1)[kinds]

    @property
    def indicators(self) -> list[FloatArray]:
        """Those of all crowds."""
        return [self.indicator(j) for j in range(len(self.classes))]


@dataclass(frozen=True, eq=False)
class CrowdProblem:
    """A deviator against crowds.

    Attributes:
        agent: its index.
        prior, chain: of its own signal, `(K,)` and `(K, K)`.
        crowds: in the order of the axes.
        earned: utility and charge by true signal and report, `(2, K, K, *c)` by classes.
        discount, horizon: as in the economy.
    """

    agent: int
    prior: FloatArray
    chain: FloatArray
    crowds: tuple[Crowd, ...]
    earned: Lumped
    discount: float
    horizon: int | None

    @cached_property
    def advantage(self) -> Lumped:
        """Flow of every report less that of the truth, `(K, K, *c)` by classes."""
        flow = self.earned.small[0] - self.earned.small[1]
        own = np.arange(len(self.prior))
        return Lumped(flow - flow[own, own][:, None], self.earned.classes)

    @cached_property
    def truthful(self) -> FloatArray:
        """Utility and charge of the truth, `(2, K, *c)` by classes."""
        own = np.arange(len(self.prior))
        return np.asarray(self.earned.small[:, own, own])

    @property
    def states(self) -> int:
        """Number of own signals times the crowds' vectors."""
        return len(self.prior) * prod(crowd.states for crowd in self.crowds)


def lump(table: FloatArray, crowds: int) -> Lumped:
    """Return the table with equal slices along each crowd axis written once.

    Args:
        crowds: how many axes, from the last, are crowds'.

    >>> small = lump(np.array([[1.0, 1.0, 2.0]]), 1)
    >>> small.small.tolist(), small.classes[0].tolist()
    ([[1.0, 2.0]], [0, 0, 1])
    """
    classes = []
    for axis in range(table.ndim - crowds, table.ndim):
        rows = np.ascontiguousarray(np.moveaxis(table, axis, 0)).reshape(table.shape[axis], -1) + 0  # no −0
        known: dict[bytes, int] = {}
        kinds = np.array([known.setdefault(row.tobytes(), len(known)) for row in rows], np.intp)
        table = table.take(np.unique(kinds, return_index=True)[1], axis=axis)
        classes.append(kinds)
    return Lumped(table, tuple(classes))


def contract(table: FloatArray, weights: Sequence[FloatArray]) -> FloatArray:
    """Return a table `(…, c_1, c_2, …)` with its last axes replaced by those of weights `(X_j, c_j)`."""
    first = table.ndim - len(weights)
    for j, weight in enumerate(weights):
        table = np.moveaxis(np.tensordot(table, weight, axes=(first + j, 1)), -1, first + j)
    return table
