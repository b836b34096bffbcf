"""Builders: every number of the arrays they make, and what they refuse."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.builders import from_arrays, random_environment, single_object, trade
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel

HALF = np.full((2, 2), 0.5)
STAY = np.eye(2)
QUARTER = np.full((2, 2), 0.25)


# A single object.


def test_only_the_winner_of_the_object_enjoys_it() -> None:
    environment = single_object([[1, 4], [0, 2, 3]], [HALF, np.full((3, 3), 1 / 3)], np.full((2, 3), 1 / 6), 0.9)
    stage = environment.stage(0)
    assert environment.agents == ("bidder 1", "bidder 2")
    assert stage.decisions == ("none", "1", "2")
    assert stage.signals == (("1", "4"), ("0", "2", "3"))
    for i, d, k, m in product(range(2), range(3), range(2), range(3)):
        expected = 0 if d != i + 1 else ([1, 4][k] if i == 0 else [0, 2, 3][m])
        assert stage.utility[i, d, k, m] == expected


def test_without_a_reserve_the_object_always_goes_to_somebody() -> None:
    environment = single_object([[1, 4], [0, 2]], [HALF, HALF], QUARTER, 0.9, reserve=False)
    stage = environment.stage(0)
    assert stage.decisions == ("1", "2")
    assert stage.utility[0].tolist() == [[[1, 1], [4, 4]], [[0, 0], [0, 0]]]
    assert stage.utility[1].tolist() == [[[0, 0], [0, 0]], [[0, 2], [0, 2]]]


def test_a_kernel_without_decisions_holds_for_all_of_them_and_one_with_them_is_kept() -> None:
    by_decision = np.stack([HALF, STAY, HALF])
    environment = single_object([[1, 4], [0, 2]], [STAY, by_decision], QUARTER, 0.9, horizon=3)
    kernel = environment.kernel(0)
    assert isinstance(kernel, IndependentKernel)
    assert kernel.factors[0].tolist() == [STAY.tolist()] * 3
    assert kernel.factors[1].tolist() == by_decision.tolist()
    assert environment.horizon == 3


def test_values_that_read_the_same_are_told_apart() -> None:
    environment = single_object([[1, 1, 2], [0, 2]], [np.eye(3), HALF], np.full((3, 2), 1 / 6), 0.9)
    assert environment.stage(0).signals == (("1 (0)", "1 (1)", "2"), ("0", "2"))


@pytest.mark.parametrize(
    ("kernels", "line"),
    [
        ([HALF], "stages[0].kernel.independent: 1 tables, expected 2"),
        ([np.stack([HALF] * 2), HALF], "stages[0].kernel.independent[0]: shape [2, 2, 2], expected [3, 2, 2]"),
        ([HALF, np.full((3, 3), 1 / 3)], "stages[0].kernel.independent[1]: shape [3, 3, 3], expected [3, 2, 2]"),
        ([HALF, np.array([0.5, 0.5])], "stages[0].kernel.independent[1]: shape [2], expected [3, 2, 2]"),
        ([HALF, HALF * 1.5], "stages[0].kernel.independent[1][0][0]: probabilities sum to 1.5, expected 1"),
    ],
)
def test_wrong_kernels_of_a_single_object_are_named(kernels: list[FloatArray], line: str) -> None:
    with pytest.raises(InputError) as caught:
        single_object([[1, 4], [0, 2]], kernels, QUARTER, 0.9)
    assert str(caught.value) == f"environment 'single-object': {line}"


# Trade.


def test_in_a_trade_the_seller_bears_its_cost_and_the_buyer_enjoys_its_value() -> None:
    environment = trade([1, 3], [[2, 5], [4]], [HALF, HALF, np.ones((1, 1))], np.full((2, 2, 1), 0.25), 0.9)
    stage = environment.stage(0)
    assert environment.agents == ("seller", "buyer 1", "buyer 2")
    assert stage.decisions == ("no trade", "buyer 1", "buyer 2")
    for d, k, m in product(range(3), range(2), range(2)):
        cost, value = [1, 3][k], [2, 5][m]
        assert stage.utility[:, d, k, m, 0].tolist() == [[0, 0, 0], [-cost, value, 0], [-cost, 0, 4]][d]


# From arrays.


def test_from_arrays_keeps_the_numbers_and_tells_joint_from_independent() -> None:
    utility = np.arange(8.0).reshape(2, 1, 2, 2)
    table = np.full((1, 2, 2, 2, 2), 0.25)
    joint = from_arrays(utility, table, QUARTER, 0.9, name="mine")
    apart = from_arrays(utility, [HALF[None], STAY[None]], QUARTER, 0.5, horizon=2)
    assert joint.name == "mine"
    assert joint.stage(0).utility.tolist() == utility.tolist()
    assert (joint.discount, joint.horizon, apart.discount, apart.horizon) == (0.9, None, 0.5, 2)
    assert joint.stage(0).signals == (("0", "1"), ("0", "1"))
    assert isinstance(joint.kernel(0), JointKernel)
    assert isinstance(apart.kernel(0), IndependentKernel)


def test_from_arrays_names_what_is_wrong() -> None:
    with pytest.raises(InputError, match=r"^utility: shape \[2, 2\], expected \(agents, decisions, signals of each"):
        from_arrays(np.zeros((2, 2)), QUARTER, QUARTER, 0.9)
    with pytest.raises(InputError, match=r"kernel.joint: shape \[1, 2, 2\], expected \[1, 2, 2, 2, 2\]$"):
        from_arrays(np.zeros((2, 1, 2, 2)), HALF[None], QUARTER, 0.9)
    with pytest.raises(InputError, match=r"prior: shape \[4\], expected \[2, 2\]$"):
        from_arrays(np.zeros((2, 1, 2, 2)), [HALF[None]] * 2, np.full(4, 0.25), 0.9)


# Random economies.


@given(st.integers(0, 99), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_a_random_economy_has_the_size_asked_for(
    seed: int, agents: int, signals: int, decisions: int, independent: bool
) -> None:
    environment = random_environment(
        np.random.default_rng(seed),
        agents=agents,
        signals=signals,
        decisions=decisions,
        independent=independent,
        correlation=0.0 if independent else 1.0,
        discount=0.7,
        horizon=4,
    )
    axes = (signals,) * agents
    assert len(environment.agents) == agents
    assert environment.stage(0).utility.shape == (agents, decisions, *axes)
    assert environment.prior.shape == axes
    assert environment.kernel(0).rows().shape == (decisions, signals**agents, signals**agents)
    assert isinstance(environment.kernel(0), IndependentKernel if independent else JointKernel)
    assert (environment.discount, environment.horizon) == (0.7, 4)


def test_the_same_generator_state_gives_the_same_economy() -> None:
    one, two, other = (random_environment(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one.stage(0).utility.tolist() == two.stage(0).utility.tolist()
    assert one.kernel(0).rows().tolist() == two.kernel(0).rows().tolist()
    assert one.stage(0).utility.tolist() != other.stage(0).utility.tolist()


def test_without_interdependence_values_are_private() -> None:
    environment = random_environment(np.random.default_rng(0), agents=3, signals=2, decisions=2, interdependence=0.0)
    utility = environment.stage(0).utility
    for i in range(3):
        own_first = np.moveaxis(utility[i], 1 + i, 1).reshape(2, 2, 4)
        assert np.ptp(own_first, axis=2).max() == 0  # whatever the others' signals
        assert np.ptp(own_first, axis=1).min() > 0  # but it does depend on the own one
    full = random_environment(np.random.default_rng(0), agents=3, signals=2, decisions=2)
    assert np.ptp(np.moveaxis(full.stage(0).utility[0], 1, 1).reshape(2, 2, 4), axis=2).min() > 0


def _mutual_information(law: FloatArray) -> float:
    """Σ p log(p / (p_1 p_2)) of a law of two signals: 0 iff they are independent."""
    product_law = np.outer(law.sum(axis=1), law.sum(axis=0))
    positive = law > 0
    return float((law[positive] * np.log(law[positive] / product_law[positive])).sum())


def test_without_correlation_signals_move_independently_in_a_joint_table() -> None:
    apart = random_environment(np.random.default_rng(1), correlation=0.0)
    joint = random_environment(np.random.default_rng(1), correlation=0.5)
    assert isinstance(apart.kernel(0), JointKernel)
    assert _mutual_information(apart.prior) == pytest.approx(0, abs=1e-12)
    assert _mutual_information(joint.prior) > 1e-4
    for a, s in product(range(2), range(9)):
        assert _mutual_information(apart.kernel(0).row(a, s)) == pytest.approx(0, abs=1e-12)
        assert _mutual_information(joint.kernel(0).row(a, s)) > 1e-4
    # And each agent's next signal depends on its own present signal only.
    table = apart.kernel(0).rows().reshape(2, 3, 3, 3, 3)
    own = table.sum(axis=4)
    np.testing.assert_allclose(own, own[:, :, :1].repeat(3, axis=2), atol=1e-12)


def test_the_singular_value_asked_for_is_reached_by_every_belief_matrix() -> None:
    def least(seed: int, singular_value: float) -> float:
        environment = random_environment(np.random.default_rng(seed), signals=2, singular_value=singular_value)
        # The smallest singular value of M is the root of the least eigenvalue of MᵀM.
        return min(
            float(np.sqrt(np.linalg.eigvalsh(m.T @ m)[0]))
            for i in range(2)
            for m in belief_matrices(environment, 0, i).reshape(-1, 2, 2)
        )

    assert min(least(seed, 0.0) for seed in range(20)) < 0.02  # the first draws would not all do
    assert min(least(seed, 0.05) for seed in range(20)) >= 0.05


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"correlation": 1.5}, "correlation: 1.5 is not in [0, 1]"),
        ({"correlation": float("nan")}, "correlation: nan is not in [0, 1]"),
        ({"interdependence": -0.1}, "interdependence: -0.1 is not in [0, 1]"),
        ({"agents": 0}, "agents, signals and decisions: each must be at least 1"),
        ({"signals": 0}, "agents, signals and decisions: each must be at least 1"),
        ({"decisions": -1}, "agents, signals and decisions: each must be at least 1"),
        ({"independent": True}, "independent: an independent kernel needs correlation=0 and singular_value=0"),
        (
            {"agents": 1, "singular_value": 0.1},  # nobody else's signals can tell anything
            "singular_value: no draw out of 200 reached 0.1 with 1 agents and 3 signals",
        ),
        (
            {"agents": 5, "signals": 6},  # 2 · 6^10 = 120 932 352
            "agents, signals, decisions: a joint kernel would hold more than 50,000,000 numbers; "
            "use independent=true or smaller ones",
        ),
        (
            {"agents": 6000},  # a number of 5726 digits
            "agents, signals, decisions: a joint kernel would hold more than 50,000,000 numbers; "
            "use independent=true or smaller ones",
        ),
        (
            {"agents": 30, "independent": True, "correlation": 0.0},
            "agents, signals, decisions: utilities would hold more than 50,000,000 numbers",
        ),
        (
            {"discount": 1.0},
            "environment 'random': discount: 1 needs a finite horizon; give a horizon or a discount below 1",
        ),
    ],
)
def test_a_random_economy_that_cannot_be_is_refused_in_one_line(arguments: dict[str, float], line: str) -> None:
    with pytest.raises(InputError) as caught:
        random_environment(np.random.default_rng(0), **arguments)  # type: ignore[arg-type] # one dict, many types
    assert str(caught.value) == line
