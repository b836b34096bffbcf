"""Numbers of other papers: what is printed there, or a printed formula at a number, computed again here."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.catalog.names import load
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.elsewhere_contracts import more_claims
from dynmech.experiments.reproductions.figures import largest_gain, payoffs
from dynmech.mechanisms.commitment.ratchet import Ratchet
from dynmech.mechanisms.commitment.spot_price import SELLER, SpotPrice
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees
from dynmech.mechanisms.revenue.revenue_lp import revenue_optimum
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.builders import from_arrays, trade
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

PAPER = "elsewhere"
TITLE = "Numbers of other papers: durable goods, ratchets, scheduling, screening, repeated trade, auctions, base fees"

DELTA = 0.5
"""Discount factor of the durable good and of scheduling."""

FINE = 200
"""Values on the grid that stands for an interval."""

_claim = partial(Claim, PAPER)


def claims() -> Iterator[Claim]:
    """Yield the claims, a source after the other."""
    yield from _durable_good()
    yield from _ratchet()
    yield from _scheduling()
    yield from _airline()
    yield from _hidden_valuations()
    yield from more_claims()


def _table(text: str) -> TableEnvironment:
    made = load(text)
    assert isinstance(made, TableEnvironment)
    return made


def _ex_ante(environment: TableEnvironment, mechanism: Ratchet | SpotPrice, agent: int) -> float:
    """What an agent's best response gains before anything is known."""
    problem = build_problem(FiniteGame(environment, mechanism), (agent,))
    truth, best = (solve(problem, one, Information.INTERIM) for one in (Family.PRESCRIBED, Family.BEST_RESPONSE))
    return ex_ante_gain(best, truth).gain


def _durable_good() -> Iterator[Claim]:
    """Two periods, values uniform on [0, 1]."""
    cutoff, profit = (2 - DELTA) / (4 - 3 * DELTA), (2 - DELTA) ** 2 / (4 * (4 - 3 * DELTA))
    found = minimize_scalar(
        lambda v: -(v * (1 - DELTA / 2) * (1 - v) + DELTA * v * v / 4), bounds=(0, 1), method="bounded"
    )
    fine = _table(f"durable-good:values={FINE},discount={DELTA}")
    free, bound = SpotPrice(fine).sale, SpotPrice(fine, plan="bound").sale
    way = "the first price that a numerical search finds, the second at half of who is left"
    yield _claim(
        "durable good, δ = ½, without commitment: profit (2 − δ)²/(4 (4 − 3δ)), on 200 values",
        profit, free.profit, float(-found.fun), way, tolerance=2e-3, effect=0.025,
    )  # fmt: skip
    yield _claim(
        "durable good, δ = ½, without commitment: who buys at once, from (2 − δ)/(4 − 3δ), on 200 values",
        cutoff, free.waiting / FINE, float(round(found.x, 6)), way, tolerance=0.015, effect=0.1,
    )  # fmt: skip
    yield _claim("durable good, with commitment: profit, on 200 values", 0.25, bound.profit)
    yield _claim(
        "durable good, δ = ½: what commitment is worth, on 200 values",
        0.25 - profit, bound.profit - free.profit, 0.25 + float(found.fun), way, tolerance=2e-3, effect=0.025,
    )  # fmt: skip
    coarse = _table(f"durable-good:values=40,discount={DELTA}")
    promise = SpotPrice(coarse, plan="promise")
    way = "half of the price again, to those in the second quarter"
    text = "durable good, δ = ½: what the seller gains by cutting a price of ½ that it promised"
    yield _claim(text, None, _ex_ante(coarse, promise, SELLER), DELTA / 16, way)
    most = largest_gain(_table("durable-good"), SpotPrice(_table("durable-good")), information=Information.INTERIM)
    yield _claim("durable good, without commitment, 20 values: the largest gain of either", 0.0, max(most, 0.0))


