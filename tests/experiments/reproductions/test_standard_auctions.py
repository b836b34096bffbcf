"""Standard auctions beyond single crossing: every order of bids, and three payment rules with any bid function."""

import numpy as np
import pytest

from dynmech.experiments.reproductions.liu_standard_auctions import (
    FORMATS,
    least_gain,
    orders,
    standard_auctions,
    welfare_lost,
)
from dynmech.experiments.scenarios.lowest_bid_auction import LowestBidAuction

FALLING = np.array([2, 1, 0])


def test_every_claim_agrees_or_is_derived() -> None:
    verdicts = {claim.claim: claim.verdict for claim in standard_auctions()}
    assert set(verdicts.values()) == {"agrees", "derived"}
    assert len(verdicts) == 5


@pytest.mark.parametrize("gamma", [1.05, 1.8, 4.0])
def test_no_order_but_the_falling_one_is_efficient_beyond_single_crossing(gamma: float) -> None:
    environment = LowestBidAuction(gamma=gamma).build()
    lost = {tuple(ranks.tolist()): welfare_lost(environment, ranks) for ranks in orders(3)}
    assert len(lost) == 13  # weak orders of three
    assert lost.pop((2, 1, 0)) == pytest.approx(0, abs=1e-12)
    assert min(lost.values()) > 1e-3
    assert all(least_gain(environment, rule, FALLING) > 1e-3 for rule in FORMATS)


def test_below_it_the_second_price_auction_is_found_to_be_one() -> None:
    """The program can say yes: with two bidders the bid (1 + γ) θ is an ex post equilibrium, rising and efficient."""
    environment = LowestBidAuction(gamma=0.5, bidders=2).build()
    assert least_gain(environment, "second-price", FALLING[::-1]) == pytest.approx(0, abs=1e-9)
    assert welfare_lost(environment, FALLING[::-1]) == pytest.approx(0, abs=1e-12)
    assert least_gain(environment, "second-price", FALLING) > 1e-3


@pytest.mark.parametrize("rule", FORMATS)
def test_the_program_is_below_the_gain_of_any_bids(rule: str) -> None:
    """Bids drawn at random, falling: a bidder's gain from others' bids, by sums over profiles written out here."""
    environment = LowestBidAuction(bidders=2).build()
    least, draws = least_gain(environment, rule, FALLING), np.random.default_rng(1)
    own = np.linspace(0, 1, 3)
    for _ in range(20):
        bids = np.sort(draws.uniform(0, 4, 3))[::-1]

        def worth(signal: int, bid: float, bids: np.ndarray = bids) -> float:
            law = environment.prior[signal] / environment.prior[signal].sum()
            wins = np.where(bids == bid, 0.5, bid > bids)
            values = own[signal] + 1.8 * own
            price = bids if rule == "second-price" else np.full(3, bid)
            paid = price if rule == "all-pay" else wins * price
            return float(law @ (wins * values - paid))

        near = [bid + nudge for bid in bids for nudge in (0.0, 1e-9, -1e-9)]
        gains = [max(worth(k, bid) for bid in [*near, -1e9 if rule != "all-pay" else 0.0]) - worth(k, bids[k])
                 for k in range(3)]  # fmt: skip
        assert max(gains) >= least - 1e-7
