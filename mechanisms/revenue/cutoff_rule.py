"""Selling by cutoffs in two periods: q_1 = 1{θ_1 ≥ κ_1}, q_2 = 1{θ_2 ≥ κ_2(θ_1)}, priced by the envelope.

With I the impulse response (`two_period_types`), R(s) = E[I 1{θ_2 ≥ κ_2(s)} | θ_1 = s] and the buyer's value of the
option to buy later B(s) = E[(θ_2 − κ_2(s))⁺ | s],

    U_1(θ_1) = max(θ_1 − κ_1, 0) + δ ∫_{θ̲}^{θ_1} R(s) ds          (the envelope (7), with U_1(θ̲) = 0)
    price today κ_1,  option τ(r) = δ [B(r) − ∫_{θ̲}^r R],  price tomorrow κ_2(r).

(3) holds by construction and (4) by the posted price, so truth in the second period is best after any first report, at
types too that the reported one would never reach. (IC_1) holds iff integral monotonicity does: for all θ_1, r

    (8)    ∫_r^{θ_1} [D(s, s) − D(s, r)] ds ≥ 0,   D(s, r) = q_1(r) + δ E[I 1{θ_2 ≥ κ_2(r)} | s].

Functions of θ_1 are piecewise polynomials through Gauss nodes, broken where κ_2 leaves the support of θ_2; integrals
over θ_2 are Gauss–Legendre sums above the cutoff.

Source: Yoon 2021, §2.2: (3), (4), (7), (8), Theorems 1 and 2, and the revenue formula.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.revenue.two_period_types import TwoPeriodTypes
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import Best, first_smallest, largest_place, scale_of

if TYPE_CHECKING:
    from scipy.interpolate import PPoly

PANELS = 48
"""Even pieces of the range of θ_1, before breaks are added."""

GRADED = 2.0 ** -np.arange(6, 41)
"""Distances from the ends of the types at which further pieces begin, relative to the support."""

NODES = 10
"""Gauss nodes per piece, and the number of coefficients of each piece's polynomial."""

LATER = 40
"""Gauss nodes over θ_2."""

QUADRATURE = 1e-7
"""What integrals leave open."""

ROUNDING = 1e-9
"""Virtual values within this of 0 have no sign."""

FINE = 513
"""First types that are looked at for breaks, and for cutoffs that cross twice."""


@cache
def _gauss(count: int) -> tuple[FloatArray, FloatArray]:
    """Return Gauss–Legendre nodes and weights on [−1, 1]."""
    return np.polynomial.legendre.leggauss(count)


