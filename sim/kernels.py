"""How signals move: the law of the next profile given the decision and this profile.

Shapes: `A = (A_0, …)` are the axes of a profile (the public state first, where there is one, then
agent 0, 1, …), `A'` those of the next profile, `S = ΠA`, `S' = ΠA'`, D decisions. Flat indices are in C order.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np

from sim.arrays import Array, FloatArray, IntArray, readonly


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


class Kernel(Protocol):
    """What the rest of the program asks of a kernel."""

    @property
    def streams(self) -> int:
        """How many uniform numbers one draw takes: one per agent if independent, else one."""
        ...

    def expect(self, value: FloatArray) -> FloatArray:
        """E[value(θ′) | a, θ] for all decisions and profiles at once; `(*A')` to `(D, *A)`."""
        ...

    def row(self, decision: int, profile: int) -> FloatArray:
        """The law of θ′ given one decision and one profile, `(*A')`."""
        ...

    def rows(self) -> FloatArray:
        """The laws of θ′ given every decision and profile, `(D, S, S')`: for small environments only."""
        ...

    def others(self, axis: int) -> FloatArray:
        """The law of the next profile without one of its axes, `(D, *A, S' / A'_axis)`; may be a read-only view."""
        ...

    def draw(self, decision: IntArray, profile: IntArray, axes: IntArray, uniforms: FloatArray) -> IntArray:
        """Next coordinates `(len(A'), n)` given decisions `(n,)`, flat profiles and their coordinates."""
        ...


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
        """One uniform number picks the whole next profile."""
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

    def expect(self, value: FloatArray) -> FloatArray:
        """E[value(θ′) | a, θ], `(D, *A)`: each step contracts the leading axis and moves it to the end."""
        decisions = self.factors[0].shape[0]
        work = np.broadcast_to(value.reshape(1, -1), (decisions, value.size))
        for factor in self.factors:
            sheet = work.reshape(decisions, factor.shape[2], -1)
            work = np.matmul(sheet.transpose(0, 2, 1), factor.transpose(0, 2, 1))
        return work.reshape(decisions, *self.axes)

    def row(self, decision: int, profile: int) -> FloatArray:
        """P(θ′ | a, θ), `(*A')`, one product."""
        law = np.ones(())
        for factor, k in zip(self.factors, np.unravel_index(profile, self.axes), strict=True):
            law = np.multiply.outer(law, factor[decision, int(k)])
        return law

    def rows(self) -> FloatArray:
        """P(θ′ | a, θ), `(D, S, S')`: the product that `expect` avoids, for small environments."""
        decisions = self.factors[0].shape[0]
        law = np.ones((decisions, 1, 1))
        for f in self.factors:
            law = np.einsum("dab,dxy->daxby", law, f).reshape(
                decisions, law.shape[1] * f.shape[1], law.shape[2] * f.shape[2]
            )
        return law

    def others(self, axis: int) -> FloatArray:
        """The product of the other factors, whatever this axis is at: `(D, *A, S' / A'_axis)`, a view."""
        decisions = self.factors[0].shape[0]
        law = np.ones((decisions, 1, 1))
        for j, factor in enumerate(self.factors):
            table = np.ones((decisions, 1, 1)) if j == axis else factor
            law = np.einsum("dab,dxy->daxby", law, table).reshape(
                decisions, law.shape[1] * table.shape[1], law.shape[2] * table.shape[2]
            )
        shape = tuple(1 if j == axis else width for j, width in enumerate(self.axes))
        return np.broadcast_to(law.reshape(decisions, *shape, -1), (decisions, *self.axes, law.shape[2]))

    def draw(self, decision: IntArray, profile: IntArray, axes: IntArray, uniforms: FloatArray) -> IntArray:  # noqa: ARG002 - the protocol's
        """Each axis has its own uniform number, so a lie that moves one agent leaves the others' luck alone."""
        out = np.empty((len(self.factors), len(decision)), np.intp)
        for j, (factor, cumulative) in enumerate(zip(self.factors, self._cumulative, strict=True)):
            out[j] = invert(cumulative, decision * factor.shape[1] + axes[j], uniforms[:, j])
        return out

    @cached_property
    def _cumulative(self) -> list[FloatArray]:
        return [cumulate(f.reshape(-1, f.shape[2])) for f in self.factors]
