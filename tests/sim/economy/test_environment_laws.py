"""Draws follow the tables; flows, numbering and spaces are those declared."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import chisquare

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import Environment, State, TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.small_tables import AXES, FACTORS, INF, JOINT, NAN, UTILITY, changed, economy, stage, weather

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


def test_the_public_state_is_drawn_with_the_signals() -> None:
    environment = weather()
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
    environment = weather(kernel=JointKernel(stay, (4, *AXES), (4, *AXES)))
    public, first, second = (c.reshape(-1) for c in np.indices((4, *AXES)))
    here = State(public, np.stack([first, second], axis=1))
    there = environment.draw(1, here, np.zeros(size, np.intp), np.full((size, 1), 0.5))
    assert there.public.tolist() == public.tolist()
    assert there.signals.tolist() == here.signals.tolist()


# Look-ups.


def test_utility_and_cost_are_those_of_the_state_and_decision() -> None:
    cost = np.arange(8.0).reshape(2, 4)
    environment = weather(cost=cost)
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
    one = weather().stage(0)
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
    assert weather().public_space(3).labels == ("dry", "fair", "wet", "flood")


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
