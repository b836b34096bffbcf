"""A confidence sequence for the mean of bounded samples: bounds that hold at every sample size at once.

So one may look after every batch and stop when the interval is narrow enough. The empirical Bernstein sequence with
predictable bets of Waudby-Smith and Ramdas (Estimating means of bounded random variables by betting, 2023, Theorem 2):
with X in [0, 1], bets λ_i that depend on X_1, …, X_{i−1} only and v_i = (X_i − μ_{i−1})², each of

    Σ λ_i X_i / Σ λ_i ± (log(1/α) + Σ v_i ψ(λ_i)) / Σ λ_i,      ψ(λ) = −log(1 − λ) − λ,

is passed by the mean, at any time, with probability at most α. Nothing is assumed of the samples but their range.
"""

import numpy as np

from dynmech.sim.core.arrays import FloatArray

MOST = 0.5
"""The largest bet λ."""


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
