"""Condition (∗): closed forms, every switch, Theorems 5 and 6, and simulation."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.scenarios.bilateral_trade import BilateralTrade, environment_of
from dynmech.mechanisms.conditions import trade_budget
from dynmech.mechanisms.conditions.trade_budget import Trade
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from tests.builders.generators import generator
from tests.builders.trades import EVEN, POINTS, alpha_chain, random_trade

seeds = st.integers(0, 10_000)


@pytest.mark.parametrize("alpha", np.linspace(0, 0.98, 20).tolist())
def test_the_threshold_of_the_two_value_chain(alpha: float) -> None:
    assert alpha_chain(alpha).threshold() == pytest.approx(1 / (3 - 2 * alpha), abs=1e-8)
    assert len(alpha_chain(alpha).switches()) == 1


@pytest.mark.parametrize(("alpha", "discount"), [(0.75, 0.9), (0.3, 0.6), (1.0, 0.5)])
def test_payoffs_of_the_two_value_chain(alpha: float, discount: float) -> None:
    # Yoon §3.3.2: ¼ [1/(1−δ) ± 1/(1 − δ(2α−1))], deficit ¼/(1−δ).
    found = alpha_chain(alpha).budget(discount)
    level, swing = 0.25 / (1 - discount), 0.25 / (1 - discount * (2 * alpha - 1))
    assert found.deficit == pytest.approx(level, abs=1e-12)
    np.testing.assert_allclose(found.seller, [level + swing, level - swing], atol=1e-12)
    np.testing.assert_allclose(found.buyer, [level - swing, level + swing], atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_two_periods_of_two_values(alpha: float) -> None:
    """Yoon §3.3.1 B: ½ ≤ 1 − α, so no positive serial correlation."""
    found = alpha_chain(alpha).budget(1.0, horizon=2)
    assert found.deficit == pytest.approx(0.5, abs=1e-15)
    assert sum(found.fees) == pytest.approx(1 - alpha, abs=1e-15)


@given(seeds, st.integers(2, 5))
def test_independent_values_have_yoons_closed_form(seed: int, types: int) -> None:
    base = random_trade(seed, types)
    flat = np.full((types, types), 1 / types)
    points = base.costs
    iid = Trade(points, points, flat, flat, base.first_seller, base.first_buyer)
    first, total = float(iid.first_seller @ iid.gains @ iid.first_buyer), float(iid.gains.sum())
    assert iid.threshold() == pytest.approx(types**2 * first / (types**2 * first + total), abs=1e-9)


@given(seeds, st.floats(0.05, 0.95))
def test_values_are_the_discounted_sum_of_powers(seed: int, discount: float) -> None:
    base = random_trade(seed, 3)
    total, seller, buyer = np.zeros((3, 3)), np.eye(3), np.eye(3)
    for t in range(900):
        total += discount**t * seller @ base.gains @ buyer.T
        seller, buyer = seller @ base.seller, buyer @ base.buyer
    np.testing.assert_allclose(base.present_value(discount), total, atol=1e-9)
    np.testing.assert_allclose(base._doubled(discount), total, atol=1e-9)
    short = sum(
        discount**t * np.linalg.matrix_power(base.seller, t) @ base.gains @ np.linalg.matrix_power(base.buyer, t).T
        for t in range(4)
    )
    np.testing.assert_allclose(base.present_value(discount, horizon=4), short, atol=1e-12)


@given(seeds)
def test_theorem_5_and_both_sides_of_every_switch(seed: int) -> None:
    """Irreducible aperiodic chains: (∗) holds for patient agents; each switch is one, by (∗) on either side."""
    trade = random_trade(seed)
    if not trade.gains.any():
        return
    assert trade.balances(1 - 1e-7)
    at = trade.threshold()
    assert at is not None
    for zero, holds in trade.switches():
        width = min(1e-5, zero / 2, (1 - zero) / 2)
        assert trade.balances(zero + width) is holds
        assert trade.balances(zero - width) is not holds


def several_switches() -> list[Trade]:
    """Chains with more than one switch, found among random sparse ones."""
    draws, found = generator(1), []
    for _ in range(1700):
        types = int(draws.integers(2, 4))
        spread = float(draws.choice([0.1, 0.3, 1]))
        trade = Trade(
            np.sort(draws.integers(0, 6, types) / 1.0),
            np.sort(draws.integers(0, 6, types) / 1.0),
            draws.dirichlet(np.full(types, spread), types),
            draws.dirichlet(np.full(types, spread), types),
            draws.dirichlet(np.full(types, spread)),
            draws.dirichlet(np.full(types, spread)),
        )
        if len(trade.switches()) > 1:
            found.append(trade)
    return found


def test_all_switches_are_found_not_one() -> None:
    """Against a scan of 1000 discount factors, where they are far enough apart for it."""
    trades = several_switches()
    grid = np.linspace(1e-3, 1 - 1e-3, 1000)
    seen = 0
    for trade in trades:
        verdicts = np.array([trade.balances(float(d)) for d in grid])
        scanned = np.flatnonzero(verdicts[1:] != verdicts[:-1])
        exact = [zero for zero, _ in trade.switches() if grid[0] < zero < grid[-1]]
        seen += len(scanned) > 1
        assert len(exact) >= len(scanned)
        for k in scanned:
            assert any(grid[k] <= zero <= grid[k + 1] for zero in exact)
    assert seen >= 3  # on, off, on again: patience alone does not order them


def test_many_types_use_the_worst_pairs_and_doubling(monkeypatch: pytest.MonkeyPatch) -> None:
    trade = random_trade(3, 6)
    exact = trade.switches()
    monkeypatch.setattr(trade_budget, "PAIRS", 0)
    monkeypatch.setattr(trade_budget, "DIRECT", 0)
    again = random_trade(3, 6).switches()
    assert [on for _, on in again] == [on for _, on in exact]
    np.testing.assert_allclose([d for d, _ in again], [d for d, _ in exact], atol=1e-10)


def test_a_random_chains_threshold_is_seen_in_simulation() -> None:
    """Four values: just below the threshold the largest fees lose money, above it they leave some."""
    trade = random_trade(1)
    at = trade.threshold()
    assert at is not None
    assert trade.budget(at - 1e-6).slack < 0 < trade.budget(at + 1e-6).slack
    for discount, sign in ((at - 0.1, -1.0), (at + 0.1, 1.0)):
        environment = environment_of(trade, discount)
        mechanism = PivotWithFees(environment)
        exact = trade.budget(discount)
        assert mechanism.deficit == pytest.approx(exact.deficit, abs=1e-8)
        np.testing.assert_allclose(mechanism.amounts, exact.fees, atol=1e-8)
        game = make_game(environment, mechanism, tail=1e-5)
        record = play_shard(game, [Truthful()] * 2, Streams(3, "trade", 0, 20_000, game.periods), episodes=20_000)
        left = Moments.of(record.discounted(record.transfer.sum(axis=1)))
        assert abs(float(left.mean) - exact.slack) < 4 * float(left.error) + 1e-5
        assert sign * float(left.mean) > 4 * float(left.error)


def test_theorem_6_absorbing_types_bear_no_fee() -> None:
    for types in (2, 3, 5):
        trade = BilateralTrade(values=types, chain="absorbing").chains()
        assert trade.budget(0.99).fees == pytest.approx((0, 0), abs=1e-9)
        assert trade.threshold() is None


def test_theorem_6_read_literally_fails_too() -> None:
    """s_11 = b_11 = 1: the lowest value is for ever, on both sides; the buyer of value 0 bears nothing."""
    draws = generator(11)
    chains = draws.dirichlet(np.ones(3), (2, 3))
    chains[:, 0] = np.eye(3)[0]
    trade = Trade(np.arange(3.0), np.arange(3.0), chains[0], chains[1], *draws.dirichlet(np.ones(3), 2))
    assert trade.threshold() is None
    assert min(trade.budget(0.999).fees) == pytest.approx(0, abs=1e-9)


def test_periodic_chains_may_never_balance() -> None:
    """Yoon's Theorem 5 needs aperiodicity: values that swap, each side known at first."""
    swap = np.eye(2)[::-1]
    trade = Trade(POINTS, POINTS, swap, swap, np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    for discount in (0.1, 0.9, 0.999):
        found = trade.budget(discount)
        assert found.deficit == pytest.approx(1 / (1 - discount**2), rel=1e-12)
        assert sum(found.fees) == pytest.approx(0, abs=1e-12)
    assert trade.switches() == []
    assert trade.threshold() is None


def test_nothing_to_trade_always_balances() -> None:
    trade = Trade(np.array([2.0, 3.0]), POINTS, np.eye(2), np.eye(2), EVEN, EVEN)
    assert trade.threshold() == 0.0


def test_bad_chains_get_one_line() -> None:
    with pytest.raises(InputError, match=r"seller's chain\[1\]: probabilities sum to 0\.5"):
        Trade(POINTS, POINTS, np.array([[1, 0], [0.5, 0]]), np.eye(2), EVEN, EVEN)
    with pytest.raises(InputError, match="buyer's first law: shape"):
        Trade(POINTS, POINTS, np.eye(2), np.eye(2), EVEN, np.ones(1))
    with pytest.raises(InputError, match=r"discount: 1 is not in \[0, 1\)"):
        alpha_chain(0.5).budget(1.0)
