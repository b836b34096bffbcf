"""Plans of finite horizons, ties and gaps, agents left out, costs."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.mechanisms.planning.planner import flow_welfare, plan
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.planned_economies import SEEDS, dense_law, independent_economy, joint_economy, quantecon

# Finite horizons.


@pytest.mark.parametrize("seed", range(4))
def test_finite_horizon_is_the_best_of_all_policies(seed: int) -> None:
    """Three periods, two agents, four profiles, two decisions: 16 policies a period, 4096 in all."""
    environment = _changing(seed)
    best = np.full(4, -np.inf)
    laws = [dense_law_at(environment, t) for t in range(2)]
    rules = [np.array(rule) for rule in product(range(2), repeat=4)]
    everywhere = np.arange(4)
    for rule_2, rule_1, rule_0 in product(rules, repeat=3):
        value = np.zeros(4)
        for t, rule in ((2, rule_2), (1, rule_1), (0, rule_0)):
            flow = environment.stage(t).utility.sum(axis=0).reshape(2, 4)[rule, everywhere]
            ahead = environment.discount * laws[t][rule, everywhere] @ value if t < 2 else 0.0
            value = flow + ahead
        best = np.maximum(best, value)
    ours = plan(environment)
    assert len(ours.value) == 3
    np.testing.assert_allclose(ours.value[0].reshape(-1), best, rtol=0, atol=1e-12)
    assert ours.bound < 1e-12
    assert not ours.stationary
    assert [ours.at(t) for t in range(3)] == [0, 1, 2]


def test_one_stage_repeated_equals_the_same_stage_written_out() -> None:
    once = joint_economy(np.random.default_rng(2), 2, 2, 3, 1.0 - 1e-3)
    stage = once.stage(0)
    short = TableEnvironment("short", once.agents, once.prior, (stage,), 1.0, 4)
    long = TableEnvironment("long", once.agents, once.prior, (stage,) * 4, 1.0, 4)
    for a, b in zip(plan(short).value, plan(long).value, strict=True):
        assert a.tolist() == b.tolist()
    # The last period is myopic.
    assert plan(short).value[3].tolist() == stage.utility.sum(axis=0).max(axis=0).tolist()


# Ties and gaps.


def test_ties_go_to_the_lowest_decision_and_the_gap_is_to_the_next_that_does_not_tie() -> None:
    # One agent, two signals, no future. Signal 0: 1, 3, 3, 2; signal 1: all 5.
    utility = np.array([[[1.0, 5.0], [3.0, 5.0], [3.0, 5.0], [2.0, 5.0]]])
    environment = from_arrays(utility, np.full((4, 2, 2), 0.5), np.array([0.5, 0.5]), 1.0, horizon=1)
    ours = plan(environment)
    assert ours.policy[0].tolist() == [1, 0]
    assert ours.gap[0].tolist() == [1.0, np.inf]
    assert ours.value[0].tolist() == [3.0, 5.0]
    assert ours.quality[0].tolist() == utility[0].tolist()


@pytest.mark.parametrize(("better", "expected"), [(1e-12, 0), (1e-9, 1), (-1e-12, 0)])
def test_a_tie_is_within_rounding_only(better: float, expected: int) -> None:
    utility = np.array([[[1.0], [1.0 + better]]])
    environment = from_arrays(utility, np.ones((2, 1, 1)), np.ones(1), 1.0, horizon=1)
    assert plan(environment).policy[0].tolist() == [expected]


def test_ties_in_an_infinite_horizon_go_to_the_lowest_decision() -> None:
    # Decisions 1 and 2 are the same in every respect, decision 0 is worse by 0.25 today and moves nothing either.
    generator = np.random.default_rng(4)
    law = generator.dirichlet(np.ones(3), 3)
    base = generator.normal(size=3)
    utility = np.stack([base - 0.25, base, base])[None]
    ours = plan(from_arrays(utility, np.stack([law] * 3), np.full(3, 1 / 3), 0.99))
    assert ours.policy[0].tolist() == [1, 1, 1]
    np.testing.assert_allclose(ours.gap[0], 0.25, atol=1e-9)


@given(SEEDS)
def test_gap_is_best_minus_second_best(seed: int) -> None:
    environment = joint_economy(np.random.default_rng(seed), 1, 3, 3, 0.8)
    value, _ = quantecon(environment)
    quality = environment.stage(0).utility[0] + 0.8 * dense_law(environment) @ value
    ranked = np.sort(quality, axis=0)
    np.testing.assert_allclose(plan(environment).gap[0], ranked[-1] - ranked[-2], atol=1e-8)


# Whose welfare, and what else counts.


@given(SEEDS, st.integers(0, 2))
def test_without_an_agent_its_utility_counts_for_nothing(seed: int, left_out: int) -> None:
    environment = independent_economy(np.random.default_rng(seed), 3, 2, 3, 0.9)
    others = sum(environment.stage(0).utility[j] for j in range(3) if j != left_out)
    value, _ = quantecon(environment, np.asarray(others).reshape(3, -1))
    np.testing.assert_allclose(plan(environment, without=left_out).value[0].reshape(-1), value, atol=1e-8)


def test_leaving_out_a_large_utility_leaves_no_rounding_behind() -> None:
    # (0.1 + 1e12) − 1e12 is 0.0999…: the others' welfare must be summed, not obtained by subtraction.
    utility = np.array([[[[0.1]]], [[[1e12]]]])
    environment = from_arrays(utility, np.ones((1, 1, 1, 1, 1)), np.ones((1, 1)), 0.5, horizon=1)
    assert flow_welfare(environment.stage(0), 1).tolist() == [[[0.1]]]
    assert plan(environment, without=1).value[0].tolist() == [[0.1]]


@pytest.mark.parametrize("left_out", [-1, 2])
def test_leaving_out_nobody_in_particular_is_refused(left_out: int) -> None:
    environment = joint_economy(np.random.default_rng(0), 2, 2, 2, 0.5)
    with pytest.raises(InputError, match=rf"^without: {left_out} is not the index of one of the 2 agents$"):
        plan(environment, without=left_out)


@pytest.mark.parametrize("by_state", [False, True])
def test_the_cost_is_subtracted_in_every_public_state(by_state: bool) -> None:
    """Public state of 2, agents with 2 and 3 signals, an independent kernel."""
    generator = np.random.default_rng(8)
    axes, decisions = (2, 2, 3), 3
    cost = generator.uniform(0, 2, (decisions, 2) if by_state else decisions)
    utility = generator.normal(size=(2, decisions, *axes))
    kernel = IndependentKernel(tuple(generator.dirichlet(np.ones(k), (decisions, k)) for k in axes))
    labels = (("l", "h"), ("l", "m", "h"))
    stage = Stage(labels, ("x", "y", "z"), utility, kernel, ("dry", "wet"), cost)
    environment = TableEnvironment("costly", ("A", "B"), np.full(axes, 1 / 12), (stage,), 0.9, None)
    welfare = np.empty((decisions, *axes))
    for a, w, k, m in product(range(decisions), *map(range, axes)):
        charged = cost[a, w] if by_state else cost[a]
        welfare[a, w, k, m] = utility[0, a, w, k, m] + utility[1, a, w, k, m] - charged
    value, policy = quantecon(environment, welfare.reshape(decisions, -1))
    ours = plan(environment)
    np.testing.assert_allclose(ours.value[0].reshape(-1), value, atol=1e-9)
    assert ours.policy[0].reshape(-1).tolist() == policy.tolist()


def _changing(seed: int) -> TableEnvironment:
    """Three periods with different utilities and laws: a joint kernel, then an independent one."""
    generator = np.random.default_rng(seed)
    labels = (("l", "h"), ("l", "h"))
    first = JointKernel(generator.dirichlet(np.ones(4), (2, 4)).reshape(2, 2, 2, 2, 2), (2, 2), (2, 2))
    second = IndependentKernel(tuple(generator.dirichlet(np.ones(2), (2, 2)) for _ in range(2)))
    stages = [
        Stage(labels, ("x", "y"), generator.normal(size=(2, 2, 2, 2)), kernel) for kernel in (first, second, None)
    ]
    return TableEnvironment("changing", ("A", "B"), np.full((2, 2), 0.25), tuple(stages), 0.8, 3)


def dense_law_at(environment: TableEnvironment, t: int) -> FloatArray:
    """The law out of period t, `(2, 4, 4)`, one entry at a time."""
    kernel = environment.kernel(t)
    out = np.empty((2, 4, 4))
    for a, k, m, k_next, m_next in product(range(2), repeat=5):
        if isinstance(kernel, JointKernel):
            p = kernel.table[a, k, m, k_next, m_next]
        else:
            p = kernel.factors[0][a, k, k_next] * kernel.factors[1][a, m, m_next]
        out[a, 2 * k + m, 2 * k_next + m_next] = p
    return out
