"""Gittins indices two ways, index play against joint planning, and the printed formula losing to both."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.mechanisms.planning.batch_plan import follow
from dynmech.mechanisms.planning.gittins import gittins_index, printed_index, restart_index
from dynmech.mechanisms.virtual.frozen_plans import flow, plans
from dynmech.mechanisms.virtual.virtual_index import VirtualIndex, no_bandit
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.economy.separable_builders import arms, beta_signal, beta_states
from tests.builders.generators import generator
from tests.builders.separable_economies import known, on_midpoints, sale, shared, three_arms


@given(st.integers(0, 10_000))
def test_two_methods_agree(seed: int) -> None:
    """On random chains with rewards of either sign."""
    rng = generator(seed)
    size = int(rng.integers(2, 7))
    reward, kernel = rng.uniform(-1, 1, size), rng.dirichlet(np.full(size, 0.5), size)
    discount = float(rng.uniform(0.2, 0.95))
    one, other = gittins_index(reward, kernel, discount), restart_index(reward, kernel, discount)
    np.testing.assert_allclose(one, other, atol=1e-10)


def arms_of_depth_six(weights: tuple[float, float] = (0.95, 0.85)) -> SeparableEnvironment:
    return known(arms([beta_signal()] * 2, 0.9, depth=6), list(weights))


def play_of(mechanism: VirtualIndex) -> tuple[FloatArray, FloatArray]:
    """What the index policy is worth at every profile, and the joint optimum."""
    zero = np.zeros(1, np.intp)
    counted = mechanism.counted(zero, zero)
    policy = mechanism.allocation(counted)
    economy = mechanism.economy
    return follow(economy, policy, [flow(economy, 0, counted)])[0][0], plans(economy, counted).value[0][0]


def test_index_play_is_the_joint_optimum() -> None:
    """Beta(1, 1) arms cut after six observations, at every profile; two and three arms."""
    for environment in (arms_of_depth_six(), three_arms(3)):
        index, optimum = play_of(VirtualIndex(environment))
        np.testing.assert_allclose(index, optimum, atol=1e-10)


def test_the_printed_formula_does_worse() -> None:
    """An expectation of quotients is another number (0.591 at the prior, not 0.700), and as an index it loses value."""
    places, means, kernel = beta_states(1, 1, 6)
    assert gittins_index(means, kernel, 0.9)[0] == pytest.approx(0.70030, abs=5e-6)
    printed = np.array([printed_index(1 + s, 1 + f, 6 - s - f, 0.9) for s, f in places.tolist()])
    assert printed[0] == pytest.approx(0.5911, abs=5e-5)
    mechanism = VirtualIndex(arms_of_depth_six())
    mechanism.indices = [printed, printed]
    loses, optimum = play_of(mechanism)
    assert (optimum - loses).max() == pytest.approx(0.207, abs=5e-4)
    assert (optimum - loses)[0] == pytest.approx(0.0098, abs=5e-5)
    assert (optimum - loses).min() > -1e-10


def test_the_printed_formula_by_enumeration() -> None:
    """Two observations: all stopping rules on the tree, one by one; the same rules with the right quotient too."""
    discount, best, right = 0.9, -1.0, -1.0
    for stops in product((0, 1), repeat=6):  # when s or f is seen, and when each pair of observations is
        total, earnings, times = 0.0, 0.0, 0.0
        for first, second in product((1, 0), repeat=2):
            chance = 0.5 * ((2 / 3 if first else 1 / 3) if second else (1 / 3 if first else 2 / 3))
            means = np.array([0.5, (1 + first) / 3, (1 + first + second) / 4])
            end = next((k for k, place in enumerate((1 - first, 2 + 2 * first + second)) if stops[place]), 2)
            weights = discount ** np.arange(end + 1)
            if end == 2:
                weights[2] /= 1 - discount
            earned, time = float(weights @ means[: end + 1]), float(weights.sum())
            total += chance * earned / time
            earnings, times = earnings + chance * earned, times + chance * time
        best, right = max(best, total), max(right, earnings / times)
    assert printed_index(1, 1, 2, discount) == pytest.approx(best, abs=1e-12)
    _, means, kernel = beta_states(1, 1, 2)
    assert gittins_index(means, kernel, discount)[0] == pytest.approx(right, abs=1e-12)


def test_payments_are_those_of_the_virtual_pivot() -> None:
    """Cor. 6.3: (1 − δ) W_{−i}/α̂_i for who is served, nothing for the others; two nodes each, all frozen weights."""
    environment = on_midpoints(arms([beta_signal()] * 2, 0.9, depth=2), 4)
    index, pivot = VirtualIndex(environment), VirtualPivot(environment)
    codes = np.arange(16**2)
    one, other = index.known(codes), pivot.known(codes)
    np.testing.assert_allclose(index.solved.transfer[0][one], pivot.solved.transfer[0][other], atol=1e-10)
    assert max(search_frozen(index, i).first_gain for i in (0, 1)) <= 1e-10
    assert max(search_frozen(index, i).later_gain for i in (0, 1)) <= 1e-10
    assert index.profit == pytest.approx(pivot.profit, abs=1e-10)


def test_two_learning_arms_pay_the_others_mean() -> None:
    """(1 − δ) W_{−i} = θ_j^+ · posterior mean of j: a martingale."""
    environment = arms_of_depth_six((0.9, 0.8))
    mechanism = VirtualIndex(environment)
    mechanism.known(np.zeros(1, np.intp))
    _, means, _ = beta_states(1, 1, 6)
    paid = mechanism.solved.transfer[0][0, 0].reshape(len(means), len(means))
    served = mechanism.solved.policy[0][0].reshape(paid.shape) == 1
    np.testing.assert_allclose(paid[served], np.broadcast_to(0.6 * means, paid.shape)[served], atol=1e-10)


def test_what_is_no_bandit_is_refused() -> None:
    """One line that names what is in the way."""
    with pytest.raises(Refusal, match="decisions that cost nothing"):
        VirtualIndex(on_midpoints(sale(2), 3))
    with pytest.raises(Refusal, match="'buyer 1' moves when it is not served"):
        VirtualIndex(on_midpoints(sale(2, cost=0.0), 3))


@pytest.mark.parametrize(
    "slopes",
    [
        pytest.param([[0, 1, 1], [0, 0, 0]], id="the second by none, the first by two"),
        pytest.param([[0, 1], [0, 1]], id="both by one"),
        pytest.param([[1, 0], [0, 1]], id="the first where nobody should be"),
        pytest.param([[0, 1, 0, 1], [0, 0, 1, 0]], id="the first by two"),
    ],
)
def test_each_agent_is_served_by_one_decision_of_its_own(slopes: list[list[float]]) -> None:
    """Any one of the three is enough to be none."""
    economy = shared(slopes, [0.0] * len(slopes[0]), horizon=None, discount=0.9)
    assert "one decision per agent that serves it alone" in no_bandit(economy)
    assert no_bandit(shared([[0, 1, 0], [0, 0, 1]], [0.0] * 3, horizon=None, discount=0.9)) == ""