def _ratchet() -> Iterator[Claim]:
    """Reserves that follow the own last bid."""
    text = "ad-exchange:bidders=1,persistence=1,discount=0.9"
    environment = _table(text)
    for share in (0.5, 1.0):
        yield _claim(
            f"ratchet, a lone bidder whose value 1, 2 or 3 stays, δ = 0.9, share {share:g}: the best shading gains",
            None,
            _ex_ante(environment, Ratchet(environment, share), 0),
            share * (2 - 1) * 0.9 / (1 - 0.9),
            "share (E v − 1) δ/(1 − δ)",
            tolerance=1e-8,
        )
    promise = Ratchet(environment, 1.0, plan="promise")
    yield _claim(
        "ratchet, the same: what the exchange gains by breaking its promise of no reserve, bids being true",
        None,
        _ex_ante(environment, promise, 1),
        2 * 0.9 / (1 - 0.9),
        "E v δ/(1 − δ)",
        tolerance=1e-7,
    )


def _tasks(values: tuple[float, ...]) -> TableEnvironment:
    """Tasks of known value, one served a period; signal 0: waiting, 1: served."""
    n = len(values)
    utility, laws = np.zeros((n, n, *(2,) * n)), []
    for i, value in enumerate(values):
        utility[i, i] = np.array([value, 0.0]).reshape([-1 if j == i else 1 for j in range(n)])
        law = np.stack([np.eye(2)] * n)
        law[i] = [[0, 1], [0, 1]]
        laws.append(law)
    prior = np.zeros((2,) * n)
    prior[(0,) * n] = 1
    return from_arrays(utility, laws, prior, DELTA, name="scheduling")


def _pivot_payments(values: tuple[float, ...]) -> FloatArray:
    """What the one who is served pays in each period, the highest values first, `(n,)`."""
    environment = _tasks(values)
    page = FiniteGame(environment, Pivot(environment)).truthful.periods[-1]
    out, profile = [], [0] * len(values)
    for i in range(len(values)):
        place = int(np.ravel_multi_index(profile, (2,) * len(values)))
        out.append(float(page.transfer[i, 0, place]))
        profile[i] = 1
    return np.array(out)


def _scheduling() -> Iterator[Claim]:
    """Bergemann and Välimäki 2010: p_k = (1 − δ) Σ_{t>k} δ^{t−k−1} v_t."""
    for values in ((4.0, 3.0, 2.0), (7.0, 3.5, 3.0, 0.5)):
        paid = _pivot_payments(values)
        for k in range(len(values)):
            formula = (1 - DELTA) * sum(DELTA ** (t - k - 1) * values[t] for t in range(k + 1, len(values)))
            delays = sum(DELTA**t * v for t, v in enumerate((*values[:k], *values[k + 1 :])))
            served = sum(DELTA**t * v for t, v in enumerate(values) if t != k)
            text = (
                f"Bergemann–Välimäki 2010, scheduling, values {', '.join(f'{v:g}' for v in values)}, δ = ½: p_{k + 1}"
            )
            way = "what the others lose by waiting one period"
            yield _claim(text, formula, float(paid[k]), (delays - served) / DELTA**k, way)
    environment = _tasks((4.0, 3.0, 2.0))
    pivot = Pivot(environment)
    surplus = float(payoffs(FiniteGame(environment, pivot).truthful).sum())
    yield _claim(
        "Bergemann–Välimäki 2010, scheduling, values 4, 3, 2, δ = ½: all payoffs",
        None, surplus, (4 - 2) + 0.5 * (3 - 1) + 0.25 * 2, "values less p_k, discounted",
    )  # fmt: skip


def _tickets(cells: int) -> TableEnvironment:
    """A traveller who knows its type now and its value later; a seat costs 1; `cells` midpoints a unit of value."""
    values = (np.arange(3 * cells) + 0.5) / cells
    law = np.zeros((1, 2, len(values)))
    law[0, 0, cells : 2 * cells] = 1 / cells
    law[0, 1, :cells] = law[0, 1, 2 * cells :] = 1 / (2 * cells)
    first = Stage((("leisure", "business"),), ("-",), np.zeros((1, 1, 2)), IndependentKernel((law,)))
    later = Stage(
        (tuple(f"{v:.6g}" for v in values),),
        ("none", "seat"),
        np.stack([np.zeros_like(values), values])[None],
        cost=np.array([0.0, 1.0]),
    )
    return TableEnvironment("airline", ("traveller",), np.array([1 / 3, 2 / 3]), (first, later), 1.0, 2)


