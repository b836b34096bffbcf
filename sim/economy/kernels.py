"""Laws of motion: the law of the next profile given the decision and this profile.

Shapes: `A = (A_0, …)` are the axes of a profile (the public state first, where there is one, then
agent 0, 1, …), `A'` those of the next profile, `S = ΠA`, `S' = ΠA'`, D decisions. Flat indices are in C order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray, IntArray, readonly
from dynmech.sim.core.memory_budget import require_room

BATCH = 1 << 17
"""Numbers worked on at a time where decisions are taken in batches: what a processor's cache holds."""

THREADED = 1 << 18
"""Multiplications from which BLAS may share a matrix product out among threads."""

THIN = 1 << 10
"""Numbers in a factor up to which sharing out costs more than it brings: threads wait for each other, spinning."""

Operator = Callable[[FloatArray], FloatArray]


def _pieces(rows: int, work: int) -> int:
    """Into how many equal pieces to cut `rows` products of `work` multiplications so that no thread is woken.

    >>> _pieces(8**5, 64), _pieces(6**4, 36), _pieces(1000, 200 * 200), _pieces(524_287, 4)  # the last is prime
    (8, 1, 1, 1)
    """
    least = -(-rows * work // THREADED)
    few = range(least, 4 * least + 1) if work <= THIN else ()
    return next((pieces for pieces in few if rows % pieces == 0), 1)


def cumulate(probabilities: FloatArray) -> FloatArray:
    """Distribution functions along the last axis, with 1 from the last possible outcome on.

    Rounding then gives no outcome of probability 0 a chance, not even the last ones.
    """
    total = np.cumsum(probabilities, axis=-1)
    ahead = np.cumsum(probabilities[..., ::-1] > 0, axis=-1)[..., ::-1]
    return np.where(ahead - (probabilities > 0) <= 0, 1.0, np.minimum(total, 1.0))


def invert(cumulative: FloatArray, rows: Array, uniforms: FloatArray) -> IntArray:
    """Outcome k where `cumulative[row, k−1] <= u < cumulative[row, k]`; axes `(R, K)`, `(n,)`, `(n,)`."""
    width = cumulative.shape[1]
    if width <= 16:
        return (cumulative[rows, : width - 1] <= uniforms[:, None]).sum(axis=1)
    low = np.zeros(len(uniforms), np.intp)
    high = np.full(len(uniforms), width - 1, np.intp)
    for _ in range(int(width - 1).bit_length()):
        middle = (low + high) // 2
        right = cumulative[rows, middle] <= uniforms
        low = np.where(right, np.minimum(middle + 1, high), low)
        high = np.where(right, high, middle)
    return low


@dataclass(frozen=True, eq=False)
class JointKernel:
    """Any correlation: one table `(D, *A, *A')`."""

    table: FloatArray
    axes: tuple[int, ...]
    next_axes: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", readonly(self.table))

    @property
    def streams(self) -> int:
        return 1

    def expect(self, value: FloatArray) -> FloatArray:
        """E[value(θ′) | a, θ], `(D, *A)`."""
        decisions = self.table.shape[0]
        flat = self.table.reshape(decisions * prod(self.axes), -1) @ value.reshape(-1)
        return flat.reshape(decisions, *self.axes)

    def ahead(self, value: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
        """All decisions in one piece: the table is far larger than what is made of it."""
        yield slice(0, self.table.shape[0]), self.expect(value)

    def under(self, policy: IntArray) -> Operator:
        """P_π as one matrix, `(S, S')`."""
        matrix = self.rows()[policy.reshape(-1), np.arange(policy.size)]
        return lambda value: (matrix @ value.reshape(-1)).reshape(self.axes)

    def row(self, decision: int, profile: int) -> FloatArray:
        """P(θ′ | a, θ), `(*A')`."""
        return self.rows()[decision, profile].reshape(self.next_axes)

    def rows(self) -> FloatArray:
        """P(θ′ | a, θ), `(D, S, S')`, a view."""
        return self.table.reshape(self.table.shape[0], prod(self.axes), -1)

    def others(self, axis: int) -> FloatArray:
        """The marginal over the other axes, `(D, *A, S' / A'_axis)`."""
        law = self.table.sum(axis=1 + len(self.axes) + axis)
        return law.reshape(*law.shape[: 1 + len(self.axes)], -1)

    def draw(self, decision: IntArray, profile: IntArray, axes: IntArray, uniforms: FloatArray) -> IntArray:  # noqa: ARG002 - the protocol's
        """The next coordinates `(J', n)`; one uniform number determines the whole profile."""
        flat = invert(self._cumulative, decision * prod(self.axes) + profile, uniforms[:, 0])
        return np.array(np.unravel_index(flat, self.next_axes))

    @cached_property
    def _cumulative(self) -> FloatArray:
        return cumulate(self.table.reshape(-1, prod(self.next_axes)))


@dataclass(frozen=True, eq=False)
class IndependentKernel:
    """Axes move independently given the decision: one table `(D, A_j, A'_j)` per axis.

    The product over axes is never formed: an expectation contracts one axis at a time (Kronecker
    structure), D Σ_j S A_j operations instead of D S².
    """

    factors: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(readonly(factor) for factor in self.factors))

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(f.shape[1] for f in self.factors)

    @property
    def next_axes(self) -> tuple[int, ...]:
        return tuple(f.shape[2] for f in self.factors)

    @property
    def streams(self) -> int:
        return len(self.factors)

    @property
    def decisions(self) -> int:
        """D."""
        return self.factors[0].shape[0]

    def expect(self, value: FloatArray) -> FloatArray:
        """E[value(θ′) | a, θ], `(D, *A)`."""
        out = np.empty((self.decisions, *self.axes))
        for some in self._batches:
            self._contract(value, some, out[some])
        return out

    def ahead(self, value: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
        """A batch of decisions at a time, each in the room of the last."""
        room = np.empty((self._batches[0].stop, *self.axes))
        for some in self._batches:
            piece = room[: some.stop - some.start]
            self._contract(value, some, piece)
            yield some, piece

    def under(self, policy: IntArray) -> Operator:
        """P_π, decision by decision: only those that the policy takes."""
        taken = [policy == decision for decision in range(self.decisions)]
        batches = [some for some in self._batches if any(mask.any() for mask in taken[some])]
        room = np.empty((self._batches[0].stop, *self.axes))

        def follow(value: FloatArray) -> FloatArray:
            out = np.empty(self.axes)
            for some in batches:
                piece = room[: some.stop - some.start]
                self._contract(value, some, piece)
                for ahead, mask in zip(piece, taken[some], strict=True):
                    np.copyto(out, ahead, where=mask)
            return out

        return follow

    @cached_property
    def _batches(self) -> tuple[slice, ...]:
        """Decisions, as many at a time as the cache holds; equal batches but for the last."""
        widest = max(prod(self.axes[:j]) * prod(self.next_axes[j:]) for j in range(len(self.axes) + 1))
        step = min(max(1, BATCH // widest), self.decisions)
        return tuple(slice(a, min(a + step, self.decisions)) for a in range(0, self.decisions, step))

    @cached_property
    def _steps(self) -> tuple[tuple[int, int, int, FloatArray], ...]:
        """By axis: A', how its rows are cut (how many pieces, of how many), and the factors ready to multiply them."""
        steps, rows = [], prod(self.next_axes)
        for factor in self.factors:
            _, width, then = factor.shape
            rows //= then
            pieces = _pieces(rows, width * then)
            steps.append((then, pieces, rows // pieces, factor.transpose(0, 2, 1)[:, None]))
            rows *= width
        return tuple(steps)

    def _contract(self, value: FloatArray, some: slice, out: FloatArray) -> None:
        """E[value(θ′) | a, θ] for some decisions: each step contracts the leading axis and moves it to the end."""
        work: FloatArray = value
        count, last = 1, len(self.factors) - 1
        for j, (then, pieces, rows, factor) in enumerate(self._steps):
            sheet = work.reshape(count, then, pieces, rows).transpose(0, 2, 3, 1)
            count = some.stop - some.start
            room = out.reshape(count, pieces, rows, -1) if j == last else None
            work = np.matmul(sheet, factor[some], out=room)

    def row(self, decision: int, profile: int) -> FloatArray:
        """P(θ′ | a, θ), `(*A')`, one product."""
        law = np.ones(())
        for factor, k in zip(self.factors, np.unravel_index(profile, self.axes), strict=True):
            law = np.multiply.outer(law, factor[decision, int(k)])
        return law

    def rows(self) -> FloatArray:
        """P(θ′ | a, θ), `(D, S, S')`: the product that `expect` avoids, for small environments.

        Raises:
            Refusal: it does not fit in memory.
        """
        decisions, size, following = self.decisions, prod(self.axes), prod(self.next_axes)
        require_room(
            f"the law of motion written out ({decisions:,} decisions × {size:,} profiles × {following:,} next ones)",
            2.0 * decisions * size * following,  # a result and its copy in another order
        )
        law = np.ones((decisions, 1, 1))
        for f in self.factors:
            law = np.einsum("dab,dxy->daxby", law, f).reshape(
                decisions, law.shape[1] * f.shape[1], law.shape[2] * f.shape[2]
            )
        return law

    def others(self, axis: int) -> FloatArray:
        """The product of the other factors, whatever this axis is at: `(D, *A, S' / A'_axis)`, a view.

        Raises:
            Refusal: what it looks like, once copied, does not fit in memory.
        """
        decisions, size, others = self.decisions, prod(self.axes), prod(self.next_axes) // self.next_axes[axis]
        require_room(
            f"the law of the others' next signals ({decisions:,} decisions × {size:,} profiles × {others:,} next ones)",
            float(decisions) * size * others,
        )
        law = np.ones((decisions, 1, 1))
        for j, factor in enumerate(self.factors):
            table = np.ones((decisions, 1, 1)) if j == axis else factor
            law = np.einsum("dab,dxy->daxby", law, table).reshape(
                decisions, law.shape[1] * table.shape[1], law.shape[2] * table.shape[2]
            )
        shape = tuple(1 if j == axis else width for j, width in enumerate(self.axes))
        return np.broadcast_to(law.reshape(decisions, *shape, -1), (decisions, *self.axes, law.shape[2]))

    def draw(self, decision: IntArray, profile: IntArray, axes: IntArray, uniforms: FloatArray) -> IntArray:  # noqa: ARG002 - the protocol's
        """The next coordinates; each axis has its own uniform number, so that a lie moves no other agent's draw."""
        out = np.empty((len(self.factors), len(decision)), np.intp)
        for j, (factor, cumulative) in enumerate(zip(self.factors, self._cumulative, strict=True)):
            out[j] = invert(cumulative, decision * factor.shape[1] + axes[j], uniforms[:, j])
        return out

    @cached_property
    def _cumulative(self) -> list[FloatArray]:
        return [cumulate(f.reshape(-1, f.shape[2])) for f in self.factors]
