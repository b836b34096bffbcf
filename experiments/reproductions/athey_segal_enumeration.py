"""The trading game of Athey and Segal 2007 once more, by enumeration and from the formulas of §2 alone.

Nothing here uses the planner, the search, or the best reports in closed form: what they come to is held against this.
"""

import numpy as np

from dynmech.experiments.scenarios.trading_game import COSTS, QUANTITIES, Variation
from dynmech.sim.core.arrays import FloatArray

SECOND_PERIOD = 0.9
"""Weight of the second period in Examples 2 to 6."""

REPORTS = 2001
"""Reports tried between 0 and 2."""


def _middles(count: int, top: float) -> FloatArray:
    """Midpoints of `count` cells of [0, top]."""
    return (np.arange(count) + 0.5) * top / count


def first_best(buyer: Variation) -> float:
    """Expected welfare of the best quantities and actions, by trying them all."""
    x, b, later = QUANTITIES, np.array(buyer.first), np.array(buyer.second)
    spent = np.array(list(buyer.actions.values()))
    total = 0.0
    for cost in COSTS:
        ahead = (later[:, None] * x - x**2 / (2 * cost)).max(axis=1)
        now = b[:, None, None] * x[:, None] - x[:, None] ** 2 / (2 * cost) - spent  # by first value, quantity, action
        then = np.moveaxis(buyer.law @ ahead, 2, 0)
        total += float((now + SECOND_PERIOD * then).reshape(len(b), -1).max(axis=1).mean())
    return total / len(COSTS)


def buyer_gain(points: int) -> float:
    """What a buyer who knows θ_1 gains under expected externalities, types on midpoints, reports among them."""
    one, two = _middles(points, 1.0), _middles(points, 2.0)
    worth = one[:, None, None] * two[:, None] * two - one.mean() * two**2 / 2  # by θ_1, θ_2 and report
    truth = np.einsum("ijj->ij", worth)
    return float((worth.max(axis=2) - truth).mean())


def clipped_buyer_gain() -> float:
    """The same on intervals with quantities in [0, 1]: the best of many reports and of 1/θ_1, on midpoints."""
    two = _middles(150, 2.0)
    return float(np.mean([_clipped_buyer_gains(cost, two) for cost in _middles(300, 1.0)]))


def _clipped_buyer_gains(cost: float, two: FloatArray) -> FloatArray:
    """By θ_2, at one θ_1."""
    reports = np.append(np.linspace(0, 2, REPORTS), min(2.0, 1 / cost))
    best = (two[:, None] * np.minimum(cost * reports, 1) - _expected_cost(reports)).max(axis=1)
    return np.asarray(best - two * np.minimum(cost * two, 1) + _expected_cost(two))


def _expected_cost(report: FloatArray) -> FloatArray:
    """E min(1, θ_1 r)²/(2 θ_1) over θ_1 in [0, 1]: r²/4, beyond r = 1 ¼ + ½ ln r."""
    return np.where(report > 1, 0.25 + np.log(np.maximum(report, 1.0)) / 2, report**2 / 4)


def clipped_first_order_gain() -> float:
    """What the buyer's report 2 θ_1 θ_2, best where nothing is clipped, gains with quantities in [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    one, two = np.meshgrid((nodes + 1) / 2, nodes + 1, indexing="ij")

    def worth(report: FloatArray) -> FloatArray:
        return np.asarray(two * np.minimum(one * report, 1) - _expected_cost(report))

    return float(weights @ (worth(np.minimum(2 * one * two, 2.0)) - worth(two)) @ weights) / 4


def clipped_seller_gain() -> float:
    """What the seller gains under actual externalities with quantities in [0, 1]: the best of many reports."""
    reports, one, two = np.linspace(0, 1, REPORTS)[1:], _middles(300, 1.0), _middles(1000, 2.0)

    def value(cost: FloatArray, report: FloatArray) -> FloatArray:
        """−E c(x)/θ_1 + E u_2(x) + E c(x)/r at report r, `(costs, reports)`; E over θ_2."""
        x = np.minimum(report[:, None] * two, 1)
        effort, earned = report**2 + (x**2).mean(axis=1), report + (x * two).mean(axis=1)
        return np.asarray(earned + effort / (2 * report) - effort / (2 * cost[:, None]))

    best = value(one, reports).max(axis=1)
    return float((best - np.einsum("ii->i", value(one, one))).mean())