def _menu(contracts: tuple[tuple[float, float], ...]) -> tuple[float, list[float]]:
    """Profit of a menu of (fare, refund), ties of travellers broken for the seller, and travellers' payoffs."""
    profit, payoffs = 0.0, []
    for weight, pieces in ((1 / 3, ((1.0, 2.0),)), (2 / 3, ((0.0, 1.0), (2.0, 3.0)))):
        worth = []
        for fare, refund in contracts:
            use = earned = 0.0
            for low, high in pieces:
                share, least = 1 / len(pieces), min(max(refund, low), high)
                flown = (high - least) / (high - low)
                use += share * (flown * (least + high) / 2 + (1 - flown) * refund) - share * fare
                earned += share * (fare - flown - (1 - flown) * refund)
            worth.append((round(use, 12), earned))
        best = max(worth)
        payoffs.append(best[0])
        profit += weight * best[1] if best[0] >= 0 else 0.0
    return profit, payoffs


def _airline() -> Iterator[Claim]:
    """Courty and Li 2000: the menu (1.5, no refund), (1.75, refund 1)."""
    profit, payoffs_of_menu = _menu(((1.5, 0.0), (1.75, 1.0)))
    first_best = 1 / 3 * 0.5 + 2 / 3 * 0.5 * 1.5
    text = "Courty–Li 2000, airline tickets: profit of the fares 1.5 without refund and 1.75 with a refund of 1"
    yield _claim(text, 2 / 3, profit, first_best, "the first best, E (v − 1)⁺")
    yield _claim(
        "Courty–Li 2000, airline tickets: what the menu leaves travellers",
        None,
        max(payoffs_of_menu),
        0.0,
        "all is extracted",
    )
    for cells in (2, 4):
        found = revenue_optimum(_tickets(cells)).net_revenue
        text = f"Courty–Li 2000, airline tickets: the most that any mechanism earns, {cells} midpoints a unit of value"
        yield _claim(text, 2 / 3, found, first_best, "the first best, E (v − 1)⁺", tolerance=1e-7)
    text = "Courty–Li 2000, airline tickets: the best single price, once values are known"
    yield _claim(
        text, 1 / 3, max(_posted(k / 1000) for k in range(3001)), 2 / 3 * 0.5 * (2 - 1), "price 2, half of business"
    )


def _posted(price: float) -> float:
    """Profit of one price after values are known."""
    leisure = min(max(2 - price, 0.0), 1.0)
    business = (min(max(1 - price, 0.0), 1.0) + min(max(3 - price, 0.0), 1.0)) / 2
    return (price - 1) * (leisure / 3 + 2 * business / 3)


def _worst_stay(
    costs: FloatArray, values: FloatArray, chances: tuple[FloatArray, FloatArray], discount: float
) -> float:
    """The least that staying is worth to anybody in any period, values drawn anew, under equal fees in instalments."""
    chains = [np.tile(law, (len(law), 1)) for law in chances]
    prior = np.multiply.outer(*chances)
    environment = trade(costs.tolist(), [values.tolist()], chains, prior, discount)
    half = float(PivotWithFees(environment).deficit) / 2
    mechanism = PivotWithFees(environment, fees=f"{half!r}+{half!r}", collect="instalments")
    return float(FiniteGame(environment, mechanism).truthful.periods[-1].stay.min())


def _hidden_valuations() -> Iterator[Claim]:
    """Athey and Miller 2007: values drawn anew, equal fees every period: efficient trade iff δ ≥ ½."""
    cases = (
        (np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0]), (np.full(3, 1 / 3), np.full(3, 1 / 3))),
        (np.array([0.2, 0.9]), np.array([0.1, 0.7, 2.0]), (np.array([0.7, 0.3]), np.array([0.5, 0.4, 0.1]))),
        (np.array([1.0, 5.0]), np.array([0.0, 6.0]), (np.array([0.1, 0.9]), np.array([0.6, 0.4]))),
    )
    for number, case in enumerate(cases, start=1):
        switch = float(brentq(partial(_worst_stay, *case), 0.2, 0.9, xtol=1e-8))
        text = f"Athey–Miller 2007, values drawn anew, law {number} of 3: δ from which nobody leaves, fees being equal"
        yield _claim(text, 0.5, switch, tolerance=1e-6)
