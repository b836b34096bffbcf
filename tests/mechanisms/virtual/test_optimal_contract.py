"""The menu of contracts against its formulas, and against tariffs that are simpler."""

import numpy as np
import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.virtual.optimal_contract import OptimalContract
from dynmech.mechanisms.virtual.relaxed_bound import continuum_bound
from dynmech.mechanisms.virtual.tariffs import best_price, best_two_part, frequencies, menu_fee, menu_profit
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.separable_builders import arms, beta_signal
from tests.builders.separable_economies import TASTES, frequency, on_midpoints, sale

COST = 0.3


def test_profit_is_the_relaxed_bound() -> None:
    """Σ_{B>γ} μ_B (B − γ)²/(4B), by integration over pieces; on the grid it comes close as the grid refines."""
    economy = sale(cost=COST)
    often = frequency(economy)
    formula = float((often * (TASTES > COST) * (TASTES - COST) ** 2 / (4 * TASTES)).sum())
    bound = continuum_bound(economy)
    assert bound.value == pytest.approx(formula, abs=1e-10)
    off = [abs(VirtualPivot(on_midpoints(economy, nodes)).profit - formula) for nodes in (5, 41, 321)]
    assert off[0] > off[1] > off[2]
    assert off[2] < 4 / 321


def test_fees_and_cutoff_are_the_formulas() -> None:
    """M(p) = Σ μ_B ((B + γ)/2 − p)^+, sold to first signals from (1 + γ/B_max)/2."""
    economy = sale(cost=COST)
    environment = on_midpoints(economy, 40)
    contract = OptimalContract(environment)
    alpha = contract.direct.values[0].alpha[contract.offered]
    prices = contract.prices(0)[1:, 1]
    np.testing.assert_allclose(prices, COST / alpha)
    by_hand = np.maximum((TASTES + COST) / 2 - prices[:, None], 0) @ frequency(economy)
    np.testing.assert_allclose(contract.fees[1:], by_hand, atol=1e-10)
    np.testing.assert_allclose(menu_fee(economy, prices), by_hand, atol=1e-10)
    points = environment.grids[0].points
    buys = contract.direct.slopes[:, 0] > 0
    np.testing.assert_array_equal(buys, points > (1 + COST / TASTES.max()) / 2)


def test_the_menu_earns_the_bound_and_is_chosen_from_as_it_should() -> None:
    """Fees and prices of the continuum, added up; every first signal likes its own contract best."""
    economy = sale(cost=COST)
    assert menu_profit(economy) == pytest.approx(continuum_bound(economy).value, abs=1e-10)
    value, often = frequencies(economy)
    x = np.linspace(0.61, 1, 79)  # whoever is below 0.6 buys nothing
    price = COST * x / (2 * x - 1)
    worth = np.maximum(x[:, None, None] * value - price[None, :, None], 0) @ often - menu_fee(economy, price)[None]
    np.testing.assert_allclose(worth.max(axis=1), np.diagonal(worth), atol=1e-12)
    assert (worth.max(axis=1) - worth.min(axis=1) > 0.05).all()


def test_simple_tariffs_earn_less() -> None:
    """One price 1.0753, one fee with one price 1.2008, the menu 1.2057; each tariff's profit by brute force."""
    economy = sale(cost=COST)
    candidates, price, two = continuum_bound(economy).value, best_price(economy), best_two_part(economy)
    assert price.profit < two.profit - 0.1 < two.profit < candidates - 1e-3
    value, often = frequencies(economy)
    x = (np.arange(200_000) + 0.5) / 200_000
    worth = np.maximum(x[:, None] * value - two.price, 0) @ often
    joins = worth >= two.fee
    sold = (x[:, None] * value >= two.price) * joins[:, None]
    assert (two.fee * joins + (two.price - COST) * sold @ often).mean() == pytest.approx(two.profit, abs=1e-4)
    assert (price.price - COST) * ((x[:, None] * value >= price.price) @ often).mean() == pytest.approx(
        price.profit, abs=1e-4
    )


@pytest.mark.parametrize("scenario", ["single-buyer:nodes=7", "supply-chain:retailers=1", "ar1-additive:buyers=1"])
def test_the_menu_is_the_direct_mechanism(scenario: str) -> None:
    """Audited as an indirect mechanism; payoffs and revenue are those of the direct one."""
    environment = load(scenario)
    found, direct = audit(environment, OptimalContract(environment)), VirtualPivot(environment)
    assert found.holds
    cost = found.truthful.utility.sum() - found.truthful.welfare
    assert float(found.truthful.transfer.sum() - cost) == pytest.approx(direct.profit, abs=1e-9)


def test_learning_buyers_choose_ahead() -> None:
    """Buying teaches the buyer: the prescribed choice is not the myopic one, and holds."""
    economy = arms([beta_signal()], 0.9, depth=2)
    environment = on_midpoints(economy, 5)
    assert audit(environment, OptimalContract(environment)).holds


def test_it_is_for_one_buyer() -> None:
    """One line."""
    with pytest.raises(Refusal, match="it is for one buyer, here are 2"):
        OptimalContract(on_midpoints(sale(2), 3))
    with pytest.raises(Refusal, match="simple tariffs are worked out for one buyer"):
        best_price(sale(2))
