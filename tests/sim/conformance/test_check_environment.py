"""The checker of economies: sound ones pass, and each planted violation is caught and named."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from dynmech.experiments.catalog.names import SCENARIOS, load
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.sim.conformance.environment_check import check_environment
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.checked_economies import caught, persist, town
from tests.builders.drawn_environments import environments
from tests.builders.small_economies import LOW_HIGH, shop, town_table


class Odd(FunctionEnvironment):
    """The town, of which a test replaces a method."""

    @classmethod
    def with_method(cls, name: str, method: Callable[..., Any]) -> FunctionEnvironment:
        made = type("Odd", (cls,), {name: method})
        sound = town()
        return made(**{field: getattr(sound, field) for field in sound.__dataclass_fields__})


# Sound economies pass


@given(environments())
def test_every_finite_economy_passes(environment: TableEnvironment) -> None:
    check_environment(environment)


@pytest.mark.parametrize("name", SCENARIOS.all())
def test_shipped_scenarios_pass(name: str) -> None:
    check_environment(load(name))


def test_economies_on_numbers_pass() -> None:
    check_environment(shop())
    check_environment(shop(None, 0.5))
    check_environment(town())
    check_environment(town(horizon=3, discount=1.0))
    wide = town(signals=(Interval(0, 1),) * 2, decisions=Interval(-1, 1), law=lambda _t, _l, _d, u: u, bound=2.0)
    check_environment(replace(wide, payoff=lambda _t, s, d: s + d[:, None]))


def test_an_economy_by_functions_is_the_table_that_it_should_be() -> None:
    check_environment(town(), town_table())


def test_a_public_state_and_private_actions_pass() -> None:
    generator = np.random.Generator(np.random.Philox(key=1))
    stage = Stage(
        (("a", "b", "c"),),
        ("0 rest", "0 work", "1 rest", "1 work"),
        generator.normal(size=(1, 4, 2, 3)),
        JointKernel(generator.dirichlet(np.ones(6), (4, 2, 3)).reshape(4, 2, 3, 2, 3), (2, 3), (2, 3)),
        public=("dry", "wet"),
        private_actions=(("rest", "work"),),
    )
    prior = generator.dirichlet(np.ones(6)).reshape(2, 3)
    check_environment(TableEnvironment("farm", ("Ann",), prior, (stage,), 0.9, None))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"horizon": 2.5}, "horizon: 2.5 is neither a whole number nor None"),
        ({"horizon": True}, "horizon: True is neither a whole number nor None"),
        ({"bound": -1.0}, "utility_bound() is -1.0, expected a finite number of at least 0"),
    ],
)
def test_terms_that_make_no_sense(change: dict[str, Any], what: str) -> None:
    error = caught(town(**change))
    assert isinstance(error, InputError)
    assert what in str(error)


@pytest.mark.parametrize(
    ("space", "what"),
    [
        (Finite(("a", "a")), "signal_space(0, 1): labels[1]: 'a' is there already; names must differ"),
        (Finite(()), "signal_space(0, 1): labels: none given, at least one is needed"),
        (Finite((1, 2)), "signal_space(0, 1): labels[0]: 1 is not a name"),  # type: ignore[arg-type]
        (Interval(1, 0), "signal_space(0, 1): from 1 to 0 is no interval"),
        (Interval(0, np.inf), "signal_space(0, 1): from 0 to inf is no interval"),
        (Interval(np.nan, 1), "signal_space(0, 1): from nan to 1 is no interval"),
        ("ab", "signal_space(0, 1) is of type str, expected Finite or Interval"),
    ],
)
def test_spaces_that_are_none(space: Any, what: str) -> None:
    assert what in str(caught(town(signals=(LOW_HIGH, space))))


def grows() -> Callable[..., Space]:
    made = iter(range(2, 999))
    return lambda _self, _t, _agent=0: Finite(tuple(str(k) for k in range(next(made))))


DECLARED: dict[str, tuple[str, Callable[..., Any], str]] = {
    "signals that grow": ("signal_space", grows(), "signal_space(0, 0) is another space when it is asked for again"),
    "decisions that grow": ("decision_space", grows(), "decision_space(0) is another space when it is asked for again"),
    "no streams": ("streams", lambda _s, _t: (), "streams(0) is (), expected names, at least one"),
    "streams without names": ("streams", lambda _s, _t: (1, 2), "streams(0) is (1, 2), expected names"),
    "one stream twice": ("streams", lambda _s, _t: ("nature", "nature"), "streams(0): 'nature' stands there twice"),
    "the agents' streams": ("streams", lambda _s, _t: ("nature", "agent 0"), "'agent 0' is not nature's"),
    "the designer's stream": ("streams", lambda _s, _t: ("designer", "x"), "'designer' is not nature's"),
    "too few streams": ("streams", lambda _s, _t: ("nature",), "draw returned signals of shape (64, 1), expected (64"),
    "actions of one agent": ("actions", lambda _s, _t: (("a",),), "actions(0) has 1 lists; one per agent and finite"),
    "actions of one name": ("actions", lambda _s, _t: (("a", "a"), ("b",)), "actions(0)[0][1]: 'a' is there already"),
    "actions that do not divide": (
        "actions",
        lambda _s, _t: (("a", "b", "c"), ("-",)),
        "2 decisions are no multiple of the combinations of actions(0)",
    ),
    "public states drawn outside": (
        "draw",
        lambda _s, t, last, decision, u: State(
            np.ones(len(u), int), persist(t, None if last is None else last.signals, decision, u)
        ),
        "draw returned 1 (row 0) as a public state, outside 0..0: '-'",
    ),
    "costs of the wrong shape": ("cost", lambda _s, _t, _x, d: np.zeros((len(d), 1)), "cost returned float64 (64, 1)"),
    "costs without end": ("cost", lambda _s, _t, _x, d: np.full(len(d), np.inf), "cost is inf (row 0), which is not a"),
    "costs at random": (
        "cost",
        lambda _s, _t, _x, d: np.random.default_rng().random(len(d)),
        "cost answers otherwise when it is asked again; it may depend on its arguments only",
    ),
    "classes of the wrong shape": (
        "outcome_classes", lambda _s, _t: np.zeros((1, 2), int), "no array of whole numbers of shape (2, 2)"
    ),
    "classes of numbers": (
        "outcome_classes", lambda _s, _t: np.zeros((2, 2)), "no array of whole numbers of shape (2, 2)"
    ),
    "classes named by a later member": (
        "outcome_classes",
        lambda _s, _t: np.array([[0, 1], [1, 1]]),
        "outcome_classes says 1 of decision 'no' for agent 'Bob'; a class is named by its first member",
    ),
    "classes that hide a difference": (
        "outcome_classes",
        lambda _s, _t: np.array([[0, 1], [0, 0]]),
        "outcome_classes puts decision 'yes' with 'no' for agent 'Bob', but by what it gets it goes with 'yes'",
    ),
    "a bound that raises": ("utility_bound", lambda _s: 1 / 0, "utility_bound raised ZeroDivisionError"),
    "a bound in words": ("utility_bound", lambda _s: "much", "utility_bound() is 'much', expected a finite number"),
}  # fmt: skip


@pytest.mark.parametrize("case", DECLARED)
def test_what_is_declared_must_make_sense(case: str) -> None:
    name, method, what = DECLARED[case]
    assert what in str(caught(Odd.with_method(name, method)))


def test_classes_must_be_complete_where_all_profiles_are_seen() -> None:
    class Finer(TableEnvironment):
        def outcome_classes(self, t: int) -> Any:
            return np.arange(2)[None].repeat(2, axis=0)

    environment = OilLeasesPrior().build()
    indifferent = replace(town_table(), stages=(replace(town_table().stages[0], utility=np.zeros((2, 2, 2, 2))),))
    finer = Finer(**{name: getattr(indifferent, name) for name in indifferent.__dataclass_fields__})
    assert "outcome_classes puts decision 'yes' with 'yes' for agent 'Ann', but by what it gets it goes with 'no'" in (
        str(caught(finer))
    )
    check_environment(environment)


def test_classes_are_for_finite_decisions() -> None:
    environment = replace(town(), decisions=Interval(0, 1), payoff=lambda _t, s, _d: s * 0.5)
    made = type("Odd", (FunctionEnvironment,), {"outcome_classes": lambda _s, _t: np.zeros((2, 1), int)})
    odd = made(**{field: getattr(environment, field) for field in environment.__dataclass_fields__})
    assert "outcome_classes is not None although decisions are numbers" in str(caught(odd))


def counting(t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:
    """Keeps a count, and turns signals over when it is odd."""
    counting.calls = getattr(counting, "calls", 0) + 1  # type: ignore[attr-defined]
    drawn = persist(t, last, decision, uniforms)
    return 1 - drawn if counting.calls % 2 else drawn  # type: ignore[attr-defined]


def ageing() -> Callable[..., Array]:
    """Turns over the signals of a period once a later one has been seen: the same again, but not later."""
    latest = -1

    def law(t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:
        nonlocal latest
        latest = max(latest, t)
        drawn = persist(t, last, decision, uniforms)
        return 1 - drawn if t < latest else drawn

    return law


def writing(t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:
    """Saves memory."""
    if last is not None:
        last[:] = persist(t, last, decision, uniforms)
        return last
    return persist(t, last, decision, uniforms)


DRAWS: dict[str, tuple[Callable[..., Any], str]] = {
    "raises": (lambda _t, _l, _d, _u: dict[str, int]()["x"], "in period 0: draw raised KeyError: 'x'"),
    "exits": (lambda _t, _l, _d, _u: (_ for _ in ()).throw(SystemExit(3)), "in period 0: draw raised SystemExit: 3"),
    "runs out": (
        lambda t, _l, _d, u: (u < [0.5, 0.25, 0.75][t]).astype(int),
        "in period 3: draw raised IndexError: list index out of range",
    ),
    "gives nothing": (lambda _t, _l, _d, _u: None, "draw returned State, expected a State of two arrays"),
    "gives a list": (lambda _t, _l, _d, u: u.tolist(), "draw returned State, expected a State of two arrays"),
    "gives one agent's signal": (
        lambda _t, _l, _d, u: (u[:, 0] < 0.5).astype(int),
        "draw returned signals of shape (64,), expected (64, 2)",
    ),
    "gives floats": (
        lambda _t, _l, _d, u: np.round(u),
        "draw returned a signal of agent 'Ann' of type float64, expected elements of 0..1: 'low', 'high'",
    ),
    "gives one signal too many": (
        lambda _t, _l, _d, u: (u * 3).astype(int),
        "draw returned 2 (row 1) as a signal of agent 'Ann', outside 0..1: 'low', 'high'",
    ),
    "rounds up at the very end": (
        lambda _t, _l, _d, u: (u * (2 + 1e-15)).astype(int) * (np.arange(2) == 1),
        "draw returned 2 (row 1) as a signal of agent 'Bob', outside 0..1: 'low', 'high'",
    ),
    "draws outside its streams": (
        lambda _t, _l, _d, u: np.random.default_rng().integers(0, 2, u.shape),
        "in period 0: draw answers otherwise when it is asked again; it may depend on its arguments only (no random",
    ),
    "reads the clock": (
        lambda _t, _l, _d, u: (u * 0 + time.perf_counter_ns() // 7 + np.arange(2)).astype(int) % 2,
        "draw answers otherwise when",
    ),
    "counts": (counting, "draw answers otherwise when it is asked again; it may depend on its arguments only"),
    "ages": (ageing(), "in period 22: draw answers otherwise when it is asked again later"),
    "draws by rows of the block": (
        lambda _t, _l, _d, u: np.random.default_rng(7).integers(0, 2, u.shape),
        "draw answers otherwise when episodes come in another order; an episode's answer may depend on that episode",
    ),
    "looks at the block": (
        lambda t, last, d, u: persist(t, last, d, u) if len(u) > 1 else 1 - persist(t, last, d, u),
        "draw answers otherwise when an episode comes alone; an episode's answer may depend on that episode only",
    ),
    "follows the crowd": (
        lambda _t, _l, _d, u: (u < np.median(u)).astype(int),
        "draw answers otherwise when an episode comes alone",
    ),
    "writes to what it is given": (writing, "in period 1: draw writes to an array that it is given: ValueError: "),
}  # fmt: skip


@pytest.mark.parametrize("case", DRAWS)
def test_nature_must_keep_to_its_streams_and_spaces(case: str) -> None:
    law, what = DRAWS[case]
    error = caught(town(law=law))
    assert isinstance(error, PlayError)
    assert what in str(error)


def test_on_numbers_what_is_no_number_inside_is_caught() -> None:
    def last_is(bad: float) -> Callable[..., Array]:
        return lambda _t, _last, _decision, u: np.where(u > 1 - 1e-12, bad, u)

    for bad in (np.nan, np.inf, 1.5):
        environment = replace(shop(), law=last_is(bad))
        assert f"draw returned {bad} (row 1) as a signal of agent 'buyer', outside [0, 1]" in str(caught(environment))


def rare(_t: int, signals: Array, decision: Array) -> FloatArray:
    """Beyond its bound in one profile of 1024, after one decision."""
    return np.where((signals == 31).all(axis=1) & (decision == 1), 2.0, 0.5)[:, None].repeat(2, axis=1)


FLOWS: dict[str, tuple[Callable[..., Any], str]] = {
    "raises": (lambda _t, _s, d: [][len(d)], "in period 0: utility raised IndexError"),
    "is one agent's": (lambda _t, s, _d: s[:, 0] * 0.5, "utility returned float64 (64,), expected numbers of shape"),
    "is a list": (lambda _t, s, _d: s.tolist(), "utility returned list, expected numbers of shape (64, 2)"),
    "is words": (lambda _t, s, _d: s.astype(str), "utility returned <U21 (64, 2), expected numbers"),
    "is NaN": (
        lambda _t, s, _d: np.where(s == 1, np.nan, 0.0),
        "which is not a finite number",
    ),
    "exceeds its bound": (
        lambda _t, s, _d: s * 1.0 + [0, 1],
        "utility of agent 'Bob' is 2 (row 0), which exceeds utility_bound() 1",
    ),
    "is random": (
        lambda _t, s, _d: np.random.default_rng().random(s.shape),
        "utility answers otherwise when it is asked again",
    ),
    "depends on the block": (
        lambda _t, s, _d: s - s.mean(axis=0),
        "utility answers otherwise when an episode comes alone",
    ),
    "depends on the row": (
        lambda _t, s, _d: np.linspace(0, 1, len(s))[:, None] * s,
        "utility answers otherwise when episodes come in another order",
    ),
    "writes to signals": (
        lambda _t, s, _d: np.add(s, 0, out=s),
        "utility writes to an array that it is given: ValueError: output array is read-only",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FLOWS)
def test_utilities_must_be_numbers_within_the_bound(case: str) -> None:
    payoff, what = FLOWS[case]
    error = caught(town(payoff=payoff))
    assert isinstance(error, PlayError)
    assert what in str(error)


def test_a_bound_that_is_exceeded_in_one_profile_only_is_caught() -> None:
    many = Finite(tuple(str(k) for k in range(32)))
    environment = town(signals=(many, many), law=lambda _t, _l, _d, u: (u * 30).astype(int), payoff=rare)
    assert "utility of agent 'Ann' is 2 (row 1023), which exceeds utility_bound() 1" in str(caught(environment))
    check_environment(replace(environment, bound=2.0))


def test_a_table_whose_bound_is_too_small_is_caught() -> None:
    class Modest(TableEnvironment):
        def utility_bound(self) -> float:
            return 0.5

    sound = town_table()
    modest = Modest(**{name: getattr(sound, name) for name in sound.__dataclass_fields__})
    assert "utility of agent 'Ann' is 1 (row " in str(caught(modest))
