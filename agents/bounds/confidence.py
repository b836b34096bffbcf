"""A confidence sequence for the mean of bounded samples: bounds that hold at every sample size at once.

So one may look after every batch and stop when the interval is narrow enough. The empirical Bernstein sequence with
predictable bets of Waudby-Smith and Ramdas (Estimating means of bounded random variables by betting, 2023, Theorem 2):
with X in [0, 1], bets λ_i that depend on X_1, …, X_{i−1} only and v_i = (X_i − μ_{i−1})², each of

    Σ λ_i X_i / Σ λ_i ± (log(1/α) + Σ v_i ψ(λ_i)) / Σ λ_i,      ψ(λ) = −log(1 − λ) − λ,

is passed by the mean, at any time, with probability at most α. Nothing is assumed of the samples but their range.
"""

from typing import Protocol

import numpy as np

from dynmech.sim.core.arrays import FloatArray

MOST = 0.5
"""The largest bet λ."""


class ConfidenceSequence(Protocol):
    """Bounds on the mean of samples that come in batches."""

    @property
    def count(self) -> int:
        """How many samples there are."""
        ...

    @property
    def mean(self) -> float:
        """The mean of the samples."""
        ...

    @property
    def lower(self) -> float:
        """The lower bound."""
        ...

    @property
    def upper(self) -> float:
        """The upper bound."""
        ...

    def add(self, samples: FloatArray) -> None:
        """Take more samples, `(n,)`."""
        ...


def mean_of(low: float, high: float, alpha: float) -> ConfidenceSequence:
    """Return the sequence for samples of this range: the asymptotic one where there is none."""
    return BoundedMean(low, high, alpha) if np.isfinite(low) and np.isfinite(high) else AsymptoticMean(alpha)


class AsymptoticMean:
    """Bounds on the mean of samples of unknown range, right in the limit of many samples.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Time-uniform central limit
    theory and asymptotic confidence sequences, 2024), one-sided: with s the standard deviation of n samples,

        mean ± s √(2 (n ρ² + 1) / (n ρ)² · log(1 + √(n ρ² + 1) / (2 α))),

    from `FIRST` samples on; ρ is such that it is narrowest at `NARROWEST`.

    Only the latest bounds count: those of few samples may have missed what is rare. What no sample shows is in neither.
    """

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha
        self._rho = float((-2 * np.log(2 * alpha) + np.log(-2 * np.log(2 * alpha)) + 1) / NARROWEST)
        self.count, self.mean, self._square = 0, 0.0, 0.0
        self.lower, self.upper = -np.inf, np.inf

    def add(self, samples: FloatArray) -> None:
        """Take more samples, `(n,)`."""
        fresh, count = float(samples.mean()), self.count + len(samples)
        step = fresh - self.mean
        share = len(samples) / count
        self._square += float(((samples - fresh) ** 2).sum()) + step**2 * self.count * share
        self.mean, self.count = self.mean + step * share, count
        if count < FIRST:
            return
        inside = count * self._rho + 1
        width = np.sqrt(2 * inside / (count**2 * self._rho) * np.log1p(np.sqrt(inside) / (2 * self._alpha)))
        half = float(np.sqrt(self._square / count) * width)
        self.lower, self.upper = self.mean - half, self.mean + half  # not the narrowest: few samples know little


FIRST = 100
"""Samples from which the asymptotic sequence says anything."""

NARROWEST = 2000
"""Samples at which it is narrowest, by the law of the iterated logarithm's price."""


class BoundedMean:
    """Bounds on the mean of samples that come in batches, in a fixed order.

    Args:
        low, high: every sample lies between them.
        alpha: probability with which either side may fail, at any time.
    """

    def __init__(self, low: float, high: float, alpha: float) -> None:
        self.low, self.high = low, high
        self._spread, self._log = high - low, float(np.log(1 / alpha))
        self.count = 0
        self._total = 0.0
        self._moved = 0.0
        self._bets = self._weighted = self._cost = 0.0
        self._lower, self._upper = low, high

    @property
    def mean(self) -> float:
        """The mean of the samples."""
        return self.low + self._spread * self._total / max(self.count, 1)

    @property
    def deviation(self) -> float:
        """The standard deviation of the samples, somewhat above it while they are few."""
        return self._spread * float(np.sqrt((0.25 + self._moved) / (self.count + 1)))

    @property
    def lower(self) -> float:
        """The largest lower bound so far."""
        return self._lower

    @property
    def upper(self) -> float:
        """The least upper bound so far."""
        return self._upper

    def add(self, samples: FloatArray) -> None:
        """Take more samples, `(n,)`.

        Raises:
            ArithmeticError: a sample lies outside the range, which was thus wrong.
        """
        if self._spread <= 0:  # one value only
            samples = np.minimum(np.maximum(samples, self.low), self.low)
            self.count += len(samples)
            return
        x = (samples - self.low) / self._spread
        if x.min() < -SLACK or x.max() > 1 + SLACK:
            raise ArithmeticError(f"a sample lies outside [{self.low:g}, {self.high:g}]")
        x = np.clip(x, 0.0, 1.0)
        place = self.count + np.arange(1, len(x) + 1)
        total = self._total + np.cumsum(x)
        means = (0.5 + total) / (place + 1)
        before = np.concatenate([[(0.5 + self._total) / (self.count + 1)], means[:-1]])
        moved = self._moved + np.cumsum((x - means) ** 2)
        variance = (0.25 + np.concatenate([[self._moved], moved[:-1]])) / place
        bets = np.minimum(np.sqrt(2 * self._log / (variance * place * np.log1p(place))), MOST)
        sums = self._bets + np.cumsum(bets)
        weighted = self._weighted + np.cumsum(bets * x)
        cost = self._cost + np.cumsum((x - before) ** 2 * (-np.log1p(-bets) - bets))
        half = (self._log + cost) / sums
        centre = weighted / sums
        self._lower = max(self._lower, self.low + self._spread * float((centre - half).max()))
        self._upper = min(self._upper, self.low + self._spread * float((centre + half).min()))
        self.count += len(x)
        self._total, self._moved = float(total[-1]), float(moved[-1])
        self._bets, self._weighted, self._cost = float(sums[-1]), float(weighted[-1]), float(cost[-1])


SLACK = 1e-7
"""By how much of the range a sample may miss it by rounding."""
