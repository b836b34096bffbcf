"""Who pays for contingent transfers: deficits, participation fees, balance on average, and full extraction."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.laws_of_motion import WrittenLaw
from tests.builders import faults
from tests.builders.economies import (
    endless,
    unfolding,
)
from tests.builders.exact import tree_payoffs
from tests.builders.gains import largest_gain, rounding

seeds = st.integers(0, 10_000)
sizes = st.sampled_from([(2, 2), (2, 3), (2, 4), (3, 2), (3, 3), (3, 4)])


@given(seed=seeds, size=sizes)
@settings(max_examples=12)
def test_expected_transfers_are_minus_the_surplus_of_the_others(seed: int, size: tuple[int, int]) -> None:
    """−(N − 1) E[W] whatever solution is chosen, and 0 with participation fees; nobody's incentives change."""
    environment = endless(seed, *size)
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    for rule in (ContingentSpanning, ContingentConvex):
        plain, balanced = rule(environment), rule(environment, budget="ex-ante")
        close = size[0] * rounding(environment, balanced)
        assert FiniteGame(environment, plain).truthful.transfer.sum() == pytest.approx(
            -(size[0] - 1) * surplus, abs=close
        )
        assert FiniteGame(environment, balanced).truthful.transfer.sum() == pytest.approx(0, abs=close)
        assert largest_gain(environment, balanced) <= close
    found = audit(environment, balanced)
    assert found.holds
    assert "budget: ex ante" in [verdict.promise for verdict in found.verdicts]


@given(seed=seeds, last=st.sampled_from([None, "d0"]))
@settings(max_examples=12)
def test_participation_fees_under_a_finite_horizon(seed: int, last: str | None) -> None:
    environment = unfolding(seed, private_end=last is None)
    mechanism = ContingentConvex(environment, budget="ex-ante", last=last)
    payoffs, revenue = tree_payoffs(environment, mechanism)
    assert revenue == pytest.approx(0, abs=2 * rounding(environment, mechanism))
    assert payoffs.sum() == pytest.approx(FiniteGame(environment, mechanism).truthful.welfare, abs=1e-8)
    assert largest_gain(environment, mechanism) <= rounding(environment, mechanism)


def test_a_fee_depends_on_the_others_first_reports_only() -> None:
    environment = unfolding(5)
    plain, balanced = ContingentSpanning(environment), ContingentSpanning(environment, budget="ex-ante")
    fees = balanced.upfront(0)
    assert fees is not None
    assert plain.upfront(0) is None
    first, second = fees.reshape(2, 2, 2)  # payer, reports
    assert (first[0] == first[1]).all()
    assert (second[:, 0] == second[:, 1]).all()
    assert np.ptp(first[0]) > 0.01


@given(seed=seeds, way=st.sampled_from(["spanning", "convex"]))
@settings(max_examples=12)
def test_average_externality_breaks_even_in_every_period_on_average(seed: int, way: str) -> None:
    """Given what was public before it, a period's transfers are expected to add up to 0, in the last period too."""
    for environment in (endless(seed), unfolding(seed)):
        mechanism = make_mechanism(f"average-externality:solver={way}", environment)
        truthful, close = FiniteGame(environment, mechanism).truthful, rounding(environment, mechanism)
        assert truthful.periods[0].transfer.sum(axis=0) == pytest.approx(0, abs=close)
        for t, page in enumerate(truthful.periods):
            if page.law is None:
                continue
            after = truthful.periods[t if truthful.stationary and t else t + 1].transfer.sum(axis=0)
            memory, profile = np.nonzero(page.occurs)
            assert isinstance(page.law, WrittenLaw)
            laws = page.law.rows[page.decision[memory, profile, 0], profile]
            expected = (laws * after[page.following[memory, profile, 0]]).sum(axis=1)
            np.testing.assert_allclose(expected, 0, atol=close)
        found = audit(environment, mechanism)
        assert found.holds
        assert found.budget["ex_post"].value < -0.05  # not ex post, and the audit says by how much


@given(seed=seeds, way=st.sampled_from(["spanning", "convex"]))
@settings(max_examples=12)
def test_surplus_extraction_leaves_nothing_and_nobody_leaves(seed: int, way: str) -> None:
    """Share 1; first-period payoff 0 for every θ_0; never below 0 after any history, own lies included."""
    for environment in (endless(seed, 2, 3), unfolding(seed)):
        mechanism = make_mechanism(f"surplus-extraction:solver={way}", environment)
        assert isinstance(mechanism, SurplusExtraction)
        truthful, close = FiniteGame(environment, mechanism).truthful, rounding(environment, mechanism)
        assert truthful.transfer.sum() == pytest.approx(
            float((plan(environment).value[0] * environment.prior).sum()), abs=close
        )
        np.testing.assert_allclose(truthful.periods[0].stay, 0, atol=close)
        found = audit(environment, mechanism, all_states=True)
        assert found.holds
        assert min(least.value for least in found.participation["ex_post"]) >= -close
        if environment.horizon is None:
            assert max(float(table.max()) for tables in mechanism.tables[0] for table in tables) <= 0  # bonuses


def test_nobody_runs_from_surplus_extraction_as_from_others() -> None:
    """With leaving allowed: contingent transfers invite a hit and run, fees in advance do not."""
    environment = endless(0)
    running = audit(environment, ContingentSpanning(environment), exit=True)
    assert running.worst(Family.BEST_RESPONSE, "ex_post")[1].gain > 0.1
    for way in ("spanning", "convex"):
        mechanism = make_mechanism(f"surplus-extraction:solver={way}", environment)
        staying = audit(environment, mechanism, exit=True)
        assert staying.worst(Family.BEST_RESPONSE, "ex_post")[1].gain <= rounding(environment, mechanism)


def test_without_fees_in_advance_extraction_drives_agents_out() -> None:
    """Lotteries alone extract the surplus too; but what is due one period later may be more than staying is worth."""
    environment = endless(2)
    bare = faults.NoFees(environment)
    found = audit(environment, bare)
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    assert found.truthful.transfer.sum() == pytest.approx(surplus, abs=1e-8)
    assert [v.status for v in found.verdicts] == ["holds", "breaks", "holds"]
    assert min(least.value for least in found.participation["ex_post"]) < -0.5
