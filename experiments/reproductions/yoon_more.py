"""Yoon 2021, §3.3.2, taken further: types that never change, K of them, and fees of more than two traders."""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.conditions.trade_budget import Trade
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.builders import trade

DISCOUNTS = (0.1, 0.5, 0.9, 0.99)

_claim = partial(Claim, "yoon")


def further() -> Iterator[Claim]:
    """Yield the claims."""
    yield from _lasting_types()
    yield from _three_traders()


def _random_trade(draw: np.random.Generator, types: int, lift: float) -> Trade:
    """Types that never change; `lift` puts values above costs."""
    costs, values = (np.sort(draw.uniform(0, 1, types)) for _ in range(2))
    laws = [draw.dirichlet(np.ones(types)) for _ in range(2)]
    return Trade(costs, values + lift, np.eye(types), np.eye(types), *laws)


def _static_slack(sides: Trade) -> float:
    """What the largest fees of one period leave, every pair of types added up by itself."""
    types = range(len(sides.costs))
    gain = {(k, m): max(float(sides.values[m] - sides.costs[k]), 0.0) for k, m in product(types, repeat=2)}
    x, y = sides.first_seller, sides.first_buyer
    seller = min(sum(float(y[m]) * gain[k, m] for m in types) for k in types)
    buyer = min(sum(float(x[k]) * gain[k, m] for k in types) for m in types)
    return seller + buyer - sum(float(x[k] * y[m]) * gain[k, m] for k, m in product(types, repeat=2))


def _lasting_types() -> Iterator[Claim]:
    """P = I: (∗) is that of one period, over 1 − δ; patience decides nothing."""
    draw = np.random.default_rng(2021)
    sides = [_random_trade(draw, types, lift) for types in (2, 3, 4, 5) for lift in (0.0, 0.6, 1.2)]
    off = max(abs(s.budget(d).slack * (1 - d) - _static_slack(s)) for s in sides for d in DISCOUNTS)
    text = "P = I, 2 to 5 types, 12 random pairs of laws: slack of (∗) times 1 − δ is off that of one period by"
    yield _claim(text, None, off, 0.0, "G = V/(1 − δ), by hand")
    differ = sum(len({s.balances(d) for d in DISCOUNTS}) > 1 for s in sides)
    text = "P = I: of these, those in which some δ of 0.1, 0.5, 0.9, 0.99 decide otherwise than others"
    yield _claim(text, None, float(differ), 0.0, "the sign of the slack of one period")
    holds = sum(s.balances(0.9) for s in sides)
    text = "P = I: of these, those in which fees pay for the deficit"
    yield _claim(text, None, float(holds), float(sum(_static_slack(s) >= 0 for s in sides)), "one period's slack")


def _surplus(costs: FloatArray, values: FloatArray, buyers: int) -> FloatArray:
    """What the best of the buyers gains from trade, `(K, …)`, the seller's axis first."""
    out = np.zeros((len(costs), *(len(values),) * buyers))
    for types in np.ndindex(*out.shape):
        out[types] = max(0.0, *(float(values[k] - costs[types[0]]) for k in types[1:]))
    return out


def _ahead(flow: FloatArray, chain: FloatArray, discount: float) -> FloatArray:
    """Σ δ^t E[flow], one axis after the other contracted, until nothing is left to add."""
    total, term = np.zeros_like(flow), flow
    while np.abs(term).max() > 1e-15:
        total = total + term
        for axis in range(flow.ndim):
            term = np.moveaxis(np.tensordot(chain, term, axes=(1, axis)), 0, axis)
        term = discount * term
    return total


def _three_traders() -> Iterator[Claim]:
    """A seller and two buyers: nobody trades without the seller."""
    costs, values, discount = np.array([0.2, 1.0]), np.array([0.5, 1.5]), 0.9
    for alpha in (0.5, 0.8):
        chain = np.array([[alpha, 1 - alpha], [1 - alpha, alpha]])
        prior = np.full((2, 2, 2), 1 / 8)
        environment = trade(costs.tolist(), [values.tolist()] * 2, [chain] * 3, prior, discount)
        mechanism = PivotWithFees(environment)
        all_three, pair = (_ahead(_surplus(costs, values, n), chain, discount) for n in (2, 1))
        margins = [all_three, all_three - pair[:, None, :], all_three - pair[:, :, None]]
        deficit = sum(float(margin.mean()) for margin in margins) - float(all_three.mean())
        fees = [float(np.moveaxis(margin, i, 0).reshape(2, -1).mean(axis=1).min()) for i, margin in enumerate(margins)]
        label = f"three traders, α = {alpha:g}, δ = 0.9"
        way = "marginal contributions by adding up periods"
        yield _claim(f"{label}: the pivot's expected deficit", None, mechanism.deficit, deficit, way, tolerance=1e-8)
        found = float(sum(table.min() for table in mechanism.bearable))
        yield _claim(f"{label}: the largest fees together", None, found, sum(fees), way, tolerance=1e-8)
