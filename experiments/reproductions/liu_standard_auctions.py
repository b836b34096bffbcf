"""Liu 2025: no standard auction is efficient where the others' signals count for more than one's own (γ > 1).

A standard auction gives the object to the highest bid. Two arguments, over bid functions and not for one of them:

- with symmetric bids that do not fall with the signal, whatever is paid, the highest signal wins or several tie, and
  the lowest should win: welfare is lost in every order of bids, ties included;
- with bids that fall it is efficient, but then it is no equilibrium: under first-price, second-price and all-pay rules
  the gain from bidding at, just below or just above what another signal bids, or not at all, is linear in the bids, and
  a linear program finds the bids for which the largest such gain is least. It is not 0.

Play is repeated, but bids and awards move no signals, so that a period is an auction by itself.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.scenarios.lowest_bid_auction import LowestBidAuction
from dynmech.mechanisms.auctions.bids import LinearValues, linear_values
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment

FORMATS = ("first-price", "second-price", "all-pay")

GAIN = 1e-7
"""Gains and losses up to this are none."""


def standard_auctions() -> Iterator[Claim]:
    """Increasing bids, then falling ones by format."""
    environment = LowestBidAuction().build()
    rising = [ranks for ranks in orders(environment.stage(0).axes[0]) if (np.diff(ranks) >= 0).all()]
    efficient = sum(welfare_lost(environment, ranks) <= GAIN for ranks in rising)
    text = f"2025, γ > 1: of {len(rising)} orders of symmetric bids that do not fall, ties included, efficient are"
    yield Claim("liu", text, 0.0, float(efficient))
    falling = np.arange(environment.stage(0).axes[0])[::-1]
    text = "2025, γ > 1: what falling bids, the lowest signal winning, would lose of welfare"
    yield Claim("liu", text, None, welfare_lost(environment, falling), 0.0, "the planner, who gives to the lowest")
    text = "2025, γ > 1: of first-price, second-price and all-pay, with an equilibrium in such bids"
    gains = [least_gain(environment, rule, falling) for rule in FORMATS]
    yield Claim("liu", text, 0.0, float(sum(gain <= GAIN for gain in gains)))
    below = LowestBidAuction(gamma=0.5, bidders=2).build()  # with more, the discrete grid's ties pay a little
    gain = least_gain(below, "second-price", falling[::-1])
    text = "2025, γ = ½, two bidders: the least gain from another bid under second-price with rising bids"
    yield Claim("liu", text, 0.0, gain, tolerance=1e-8)
    text = "2025, γ = ½, two bidders: what rising bids, the highest signal winning, lose of welfare"
    yield Claim("liu", text, 0.0, welfare_lost(below, falling[::-1]))


def orders(signals: int) -> list[IntArray]:
    """All orders of bids by signal, as ranks without gaps: 0 for the lowest bid."""
    ranks = (np.array(ranks) for ranks in product(range(signals), repeat=signals))
    return [order for order in ranks if set(order) == set(range(order.max() + 1))]


def welfare_lost(environment: TableEnvironment, ranks: IntArray) -> float:
    """What a period loses if the highest rank wins, ties broken evenly, in expectation over the prior."""
    values = _linear(environment).values()
    rank = ranks[np.indices(environment.prior.shape)]
    wins = rank == rank.max(axis=0)
    lost = values.max(axis=0) - (values * wins).sum(axis=0) / wins.sum(axis=0)
    return float((environment.prior * lost).sum())


def least_gain(environment: TableEnvironment, rule: str, ranks: IntArray) -> float:
    """The least, over all bid functions of that order, of the most that a signal gains by another bid."""
    from scipy.optimize import linprog

    size = len(ranks)
    rows, limits = [], []
    for own in range(size):
        worth, paid = _interim(environment, rule, ranks, own)
        for bid in range(len(worth)):  # worth − paid · b − (the same at the own bid) ≤ gain
            rows.append([*(paid[own] - paid[bid]), -1.0])
            limits.append(worth[own] - worth[bid])
    for low, high in product(range(size), repeat=2):
        if ranks[low] < ranks[high]:
            step = np.zeros(size + 1)
            step[[low, high]] = 1.0, -1.0
            rows.append(list(step))
            limits.append(0.0)
    solution = linprog([*np.zeros(size), 1.0], A_ub=rows, b_ub=limits, bounds=(None, None), method="highs")
    assert solution.x is not None, solution.message
    return float(solution.x[-1])


def _interim(environment: TableEnvironment, rule: str, ranks: IntArray, own: int) -> tuple[FloatArray, FloatArray]:
    """What an own signal wins with each bid, `(3 K + 1,)`, and how often it pays whose bid, `(3 K + 1, K)`.

    Bids: at that of each signal, just above it, just below it; none. Of the first bidder, whose rivals bid by their
    signals; the economy is symmetric.
    """
    values, size = _linear(environment).values()[0], len(ranks)
    worth, paid = np.zeros(3 * size + 1), np.zeros((3 * size + 1, size))
    for rivals in np.ndindex(*environment.prior.shape[1:]):
        mass = float(environment.prior[own][rivals] / environment.prior[own].sum())
        others = ranks[list(rivals)]
        best = rivals[int(others.argmax())]
        for place, nudge in product(range(size), (0, 1, -1)):
            bid = place + size * (nudge % 3)
            share = 1 / (1 + (others == ranks[place]).sum()) if nudge == 0 else float(nudge == 1)
            wins = mass * (share if ranks[best] == ranks[place] else float(ranks[best] < ranks[place]))
            worth[bid] += wins * values[own][rivals]
            paid[bid, best if rule == "second-price" else place] += mass if rule == "all-pay" else wins
    return worth, paid


def _linear(environment: TableEnvironment) -> LinearValues:
    """The values for which the auctions are made."""
    linear = linear_values(environment)
    assert isinstance(linear, LinearValues), linear
    return linear
