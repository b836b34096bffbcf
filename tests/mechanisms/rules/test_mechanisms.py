"""The theorems behind the mechanisms, on random environments, and the naive rules losing beside them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.numerics.ex_post import ex_post_payments, utility_by_report
from dynmech.mechanisms.numerics.targets import spanning_solution
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.beliefs import belief_matrices, next_belief, prior_belief
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.exact import best_ex_post_gain, payoffs_of_truth, tree_payoffs
from tests.builders.generators import generator
from tests.builders.planted_mechanisms import FlippedTeam
from tests.builders.random_economies import interdependent, private_values

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(2, 3))
def test_team_gives_everybody_the_surplus(seed: int, agents: int) -> None:
    environment = private_values(seed, agents)
    surplus = plan(environment).value[0].reshape(-1)
    for value in payoffs_of_truth(environment, Team(environment)):
        np.testing.assert_allclose(value, surplus, atol=1e-9)
    assert best_ex_post_gain(environment, Team(environment)).max() < 1e-9


@given(seeds, st.integers(2, 3))
def test_pivot_gives_everybody_its_marginal_contribution(seed: int, agents: int) -> None:
    environment = private_values(seed, agents)
    mechanism = Pivot(environment)
    values = payoffs_of_truth(environment, mechanism)
    for i in range(agents):
        contribution = plan(environment).value[0] - plan(environment, i).value[0]
        np.testing.assert_allclose(values[i], contribution.reshape(-1), atol=1e-9)
    assert best_ex_post_gain(environment, mechanism).max() < 1e-9
    assert min(float(table.min()) for table in mechanism.tables) > -1e-9  # no deficit, ever


@given(seeds, st.sampled_from([(2, 2), (2, 3), (3, 2)]))
def test_contingent_spanning_gives_the_surplus_with_interdependent_values(seed: int, size: tuple[int, int]) -> None:
    """V = W − p and no gain ex post, to a tolerance that grows with 1/σ_min."""
    environment = interdependent(seed, *size)
    mechanism = ContingentSpanning(environment)
    least = min(
        float(np.linalg.svd(belief_matrices(environment, 0, i), compute_uv=False)[..., -1].min())
        for i in range(size[0])
    )
    assert least >= 0.05 - 1e-12
    tolerance = 1e-10 / least
    surplus = plan(environment).value[0].reshape(-1)
    for value in payoffs_of_truth(environment, mechanism):  # before what is due: V_t + p_t
        np.testing.assert_allclose(value, surplus, atol=tolerance)
    assert best_ex_post_gain(environment, mechanism).max() < tolerance


FIXED_SET = range(16)
"""Seeds of interdependent environments on which the naive rules are shown to lose."""


@pytest.mark.parametrize(("rule", "losing"), [(Team, 16), (PayYourReport, 16), (Pivot, 12)])
def test_naive_rules_lose_to_somebody_on_a_fixed_set(
    rule: Callable[[TableEnvironment], DirectMechanism], losing: int
) -> None:
    """Found once and kept: team and pay-your-report lose on every member, pivot on twelve of sixteen."""
    gains = [best_ex_post_gain(environment, rule(environment)).max() for environment in map(interdependent, FIXED_SET)]
    assert sum(gain > 0.01 for gain in gains) == losing, gains


def test_contingent_spanning_holds_on_the_same_set() -> None:
    assert (
        max(
            best_ex_post_gain(environment, ContingentSpanning(environment)).max()
            for environment in map(interdependent, FIXED_SET)
        )
        < 1e-8
    )


# Planted faults: each must show in the payoff identity or as a gain.


def test_planted_faults_are_caught() -> None:
    private = private_values(5)
    surplus = plan(private).value[0].reshape(-1)
    assert np.abs(payoffs_of_truth(private, FlippedTeam(private))[0] - surplus).max() > 0.1
    assert best_ex_post_gain(private, FlippedTeam(private)).max() > 0.1


@given(seeds)
def test_finite_horizons_team_and_pivot(seed: int) -> None:
    """T = 3: E[V^i] = E[W] and E[W − W_{−i}], by enumeration of nature's tree."""
    base = private_values(seed)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
    payoffs, _ = tree_payoffs(environment, Team(environment))
    first_best = float((plan(environment).value[0] * environment.prior).sum())
    np.testing.assert_allclose(payoffs, first_best, atol=1e-12)
    payoffs, _ = tree_payoffs(environment, Pivot(environment))
    for i in range(2):
        without = float((plan(environment, i).value[0] * environment.prior).sum())
        assert payoffs[i] == pytest.approx(first_best - without, abs=1e-12)


