"""Laws of the next profile, P(θ′ | a, θ): written out, or by the factors of signals that move independently.

What is asked of a law are expectations and what is possible, at *events* (a, θ), flat indices a S + θ. A law that is
written out has a row of S' numbers for each. Where signals move independently and the rows would be many, only the
factors are held, K_j × K'_j per axis and decision: expectations contract one axis at a time, D Σ_j S K_j operations in
place of D S S', and S × S' is never formed. A few events are answered by their rows, a block of them at a time.

Axes: D decisions, S profiles, S' next ones; A and A' the axes of a profile, see `dynmech.sim.economy.kernels`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from weakref import WeakKeyDictionary

import numpy as np

from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel

WRITTEN = 1 << 16
"""Numbers of a law up to which one of independent signals is written out: that is quicker, and its sums stay."""

BLOCK = 1 << 22
"""Numbers worked on at a time where rows, or the contractions of several decisions, are made."""


LARGEST_LAW = 60_000_000
"""Numbers that the law of motion of a period may hold, written out."""

_LAWS: WeakKeyDictionary[JointKernel | IndependentKernel, FloatArray] = WeakKeyDictionary()


def laws(environment: TableEnvironment, t: int) -> FloatArray:
    """Return P(θ′ | a, θ) out of period t, `(D, S, S')`, read-only; kept as long as its kernel.

    Raises:
        Refusal: it would hold too many numbers; how many is said.
    """
    stage = environment.stage(t)
    following = environment.stage(t if environment.horizon is None else t + 1)
    size = len(stage.decisions) * stage.size * following.size
    if size > LARGEST_LAW:
        raise Refusal(
            f"environment {environment.name!r}: decisions × profiles × next profiles = {size:,} in period {t}, exact "
            f"search takes {LARGEST_LAW:,}"
        )
    kernel = environment.kernel(t)
    if kernel not in _LAWS:
        rows = kernel.rows()
        rows.flags.writeable = False
        _LAWS[kernel] = rows
    return _LAWS[kernel]


class LawOfMotion(ABC):
    """The law of motion out of a period."""

    @property
    @abstractmethod
    def decisions(self) -> int:
        """D."""

    @property
    @abstractmethod
    def size(self) -> int:
        """S."""

    @property
    @abstractmethod
    def following(self) -> int:
        """S'."""

    @property
    def events(self) -> int:
        """D S."""
        return self.decisions * self.size

    @abstractmethod
    def row(self, decision: int, profile: int) -> FloatArray:
        """Return P(θ′ | a, θ), `(S',)`."""

    @abstractmethod
    def expect(self, values: FloatArray) -> FloatArray:
        """Return E[value(θ′) | a, θ], `(k, D S)`, of several values, `(k, S')`."""

    @abstractmethod
    def expect_at(self, values: FloatArray, memory: IntArray, event: IntArray) -> FloatArray:
        """Return E[value_k(m′, θ′) | a, θ] at pairs of memory and event, `(k, n)`; values are `(k, M, S')`."""

    @abstractmethod
    def sum_at(self, values: FloatArray, memory: IntArray, event: IntArray) -> FloatArray:
        """Return E[value(m′, θ′) | a, θ] at memories and events of one shape; values are `(M, S')`."""

    @abstractmethod
    def by_part(self, part: IntArray, values: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield, for each part of the next profiles, P(part | a, θ), `(D, S)`, and E[value · 1(part)], `(k, D, S)`.

        Args:
            part: of each next profile, `(S',)`, 0, 1, …: its public state and one agent's own signal.
            values: `(k, S')`.
        """

    @abstractmethod
    def leads_to(self, event: IntArray) -> BoolArray:
        """Return which next profiles some of the events lead to with positive probability, `(S',)`."""


@dataclass(frozen=True, eq=False)
class WrittenLaw(LawOfMotion):
    """A law written out: `rows` are `(D, S, S')`."""

    rows: FloatArray

    @property
    def decisions(self) -> int:
        """D."""
        return self.rows.shape[0]

    @property
    def size(self) -> int:
        """S."""
        return self.rows.shape[1]

    @property
    def following(self) -> int:
        """S'."""
        return self.rows.shape[2]

    @cached_property
    def flat(self) -> FloatArray:
        """The rows by event, `(D S, S')`, a view."""
        return self.rows.reshape(-1, self.following)

    @cached_property
    def possible(self) -> BoolArray:
        """Which next profiles are possible, `(D S, S')`."""
        return self.flat > 0

    def row(self, decision: int, profile: int) -> FloatArray:
        return self.rows[decision, profile]

    def expect(self, values: FloatArray) -> FloatArray:
        return values @ self.flat.T

    def expect_at(self, values: FloatArray, memory: IntArray, event: IntArray) -> FloatArray:
        return np.einsum("ks,nks->nk", self.flat[event], values[:, memory])

    def sum_at(self, values: FloatArray, memory: IntArray, event: IntArray) -> FloatArray:
        out: FloatArray = (self.flat[event] * values[memory]).sum(axis=-1)
        return out

    def by_part(self, part: IntArray, values: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        for k in range(int(part.max()) + 1):
            rows = self.rows[..., part == k]
            yield rows.sum(axis=-1), np.moveaxis(rows @ values[:, part == k].T, -1, 0)

    def leads_to(self, event: IntArray) -> BoolArray:
        out: BoolArray = np.logical_or.reduce(self.possible[event], axis=0)
        return out


@dataclass(frozen=True, eq=False)
class FactoredLaw(LawOfMotion):
    """A law of signals that move independently, by its factors."""

    kernel: IndependentKernel

    @property
    def decisions(self) -> int:
        """D."""
        return self.kernel.decisions

    @property
    def axes(self) -> tuple[int, ...]:
        """A."""
        return self.kernel.axes

    @property
    def next_axes(self) -> tuple[int, ...]:
        """A'."""
        return self.kernel.next_axes

    @property
    def size(self) -> int:
        """S."""
        return prod(self.axes)

    @property
    def following(self) -> int:
        """S'."""
        return prod(self.next_axes)

    @property
    def work(self) -> int:
        """Multiplications of a contraction for one decision."""
        sizes = [prod(self.axes[: j + 1]) * prod(self.next_axes[j:]) for j in range(len(self.axes))]
        return sum(sizes)

    def row(self, decision: int, profile: int) -> FloatArray:
        return self.kernel.row(decision, profile).reshape(-1)

    def rows_at(self, event: IntArray, axes: Sequence[int] = ()) -> FloatArray:
        """Return rows of some events, `(n, S')`, the axes of the next profile in this order (as they are: empty)."""
        decision, profile = np.divmod(event, self.size)
        places = np.unravel_index(profile, self.axes)
        out = np.ones((len(event), 1))
        for j in axes or range(len(self.axes)):
            factor = self.kernel.factors[j][decision, places[j]]
            out = (out[:, :, None] * factor[:, None, :]).reshape(len(event), -1)
        return out

    def contract(self, values: FloatArray, decisions: slice, axes: Sequence[int]) -> FloatArray:
        """Return expectations over some axes of the next profile, taking each to the axis of the present one.

        Args:
            values: `(k, *A')`.
            decisions: which.
            axes: which axes are contracted.

        Returns:
            `(d, k, *B)`, B_j = A_j for those axes, A'_j for the others.
        """
        out: FloatArray = values[None]
        shape = list(values.shape[1:])
        for j in axes:
            factor = self.kernel.factors[j][decisions]
            before, width, after = values.shape[0] * prod(shape[:j]), shape[j], prod(shape[j + 1 :])
            shape[j] = factor.shape[1]
            if after == 1:  # one product, not one per row
                out = np.matmul(out.reshape(len(out), before, width), factor.transpose(0, 2, 1))
            else:
                out = np.matmul(factor[:, None], out.reshape(len(out), before, width, after))
        whole = (decisions.stop - decisions.start, values.shape[0], *shape)
        return np.broadcast_to(out.reshape(-1, *whole[1:]), whole)

    def room(self, count: int) -> float:
        """Return how many numbers a contraction of so many values holds at a time."""
        return 3.0 * max(BLOCK, 2 * count * self._widest)

    @cached_property
    def _widest(self) -> int:
        """Numbers of the largest step of a contraction, for one decision and value."""
        return max(prod(self.axes[:j]) * prod(self.next_axes[j:]) for j in range(len(self.axes) + 1))

    def batches(self, count: int) -> Iterator[slice]:
        """Yield decisions, as many at a time as a block holds of `count` values each."""
        step = min(max(1, BLOCK // max(1, 2 * count * self._widest)), self.decisions)
        return (slice(a, min(a + step, self.decisions)) for a in range(0, self.decisions, step))

    def expect(self, values: FloatArray) -> FloatArray:
        out = np.empty((len(values), self.decisions, self.size))
        tables = values.reshape(len(values), *self.next_axes)
        for some in self.batches(len(values)):
            ahead = self.contract(tables, some, range(len(self.axes)))
            out[:, some] = np.moveaxis(ahead.reshape(len(ahead), len(values), -1), 0, 1)
        return out.reshape(len(values), -1)

    def few(self, events: int) -> bool:
        """Whether the rows of so many events are less work than the contraction of all."""
        return events * self.following < self.decisions * self.work

    def expect_at(self, values: FloatArray, memory: IntArray, event: IntArray) -> FloatArray:
        out = np.empty((len(values), len(event)))
        order = np.argsort(memory, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(memory[order])) + 1):
            if not len(group):
                continue
            value = values[:, memory[group[0]]]
            if not self.few(len(group)):
                out[:, group] = self.expect(value)[:, event[group]]
                continue
            step = max(1, BLOCK // self.following)
            for low in range(0, len(group), step):
                some = group[low : low + step]
                out[:, some] = value @ self.rows_at(event[some]).T
        return out

    def sum_at(self, values: FloatArray, memory: IntArray, event: IntArray) -> FloatArray:
        flat = self.expect_at(values[None], memory.reshape(-1), event.reshape(-1))
        return flat[0].reshape(event.shape)

    def by_part(self, part: IntArray, values: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        shape = (-1, self.decisions, self.size)
        for k in range(int(part.max()) + 1):
            inside = (part == k).astype(np.float64)
            sums = self.expect(np.concatenate([inside[None], values * inside])).reshape(shape)
            yield sums[0], sums[1:]

    def leads_to(self, event: IntArray) -> BoolArray:
        led = np.zeros((self.decisions, self.size))
        led.reshape(-1)[event] = 1
        out = np.zeros(self.following, np.bool_)
        for decision in np.flatnonzero(led.any(axis=1)):
            count, shape = led[decision], list(self.axes)
            for j, factor in enumerate(self.kernel.factors):
                possible = (factor[decision] > 0).astype(np.float64)
                sheet = count.reshape(prod(shape[:j]), shape[j], -1)
                count = np.matmul(possible.T, sheet)
                shape[j] = possible.shape[1]
            np.logical_or(out, count.reshape(-1) > 0, out=out)
        return out


def law_of_motion(environment: TableEnvironment, t: int) -> LawOfMotion:
    """Return the law of motion out of period t.

    Raises:
        Refusal: of correlated signals, it would hold too many numbers; how many is said.
    """
    kernel = environment.kernel(t)
    if isinstance(kernel, IndependentKernel):
        law = FactoredLaw(kernel)
        if law.events * law.following > WRITTEN:
            return law
    return WrittenLaw(laws(environment, t))
