"""Economies given by arrays or functions: what is refused, what is drawn, what is looked up."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import chisquare

from dynmech.sim.core.arrays import Array, FloatArray, frozen, readonly
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import Environment, State, TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

NAN, INF = float("nan"), float("inf")
LABELS = (("low", "high"), ("l", "m", "h"))
AXES = (2, 3)
GENERATOR = np.random.default_rng(0)
JOINT = GENERATOR.dirichlet(np.ones(6), (2, 6)).reshape(2, 2, 3, 2, 3)
FACTORS = (GENERATOR.dirichlet(np.ones(2), (2, 2)), GENERATOR.dirichlet(np.ones(3), (2, 3)))
PRIOR = GENERATOR.dirichlet(np.ones(6)).reshape(2, 3)
UTILITY = GENERATOR.normal(size=(2, 2, 2, 3))


def stage(**changes: object) -> Stage:
    """Two agents with 2 and 3 signals, two decisions, a joint kernel."""
    fields: dict[str, object] = {
        "signals": LABELS,
        "decisions": ("no", "yes"),
        "utility": UTILITY,
        "kernel": JointKernel(JOINT, AXES, AXES),
    }
    return Stage(**{**fields, **changes})  # type: ignore[arg-type] # one dict, many types


def economy(*stages: Stage, **changes: object) -> TableEnvironment:
    """The repeated stage above for ever, discounted by 0.9, but for the changes."""
    fields: dict[str, object] = {
        "name": "test",
        "agents": ("A", "B"),
        "prior": PRIOR,
        "stages": stages or (stage(),),
        "discount": 0.9,
        "horizon": None,
    }
    return TableEnvironment(**{**fields, **changes})  # type: ignore[arg-type] # one dict, many types


def changed(array: FloatArray, index: tuple[int, ...], value: float) -> FloatArray:
    """A copy with one other number."""
    copy = array.copy()
    copy[index] = value
    return copy


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
    assert _weather(cost=np.ones(shape)).stage(0).cost_table.tolist() == [[1.0] * 4] * 2


def test_a_cost_by_the_wrong_number_of_public_states_is_named() -> None:
    with pytest.raises(InputError, match=r"stages\[0\].cost: shape \[2, 3\], expected \[2\] or \[2, 4\]$"):
        _weather(cost=np.ones((2, 3)))


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


# Draws.

DRAWS = 40_000


def _uniforms(environment: TableEnvironment, t: int) -> FloatArray:
    """Nature's numbers of one period, as the event loop would lay them out."""
    streams = Streams(1, "test", 0, DRAWS, 5)
    return np.concatenate([streams.tape(name, 1, 0, DRAWS).at(t) for name in environment.streams(t)], axis=1)


def _fits(state: State, law: FloatArray) -> None:
    """Frequencies of the drawn profiles against a law over signals, or public state and signals: chi-square."""
    columns = [state.signals[:, i] for i in range(state.signals.shape[1])]
    if law.ndim > len(columns):
        columns.insert(0, state.public)
    counts = np.zeros(law.shape)
    np.add.at(counts, tuple(columns), 1)
    assert counts[law == 0].sum() == 0
    assert chisquare(counts[law > 0], DRAWS * law[law > 0]).pvalue > 1e-4


@pytest.mark.parametrize("kernel", [JointKernel(JOINT, AXES, AXES), IndependentKernel(FACTORS)])
def test_the_first_profile_has_the_law_of_a_correlated_prior(kernel: JointKernel | IndependentKernel) -> None:
    # Correlated, and one profile and one whole signal of B are impossible.
    prior = np.array([[0.3, 0.0, 0.05], [0.1, 0.0, 0.55]])
    environment = economy(stage(kernel=kernel), prior=prior)
    assert environment.streams(0) == (("nature",) if isinstance(kernel, JointKernel) else ("nature 0", "nature 1"))
    _fits(environment.draw(0, None, None, _uniforms(environment, 0)), prior)