@given(seeds, st.integers(2, 4), st.integers(0, 3))
def test_spanning_solution_hits_its_target_with_least_norm(seed: int, width: int, extra: int) -> None:
    rng = generator(seed)
    matrix = rng.dirichlet(np.ones(width + extra), width).T
    target = rng.uniform(-1, 1, (width, 1))
    solution = spanning_solution(matrix, target)
    if solution.singular_value < 1e-3:
        return
    np.testing.assert_allclose(matrix.T @ solution.transfers, target, atol=1e-8)
    expected, *_ = np.linalg.lstsq(matrix.T, target, rcond=None)  # least norm by another route
    np.testing.assert_allclose(solution.transfers, expected, atol=1e-7)


@given(seeds)
def test_cremer_mclean_extracts_where_it_is_believed(seed: int) -> None:
    """On the path of truth every report of an agent that faces lotteries earns 0 in that period."""
    environment = interdependent(seed)
    try:
        mechanism = CremerMcLean(environment)
    except Refusal:
        return
    stage = environment.stage(0)
    policy = mechanism.plan.policy[0]
    for i in range(2):
        if ex_post_payments(stage, i, policy) is not None:
            continue
        utility = utility_by_report(stage, i, policy)  # (O, K, report)
        initial = prior_belief(environment, i)[None]
        later = next_belief(environment, 0, i).reshape(-1, 2, 2)
        for belief, table in ((initial, mechanism.tables[0][i]), (later, mechanism.tables[1][i])):
            paid = np.moveaxis(table.reshape(-1, 2, 2), 1 + i, -1)  # (memory, O, report)
            earned = np.einsum("mko,okr->mkr", belief, utility) - np.einsum("mko,mor->mkr", belief, paid)
            scale = max(1.0, float(np.abs(paid).max()))
            np.testing.assert_allclose(earned, 0, atol=1e-9 * scale)


def test_ex_post_payments_are_incentive_compatible_or_absent() -> None:
    """Against every static deviation, over many random stages; a second way: no negative cycle iff payments exist."""
    found = 0
    for seed in range(60):
        environment = random_environment(generator(seed), agents=2, signals=3, decisions=2, interdependence=0.3)
        stage, policy = environment.stage(0), plan(environment).policy[0]
        for i in range(2):
            payment = ex_post_payments(stage, i, policy)
            net = utility_by_report(stage, i, policy)
            if payment is not None:
                found += 1
                gains = net - payment[:, None, :] - (np.diagonal(net, axis1=1, axis2=2) - payment)[:, :, None]
                assert gains.max() <= 1e-9
                # Payments depend on the report through the decision only.
                decision = np.moveaxis(policy, i, -1)
                for o in range(3):
                    for k in range(1, 3):
                        if decision[o, k] == decision[o, k - 1]:
                            assert payment[o, k] == payment[o, k - 1]
    assert 10 < found < 120


def test_mechanisms_declare_what_they_are() -> None:
    environment = interdependent(0)
    for rule in (Team, Pivot, PayYourReport, ContingentSpanning):
        mechanism = rule(environment)
        assert mechanism.promises.incentive in ("none", "bayesian", "periodic ex post")
        assert mechanism.memory_size(0) == 1
        assert mechanism.memory_size(1) == (5 if rule is ContingentSpanning else 1)
        assert mechanism.transfer_bound() > 0


def test_random_environments_refuse_the_impossible() -> None:
    with pytest.raises(InputError, match=r"no draw out of 200 reached 0\.9"):
        random_environment(generator(0), singular_value=0.9)
