"""The trading game of Athey and Segal on an interval of types: its technology, its moments, and the economy itself.

The seller's θ_1 is uniform on [0, 1] and stays what it is; producing x costs x²/(2 θ_1) in either period. A unit is
worth 1 to the buyer in period 0 and θ_2, uniform on [0, 2], in period 1. Undiscounted. Efficient: x = θ_1 · value,
where `clipped` at most 1 (the paper's x ∈ [0, 1] excludes θ_1 θ_2 > 1, which its rule needs).

Source: Athey–Segal 2007, Example 1. Cost at θ_1 = 0, which it leaves open: nothing is produced, at no cost.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Interval
from dynmech.sim.economy.function import FunctionEnvironment

MEAN, SQUARE = 1 / 2, 4 / 3
"""E θ_1 and E θ_2²."""

HIGHEST = (1.0, 2.0)
"""The largest signal of seller and buyer."""

LEAST = 2.0**-53
"""The least type above 0 that is drawn; there the largest quantity costs more than anything else in the economy."""


@dataclass(frozen=True, eq=False)
class TradingGameEnvironment(FunctionEnvironment):
    """The economy of the module docstring; `clipped` keeps the efficient quantity in [0, 1]."""

    clipped: bool = False


def trading_game(name: str, *, clipped: bool, grid: str, widest: float = 8.0) -> TradingGameEnvironment:
    """The economy; quantities may be as large as `widest`, should reports beyond the support be admitted."""
    return TradingGameEnvironment(
        name=name,
        agents=("seller", "buyer"),
        discount=1.0,
        horizon=2,
        signals=(Interval(0, HIGHEST[0]), Interval(0, HIGHEST[1])),
        decisions=Interval(0, widest),
        law=_law,
        payoff=_payoff,
        bound=widest**2 / 2 / LEAST,
        grid=grid,
        clipped=clipped,
    )


def _law(t: int, last: Array | None, _decision: Array | None, uniforms: FloatArray) -> Array:
    seller = uniforms[:, 0] if last is None else last[:, 0]
    return np.stack([seller, np.ones(len(uniforms)) if t == 0 else 2 * uniforms[:, 1]], axis=1)


def _payoff(_t: int, signals: Array, quantity: Array) -> FloatArray:
    return np.stack([-cost(quantity, signals[:, 0]), signals[:, 1] * quantity], axis=1)


def cost(quantity: Array, type_: Array) -> FloatArray:
    """x²/(2 θ_1); 0 where θ_1 = 0 and nothing is produced."""
    out: FloatArray = np.divide(quantity * quantity, 2 * type_, out=np.zeros(np.shape(quantity)), where=type_ > 0)
    return out


def quantity(type_: Array, value: Array, *, clipped: bool) -> FloatArray:
    """The efficient quantity."""
    return np.minimum(type_ * value, 1.0) if clipped else type_ * value


def expected_value(type_: Array, *, clipped: bool) -> FloatArray:
    """E[θ_2 x(θ_1, θ_2) | θ_1]: (4/3) θ_1; clipped, where θ_1 > ½: 1 − 1/(12 θ_1²)."""
    beyond = 1 - 1 / (12 * np.maximum(type_, 0.5) ** 2)
    return np.where(clipped & (type_ > 0.5), beyond, SQUARE * type_)


def expected_own_cost(type_: Array, *, clipped: bool) -> FloatArray:
    """E[x(θ_1, θ_2)²/(2 θ_1) | θ_1]: (2/3) θ_1; clipped, where θ_1 > ½: (1 − 1/(3 θ_1))/(2 θ_1)."""
    inside = np.maximum(type_, 0.5)
    return np.where(clipped & (type_ > 0.5), (1 - 1 / (3 * inside)) / (2 * inside), SQUARE / 2 * type_)


def expected_cost(value: Array, *, clipped: bool) -> FloatArray:
    """E[x(θ_1, r)²/(2 θ_1)] over θ_1: r²/4; clipped, where r > 1: ¼ + ½ ln r, which is concave."""
    beyond = 0.25 + 0.5 * np.log(np.maximum(value, 1.0))
    return np.where(clipped & (value > 1), beyond, MEAN / 2 * value * value)


def mean_value(*, clipped: bool) -> float:
    """E[x_0 + θ_2 x_1]: ½ + ½ · 4/3; clipped ½ + 1/6 + 5/12."""
    return 13 / 12 if clipped else MEAN * (1 + SQUARE)
