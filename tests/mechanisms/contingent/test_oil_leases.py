"""Liu 2014, §3.1: every number of the example, exactly, by enumeration."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.numerics.ex_post import ex_post_payments
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.exact import Report, tree_payoffs, truth
from tests.builders.oil_leases import firm_1_strategies


def test_first_best_is_19() -> None:
    # E max(2s − 1, 3s − 6) = (7 + 12)/2 = 9.5 per auction.
    for scenario in (OilLeases(), OilLeasesPrior()):
        environment = scenario.build()
        assert float((plan(environment).value[0] * environment.prior).sum()) == pytest.approx(19, abs=1e-12)


def test_static_impossibility() -> None:
    """p(4) − p(6) must be at most 7 and at least 11, so no static payment implements the first auction."""
    stage = OilLeases().build().stage(0)
    policy = plan(OilLeases().build()).policy[0]
    assert policy.ravel().tolist() == [0, 1]  # firm 1 wins where the oil is 4
    win = stage.utility[0, 0, :, 0]
    lose = stage.utility[0, 1, :, 0]
    at_most, at_least = win[0] - lose[0], win[1] - lose[1]
    assert (at_most, at_least) == (7, 11)
    assert ex_post_payments(stage, 0, policy) is None
    # Firm 2's side of the second auction is implementable, at the printed price.
    second = ex_post_payments(OilLeases().build().stage(1), 1, plan(OilLeases().build()).policy[1])
    assert second is not None
    assert second.tolist() == [[0, 11]]


@pytest.mark.parametrize(("theta", "report", "expected"), [(0, 0, 7), (0, 1, 7), (1, 1, 13), (1, 0, 11)])
def test_linked_slacks(theta: int, report: int, expected: float) -> None:
    """Firm 1's payoff from the first auction with the link: binding at θ = 4, slack 2 at θ = 6."""
    environment = OilLeases().build()
    mechanism = Linked(environment)

    def lie(t: int, agent: int, signals: tuple[int, ...], _sent: tuple[int, ...]) -> int:
        return report if (t, agent) == (0, 0) and signals[0] == theta else signals[-1]

    lying, _ = tree_payoffs(_given_first_signal(theta), mechanism, lie)
    second_auction = 7 * (0.75 if theta == 0 else 0.25)  # firm 1 wins it free where the oil is 4
    assert lying[0] - second_auction == pytest.approx(expected, abs=1e-12)


def _given_first_signal(theta: int) -> TableEnvironment:
    prior = np.zeros((2, 1))
    prior[theta] = 1
    return replace(OilLeases().build(), prior=prior)


def test_linked_payoffs_and_revenue() -> None:
    environment = OilLeases().build()
    payoffs, revenue = tree_payoffs(environment, Linked(environment))
    assert payoffs.tolist() == pytest.approx([13.5, 6.5], abs=1e-12)
    assert revenue == pytest.approx(-1, abs=1e-12)


def test_true_residual_claimant_is_3_and_15() -> None:
    # Spec §9.2: with the paper's numbers firm 1 does not get the whole surplus at θ = 6 (13, not 12); (3, 15) does it.
    environment = OilLeases().build()
    for low, high, at_six in ((4.0, 16.0, 13.0), (3.0, 15.0, 12.0)):
        payoff, _ = tree_payoffs(_given_first_signal(1), Linked(environment, low, high))
        assert payoff[0] - 7 * 0.25 == pytest.approx(at_six, abs=1e-12)


@pytest.mark.parametrize(("low", "high", "holds"), [(4, 16, True), (3, 15, True), (4, 17, False), (3, 13, False)])
def test_incentive_set_of_bonuses(low: float, high: float, holds: bool) -> None:
    """Truth is optimal iff 3x + y ≤ 28 and x + 3y ≥ 44: found by trying, not assumed."""
    assert (3 * low + high <= 28 and low + 3 * high >= 44) == holds
    environment = OilLeases().build()
    mechanism = Linked(environment, low, high)
    gains = []
    for image in product(range(2), repeat=2):

        def lie(t: int, agent: int, s: tuple[int, ...], _r: tuple[int, ...], image: tuple[int, ...] = image) -> int:
            return image[s[0]] if (t, agent) == (0, 0) else s[-1]

        gains.append(tree_payoffs(environment, mechanism, lie)[0][0] - tree_payoffs(environment, mechanism)[0][0])
    assert (max(gains) <= 1e-12) == holds


