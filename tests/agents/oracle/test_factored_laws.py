"""Laws of signals that move independently are never written out: the same figures as where they are, on any economy."""

import tracemalloc
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech import audit, load, make_mechanism
from dynmech.agents.oracle import expectations
from dynmech.agents.oracle.expectations import FactoredExpectations
from dynmech.agents.oracle.post_decision_states import Expectations, PostDecisionStates
from dynmech.agents.oracle.problem import build_problem
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core import memory_budget
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy import laws_of_motion
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.laws_of_motion import FactoredLaw, WrittenLaw, law_of_motion
from dynmech.sim.economy.stage import Stage
from tests.builders.generators import generator

NEVER, ALWAYS = 1 << 60, 0
"""How many numbers of an independent law are written out."""


def assert_near(one: Array, other: Array, by: float = 1e-13) -> None:
    np.testing.assert_allclose(one, other, rtol=0, atol=by)


@st.composite
def factored(draw: st.DrawFn) -> tuple[np.random.Generator, FactoredLaw]:
    """A law of one to four axes of one to four places, some of which cannot follow."""
    rng = generator(draw(st.integers(0, 10_000)))
    axes = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4))
    return rng, FactoredLaw(IndependentKernel(_factors(rng, draw(st.integers(1, 3)), axes)))


def _factors(rng: np.random.Generator, decisions: int, axes: list[tuple[int, int]]) -> tuple[FloatArray, ...]:
    out = []
    for now, then in axes:
        some = rng.random((decisions, now, then)) * (rng.random((decisions, now, then)) < 0.6)
        some[..., 0] += 1e-3 * ~some.any(axis=-1)
        out.append(some / some.sum(axis=-1, keepdims=True))
    return tuple(out)


@given(factored(), st.sampled_from([1, 60, laws_of_motion.BLOCK]), st.sampled_from([None, True, False]))
def test_every_answer_is_that_of_the_law_written_out(
    drawn: tuple[np.random.Generator, FactoredLaw], block: int, few: bool | None
) -> None:
    rng, law = drawn
    written = WrittenLaw(law.kernel.rows())
    assert (law.decisions, law.size, law.following) == (written.decisions, written.size, written.following)
    values, memories = rng.normal(size=(3, law.following)), int(rng.integers(1, 4))
    by_memory = rng.normal(size=(2, memories, law.following))
    memory, event = rng.integers(memories, size=9), rng.integers(law.events, size=9)
    part = rng.integers(3, size=law.following)
    part[0] = 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laws_of_motion, "BLOCK", block)
        if few is not None:
            patch.setattr(FactoredLaw, "few", lambda *_: few)
        assert_near(law.expect(values), written.expect(values))
        assert_near(law.expect_at(by_memory, memory, event), written.expect_at(by_memory, memory, event))
        three = (memory.reshape(3, 3), event.reshape(3, 3))
        assert_near(law.sum_at(by_memory[0], *three), written.sum_at(by_memory[0], *three))
        for (mass, sums), (same_mass, same_sums) in zip(
            law.by_part(part, values), written.by_part(part, values), strict=True
        ):
            assert_near(mass, same_mass)
            assert_near(sums, same_sums)
    assert_near(law.rows_at(event), written.flat[event])
    assert (law.leads_to(event) == written.leads_to(event)).all()
    at = divmod(int(event[0]), law.size)
    assert_near(law.row(*at), written.row(*at))


def _both(
    rng: np.random.Generator, law: FactoredLaw, known: list[int]
) -> tuple[FactoredExpectations, Expectations, FloatArray]:
    """The same states asked of factors, and of rows."""
    own_sizes = [law.next_axes[j] for j in known]
    places = np.unravel_index(np.arange(law.following), law.next_axes)
    own = np.ravel_multi_index([places[j] for j in known], own_sizes) if known else np.zeros(law.following, np.intp)
    states, messages = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    choices = rng.normal(size=(states, law.following, messages))
    chosen = rng.random((states, law.events)) < rng.choice([0.3, 1.0])
    chosen[rng.integers(states), rng.integers(law.events)] = True
    memory, event = np.nonzero(chosen)
    one, origins = FactoredExpectations(law, known, memory, event), PostDecisionStates(memory, event, law.size)
    other = Expectations(law.kernel.rows().reshape(-1, law.following), own, prod(own_sizes), origins)
    return one, other, choices