@pytest.mark.parametrize("kernel", [JointKernel(JOINT, AXES, AXES), IndependentKernel(FACTORS)])
def test_later_profiles_have_the_law_of_the_kernel_at_what_was_done(kernel: JointKernel | IndependentKernel) -> None:
    environment = economy(stage(kernel=kernel))
    here = State(np.zeros(DRAWS, np.intp), np.tile(np.array([1, 2]), (DRAWS, 1)))
    for a in range(2):
        following = environment.draw(1, here, np.full(DRAWS, a), _uniforms(environment, 1))
        law = JOINT[a, 1, 2] if isinstance(kernel, JointKernel) else np.outer(FACTORS[0][a, 1], FACTORS[1][a, 2])
        _fits(following, law)


def _weather(**changes: object) -> TableEnvironment:
    """Four public states before 2 and 3 signals; an independent kernel unless changed."""
    generator = np.random.default_rng(9)
    axes = (4, *AXES)
    fields: dict[str, object] = {
        "public": ("dry", "fair", "wet", "flood"),
        "utility": generator.normal(size=(2, 2, *axes)),
        "kernel": IndependentKernel(tuple(generator.dirichlet(np.ones(k), (2, k)) for k in axes)),
    }
    return economy(stage(**{**fields, **changes}), prior=generator.dirichlet(np.ones(24)).reshape(axes))


def test_the_public_state_is_drawn_with_the_signals() -> None:
    environment = _weather()
    kernel = environment.kernel(0)
    assert isinstance(kernel, IndependentKernel)
    assert environment.streams(0) == environment.streams(1) == ("nature public", "nature 0", "nature 1")
    first = environment.draw(0, None, None, _uniforms(environment, 0))
    _fits(first, environment.prior)
    here = State(np.full(DRAWS, 2), np.tile(np.array([0, 1]), (DRAWS, 1)))
    following = environment.draw(1, here, np.ones(DRAWS, np.intp), _uniforms(environment, 1))
    f = kernel.factors
    _fits(following, np.einsum("x,y,z->xyz", f[0][1, 2], f[1][1, 0], f[2][1, 1]))


def test_a_joint_kernel_reads_the_public_state_before_the_signals() -> None:
    # The next profile is the present one: a wrong order of axes could not keep it.
    size = 24
    stay = np.stack([np.eye(size)] * 2).reshape(2, 4, *AXES, 4, *AXES)
    environment = _weather(kernel=JointKernel(stay, (4, *AXES), (4, *AXES)))
    public, first, second = (c.reshape(-1) for c in np.indices((4, *AXES)))
    here = State(public, np.stack([first, second], axis=1))
    there = environment.draw(1, here, np.zeros(size, np.intp), np.full((size, 1), 0.5))
    assert there.public.tolist() == public.tolist()
    assert there.signals.tolist() == here.signals.tolist()


# Look-ups.


def test_utility_and_cost_are_those_of_the_state_and_decision() -> None:
    cost = np.arange(8.0).reshape(2, 4)
    environment = _weather(cost=cost)
    cases = np.array(list(product(range(2), range(4), range(2), range(3))))
    state = State(cases[:, 1], cases[:, 2:])
    utility, charged = environment.utility(0, state, cases[:, 0]), environment.cost(0, state, cases[:, 0])
    assert utility.shape == (48, 2)
    for n, (a, w, k, m) in enumerate(cases.tolist()):
        assert utility[n].tolist() == environment.stage(0).utility[:, a, w, k, m].tolist()
        assert charged[n] == cost[a, w]
    whole = environment.stage(0).welfare
    for a, w, k, m in cases.tolist():
        assert whole[a, w, k, m] == pytest.approx(
            environment.stage(0).utility[:, a, w, k, m].sum() - cost[a, w], abs=1e-15
        )


