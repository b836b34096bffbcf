"""Economies given by arrays or functions: what is refused, what is drawn, what is looked up."""

from collections.abc import Sequence

import numpy as np
import pytest

from dynmech.sim.core.arrays import FloatArray, frozen, readonly
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.small_tables import (
    AXES,
    FACTORS,
    INF,
    JOINT,
    LABELS,
    NAN,
    PRIOR,
    UTILITY,
    changed,
    economy,
    stage,
    weather,
)


def refusal(*stages: Stage, **changes: object) -> str:
    """The one line with which the economy is refused."""
    with pytest.raises(InputError) as caught:
        economy(*stages, **changes)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("environment 'test': ")
    return line.removeprefix("environment 'test': ")


def independent(*factors: FloatArray) -> Stage:
    return stage(kernel=IndependentKernel(factors))


# What is refused: numbers.


def test_what_is_broken_below_is_sound_before_it_is_broken() -> None:
    assert economy().stationary
    assert economy(independent(*FACTORS)).stage(7).size == 6


@pytest.mark.parametrize(
    ("index", "value", "line"),
    [
        ((1, 1, 2, 0, 1), NAN, "[1][1][2][0][1]: nan is not a finite number"),
        ((0, 0, 0, 1, 2), INF, "[0][0][0][1][2]: inf is not a finite number"),
        ((1, 0, 1, 1, 0), -0.25, "[1][0][1][1][0]: probability -0.25 is negative"),
    ],
)
def test_a_bad_probability_of_a_joint_kernel_is_named(index: tuple[int, ...], value: float, line: str) -> None:
    kernel = JointKernel(changed(JOINT, index, value), AXES, AXES)
    assert refusal(stage(kernel=kernel)) == f"stages[0].kernel.joint{line}"


def test_a_joint_kernel_that_does_not_sum_to_1_is_named_by_decision_and_profile() -> None:
    table = JOINT.copy()
    table[1, 0, 2] *= 1.5
    table[1, 1, 0] *= 1.5  # a later one, not the first
    line = refusal(stage(kernel=JointKernel(table, AXES, AXES)))
    assert line == "stages[0].kernel.joint[1][0][2]: probabilities sum to 1.5, expected 1"


@pytest.mark.parametrize(
    ("index", "value", "line"),
    [
        ((1, 2, 0), NAN, "[1][2][0]: nan is not a finite number"),
        ((0, 0, 1), -INF, "[0][0][1]: -inf is not a finite number"),
        ((1, 0, 2), -1.0, "[1][0][2]: probability -1 is negative"),
    ],
)
def test_a_bad_probability_of_an_independent_kernel_is_named(index: tuple[int, ...], value: float, line: str) -> None:
    assert refusal(independent(FACTORS[0], changed(FACTORS[1], index, value))) == (
        f"stages[0].kernel.independent[1]{line}"
    )


def test_an_independent_kernel_that_does_not_sum_to_1_is_named_by_agent_decision_and_signal() -> None:
    factor = FACTORS[1].copy()
    factor[1, 2] /= 2
    line = refusal(independent(FACTORS[0], factor))
    assert line == "stages[0].kernel.independent[1][1][2]: probabilities sum to 0.5, expected 1"


@pytest.mark.parametrize(
    ("prior", "line"),
    [
        (PRIOR / 2, ": probabilities sum to 0.5, expected 1"),
        (changed(PRIOR, (1, 2), NAN), "[1][2]: nan is not a finite number"),
        (changed(PRIOR, (0, 1), -0.5), "[0][1]: probability -0.5 is negative"),
        (PRIOR.reshape(-1), ": shape [6], expected [2, 3]"),
        (PRIOR.T, ": shape [3, 2], expected [2, 3]"),
    ],
)
def test_a_bad_prior_is_named(prior: FloatArray, line: str) -> None:
    assert refusal(prior=prior) == f"prior{line}"


@pytest.mark.parametrize(("excess", "fine"), [(5e-10, True), (2e-9, False), (-2e-9, False)])
def test_rounding_in_a_sum_of_probabilities_is_forgiven_up_to_1e_9(excess: float, fine: bool) -> None:
    prior = changed(PRIOR, (0, 0), PRIOR[0, 0] + excess)
    if fine:
        assert economy(prior=prior).prior[0, 0] == PRIOR[0, 0] + excess
    else:
        assert refusal(prior=prior) == f"prior: probabilities sum to {1 + excess:.12g}, expected 1"


@pytest.mark.parametrize(
    ("index", "value", "shown"), [((1, 0, 1, 2), NAN, "nan"), ((0, 1, 0, 0), INF, "inf"), ((0, 0, 0, 1), -INF, "-inf")]
)
def test_a_utility_that_is_no_number_is_named(index: tuple[int, ...], value: float, shown: str) -> None:
    where = "".join(f"[{k}]" for k in index)
    assert refusal(stage(utility=changed(UTILITY, index, value))) == (
        f"stages[0].utility{where}: {shown} is not a finite number"
    )


