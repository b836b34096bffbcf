"""Simple tariffs beside the menu of contracts: a posted price, and a fee with a price, for a continuum of buyers.

A buyer with first signal x values an item at A(x) B_t. With μ_B = E Σ_{t≥1} δ^t 1{B_t = B} and unit cost γ,

    posted price p:         profit Σ_B μ_B (p − γ) Pr(A(x) B ≥ p);
    fee M and price p:      everybody joins for whom Σ_B μ_B (A(x) B − p)^+ ≥ M, and pays p for each item it then buys.

The menu's own fee, for uniform x and A(x) = x, is M(p) = Σ_B μ_B ((B + γ)/2 − p)^+.

Source: Kakade, Lobel and Nazerzadeh 2011, §6.1; two-part tariffs as in any textbook.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import first_largest
from dynmech.sim.economy.separable import Economy

STEPS = 400
"""Points of the grid on which the best tariff is first looked for."""


@dataclass(frozen=True)
class Tariff:
    """A fee, a price, and what they earn."""

    fee: float
    price: float
    profit: float


def frequencies(economy: Economy) -> tuple[FloatArray, FloatArray]:
    """Return B by state and μ_B, `(K,)` each, of one buyer whose states no decision moves.

    Raises:
        Refusal: more buyers, additive values, states that decisions move, or more to sell than one item.
    """
    period = economy.later[0]
    sold = len(economy.agents) == 1 and len(economy.decisions) == 2 and not economy.controlled
    if not sold or economy.kind != "multiplicative" or not economy.endless:
        raise Refusal(
            f"environment {economy.name!r}: simple tariffs are worked out for one buyer, one item a period, "
            "multiplicative values and states that decisions do not move"
        )
    step = economy.discount * period.kernel[0][0].T
    often = np.linalg.solve(np.eye(period.size) - step, economy.discount * economy.initial[0])
    return period.slope[0][1], often


def menu_fee(economy: Economy, price: FloatArray) -> FloatArray:
    """Return M(p) for uniform first signals and A(x) = x."""
    value, often = frequencies(economy)
    return np.maximum((value + economy.later[0].cost[1]) / 2 - np.asarray(price)[..., None], 0.0) @ often


def menu_profit(economy: Economy) -> float:
    """Return the menu's profit from uniform first signals, A(x) = x: its fees, and sales at its prices.

    A buyer with first signal x picks the price p = γx/(2x − 1), for which (2x − 1)/x is its virtual weight, and buys
    where x B ≥ p; between the x at which another B is bought, fee and price are smooth.
    """
    value, often = frequencies(economy)
    cost = float(economy.later[0].cost[1])
    ends = np.unique([1.0, *((1 + cost / value[value > cost]) / 2)])
    at, weight = np.polynomial.legendre.leggauss(40)
    x = ends[:-1, None] + np.diff(ends)[:, None] * (at + 1) / 2
    price = cost * x / (2 * x - 1)
    sold = (x[..., None] * value >= price[..., None]) @ often
    earned = menu_fee(economy, price) + (price - cost) * sold
    return float((earned * np.diff(ends)[:, None] / 2).sum(axis=0) @ weight)


def best_price(economy: Economy) -> Tariff:
    """Return the best single posted price."""
    value, often = frequencies(economy)
    first, cost = economy.first[0], float(economy.later[0].cost[1])

    def profit(price: float) -> float:
        return float(often @ _share(economy, price, value)) * (price - cost)

    top = float(value.max() * first.scale(np.ones(1))[0])
    price = _best(profit, cost, top)
    return Tariff(0.0, price, profit(price))


def best_two_part(economy: Economy) -> Tariff:
    """Return the best fee and price, by the marginal buyer x* and the price."""
    value, often = frequencies(economy)
    first, cost = economy.first[0], float(economy.later[0].cost[1])
    top = float(value.max() * first.scale(np.ones(1))[0])

    def fee(marginal: float, price: float) -> float:
        worth = float(first.scale(np.array([marginal]))[0]) * value - price
        return float(often @ np.maximum(worth, 0.0))

    def profit(marginal: float, price: float, share: FloatArray) -> float:
        joins = float(first.law.sf(np.array([marginal]))[0])
        return joins * fee(marginal, price) + (price - cost) * float(often @ np.minimum(share, joins))

    def with_price(price: float) -> float:
        share = _share(economy, price, value)
        return profit(_best(lambda x: profit(x, price, share), 0.0, 1.0, 100), price, share)

    price = _best(with_price, 0.0, top, 60)
    share = _share(economy, price, value)
    marginal = _best(lambda x: profit(x, price, share), 0.0, 1.0)
    return Tariff(fee(marginal, price), price, profit(marginal, price, share))


def _share(economy: Economy, price: float, value: FloatArray) -> FloatArray:
    """Return Pr(A(x) B ≥ p) by B, by bisection on x."""
    first = economy.first[0]
    low, high = np.zeros(value.shape), np.ones(value.shape)
    for _ in range(50):
        middle = (low + high) / 2
        buys = first.scale(middle) * value >= price
        low, high = np.where(buys, low, middle), np.where(buys, middle, high)
    return np.where(first.scale(np.ones(1)) * value >= price, first.law.sf(low), 0.0)


def _best(profit: Callable[[float], float], low: float, high: float, steps: int = STEPS) -> float:
    """Return the best point of an interval: the best of a grid, refined between its neighbours."""
    from scipy.optimize import minimize_scalar

    grid = np.linspace(low, high, steps + 1)
    k = first_largest([profit(float(x)) for x in grid])
    bounds = (float(grid[max(k - 1, 0)]), float(grid[min(k + 1, steps)]))
    refined = minimize_scalar(lambda x: -profit(float(x)), bounds=bounds, method="bounded", options={"xatol": 1e-10})
    return float(refined.x) if -refined.fun > profit(float(grid[k])) else float(grid[k])