def test_without_a_cost_nothing_is_charged() -> None:
    environment = economy()
    state = State(np.zeros(3, np.intp), np.zeros((3, 2), np.intp))
    assert environment.cost(0, state, np.array([0, 1, 1])).tolist() == [0, 0, 0]


def test_profiles_are_numbered_in_c_order_public_state_first() -> None:
    one = _weather().stage(0)
    public, first, second = (c.reshape(-1) for c in np.indices((4, *AXES)))
    signals = np.stack([first, second], axis=1)
    assert one.axes == (4, 2, 3)
    assert (one.size, one.offset) == (24, 1)
    assert one.flat(public, signals).tolist() == list(range(24))
    assert one.others_flat(0, public, signals).tolist() == (public * 3 + second).tolist()
    assert one.others_flat(1, public, signals).tolist() == (public * 2 + first).tolist()


def test_private_actions_make_the_decisions_a_product_with_the_public_part_slowest() -> None:
    # Public part "off", "on"; A shirks or works; B has no choice. Working costs A one, "on" earns both two.
    names = tuple(f"{part}, {act}" for part in ("off", "on") for act in ("shirk", "work"))
    utility = np.zeros((2, 4, 2, 3))
    for d, (on, work) in enumerate(product(range(2), range(2))):
        utility[0, d] = 2 * on - work
        utility[1, d] = 2 * on
    kernel = JointKernel(np.full((4, 2, 3, 2, 3), 1 / 6), AXES, AXES)
    environment = economy(
        stage(decisions=names, utility=utility, kernel=kernel, private_actions=(("shirk", "work"), ("-",)))
    )
    assert environment.actions(0) == (("shirk", "work"), ("-",))
    state = State(np.zeros(4, np.intp), np.zeros((4, 2), np.intp))
    assert environment.utility(0, state, np.arange(4)).tolist() == [[0, 0], [-1, 0], [2, 2], [1, 2]]
    # B cannot tell whether A works; A can.
    assert environment.outcome_classes(0).tolist() == [[0, 1, 2, 3], [0, 0, 2, 2]]
    assert environment.decision_space(0) == Finite(names)


def test_outcome_classes_are_named_by_their_first_member() -> None:
    utility = np.zeros((2, 4, 2, 3))
    utility[0, 1] = utility[0, 3] = 1  # A: decisions 1 and 3 alike, 0 and 2 alike
    utility[1, 2, 1, 2] = 1e-12  # B: decision 2 differs in one profile, ever so little
    kernel = JointKernel(np.full((4, 2, 3, 2, 3), 1 / 6), AXES, AXES)
    environment = economy(stage(decisions=("a", "b", "c", "d"), utility=utility, kernel=kernel))
    assert environment.outcome_classes(0).tolist() == [[0, 1, 0, 1], [0, 0, 2, 0]]


def test_the_utility_bound_is_the_largest_in_any_stage() -> None:
    first, second = stage(utility=np.full((2, 2, 2, 3), 2.0)), stage(utility=changed(UTILITY, (1, 1, 1, 1), -9.0))
    assert economy(first, second, horizon=2).utility_bound() == 9
    assert economy(first).utility_bound() == 2


def test_spaces_carry_the_labels_of_their_period() -> None:
    later = Stage((("x",), ("y", "z")), ("stop",), np.zeros((2, 1, 1, 2)))
    ends = IndependentKernel((np.ones((2, 2, 1)), np.full((2, 3, 2), 0.5)))
    environment = economy(stage(kernel=ends), later, horizon=2)
    assert [environment.signal_space(t, 1).labels for t in range(2)] == [("l", "m", "h"), ("y", "z")]
    assert [environment.decision_space(t).labels for t in range(2)] == [("no", "yes"), ("stop",)]
    assert environment.public_space(0).labels == ("-",)
    assert _weather().public_space(3).labels == ("dry", "fair", "wet", "flood")


def test_a_changed_copy_is_checked_again() -> None:
    with pytest.raises(InputError, match=r"^environment 'test': discount: 2 is not in \(0, 1\]$"):
        replace(economy(), discount=2.0)


