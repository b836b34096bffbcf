"""Expected flows period by period, and the yardstick on the screen."""

import io
import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, strategies as st
from rich.console import Console

from dynmech.experiments.audits.revenue_bound import bound
from dynmech.experiments.catalog.names import load
from dynmech.experiments.scenarios.bilateral_trade import environment_of
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import PeriodValues
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import WrittenLaw
from tests.builders.random_economies import interdependent
from tests.builders.trades import random_trade

seeds = st.integers(0, 10_000)


@dataclass(frozen=True, eq=False)
class CashFlow:
    """Expected flows of prescribed play, before anything is known; undiscounted.

    Attributes:
        transfer, utility: by agent and period, `(N, T)`.
        discount: δ.
    """

    transfer: FloatArray
    utility: FloatArray
    discount: float

    @property
    def deficit(self) -> FloatArray:
        """What the designer is expected to add in each period, `(T,)`; negative where something is left."""
        return -self.transfer.sum(axis=0)

    @property
    def total_deficit(self) -> float:
        """Its present value over these periods."""
        return float(self.deficit @ self.discount ** np.arange(self.transfer.shape[1]))


def cash_flow(environment: TableEnvironment, mechanism: Mechanism, periods: int) -> CashFlow:
    """Flows of the first periods (all, if the horizon is shorter).

    Raises:
        Refusal: the mechanism is not finite, or too large.
    """
    values = FiniteGame(environment, mechanism).truthful.periods
    count = periods if environment.horizon is None else min(periods, environment.horizon)
    law = np.zeros(values[0].decision.shape[:2])
    law[0] = environment.prior.reshape(-1)
    flows = []
    for t in range(count):
        page = values[min(t, len(values) - 1)]
        flows.append([(page.transfer * law).sum(axis=(1, 2)), (page.utility * law).sum(axis=(1, 2))])
        if t + 1 < count:
            law = _forward(page, law, len(values[min(t + 1, len(values) - 1)].decision))
    transfer, utility = np.moveaxis(np.array(flows), 0, -1)
    return CashFlow(transfer, utility, environment.discount)


def _forward(page: PeriodValues, law: FloatArray, memories: int) -> FloatArray:
    """The law of the next period's memory and profile, `(M', S')`."""
    assert isinstance(page.law, WrittenLaw)
    memory, profile = np.nonzero(law)
    arrives = page.law.rows[page.decision[memory, profile, 0], profile] * law[memory, profile][:, None]
    out = np.zeros((memories, page.law.following))
    np.add.at(out, page.following[memory, profile, 0], arrives)
    return out


@given(seeds)
def test_the_pivots_deficit_in_period_t_is_yoons(seed: int) -> None:
    """xᵀ P_s^t V (P_bᵀ)^t y, and in total xᵀGy."""
    trade = random_trade(seed, 3)
    environment = environment_of(trade, 0.8)
    found = cash_flow(environment, Pivot(environment, "feasible"), 120)
    for t in (0, 1, 5):
        seller, buyer = (np.linalg.matrix_power(chain, t) for chain in (trade.seller, trade.buyer))
        expected = trade.first_seller @ seller @ trade.gains @ buyer.T @ trade.first_buyer
        assert found.deficit[t] == pytest.approx(float(expected), abs=1e-12)
    assert found.total_deficit == pytest.approx(trade.budget(0.8).deficit, abs=1e-9)
    np.testing.assert_allclose(found.utility.sum(axis=0), found.deficit, atol=1e-12)


def test_fees_come_in_at_the_start() -> None:
    environment = environment_of(random_trade(1), 0.8)
    with_fees, without = PivotWithFees(environment), Pivot(environment, "feasible")
    more = cash_flow(environment, with_fees, 4).transfer - cash_flow(environment, without, 4).transfer
    np.testing.assert_allclose(more[:, 0], with_fees.amounts, atol=1e-12)
    np.testing.assert_allclose(more[:, 1:], 0, atol=1e-12)


def test_with_a_memory_and_dues_flows_add_up_to_the_ledger() -> None:
    environment = interdependent(3)
    mechanism = ContingentSpanning(environment)
    found = cash_flow(environment, mechanism, 300)
    weights = environment.discount ** np.arange(300)
    np.testing.assert_allclose(
        found.transfer @ weights, FiniteGame(environment, mechanism).truthful.transfer, atol=1e-8
    )
    np.testing.assert_allclose(found.utility @ weights, FiniteGame(environment, mechanism).truthful.utility, atol=1e-8)


def test_a_finite_horizon_ends_it() -> None:
    environment = load("oil-leases-prior")
    assert isinstance(environment, TableEnvironment)
    found = cash_flow(environment, Linked(environment), 10)
    assert found.transfer.shape == (2, 3)
    assert found.total_deficit == pytest.approx(1.0)  # Γ^link costs the designer 1 on average


# The yardstick


def test_the_yardstick_says_what_binds() -> None:
    found = bound(load("two-period-sale:grid=5"))
    out = io.StringIO()
    found.show(Console(file=out, width=200))
    assert "two-period-sale: no mechanism earns more than 0.628, 62.8% of the first best." in out.getvalue()
    assert "truth, period 0: buyer with signal 0.3 would report 0.1" in out.getvalue()
    data = json.loads(json.dumps(found.data()))
    assert data["revenue"] == pytest.approx(0.628)
    assert data["binding"][0]["kind"] == "participation"
    assert bound(load("two-period-sale:grid=5"), leave=True).optimum.net_revenue <= 0.628 + 1e-9


def test_the_yardstick_needs_a_grid() -> None:
    with pytest.raises(Refusal, match="is not finite; give a grid of it"):
        bound(load("two-period-sale"))
