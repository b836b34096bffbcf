"""Transition counts: the frequencies that they come to, and how far the law that they were drawn from may be.

A *row* is what one law of the next signals is for: a decision and a profile, or, agent by agent, a decision and one
axis of the profile. Of n draws from a law over S outcomes, the frequencies μ̂ keep (Weissman et al. 2003)

    P(‖μ̂ − μ‖₁ ≥ ρ) ≤ (2^S − 2) exp(−n ρ²/2).

Along play n is random: the bound is then spent on every n up to the number N of all transitions, as n of the draws that
a row would give are seen whatever else happens. With K rows and a confidence of 1 − α a row has the radius

    ρ = min(2, √(2 (ln(2^S − 2) + ln(K N / α)) / n)),     ρ = 2 where n = 0.

Smoothing moves the centre, so ‖smoothed − raw‖₁ is added. Independent axes: the radii of a profile's axes add up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log, log1p

import numpy as np

from dynmech.sim.core.arrays import FloatArray, readonly
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel

Tables = tuple[FloatArray, ...]
"""Of one stage: one table `(D, S, S')` if joint, else one `(D, A_j, A'_j)` per axis: decisions, rows, outcomes."""

LARGEST = 2.0
"""No two laws are farther apart."""


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each next profile followed each decision and profile.

    Attributes:
        stages: tables of counts per stage; None where no kernel leads out of it.
        joint: whether profiles were counted, or every axis by itself.
        smoothing: α, added to every count before frequencies are taken.
    """

    stages: tuple[Tables | None, ...]
    joint: bool
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        """Check what anybody may have written."""
        frozen = tuple(None if tables is None else tuple(readonly(t) for t in tables) for tables in self.stages)
        object.__setattr__(self, "stages", frozen)
        if not (np.isfinite(self.smoothing) and self.smoothing >= 0):
            raise InputError(f"smoothing: {self.smoothing:g} is not a number of 0 or more")
        for s, tables in enumerate(frozen):
            for table in tables or ():
                if table.ndim != 3:
                    raise InputError(f"counts: stages[{s}]: a table of {table.ndim} axes, expected 3")
                if not (np.isfinite(table).all() and (table >= 0).all() and (table == np.floor(table)).all()):
                    raise InputError(f"counts: stages[{s}]: a count is not a whole number of 0 or more")

    def tables(self, s: int) -> Tables:
        """Return the tables of a stage; none where nothing leads out of it."""
        return self.stages[s] or ()

    @property
    def count(self) -> int:
        """The number of rows of all stages, K."""
        return sum(table.shape[0] * table.shape[1] for s in range(len(self.stages)) for table in self.tables(s))

    def transitions(self, s: int) -> int:
        """Return how many transitions out of a stage were counted, N."""
        tables = self.stages[s]
        return int(tables[0].sum()) if tables else 0


def frequencies(rows: FloatArray, smoothing: float = 0.0) -> FloatArray:
    """Return smoothed frequencies along the last axis; equal ones where nothing was counted.

    >>> frequencies(np.array([[3.0, 1.0], [0.0, 0.0]])).tolist(), frequencies(np.array([2.0, 0.0]), 1.0).tolist()
    ([[0.75, 0.25], [0.5, 0.5]], [0.75, 0.25])
    """
    raised = rows + smoothing
    total = raised.sum(axis=-1, keepdims=True)
    return np.where(total > 0, raised / np.where(total > 0, total, 1.0), 1.0 / rows.shape[-1])


def estimated_kernel(
    tables: Tables, axes: Sequence[int], next_axes: Sequence[int], *, joint: bool, smoothing: float = 0.0
) -> JointKernel | IndependentKernel:
    """Return the kernel that counts come to."""
    laws = [frequencies(table, smoothing) for table in tables]
    if joint:
        return JointKernel(laws[0].reshape(-1, *axes, *next_axes), tuple(axes), tuple(next_axes))
    return IndependentKernel(tuple(laws))


def row_radius(seen: FloatArray, outcomes: int, log_shares: float) -> FloatArray:
    """Return the radius of each row around its raw frequencies; `log_shares` is ln(K N / α) of the module.

    >>> row_radius(np.array([0.0, 100.0, 10000.0]), 3, log(1 / 0.05)).round(3).tolist()
    [2.0, 0.309, 0.031]
    """
    if outcomes == 1:
        return np.zeros(seen.shape)
    subsets = outcomes * log(2.0) + log1p(-(2.0 ** (1 - min(outcomes, 1000))))
    squared = 2 * (subsets + log_shares) / np.where(seen > 0, seen, 1.0)
    return np.where(seen > 0, np.minimum(LARGEST, np.sqrt(squared)), LARGEST)


def radii(counts: Counts, s: int, confidence: float = 0.95, *, along_play: bool = True) -> list[FloatArray]:
    """Return the radius of every row of a stage, `(D, rows)` per table, around the smoothed frequencies.

    Args:
        confidence: that the laws of *all* rows of *all* stages lie within their radii.
        along_play: how often a row is seen was not fixed before play.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence: {confidence:g} is not between 0 and 1")
    shares = log(counts.count / (1 - confidence))
    shares += log(max(counts.transitions(s), 1)) if along_play else 0.0
    out = []
    for rows in counts.tables(s):
        moved = np.abs(frequencies(rows, counts.smoothing) - frequencies(rows)).sum(axis=-1)
        out.append(np.minimum(LARGEST, row_radius(rows.sum(axis=-1), rows.shape[-1], shares) + moved))
    return out


def profile_radii(counts: Counts, s: int, axes: Sequence[int], confidence: float = 0.95) -> FloatArray:
    """Return the radius of the law of the next profile, `(D, S)`; those of independent axes are added."""
    return by_profile(radii(counts, s, confidence), axes, joint=counts.joint)


def by_profile(found: Sequence[FloatArray], axes: Sequence[int], *, joint: bool) -> FloatArray:
    """Return radii by profile, `(D, S)`, from those of every table's rows, `(D, rows)` each."""
    if joint:
        return found[0]
    total = np.zeros((found[0].shape[0], *axes))
    for j, own in enumerate(found):
        total += own.reshape(own.shape[0], *(width if k == j else 1 for k, width in enumerate(axes)))
    return np.minimum(LARGEST, total.reshape(total.shape[0], -1))


def unseen(counts: Counts, s: int) -> Iterator[tuple[int, int, int]]:
    """Yield table, decision and row of all that was never seen in a stage."""
    for j, rows in enumerate(counts.tables(s)):
        for d, k in np.argwhere(rows.sum(axis=-1) == 0):
            yield j, int(d), int(k)