# Spaces.


def test_a_finite_set_holds_its_indices_only() -> None:
    space = Finite(("4", "6"))
    assert space.contains(np.array([-1, 0, 1, 2])).tolist() == [False, True, True, False]
    kinds = (np.int8, np.uint64, np.bool_, np.float64)
    assert [space.accepts(np.dtype(kind)) for kind in kinds] == [True, True, False, False]
    assert space.describe() == "0..1: '4', '6'"
    assert Finite(tuple("abcdefghij")).describe() == "0..9: 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', …"


def test_an_element_is_found_by_label_before_number() -> None:
    space = Finite(("none", "2", "1"))
    assert [space.index(text, "decision") for text in ("none", "1", "2", "0")] == [0, 2, 1, 0]
    with pytest.raises(InputError, match=r"^decision: '3' is none of 0..2: 'none', '2', '1'$"):
        space.index("3", "decision")
    with pytest.raises(InputError, match=r"^decision: '-1' is none of"):
        space.index("-1", "decision")


def test_an_interval_holds_its_ends_and_no_nan() -> None:
    space = Interval(0, 1.5)
    assert space.contains(np.array([-0.1, 0, 1.5, 1.6, NAN])).tolist() == [False, True, True, False, False]
    assert [space.accepts(np.dtype(kind)) for kind in (np.int8, np.float32, np.bool_)] == [True, True, False]
    assert space.describe() == "[0, 1.5]"


# Economies given by functions.


def _continuous(**changes: object) -> FunctionEnvironment:
    """Each signal is the uniform number itself, raised to the decision taken last."""

    def law(_t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:
        return uniforms if last is None or decision is None else last * uniforms ** decision[:, None]

    def payoff(t: int, signals: Array, decision: Array) -> FloatArray:
        return signals * decision[:, None] + t

    fields: dict[str, object] = {
        "name": "continuous",
        "agents": ("A", "B"),
        "discount": 0.9,
        "horizon": None,
        "signals": (Interval(0, 1), Interval(0, 1)),
        "decisions": Finite(("no", "yes")),
        "law": law,
        "payoff": payoff,
        "bound": 2.0,
    }
    return FunctionEnvironment(**{**fields, **changes})  # type: ignore[arg-type] # one dict, many types


def test_functions_are_called_with_the_last_signals_and_decision() -> None:
    environment: Environment = _continuous()
    assert environment.streams(3) == ("nature 0", "nature 1")
    first = environment.draw(0, None, None, np.array([[0.5, 0.25]]))
    assert first.signals.tolist() == [[0.5, 0.25]]
    assert environment.draw(1, first, np.array([1]), np.array([[0.5, 0.5]])).signals.tolist() == [[0.25, 0.125]]
    assert environment.utility(2, first, np.array([1])).tolist() == [[2.5, 2.25]]
    assert environment.cost(2, first, np.array([1])).tolist() == [0]
    assert (environment.signal_space(4, 1), environment.decision_space(4).describe()) == (
        Interval(0, 1),
        "0..1: 'no', 'yes'",
    )
    assert environment.outcome_classes(0) is None
    assert environment.utility_bound() == 2


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("discount", 1.0, "discount: 1 needs a finite horizon; give a horizon or a discount below 1"),
        ("discount", NAN, "discount: nan is not in (0, 1]"),
        ("horizon", 0, "horizon: 0 is below 1 (null means infinitely many periods)"),
        ("agents", ("A", "A"), "agents[1]: 'A' is there already; names must differ"),
        ("signals", (Interval(0, 1),), "signals: 1 spaces for 2 agents"),
        ("bound", INF, "bound: inf is not a finite number"),
    ],
)
def test_an_economy_of_functions_is_checked_too(field: str, value: object, line: str) -> None:
    with pytest.raises(InputError) as caught:
        _continuous(**{field: value})
    assert str(caught.value) == f"environment 'continuous': {line}"