def test_the_first_bad_value_in_c_order_is_the_one_named() -> None:
    utility = changed(changed(UTILITY, (1, 1, 1, 2), NAN), (0, 1, 0, 2), INF)
    assert refusal(stage(utility=utility)) == "stages[0].utility[0][1][0][2]: inf is not a finite number"


# What is refused: shapes and lists.


def test_wrong_shapes_are_named_beside_the_right_ones() -> None:
    assert (
        refusal(stage(utility=UTILITY[:, :, :, :2])) == "stages[0].utility: shape [2, 2, 2, 2], expected [2, 2, 2, 3]"
    )
    assert refusal(stage(utility=UTILITY[:1])) == "stages[0].utility: shape [1, 2, 2, 3], expected [2, 2, 2, 3]"
    line = refusal(stage(kernel=JointKernel(JOINT[:1], AXES, AXES)))
    assert line == "stages[0].kernel.joint: shape [1, 2, 3, 2, 3], expected [2, 2, 3, 2, 3]"
    line = refusal(independent(FACTORS[1], FACTORS[0]))
    assert line == "stages[0].kernel.independent[0]: shape [2, 3, 3], expected [2, 2, 2]"
    assert refusal(independent(FACTORS[0])) == "stages[0].kernel.independent: 1 tables, expected 2"


def test_a_joint_kernel_must_declare_the_axes_of_its_stages() -> None:
    # The table is right, but a draw would be read as one axis of 6.
    line = refusal(stage(kernel=JointKernel(JOINT, AXES, (6,))))
    assert line == "stages[0].kernel.joint: declares axes [2, 3] to [6], expected [2, 3] to [2, 3]"


@pytest.mark.parametrize(
    ("cost", "line"),
    [
        (np.zeros(3), ": shape [3], expected [2]"),
        (np.zeros((2, 2)), ": shape [2, 2], expected [2]"),
        (np.zeros((2, 0)), ": shape [2, 0], expected [2]"),
        (np.array([0, NAN]), "[1]: nan is not a finite number"),
        (np.array([INF, 0]), "[0]: inf is not a finite number"),
    ],
)
def test_a_bad_cost_is_named(cost: FloatArray, line: str) -> None:
    assert refusal(stage(cost=cost)) == f"stages[0].cost{line}"


@pytest.mark.parametrize("shape", [(2,), (2, 4)])
def test_a_cost_may_depend_on_the_public_state(shape: tuple[int, ...]) -> None:
    assert weather(cost=np.ones(shape)).stage(0).cost_table.tolist() == [[1.0] * 4] * 2


def test_a_cost_by_the_wrong_number_of_public_states_is_named() -> None:
    with pytest.raises(InputError, match=r"stages\[0\].cost: shape \[2, 3\], expected \[2\] or \[2, 4\]$"):
        weather(cost=np.ones((2, 3)))


@pytest.mark.parametrize(
    ("field", "names", "line"),
    [
        ("agents", (), "agents: none given, at least one is needed"),
        ("agents", ("A", "A"), "agents[1]: 'A' is there already; names must differ"),
        ("agents", ("A", ""), "agents[1]: '' is not a name"),
        ("agents", ("A", "B", "C"), "stages[0].signals: 2 lists for 3 agents, expected one each"),
        (
            "signals",
            (("low", "high"), ("l", "m", "l")),
            "stages[0].signals[1][2]: 'l' is there already; names must differ",
        ),
        ("signals", (("low", "high"), ()), "stages[0].signals[1]: none given, at least one is needed"),
        ("decisions", ("no", "no"), "stages[0].decisions[1]: 'no' is there already; names must differ"),
        ("decisions", (), "stages[0].decisions: none given, at least one is needed"),
        ("decisions", ("", "no"), "stages[0].decisions[0]: '' is not a name"),
        ("public", ("dry", "dry"), "stages[0].public[1]: 'dry' is there already; names must differ"),
        ("private_actions", (("a",),), "stages[0].private_actions: 1 lists for 2 agents, expected one each"),
        ("private_actions", (("a",), ()), "stages[0].private_actions[1]: none given, at least one is needed"),
        (
            "private_actions",
            (("a",), ("a", "b", "a")),
            "stages[0].private_actions[1][2]: 'a' is there already; names must differ",
        ),
        (
            "private_actions",
            (("shirk", "work"), ("shirk", "work")),
            "stages[0].decisions: 2 decisions are no multiple of the 4 combinations of private actions",
        ),
    ],
)
def test_bad_lists_of_names_are_named(field: str, names: Sequence[object], line: str) -> None:
    refused = refusal(agents=names) if field == "agents" else refusal(stage(**{field: names}))
    assert refused == line


# What is refused: time.