def test_cremer_mclean_prices_are_the_printed_ones() -> None:
    environment = OilLeasesPrior().build()
    # Rows: r_0; columns: (r_1^1, r_1^2) in C order.
    assert CremerMcLean(environment).tables[1][0].round(9).tolist() == [[13, 5, 0, 0], [5, 13, 0, 0]]


def test_cremer_mclean_loses_2_to_a_belief_manipulation_and_nothing_to_one_lie() -> None:
    environment = OilLeasesPrior().build()
    mechanism = CremerMcLean(environment)
    honest = tree_payoffs(environment, mechanism)[0][0]
    gains = {(a, b): tree_payoffs(environment, mechanism, play)[0][0] - honest for a, b, play in firm_1_strategies()}
    assert len(gains) == 64
    assert max(gains.values()) == pytest.approx(2, abs=1e-12)
    assert gains[(1, 0), (1, 0, 1, 0)] == pytest.approx(2, abs=1e-12)  # flip both
    one_lie_later = [g for (a, _b), g in gains.items() if a == (0, 1)]  # θ_0 told truly
    one_lie_first = [g for (_a, b), g in gains.items() if b == (0, 1, 0, 1)]  # θ_1 told truly
    assert max(one_lie_later) == pytest.approx(0, abs=1e-12)
    assert max(one_lie_first) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("theta_0", [0, 1])
def test_flip_gains_4_when_the_signal_is_6(theta_0: int) -> None:
    environment = OilLeasesPrior().build()
    mechanism = CremerMcLean(environment)
    prior = np.zeros((2, 1))
    prior[theta_0] = 1
    here = replace(environment, prior=prior)

    def flip_at(theta_1: int, r_1: int) -> float:
        def play(t: int, agent: int, s: tuple[int, ...], _r: tuple[int, ...]) -> int:
            if agent == 1 or t == 2:
                return s[-1]
            return 1 - s[0] if t == 0 else (r_1 if s[1] == theta_1 else s[1])

        def wait(t: int, agent: int, s: tuple[int, ...], _r: tuple[int, ...]) -> int:
            return 1 - s[0] if (t, agent) == (0, 0) else (1 if (t, agent) == (1, 0) and s[1] == theta_1 else s[-1])

        # Losing the first auction (r_1 = 6) earns 0 there, so the difference is the payoff of r_1 itself.
        return float(tree_payoffs(here, mechanism, play)[0][0] - tree_payoffs(here, mechanism, wait)[0][0]) * 2

    assert flip_at(0, 0) == pytest.approx(-4, abs=1e-12)
    assert flip_at(1, 0) == pytest.approx(4, abs=1e-12)
    assert flip_at(1, 1) == pytest.approx(0, abs=1e-12)


def test_linked_loses_to_no_strategy_of_firm_1_even_with_the_prior() -> None:
    environment = OilLeasesPrior().build()
    mechanism = Linked(environment)
    honest = tree_payoffs(environment, mechanism)[0]
    gains = [tree_payoffs(environment, mechanism, play)[0][0] - honest[0] for _, _, play in firm_1_strategies()]
    assert max(gains) == pytest.approx(0, abs=1e-12)
    assert min(gains) < -0.5


@pytest.mark.parametrize("rule", [Team, PayYourReport])
def test_naive_rules_lose_here(rule: type[Team] | type[PayYourReport]) -> None:
    environment = OilLeases().build()
    mechanism = rule(environment)

    def always(report: int) -> Report:
        return lambda t, agent, s, _r: report if (t, agent) == (0, 0) else s[-1]

    honest = tree_payoffs(environment, mechanism, truth)[0][0]
    assert max(tree_payoffs(environment, mechanism, always(r))[0][0] - honest for r in (0, 1)) >= 2


def test_cremer_mclean_needs_correlation_within_the_period() -> None:
    with pytest.raises(Refusal, match=r"period 0 the others' signals do not identify that of agent 'firm 1'"):
        CremerMcLean(OilLeases().build())