def _compare(one: FactoredExpectations, other: Expectations, choices: FloatArray) -> None:
    for spying in (True, False):
        assert_near(one.best(choices, spying=spying), other.best(choices, spying=spying), 1e-12)
    for got, expected in zip(_whole(one, choices), _whole(other, choices), strict=True):
        assert_near(got, expected, 1e-12)


def _whole(outlook: FactoredExpectations | Expectations, choices: FloatArray) -> tuple[FloatArray, FloatArray]:
    pieces = list(outlook.by_own(choices))
    assert [k for part, _, _ in pieces for k in range(part.start, part.stop)] == list(range(outlook.count))
    return np.concatenate([mass for _, mass, _ in pieces]), np.concatenate([worth for _, _, worth in pieces])


BLOCKS, FEW = st.sampled_from([1, 60, laws_of_motion.BLOCK]), st.sampled_from([None, True, False])


@given(factored(), st.integers(0, 15), BLOCKS, FEW)
def test_expectations_by_factors_are_those_by_rows(
    drawn: tuple[np.random.Generator, FactoredLaw], mask: int, block: int, few: bool | None
) -> None:
    """Whatever the deviator knows: a public state, its own signal, those of partners, nothing."""
    rng, law = drawn
    known = [j for j in range(len(law.axes)) if mask >> j & 1]
    one, other, choices = _both(rng, law, known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expectations, "BLOCK", block)
        patch.setattr(laws_of_motion, "BLOCK", block)
        if few is not None:
            patch.setattr(FactoredLaw, "few", lambda *_: few)
        _compare(one, other, choices)


@pytest.mark.parametrize("few", [True, False])
def test_a_deviator_that_is_taken_for_another_is_seen(few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: what is known is the other agent's signal."""
    law = FactoredLaw(IndependentKernel(_factors(generator(3), 2, [(3, 3), (3, 3)])))
    one, other, choices = _both(generator(4), law, [0])
    monkeypatch.setattr(FactoredLaw, "few", lambda *_: few)
    _compare(one, other, choices)
    with pytest.raises(AssertionError):
        _compare(FactoredExpectations(law, [1], one.memory, one.event), other, choices)


# Whole audits


def _economies() -> Iterator[TableEnvironment]:
    """Independent signals, interdependent values: for ever and for a while, with a public state, with closed ways."""
    for seed, horizon in enumerate([None, None, 1, 3]):
        options: dict[str, Any] = {"agents": 2 + seed % 2, "signals": 2 + (seed + 1) % 2, "decisions": 2}
        yield random_environment(
            generator(seed), discount=0.8, horizon=horizon, independent=True, correlation=0, **options
        )
    yield _with_public(None)
    yield _with_public(2)


def _with_public(horizon: int | None) -> TableEnvironment:
    rng = generator(8)
    kernel = IndependentKernel(_factors(rng, 2, [(2, 2), (3, 3), (2, 2)]))
    signals, utility = (("a", "b", "c"), ("x", "y")), rng.normal(size=(2, 2, 2, 3, 2))
    stage = Stage(signals, ("left", "right"), utility, kernel, public=("dry", "wet"))
    prior = rng.dirichlet(np.ones(12)).reshape(2, 3, 2)
    return TableEnvironment("weather", ("Ann", "Bob"), prior, (stage,), 0.8, horizon)


ECONOMIES = list(_economies())

MECHANISMS = ["team", "pivot", "pay-your-report", "cremer-mclean", "groves", "static-vcg"]


def _audited(environment: TableEnvironment, name: str, written: int, **options: Any) -> dict[str, Any] | None:
    """What an audit says; None where the mechanism does not fit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laws_of_motion, "WRITTEN", written)
        try:
            mechanism = make_mechanism(name, environment)
        except Refusal:
            return None
        assert isinstance(law_of_motion(environment, 0), FactoredLaw) == (written == ALWAYS) or environment.horizon == 1
        found = audit(environment, mechanism, **options)
        return {**found.to_dict(), "witness": None, "policy": None}


def _same(one: Any, other: Any, slack: float, place: str = "") -> None:
    """Hold two pieces of plain data against each other: numbers up to `slack`, all else exactly."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one:
            _same(one[key], other[key], slack, f"{place}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            _same(a, b, slack, f"{place}/{k}")
    elif isinstance(one, float) and isinstance(other, float):
        assert abs(one - other) <= slack, (place, one, other)
    else:
        assert one == other, (place, one, other)


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        *((environment, {}) for environment in ECONOMIES),
        *((ECONOMIES[k], options) for k in (0, 5) for options in ({"all_states": True}, {"exit": True})),
    ],
    ids=lambda value: value.name if isinstance(value, TableEnvironment) else " ".join(value),
)
def test_audits_say_the_same(environment: TableEnvironment, options: dict[str, Any]) -> None:
    """Figures within the bounds that are stated with them; places, words and verdicts alike."""
    compared = 0
    for name in MECHANISMS if not options else MECHANISMS[3:]:
        plain, by_factors = (_audited(environment, name, written, **options) for written in (NEVER, ALWAYS))
        assert (plain is None) == (by_factors is None)
        if plain is not None:
            _same(by_factors, plain, 1e-9 * environment.scale)
            compared += 1
    assert compared >= 2