@pytest.mark.parametrize(
    ("discount", "line"),
    [
        (0.0, "discount: 0 is not in (0, 1]"),
        (1.5, "discount: 1.5 is not in (0, 1]"),
        (-0.5, "discount: -0.5 is not in (0, 1]"),
        (NAN, "discount: nan is not in (0, 1]"),
        (INF, "discount: inf is not in (0, 1]"),
        (1.0, "discount: 1 needs a finite horizon; give a horizon or a discount below 1"),
    ],
)
def test_bad_discounts_are_named(discount: float, line: str) -> None:
    assert refusal(discount=discount) == line


def test_a_discount_of_1_is_fine_with_a_finite_horizon() -> None:
    assert economy(discount=1.0, horizon=3).discount == 1


@pytest.mark.parametrize("horizon", [0, -2])
def test_a_horizon_below_1_is_named(horizon: int) -> None:
    assert refusal(horizon=horizon) == f"horizon: {horizon} is below 1 (null means infinitely many periods)"


@pytest.mark.parametrize("horizon", [1, 3, None])
def test_the_number_of_stages_must_be_the_horizon_or_1(horizon: int | None) -> None:
    line = refusal(stage(), stage(kernel=None), horizon=horizon)
    assert line == f"stages: 2 stages with horizon {horizon}; give one per period, or a single stage that is repeated"


def test_no_stage_at_all_is_named() -> None:
    assert refusal(stages=()) == "stages: none given, at least one is needed"


def test_a_kernel_missing_on_the_way_is_named_and_the_last_stage_needs_none() -> None:
    assert refusal(stage(), stage(kernel=None), stage(kernel=None), horizon=3) == (
        "stages[1].kernel: missing, but another period follows"
    )
    assert refusal(stage(kernel=None)) == "stages[0].kernel: missing, but another period follows"
    assert refusal(stage(kernel=None), horizon=2) == "stages[0].kernel: missing, but another period follows"
    environment = economy(stage(), stage(kernel=None), horizon=2)
    with pytest.raises(InputError, match=r"^environment 'test': no kernel leads out of period 1$"):
        environment.kernel(1)
    assert economy(stage(kernel=None), horizon=1).horizon == 1


def test_a_kernel_must_fit_the_stage_that_follows() -> None:
    one = Stage((("x",), ("y",)), ("stop",), np.zeros((2, 1, 1, 1)))
    assert refusal(stage(), one, horizon=2) == "stages[0].kernel.joint: shape [2, 2, 3, 2, 3], expected [2, 2, 3, 1, 1]"
    ends = IndependentKernel((np.ones((2, 2, 1)), np.ones((2, 3, 1))))
    assert economy(stage(kernel=ends), one, horizon=2).kernel(0).rows().shape == (2, 6, 1)


def test_an_independent_kernel_cannot_create_a_public_state() -> None:
    later = Stage(LABELS, ("no", "yes"), np.zeros((2, 2, 2, 2, 3)), public=("dry", "wet"))
    assert refusal(independent(*FACTORS), later, horizon=2) == (
        "stages[0].kernel.independent: the public state comes or goes, so the kernel must be joint"
    )


# Arrays are the economy's own.


def test_the_economys_arrays_are_read_only_and_the_callers_stay_theirs() -> None:
    utility, table, prior, cost = UTILITY.copy(), JOINT.copy(), PRIOR.copy(), np.array([0.0, 1.0])
    environment = economy(stage(utility=utility, kernel=JointKernel(table, AXES, AXES), cost=cost), prior=prior)
    kernel, held_cost = environment.kernel(0), environment.stage(0).cost
    assert isinstance(kernel, JointKernel)
    assert held_cost is not None
    for mine, its in (
        (utility, environment.stage(0).utility),
        (table, kernel.table),
        (prior, environment.prior),
        (cost, held_cost),
    ):
        before = its.copy()
        with pytest.raises(ValueError, match="read-only"):
            its[0] = 7
        mine[...] = 7  # still mine to write, and without effect
        assert its.tolist() == before.tolist()


def test_factors_are_read_only_too() -> None:
    mine = FACTORS[0].copy()
    kernel = IndependentKernel((mine, FACTORS[1]))
    mine[...] = 7
    assert kernel.factors[0].tolist() == FACTORS[0].tolist()
    with pytest.raises(ValueError, match="read-only"):
        kernel.factors[0][0, 0, 0] = 7


def test_a_read_only_view_of_somebodys_array_is_copied() -> None:
    mine = np.array([1.0, 2.0])
    view = mine[:]
    view.flags.writeable = False
    held = readonly(view)
    mine[0] = 7
    assert held.tolist() == [1, 2]
    assert readonly(held) is held  # its own, so no second copy


def test_integers_become_floats_and_frozen_arrays_stay_frozen() -> None:
    assert readonly(np.array([1, 2])).dtype == np.float64
    tight = frozen(np.arange(6.0).reshape(2, 3))
    assert tight.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
        tight.flags.writeable = True
