"""Means and their standard errors, added up shard by shard in a fixed order."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from dynmech.experiments.figures.amounts import LEVEL as LEVEL, ZERO as ZERO, amount as amount, signed as signed
from dynmech.sim.core.arrays import Array, FloatArray, IntArray

ENOUGH = 30
"""Episodes from which a group's interval is trusted."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and sum of squared deviations, elementwise over any shape."""

    count: FloatArray
    mean: FloatArray
    square: FloatArray

    @classmethod
    def of(cls, samples: FloatArray) -> Self:
        """Of samples along the last axis.

        >>> Moments.of(np.array([1.0, 2.0, 3.0])).mean.item()
        2.0
        """
        count = np.full(samples.shape[:-1], float(samples.shape[-1]))
        mean = samples.mean(axis=-1)
        return cls(count, mean, ((samples - mean[..., None]) ** 2).sum(axis=-1))

    @classmethod
    def grouped(cls, samples: FloatArray, groups: IntArray, size: int) -> Self:
        """Of samples `(E,)` by group `(E,)`: shape `(size,)`."""
        count = np.bincount(groups, minlength=size).astype(np.float64)
        some = np.maximum(count, 1)
        mean = np.bincount(groups, samples, minlength=size).astype(np.float64) / some
        square = np.bincount(groups, (samples - mean[groups]) ** 2, minlength=size).astype(np.float64)
        return cls(count, mean, square)

    def merge(self, other: "Moments") -> "Moments":
        """Of both samples together (Chan's update)."""
        count = self.count + other.count
        step = other.mean - self.mean
        share = other.count / np.maximum(count, 1)
        return Moments(count, self.mean + step * share, self.square + other.square + step**2 * self.count * share)

    @property
    def error(self) -> FloatArray:
        """Standard errors of the means (infinite below two samples)."""
        n = np.maximum(self.count, 2)
        return np.where(self.count > 1, np.sqrt(self.square / (n - 1) / n), np.inf)

    def half(self, comparisons: int = 1) -> FloatArray:
        """Half-width of the interval; with several comparisons, of the simultaneous one (Bonferroni)."""
        from scipy.special import ndtri

        return self.error * float(ndtri(1 - (1 - LEVEL) / 2 / comparisons))

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {"count": self.count.tolist(), "mean": self.mean.tolist(), "square": self.square.tolist()}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """From `to_data`."""
        return cls(*(np.asarray(data[key], dtype=np.float64) for key in ("count", "mean", "square")))


def by_signal(samples: FloatArray, signals: Array, sizes: list[int]) -> Moments:
    """Moments of `(dates, E)` samples by own signal `(dates, E)`: shape `(dates, max K)`."""
    width = max(sizes, default=1)
    rows = [Moments.grouped(x, s.astype(np.intp), width) for x, s in zip(samples, signals, strict=True)]
    if not rows:
        empty = np.zeros((0, width))
        return Moments(empty, empty, empty)
    return Moments(*(np.stack([getattr(row, f) for row in rows]) for f in ("count", "mean", "square")))
