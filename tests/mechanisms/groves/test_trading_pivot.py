"""Pivot transfers in trade on an interval, by hand."""

import numpy as np

from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.groves.trading_pivot import TradingPivot
from dynmech.sim.play.roles import Acts, Situation


def test_each_side_is_paid_or_pays_what_the_other_says_and_fees_at_the_start() -> None:
    """The seller gets the buyer's value, the buyer pays the seller's; without trade only fees are paid."""
    mechanism = TradingPivot(load("bilateral-trade-continuous"), seller_fee=0.125, buyer_fee=0.25)
    values = np.array([[0.25, 0.75], [0.75, 0.5]])
    nobody = Acts(np.zeros((2, 2), np.intp), np.zeros((2, 2)))
    for t, fees in ((0, [0.125, 0.25]), (1, [0.0, 0.0])):
        now = Situation(t, np.zeros(2, np.intp), np.zeros(2, np.intp))
        decision = mechanism.decide(now, values)
        assert decision.tolist() == [1, 0]
        paid = mechanism.charge(now, values, decision, nobody) - fees
        assert paid.tolist() == [[-0.75, 0.25], [0.0, 0.0]]
    assert mechanism.transfer_bound() >= 1.25  # the buyer's, at a seller's value of 1
