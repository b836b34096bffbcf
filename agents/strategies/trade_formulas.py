"""Best responses in the trading game on intervals, by formula: what each side gains from the naive transfers.

Under expected externalities the buyer pays E c(x) over θ_1 for its report r, but knows θ_1 from the seller's report:
it maximises θ_2 x(θ_1, r) − E c(x(·, r)), so r = 2 θ_1 θ_2, at most the largest report. Clipped, the price ¼ + ½ ln r
beyond r = 1 is concave: the best report is min(1, 2 θ_1 θ_2) or the corner min(2, 1/θ_1), whichever is better (the
first-order condition beyond 1 finds a minimum).

Under actual externalities the seller pays the buyer's charge, c(x) *at its own report* r, to itself:

    F(r) = −[x_0² + E x_1²]/(2 θ_1) + x_0 + E[θ_2 x_1] + [x_0² + E x_1²]/(2 r),

best at r = (3/2) θ_1, at most the largest report; clipped by search over r.

Source: Athey–Segal 2007, §2; the paper only says in which direction they lie.
"""

import numpy as np

from dynmech.agents.strategies.base import AgentContext
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Interval
from dynmech.sim.economy.interval_trading_game import cost, expected_cost, expected_own_cost, expected_value, quantity

SIDES = ("seller", "buyer")
"""Names of the agents of the trading game."""


def plays_side(context: AgentContext, agent: int) -> bool:
    """Return whether the context is of that side of the trading game on intervals."""
    sides = context.game_spaces.agents == SIDES and context.periods == 2
    return sides and context.agent == agent and isinstance(context.messages(agent), Interval)


def buyer_worth(type_: Array, value: Array, report: Array, *, clipped: bool) -> FloatArray:
    """Return θ_2 x(θ_1, r) − E c(x(·, r)), shape `(n,)`."""
    return value * quantity(type_, report, clipped=clipped) - expected_cost(report, clipped=clipped)


def best_buyer_report(type_: Array, value: Array, top: float, *, clipped: bool) -> FloatArray:
    """Return the buyer's best report up to `top`, shape `(n,)`."""
    if not clipped:
        return np.minimum(2 * type_ * value, top)
    low = np.minimum(2 * type_ * value, 1.0)
    corner = np.minimum(top, np.divide(1.0, type_, out=np.full(len(type_), float(top)), where=type_ > 0))
    worth = [buyer_worth(type_, value, report, clipped=True) for report in (low, corner)]
    return np.where(worth[1] > worth[0], corner, low)


def seller_worth(type_: Array, report: Array, *, clipped: bool) -> FloatArray:
    """Return F(r), shape `(n,)`."""
    first = quantity(report, np.ones_like(report), clipped=clipped)
    reimbursed = cost(first, report) + expected_own_cost(report, clipped=clipped)
    spent = np.divide(reimbursed * report, type_, out=np.zeros(np.shape(reimbursed)), where=type_ > 0)
    return first + expected_value(report, clipped=clipped) + reimbursed - spent


def best_seller_report(type_: Array, top: float, *, clipped: bool) -> FloatArray:
    """Return the seller's best report up to `top`, `(n,)`; clipped, by ternary search around the best of a grid."""
    if not clipped:
        return np.minimum(1.5 * type_, top)
    points = np.linspace(0.0, top, 65)
    worth = np.stack([seller_worth(type_, np.full(len(type_), r), clipped=True) for r in points])
    near = np.where(type_ > 0, points[worth.argmax(axis=0)], 0.0)
    low, high = np.maximum(near - top / 64, 0.0), np.minimum(near + top / 64, top)
    for _ in range(60):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        better = seller_worth(type_, left, clipped=True) > seller_worth(type_, right, clipped=True)
        low, high = np.where(better, low, left), np.where(better, right, high)
    return (low + high) / 2
