"""One buyer with continuous types in two periods: θ_1 ~ F_1, then θ_2 ~ F_2(·|θ_1), laws from SciPy or like them.

The *impulse response* of the second type to the first, at a fixed quantile u of θ_2 = F_2⁻¹(u|θ_1), is

    I(θ_1, θ_2) = ∂F_2⁻¹(u|θ_1)/∂θ_1 = −(∂F_2/∂θ_1) / f_2,

and virtual values are ψ_1 = θ_1 − (1−F_1)/f_1 and ψ_2 = θ_2 − (1−F_1)/f_1 · I. Where I is not given it is the
derivative of a quartic through five first types (of F_2 where its support stands still, of quantiles where it moves);
then ψ_2 is known on the support of F_2(·|θ_1) only.

Families on [0, 1] with a parameter ρ: `ar1` θ_2 = ρθ_1 + (1−ρ)ε, ε uniform (I = ρ; the support moves);
`power` F_2 = θ_2^(1+ρθ_1) (I = −ρ θ_2 ln θ_2 / (1+ρθ_1)); `normal`: standard deviation ¼ around ½ + ρ(θ_1 − ½),
truncated to [0, 1] (I = ρ [φ(z) − φ(z_0) − F_2 (φ(z_1) − φ(z_0))]/φ(z), z the standardised type, z_0 and z_1 the ends).

Source: Yoon 2021, §2; the impulse response is Pavan, Segal and Toikka's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.economy.bounded_laws import BetaLaw, Law, PowerLaw, TruncatedNormalLaw, UniformLaw
from dynmech.sim.economy.function import FunctionEnvironment

STEP = 1e-3
"""Distance of the first types between which quantiles are interpolated, relative to the support."""


ROUNDING = 1e-9
"""By how much second types may leave their interval, relative to it."""

WIDTH = 0.25
"""Standard deviation of the family `normal`, before truncation."""


@dataclass(frozen=True, eq=False)
class TwoPeriodTypes:
    """The law of a buyer's types in two periods.

    Args:
        first: F_1, on a bounded interval.
        second: θ_1 (an array) to the frozen distribution F_2(·|θ_1), of the array's shape.
        low, high: an interval that holds every θ_2.
        impulse: I(θ_1, θ_2), also off the support; None: by interpolation, on the support.
        label: what the family is called.

    Raises:
        InputError: a support is not bounded, or second types lie outside `low` … `high`, where they would be cut off.
    """

    first: Law
    second: Callable[[FloatArray], Law]
    low: float
    high: float
    impulse: Callable[[FloatArray, FloatArray], FloatArray] | None = None
    label: str = "types"

    def __post_init__(self) -> None:
        if not np.isfinite([*self.first_support, self.low, self.high]).all() or not self.low < self.high:
            raise InputError(f"types {self.label!r}: types must lie in bounded intervals")
        least, most = self.reach(np.linspace(*self.first_support, 17))
        slack = ROUNDING * (self.high - self.low)
        if not (least.min() >= self.low - slack and most.max() <= self.high + slack):
            raise InputError(
                f"types {self.label!r}: second types reach from {least.min():g} to {most.max():g}, outside low = "
                f"{self.low:g} and high = {self.high:g}; expected an interval that holds them all"
            )

    @property
    def first_support(self) -> tuple[float, float]:
        """The least and greatest first type."""
        low, high = self.first.support()
        return float(low), float(high)

    def hazard(self, first: FloatArray) -> FloatArray:
        """Return (1 − F_1)/f_1; 0 where nobody is above, infinite where the density vanishes below somebody."""
        above, density = np.asarray(self.first.sf(first)), np.asarray(self.first.pdf(first))
        ratio = np.divide(above, density, out=np.full(above.shape, np.inf), where=density > 0)
        return np.where(above <= 0, 0.0, ratio)

    def response(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Return the impulse response I(θ_1, θ_2)."""
        return self._response_after(first)(second)

    def _response_after(self, first: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """Return I as a function of θ_2."""
        if (impulse := self.impulse) is not None:
            return lambda second: np.broadcast_to(
                impulse(first, second), np.broadcast_shapes(first.shape, second.shape)
            )
        law, slope = self.second(first), self._slope_at(first)
        if self._moves:

            def along_quantiles(second: FloatArray) -> FloatArray:
                quantile = np.asarray(law.cdf(second))
                return slope(lambda near: np.asarray(near.ppf(quantile)))

            return along_quantiles
        return lambda second: -slope(lambda near: np.asarray(near.cdf(second))) / np.asarray(law.pdf(second))

    @cached_property
    def _moves(self) -> bool:
        """Whether the support of θ_2 depends on θ_1."""
        return bool(np.ptp(self.reach(np.linspace(*self.first_support, 17)), axis=1).any())

    def _slope_at(self, first: FloatArray) -> Callable[[Callable[[Law], FloatArray]], FloatArray]:
        """Return ∂/∂θ_1 of a function of F_2(·|θ_1): the derivative of the quartic through five first types."""
        low, high = self.first_support
        step = STEP * (high - low)
        centre = np.clip(first, low + 2 * step, high - 2 * step)
        nodes = np.arange(-2.0, 3.0)
        laws = [self.second(centre + node * step) for node in nodes]
        inverse = np.linalg.inv(np.vander(nodes, increasing=True))
        place = (first - centre) / step

        def slope(function: Callable[[Law], FloatArray]) -> FloatArray:
            powers = np.tensordot(inverse, np.stack([function(law) for law in laws]), axes=1)
            return np.asarray(sum(n * powers[n] * place ** (n - 1) for n in range(1, 5)) / step, dtype=np.float64)

        return slope

    def first_virtual(self, first: FloatArray) -> FloatArray:
        """Return the virtual value ψ_1."""
        return first - self.hazard(first)

    def second_virtual(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Return the virtual value ψ_2."""
        return self.second_virtual_after(first)(second)

    def second_virtual_after(self, first: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """Return ψ_2 as a function of θ_2; for those who evaluate it again and again after the same first types."""
        hazard, response_to = self.hazard(first), self._response_after(first)

        def virtual(second: FloatArray) -> FloatArray:
            response = response_to(second)
            with np.errstate(invalid="ignore"):  # an infinite hazard, where no first type is, times no response
                return second - np.where(response == 0, 0.0, hazard * response)

        return virtual

    def reach(self, first: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the support of θ_2 given θ_1."""
        low, high = self.second(first).support()
        return np.broadcast_to(low, first.shape).astype(float), np.broadcast_to(high, first.shape).astype(float)


FAMILIES = ("ar1", "power", "normal")
"""Kernels by name."""


def family(kernel: str, rho: float = 0.5, a: float = 1.0, b: float = 1.0) -> TwoPeriodTypes:
    """Return a family of types by name; θ_1 is Beta(a, b), uniform by default.

    Raises:
        InputError: unknown name, or a parameter out of range.
    """
    if not (a > 0 and b > 0):
        raise InputError(f"a and b: {a:g} and {b:g}, expected numbers above 0")
    first: Law = UniformLaw() if a == b == 1 else BetaLaw(a, b)
    match kernel:
        case "ar1":
            return _autoregressive(first, rho)
        case "power":
            return _power(first, rho)
        case "normal":
            return _truncated_normal(first, rho)
        case _:
            raise InputError(f"kernel: {kernel!r} is none of {', '.join(FAMILIES)}")


def _autoregressive(first: Law, rho: float) -> TwoPeriodTypes:
    """Return θ_2 = ρθ_1 + (1 − ρ)ε, ε uniform."""
    if not 0 <= rho < 1:
        raise InputError(f"rho: {rho:g} is not in [0, 1); a type that stays for ever is a static problem")
    return TwoPeriodTypes(
        first,
        lambda one: UniformLaw(rho * one, 1 - rho),
        0.0,
        1.0,
        lambda one, two: np.full(np.broadcast_shapes(one.shape, two.shape), rho),
        f"ar1({rho:g})",
    )


def _power(first: Law, rho: float) -> TwoPeriodTypes:
    """Return F_2 = θ_2^(1 + ρθ_1)."""
    if rho < 0:
        raise InputError(f"rho: {rho:g} is below 0")
    return TwoPeriodTypes(
        first,
        lambda one: PowerLaw(1 + rho * one),
        0.0,
        1.0,
        lambda one, two: -rho * two * np.log(np.maximum(two, 1e-300)) / (1 + rho * one),
        f"power({rho:g})",
    )


def _truncated_normal(first: Law, rho: float) -> TwoPeriodTypes:
    """Return the family `normal`, around ½ + ρ(θ_1 − ½)."""
    if not 0 <= rho <= 1:
        raise InputError(f"rho: {rho:g} is not in [0, 1]")
    return TwoPeriodTypes(
        first,
        lambda one: TruncatedNormalLaw(0.5 + rho * (np.asarray(one) - 0.5), WIDTH),
        0.0,
        1.0,
        lambda one, two: _normal_impulse(rho, one, two),
        f"normal({rho:g})",
    )


def _normal_impulse(rho: float, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the truncated normal law's response to its centre, times ρ."""
    from scipy.special import ndtr

    centre = 0.5 + rho * (first - 0.5)
    at, low, high = ((point - centre) / WIDTH for point in (second, 0.0, 1.0))
    density, bottom, top = (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) for z in (at, low, high))
    below = (ndtr(at) - ndtr(low)) / (ndtr(high) - ndtr(low))
    return np.asarray(rho * (density - bottom - below * (top - bottom)) / density, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TwoPeriodSale(FunctionEnvironment):
    """A seller may sell a good to one buyer in each of two periods; decisions "keep" and "sell"."""

    types: TwoPeriodTypes = field(kw_only=True)

    @classmethod
    def of(cls, types: TwoPeriodTypes, discount: float = 1.0, grid: str = "") -> "TwoPeriodSale":
        """Return the economy of a buyer's types."""
        low = min(types.low, types.first_support[0])
        high = max(types.high, types.first_support[1])

        def law(t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:  # noqa: ARG001
            drawn = types.first if last is None else types.second(last)
            return np.clip(np.asarray(drawn.ppf(uniforms), dtype=np.float64), low, high)

        return cls(
            name="two-period-sale",
            agents=("buyer",),
            discount=discount,
            horizon=2,
            signals=(Interval(low, high),),
            decisions=Finite(("keep", "sell")),
            law=law,
            payoff=lambda _t, signals, decision: signals * decision[:, None],
            bound=max(abs(low), abs(high)),
            grid=grid,
            types=types,
        )
