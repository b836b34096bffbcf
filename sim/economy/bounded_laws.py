"""Laws of a number on a bounded interval, with parameters that may be arrays: what SciPy's frozen distributions answer.

They answer what continuous types are asked (distribution, density, quantile, support), by `scipy.special`. A SciPy
distribution may stand wherever one of these does; to make one costs a thousand times as much, and SciPy's package of
them takes a second to load.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dynmech.sim.core.arrays import FloatArray


class Law(Protocol):
    """The part of a frozen SciPy distribution that is used: F, 1 − F, f, the quantile, and where the law lives."""

    def cdf(self, x: Any, /) -> Any: ...

    def sf(self, x: Any, /) -> Any: ...

    def pdf(self, x: Any, /) -> Any: ...

    def ppf(self, q: Any, /) -> Any: ...

    def support(self) -> tuple[Any, Any]: ...


@dataclass(frozen=True, eq=False)
class UniformLaw:
    """The uniform law on [low, low + width].

    >>> law = UniformLaw(np.array([0.0, 0.5]), 0.5)
    >>> law.cdf(0.75), law.pdf(0.25), law.ppf(0.5)
    (array([1. , 0.5]), array([2., 0.]), array([0.25, 0.75]))
    """

    low: FloatArray | float = 0.0
    width: FloatArray | float = 1.0

    def cdf(self, x: Any) -> Any:
        return np.clip((x - self.low) / self.width, 0.0, 1.0)

    def sf(self, x: Any) -> Any:
        return np.clip((self.low + self.width - x) / self.width, 0.0, 1.0)

    def pdf(self, x: Any) -> Any:
        place = (x - self.low) / self.width
        return np.where((place >= 0) & (place <= 1), 1 / np.asarray(self.width), 0.0)

    def ppf(self, q: Any) -> Any:
        return self.low + self.width * q

    def support(self) -> tuple[Any, Any]:
        return self.low, self.low + self.width


@dataclass(frozen=True, eq=False)
class BetaLaw:
    """The law Beta(a, b) on [0, 1].

    >>> law = BetaLaw(2.0, 1.0)  # F(x) = x²
    >>> float(law.cdf(0.5)), float(law.pdf(0.5)), float(law.ppf(0.25))
    (0.25, 1.0, 0.5)
    """

    a: float
    b: float

    def cdf(self, x: Any) -> Any:
        from scipy.special import betainc

        return betainc(self.a, self.b, np.clip(x, 0.0, 1.0))

    def sf(self, x: Any) -> Any:
        from scipy.special import betaincc

        return betaincc(self.a, self.b, np.clip(x, 0.0, 1.0))

    def pdf(self, x: Any) -> Any:
        from scipy.special import betaln, xlog1py, xlogy

        x = np.asarray(x, dtype=np.float64)
        inside = (x >= 0) & (x <= 1)
        held = np.where(inside, x, 0.5)
        with np.errstate(divide="ignore"):  # infinite at an end with an exponent below 0
            density = np.exp(xlog1py(self.b - 1, -held) + xlogy(self.a - 1, held) - betaln(self.a, self.b))
        return np.where(inside, density, 0.0)

    def ppf(self, q: Any) -> Any:
        from scipy.special import betaincinv

        return betaincinv(self.a, self.b, q)

    def support(self) -> tuple[Any, Any]:
        return 0.0, 1.0


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """The law with F(x) = x^exponent on [0, 1].

    >>> law = PowerLaw(np.array([1.0, 2.0]))
    >>> law.cdf(0.5), law.pdf(0.5), law.ppf(0.25)
    (array([0.5 , 0.25]), array([1., 1.]), array([0.25, 0.5 ]))
    """

    exponent: FloatArray | float

    def cdf(self, x: Any) -> Any:
        return np.clip(x, 0.0, 1.0) ** self.exponent

    def sf(self, x: Any) -> Any:
        with np.errstate(divide="ignore"):
            return -np.expm1(np.asarray(self.exponent) * np.log(np.clip(x, 0.0, 1.0)))

    def pdf(self, x: Any) -> Any:
        inside = (np.asarray(x) >= 0) & (np.asarray(x) <= 1)
        with np.errstate(divide="ignore"):  # infinite at 0 with an exponent below 1
            return np.where(inside, self.exponent * np.clip(x, 0.0, 1.0) ** (np.asarray(self.exponent) - 1.0), 0.0)

    def ppf(self, q: Any) -> Any:
        return np.asarray(q, dtype=np.float64) ** (1.0 / np.asarray(self.exponent))

    def support(self) -> tuple[Any, Any]:
        return 0.0, 1.0


@dataclass(frozen=True, eq=False)
class TruncatedNormalLaw:
    """A normal law cut to [0, 1].

    Tails are taken on the side where they are small, so that nothing is lost far from the centre.

    >>> law = TruncatedNormalLaw(np.array(0.5), 0.25)
    >>> round(float(law.cdf(0.5)), 12), round(float(law.ppf(0.5)), 12)
    (0.5, 0.5)
    """

    centre: FloatArray | float
    width: float

    def cdf(self, x: Any) -> Any:
        low, high = self._ends()
        z = np.clip((x - self.centre) / self.width, low, high)
        return self._mass(low, z) / self._mass(low, high)

    def sf(self, x: Any) -> Any:
        low, high = self._ends()
        z = np.clip((x - self.centre) / self.width, low, high)
        return self._mass(z, high) / self._mass(low, high)

    def pdf(self, x: Any) -> Any:
        x = np.asarray(x, dtype=np.float64)
        z = (x - self.centre) / self.width
        scale = self.width * self._mass(*self._ends())
        return np.where((x >= 0) & (x <= 1), np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / scale, 0.0)

    def ppf(self, q: Any) -> Any:
        from scipy.special import ndtr, ndtri

        q, (low, high) = np.asarray(q, dtype=np.float64), self._ends()
        mass = self._mass(low, high)
        below, above = ndtr(low) + q * mass, ndtr(-high) + (1 - q) * mass
        z = np.where(below < above, ndtri(below), -ndtri(above))
        return np.clip(self.centre + self.width * z, 0.0, 1.0)

    def support(self) -> tuple[Any, Any]:
        zero = np.zeros_like(self.centre)
        return zero, zero + 1.0

    def _ends(self) -> tuple[Any, Any]:
        """Return 0 and 1 as deviations from the centre."""
        return -np.asarray(self.centre) / self.width, (1 - np.asarray(self.centre)) / self.width

    @staticmethod
    def _mass(low: Any, high: Any) -> Any:
        """Return the normal law's probability between two deviations."""
        from scipy.special import ndtr

        return np.where(np.asarray(low) > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
