"""Naive rules lose where contingent transfers hold, and so do their variants that are printed wrong."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.truthful_utilities import expected_utilities
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders import faults
from tests.builders.economies import (
    endless,
    unfolding,
)
from tests.builders.gains import Rule, largest_gain, rounding


@pytest.mark.parametrize(("rule", "losing"), [(Team, 8), (PayYourReport, 8), (Pivot, 8), (CremerMcLean, 8)])
def test_naive_rules_lose_in_generic_interdependent_economies(
    rule: Callable[[TableEnvironment], Mechanism], losing: int
) -> None:
    """On every one of eight economies of three signals each; contingent transfers hold on them."""
    assert sum(largest_gain(environment, rule(environment)) > 0.01 for environment in generic()) == losing


@cache
def generic() -> list[TableEnvironment]:
    """Eight economies of three signals each, on which contingent transfers hold."""
    environments = [endless(seed, 2, 3) for seed in range(8)]
    assert max(largest_gain(environment, ContingentSpanning(environment)) for environment in environments) < 1e-8
    return environments


def level_error(environment: TableEnvironment, mechanism: ContingentMechanism) -> float:
    """How far truthful payoffs at the start are from λ W."""
    surplus = mechanism.share * plan(environment).value[0].reshape(-1)
    return float(np.abs(FiniteGame(environment, mechanism).truthful.periods[0].stay[:, 0] - surplus).max())


@pytest.mark.parametrize(
    ("fault", "made", "gains", "off"),
    [
        (faults.PlusSign, endless, True, True),
        (faults.Untransposed, endless, True, True),
        (faults.OwnReportLeft, endless, True, True),
        (faults.UndiscountedTarget, endless, None, True),
        (faults.OnlyAccomplices, endless, True, False),
        (faults.UndiscountedFee, endless, True, True),
        (faults.FlippedStep, unfolding, True, True),
        (faults.NoCorrection, unfolding, True, True),
    ],
)
def test_planted_faults_show_in_gains_or_in_payoffs(
    fault: Rule, made: Callable[[int], TableEnvironment], gains: bool | None, off: bool
) -> None:
    """Somewhere among twelve economies a lie gains, and truth is worth something else than it should be.

    A forgotten discount factor may leave every gain at 0: it shows in what truth is worth.
    """
    environments = [made(seed) for seed in range(12)]
    assert gains is None or any(largest_gain(environment, fault(environment)) > 0.03 for environment in environments)
    assert any(level_error(environment, fault(environment)) > 0.03 for environment in environments) is off


def test_total_indifference_hides_a_wrong_decision_from_every_gain() -> None:
    """Extraction by spanning: each report is worth 0. Only the promise of efficiency can tell that a* is not taken."""
    environment = endless(3)
    mechanism = faults.WrongDecision(environment, solver="spanning")
    found = audit(environment, mechanism)
    assert largest_gain(environment, mechanism) <= rounding(environment, mechanism)
    assert [verdict.promise for verdict in found.verdicts if verdict.status == "breaks"] == ["efficient"]
    right = audit(environment, SurplusExtraction(environment, solver="spanning"))
    assert right.holds
    for search in right.searches:  # and where reports lead to different decisions, each of them ties with truth
        tied, states = search.ties
        assert 0 < tied <= states


def test_the_printed_fee_doubles_the_deficit() -> None:
    """Revenue −2 (N − 1) E[W] instead of 0; incentives cannot show it, the promise of a balanced budget does."""
    environment = next(
        environment
        for environment in map(endless, range(20))
        if (plan(environment).value[0] * environment.prior).sum() > 0.5
    )
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    found = audit(environment, faults.PrintedFee(environment))
    assert found.truthful.transfer.sum() == pytest.approx(-2 * surplus)
    assert found.verdict == "breaks"
    assert [verdict.promise for verdict in found.verdicts if verdict.status == "breaks"] == ["budget: ex ante"]


def test_utilities_of_truth_by_simulating_the_chain() -> None:
    """Expected utilities by powers of the transition matrix."""
    environment = endless(4, 2, 3)
    policy = plan(environment).policy[0].reshape(-1)
    size = environment.stage(0).size
    chain = environment.kernel(0).rows()[policy, np.arange(size)]
    flow = environment.stage(0).utility.reshape(2, -1, size)[:, policy, np.arange(size)]
    total, power = np.zeros_like(flow), np.eye(size)
    for t in range(400):
        total += environment.discount**t * flow @ power.T
        power = power @ chain
    np.testing.assert_allclose(expected_utilities(environment, lambda _t: policy), total, atol=1e-9)