def test_a_coalition_too() -> None:
    environment = ECONOMIES[1]
    one, other = (
        _audited(environment, "team", written, coalitions=[environment.agents[:2]]) for written in (NEVER, ALWAYS)
    )
    _same(one, other, 1e-9 * environment.scale)


def test_a_wrong_contraction_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: every contraction is off by a millionth."""
    right = FactoredLaw.contract

    def wrong(self: FactoredLaw, values: FloatArray, decisions: slice, axes: Sequence[int]) -> FloatArray:
        return right(self, values, decisions, axes) * (1 + 1e-6)

    plain = _audited(ECONOMIES[0], "team", NEVER)
    monkeypatch.setattr(FactoredLaw, "contract", wrong)
    with pytest.raises(AssertionError):
        _same(_audited(ECONOMIES[0], "team", ALWAYS), plain, 1e-9 * ECONOMIES[0].scale)


# What it takes


def _large() -> TableEnvironment:
    environment = load("random:agents=3,signals=7,decisions=2,correlation=0,independent=true")
    assert isinstance(environment, TableEnvironment)
    return environment


@pytest.mark.parametrize("name", ["team", "pivot"])
def test_no_law_is_written_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = _large()  # 343 profiles: its law would have 235,298 numbers

    def rows(_: IndependentKernel) -> NoReturn:
        raise AssertionError("the law was written out")

    monkeypatch.setattr(IndependentKernel, "rows", rows)
    found = audit(environment, make_mechanism(name, environment))
    assert found.to_dict()["backend"] == "exact"
    monkeypatch.setattr(laws_of_motion, "WRITTEN", NEVER)
    with pytest.raises(AssertionError, match="written out"):
        audit(environment, make_mechanism(name, environment))


def test_memory_grows_with_profiles_and_not_with_their_square() -> None:
    environment = load("random:agents=3,signals=12,decisions=2,correlation=0,independent=true")
    audit(_large(), make_mechanism("team", _large()))  # everything is imported
    tracemalloc.start()
    try:
        audit(environment, make_mechanism("team", environment))  # 1728 profiles: a law of 48 MB
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40e6


def test_what_does_not_fit_is_refused_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of each phase is stated: of the values of prescribed play, then of the search."""
    environment = _large()
    game = FiniteGame(environment, make_mechanism("team", environment))
    assert game.plan.bound < 1  # planned before the room is gone
    assert game.tables
    begun: list[str] = []
    monkeypatch.setattr(memory_budget, "room", lambda: 5e5)
    monkeypatch.setattr(FactoredLaw, "contract", lambda *_: begun.append("contracted"))
    with pytest.raises(Refusal, match=r"the values of prescribed play .* would need \d.* MB, more than the 500 kB"):
        assert game.truthful
    with pytest.raises(Refusal, match=r"what 'agent 1' can gain .* would need \d.* MB, more than the 500 kB"):
        build_problem(game, (0,))
    assert not begun, "nothing was begun"