@dataclass(frozen=True, eq=False)
class CutoffRule:
    """A cutoff rule with its prices.

    Args:
        first: κ_1; above the greatest first type, nothing is sold today.
        second: κ_2(θ_1), elementwise.
    """

    types: TwoPeriodTypes
    discount: float
    first: float
    second: Callable[[FloatArray], FloatArray]

    # Integrals over θ_2

    def _above(self, first: FloatArray, cutoff: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return second types above a cutoff and within reach of θ_1, and quadrature weights dθ_2: `(…, LATER)`.

        Gauss–Legendre in s with θ_2 = a + (b − a)(3s² − 2s³), which tames densities that are steep at the ends.
        """
        low, high = self.types.reach(first)
        start = np.clip(cutoff, low, high)
        nodes, weights = _gauss(LATER)
        unit, length = (nodes + 1) / 2, (high - start)[..., None]
        return start[..., None] + length * unit**2 * (3 - 2 * unit), length * 6 * unit * (1 - unit) * weights / 2

    def option_value(self, first: FloatArray, price: FloatArray) -> FloatArray:
        """Return E[(θ_2 − price)⁺ | θ_1] = ∫_price (1 − F_2)."""
        values, weights = self._above(first, price)
        missing = 1 - np.asarray(self.types.second(first[..., None]).cdf(values), dtype=np.float64)
        return (missing * weights).sum(axis=-1) + np.maximum(self.types.reach(first)[0] - price, 0.0)

    def option_response(self, first: FloatArray, price: FloatArray) -> FloatArray:
        """Return ∂/∂θ_1 of the option's value: E[I 1{θ_2 ≥ price} | θ_1]."""
        values, weights = self._weighted(first, price)
        return np.asarray((self.types.response(first[..., None], values) * weights).sum(axis=-1))

    def _weighted(self, first: FloatArray, cutoff: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return `_above` with weights dF_2."""
        values, weights = self._above(first, cutoff)
        return values, weights * np.asarray(self.types.second(first[..., None]).pdf(values), dtype=np.float64)

    # Functions of θ_1

    @cached_property
    def breaks(self) -> FloatArray:
        """Ends of the pieces: even ones, κ_1, and where κ_2 enters or leaves the support of θ_2 or of all types.

        Towards both ends of the types they shrink by a factor each, as densities that vanish there bend κ_2 sharply.
        """
        low, high = self.types.first_support
        fine = np.linspace(low, high, FINE)
        regimes, pieces = self._regime(fine), [low, high, *np.linspace(low, high, PANELS + 1)[1:-1]]
        pieces += [end + sign * (high - low) * step for end, sign in ((low, 1), (high, -1)) for step in GRADED]
        if low < self.first < high:
            pieces.append(self.first)
        changes = np.flatnonzero((regimes[1:] != regimes[:-1]).any(axis=1))
        before, after = fine[changes], fine[changes + 1]
        for _ in range(40 if len(changes) else 0):
            middle = (before + after) / 2
            same = (self._regime(middle) == regimes[changes]).all(axis=1)
            before, after = np.where(same, middle, before), np.where(same, after, middle)
        pieces += after.tolist()
        ends = np.unique(pieces)
        return ends[np.concatenate([[True], np.diff(ends) > GRADED[-1] / 2 * (high - low)])]

    def _regime(self, first: FloatArray) -> IntArray:
        """Return where κ_2 stands among all types, and in the support, `(n, 2)`."""
        cutoff = self.second(first)
        low, high = self.types.reach(first)
        among = (cutoff > self.types.low).astype(np.intp) + (cutoff >= self.types.high)
        return np.stack([among, (cutoff > low).astype(np.intp) + (cutoff >= high)], axis=1)

    def _piecewise(self, function: Callable[[FloatArray], FloatArray]) -> "PPoly":
        """Return the polynomials through a function's values at the Gauss nodes of each piece."""
        from scipy.interpolate import PPoly

        nodes, _ = _gauss(NODES)
        unit = (nodes + 1) / 2
        width = np.diff(self.breaks)
        points = self.breaks[:-1, None] + width[:, None] * unit
        values = function(points.reshape(-1)).reshape(points.shape)
        powers = np.linalg.solve(np.vander(unit), values.T)
        return PPoly(powers / width ** np.arange(NODES - 1, -1, -1)[:, None], self.breaks)

    @cached_property
    def _cutoff(self) -> "PPoly":
        """κ_2 as piecewise polynomials."""
        return self._piecewise(self.second)

    @cached_property
    def _rent(self) -> "PPoly":
        """∫_{θ̲}^{θ_1} R as piecewise polynomials."""
        response = self._piecewise(lambda s: self.option_response(s, self.second(s)))
        return response.antiderivative()

    @cached_property
    def _option(self) -> "PPoly":
        """The option's value B as piecewise polynomials."""
        return self._piecewise(lambda s: self.option_value(s, self.second(s)))

    def sells_today(self, first: FloatArray) -> FloatArray:
        """Return q_1 as numbers."""
        return (np.asarray(first) >= self.first).astype(np.float64)

    def cutoff(self, first: FloatArray) -> FloatArray:
        """Return κ_2, the price tomorrow after a report."""
        return np.asarray(self._cutoff(first), dtype=np.float64)

    def upfront(self, report: FloatArray) -> FloatArray:
        """Return what is paid in the first period: κ_1 with the good, and the option's price."""
        option = np.asarray(self._option(report) - self._rent(report), dtype=np.float64)
        return (
            self.first * self.sells_today(report) + self.discount * option if self.selling else self.discount * option
        )

    @property
    def selling(self) -> bool:
        """Whether anybody gets the good today."""
        return self.first <= self.types.first_support[1]

    def payoff(self, first: FloatArray) -> FloatArray:
        """Return U_1."""
        return np.maximum(np.asarray(first) - self.first, 0.0) + self.discount * np.asarray(self._rent(first))

    def payoff_of_report(self, first: FloatArray, report: FloatArray) -> FloatArray:
        """Return a first report's payoff when the second period is best answered."""
        first, report = np.broadcast_arrays(first, report)
        later = self.discount * self.option_value(first, self.cutoff(report))
        return np.asarray(first * self.sells_today(report) - self.upfront(report) + later)

    # What it earns

    def expect(self, function: Callable[[FloatArray], FloatArray]) -> float:
        """Return E[function(θ_1)]."""
        nodes, weights = _gauss(NODES)
        width = np.diff(self.breaks)[:, None]
        points = self.breaks[:-1, None] + width * (nodes + 1) / 2
        flat = points.reshape(-1)
        density = np.asarray(self.types.first.pdf(flat)).reshape(points.shape)
        return float((function(flat).reshape(points.shape) * density * width * weights / 2).sum())

    def later_virtual(self, first: FloatArray) -> FloatArray:
        """Return E[ψ_2 1{θ_2 ≥ κ_2} | θ_1]."""
        cutoff = self.second(first)
        values, weights = self._weighted(first, cutoff)
        return np.asarray((self.types.second_virtual(first[..., None], values) * weights).sum(axis=-1))

    def virtual_surplus(self) -> tuple[float, float]:
        """Return E[ψ_1 q_1] and E[ψ_2 q_2]: revenue is the first plus δ times the second."""
        today = self.expect(lambda s: self.types.first_virtual(s) * self.sells_today(s))
        return today, self.expect(self.later_virtual)

    def revenue(self) -> float:
        """Return expected discounted payments, from the prices."""
        return self.mean_upfront() + self.discount * self.mean_price()

    def mean_upfront(self) -> float:
        """Return the expected payment in the first period."""
        return self.expect(self.upfront)

    def mean_price(self) -> float:
        """Return the expected payment in the second period."""
        return self.expect(lambda s: self.second(s) * (1 - np.asarray(self.types.second(s).cdf(self.second(s)))))

    def rent(self) -> float:
        """Return E[U_1]."""
        return self.expect(self.payoff)

    # Is truth best?

    def worst_lie(self, points: int = 129) -> tuple[float, float, float]:
        """Return a first report's largest gain on an even grid, type and report; second period best answered."""
        grid = np.linspace(*self.types.first_support, points)
        gains = self.payoff_of_report(grid[:, None], grid[None, :]) - self.payoff(grid)[:, None]
        k, r = largest_place(gains, max(1.0, scale_of(gains)))
        return float(gains.max()), float(grid[k]), float(grid[r])

    def integral_monotonicity(self, points: int = 65) -> tuple[float, float, float]:
        """Return the least value of (8) over an even grid, with θ_1 and report r."""
        grid = np.linspace(*self.types.first_support, points)
        nodes, weights = _gauss(NODES)
        ends = np.unique(np.concatenate([grid, self.breaks]))
        width = np.diff(ends)[:, None]
        s = (ends[:-1, None] + width * (nodes + 1) / 2).reshape(-1)
        own = self.sells_today(s) + self.discount * self.option_response(s, self.second(s))
        low, high = self.types.reach(s)
        unpriced = self.option_response(s, low)  # tomorrow everybody buys
        least = Best[tuple[float, float]](1.0)
        for report in grid:
            fixed = np.full(s.shape, float(self.cutoff(np.array(report))))
            later, inside = np.where(fixed <= low, unpriced, 0.0), (low < fixed) & (fixed < high)
            later[inside] = self.option_response(s[inside], fixed[inside])
            as_reported = self.sells_today(np.array(report)) + self.discount * later
            pieces = ((own - as_reported).reshape(-1, NODES) * width * weights / 2).sum(axis=1)
            total = np.concatenate([[0.0], np.cumsum(pieces)])
            at = np.searchsorted(ends, grid)
            value = total[at] - total[np.searchsorted(ends, report)]
            k = first_smallest(value, 1.0)
            least.offer(-float(value.min()), (float(grid[k]), float(report)))
        type_, reported = least.named or (0.0, 0.0)
        return 0.0 - least.value, type_, reported


def optimal_rule(types: TwoPeriodTypes, discount: float) -> CutoffRule:
    """Return the optimal rule: sell where virtual values are not negative.

    Within 2^-40 of an end of the first types tomorrow's price stays what it is there: a density that vanishes at the
    end bends κ_2 without bound, and no polynomial through inner points would price the option at the end itself.

    Raises:
        Refusal: virtual values cross 0 more than once, a higher first type makes second types worse, or tomorrow's
            price rises with the first type so far that integral monotonicity (8) fails: then the pointwise optimum
            is not incentive compatible, and a grid's linear program (`dynmech.mechanisms.revenue.revenue_lp`) must
            decide.
    """
    low, high = types.first_support
    inner = np.linspace(low, high, FINE)[1:-1]
    virtual = types.first_virtual(inner)
    if (fallen := _falls_back(virtual)) is not None:
        raise _irregular(types, "first", f"θ_1 = {inner[fallen]:.4g}")
    _check_second(types, inner[:: max(1, FINE // 64)])
    if virtual[-1] < 0:
        first = np.inf
    elif virtual[0] >= 0:
        first = low
    else:
        first = float(_root(types.first_virtual, inner[:1], inner[-1:], np.array([True]))[0])
    edge = GRADED[-1] * (high - low)
    rule = CutoffRule(types, discount, first, lambda s: second_cutoff(types, np.clip(s, low + edge, high - edge)))
    least, one, report = rule.integral_monotonicity()
    if least < -QUADRATURE:
        raise Refusal(
            f"optimal-two-period: types {types.label}: integral monotonicity is missed by {-least:.4g}: type "
            f"{one:.4g} would rather report {report:.4g}; revenue-optimal solves a grid"
        )
    return rule


def second_cutoff(types: TwoPeriodTypes, first: FloatArray) -> FloatArray:
    """Return the least θ_2 with ψ_2 ≥ 0 from there on; the lowest (highest) type if always (never) on the support."""
    first = np.asarray(first, dtype=np.float64)
    low, high = _known(types, first)
    edge = 1e-9 * (high - low)
    virtual = types.second_virtual_after(first)
    always = virtual(low + edge) >= 0
    never = virtual(high - edge) < 0
    root = _root(virtual, low, high, ~(always | never))
    return np.where(never, types.high, np.where(always, types.low, root))


def _known(types: TwoPeriodTypes, first: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where ψ_2 is known: everywhere with a formula for I, else on the support."""
    if types.impulse is not None:
        return np.full(first.shape, types.low), np.full(first.shape, types.high)
    return types.reach(first)


def _root(
    function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray, wanted: BoolArray
) -> FloatArray:
    """Return where a function crosses 0 from below, elementwise.

    Bisection, then the Illinois rule; bisection to the end where that does not settle (a jump, a touch).
    """
    low, high = low.astype(np.float64), high.astype(np.float64)
    settled = 1e-13 * max(1.0, float(np.abs(high).max(initial=0.0)))

    def bisect(times: int, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        for _ in range(times):
            middle = (low + high) / 2
            above = function(middle) >= 0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return low, high

    a, b = low, high = bisect(8, low, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        at_a, at_b = function(a), function(b)
        brackets = (at_a < 0) & (at_b >= 0)
        for _ in range(12):
            step = b - at_b * (b - a) / (at_b - at_a)
            c = np.clip(np.where(np.isfinite(step), step, b), low, high)
            at_c = function(c)
            turned = at_c * at_b < 0
            a, at_a = np.where(turned, b, a), np.where(turned, at_b, at_a / 2)
            b, at_b = c, at_c
            if (np.abs(at_b[brackets & wanted]) <= settled).all():
                break
    closed = brackets & (np.abs(at_b) <= settled)
    return b if closed[wanted].all() else np.where(closed, b, bisect(48, low, high)[1])


def _check_second(types: TwoPeriodTypes, first: FloatArray) -> None:
    """Refuse a second period whose virtual values cross twice, or a response below 0."""
    low, high = types.reach(first)
    share = np.linspace(0, 1, 257)[1:-1]
    two = low[:, None] + (high - low)[:, None] * share
    one = np.broadcast_to(first[:, None], two.shape)
    response = types.response(one, two)
    if response.min() < -1e-7:
        k, j = largest_place(-response)
        raise Refusal(
            f"optimal-two-period: types {types.label}: at θ_1 = {first[k]:.4g}, θ_2 = {two[k, j]:.4g} a higher first "
            f"type makes the second lower (impulse response {response[k, j]:.4g}): first-order conditions do not do"
        )
    for row, here in zip(types.second_virtual(one, two), first, strict=True):
        if (fallen := _falls_back(row)) is not None:
            at = f"θ_1 = {here:.4g}, θ_2 = {two[np.searchsorted(first, here), fallen]:.4g}"
            raise _irregular(types, "second", at)


def _falls_back(virtual: FloatArray) -> int | None:
    """Return where values `(n,)` are below 0 after having been above."""
    below = np.maximum.accumulate(virtual > ROUNDING) & (virtual < -ROUNDING)
    return int(np.argmax(below)) if below.any() else None


def _irregular(types: TwoPeriodTypes, which: str, at: str) -> Refusal:
    """Return the refusal that names where virtual values are not regular."""
    return Refusal(
        f"optimal-two-period: types {types.label}: the {which} virtual value crosses 0 more than once (it is below 0 "
        f"again at {at}): the pointwise optimum is not monotone, it needs ironing; revenue-optimal solves a grid of it"
    )
