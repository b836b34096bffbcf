"""Designs do what is asked: audited by a search that knows nothing of the program, and by figures of the papers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import dynmech as dm
from dynmech.experiments.designs.design_result import Design
from dynmech.experiments.designs.designing import design
from dynmech.mechanisms.tables.tabulated_mechanism import TabulatedMechanism
from dynmech.mechanisms.tables.writing_out import written_out
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.units import in_units
from tests.builders.designs import check, economy
from tests.builders.relabelling import relisted, shuffled

# Known answers


@pytest.mark.parametrize("incentive", ["ex-post", "bayesian"])
@pytest.mark.parametrize("name", ["oil-leases", "oil-leases-prior"])
def test_oil_leases_need_memory_and_cost_less_than_the_papers_mechanism(name: str, incentive: str) -> None:
    """Liu §3.1: Γ^link is periodic ex post, with one lag; so its largest transfer bounds the least from above."""
    found = design(name, incentive=incentive)
    assert found.possible
    assert found.objective == pytest.approx(3.25)
    linked = dm.make_mechanism("linked", dm.load(name)).transfer_bound()
    assert found.objective is not None
    assert found.objective <= linked + 1e-9
    without = design(name, incentive=incentive, memory="none")
    assert not without.possible
    assert without.clashes == (("truthful firm 1",),)


@pytest.mark.parametrize("seed", range(3))
def test_explicit_mechanisms_are_feasible_points(seed: int) -> None:
    """Independent private values: team is ex post, the balanced team Bayesian with ex post balance, pivot stays."""
    env = random_environment(
        np.random.default_rng(seed), signals=2, correlation=0.0, interdependence=0.0, independent=True, discount=0.7
    )
    for name, goals in (
        ("team", {"memory": "none"}),
        ("pivot", {"memory": "none"}),
        ("balanced-team", {"memory": "last", "incentive": "bayesian", "budget": "balanced"}),
    ):
        found = design(env, **goals)  # type: ignore[arg-type]
        assert found.objective is not None
        assert found.objective <= dm.make_mechanism(name, env).transfer_bound() + 1e-8


@pytest.mark.parametrize("seed", [0, 2])
def test_spanning_makes_every_rule_possible_with_memory_of_the_last_reports(seed: int) -> None:
    """Liu, Theorem 3.2, infinite horizon: `contingent-spanning` fits, so transfers exist."""
    env = random_environment(np.random.default_rng(seed), signals=2, decisions=2, singular_value=0.05, discount=0.8)
    dm.make_mechanism("contingent-spanning", env)
    assert design(env).possible


def test_a_last_stage_needs_static_incentives() -> None:
    """A finite horizon ends with a period after which nothing is learned: there memory does not help."""
    env = economy(0, horizon=2)
    one = in_units(env, 1.0)
    single = TableEnvironment("last", one.agents, one.prior, one.stages, one.discount, 1)
    assert design(single).status == "impossible"
    assert design(env, memory="history").status == "impossible"


def test_private_values_can_be_had_without_memory() -> None:
    """Groves payments (team) are ex post incentive compatible whatever the laws of motion."""
    env = random_environment(np.random.default_rng(3), signals=2, interdependence=0.0, correlation=0.0, discount=0.8)
    assert design(env, memory="none").possible


# Random economies, audited

GOALS: list[dict[str, str]] = [
    {"participation": "exit"},
    {"incentive": "bayesian", "participation": "interim", "budget": "no-deficit"},
    {"incentive": "bayesian", "budget": "balanced"},
    {"participation": "ex-post", "budget": "no-deficit", "budget_level": "period"},
    {"participation": "interim", "budget": "no-deficit", "budget_level": "ex-ante", "maximise": "revenue"},
    {"incentive": "bayesian", "participation": "ex-ante", "minimise": "deficit"},
    {"incentive": "bayesian", "participation": "default"},
]


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000),
    goals=st.sampled_from(GOALS),
    horizon=st.sampled_from([None, 1, 2]),
    memory=st.sampled_from(["none", "last"]),
)
def test_designs_hold(seed: int, goals: dict[str, str], horizon: int | None, memory: str) -> None:
    check(design(economy(seed, horizon=horizon), memory=memory, **goals))  # type: ignore[arg-type]


@pytest.mark.slow
@settings(max_examples=200)
@given(
    seed=st.integers(0, 1_000_000),
    goals=st.sampled_from(GOALS),
    horizon=st.sampled_from([None, 1, 2, 3]),
    memory=st.sampled_from(["none", "last", "lags=2"]),
)
def test_two_hundred_designs_hold(seed: int, goals: dict[str, str], horizon: int | None, memory: str) -> None:
    check(design(economy(seed, horizon=horizon), memory=memory, **goals))  # type: ignore[arg-type]


def test_a_public_state_and_lotteries() -> None:
    """A rule by lot, on an economy in which everybody sees a state."""
    env = dm.load("common-state")
    assert isinstance(env, TableEnvironment)
    check(design(env, incentive="bayesian"))
    mixed = by_lot(economy(4))
    found = design(mixed.environment, rule=mixed, participation="exit")
    assert found.task.problem.rule.name == "by lot"
    check(found)
    assert found.possible
    assert found.mechanism is not None
    assert found.mechanism.tables.periods[0].lottery is not None


def by_lot(env: TableEnvironment) -> TabulatedMechanism:
    """A mechanism that decides by lot and takes nothing."""
    plain = written_out(dm.make_mechanism("team", env))
    decisions = len(env.stage(0).decisions)
    rng = np.random.default_rng(0)
    periods = []
    chances = rng.dirichlet(np.ones(decisions), env.stage(0).size)
    for period in plain.periods:
        shape = (len(env.agents), period.memories, env.stage(0).size, decisions, 1)
        lottery = np.broadcast_to(chances, (period.memories, *chances.shape)).copy()
        periods.append(
            replace(
                period,
                decide=None,
                lottery=lottery,
                charge=np.zeros(shape),
                remember=np.zeros(shape[1:], np.intp),
                reply=tuple(np.zeros(shape[1:4], np.intp) for _ in env.agents),
            )
        )
    tables = replace(plain, name="by lot", promises=dm.Promises(), periods=tuple(periods), bound=1.0)
    return TabulatedMechanism(env, tables)


# What must be so of any program


@pytest.mark.parametrize("seed", [1, *(pytest.param(k, marks=pytest.mark.slow) for k in (0, *range(2, 8)))])
def test_more_goals_are_never_easier_and_more_memory_never_harder(seed: int) -> None:
    env = economy(seed)
    chain = [
        {"incentive": "bayesian"},
        {"incentive": "ex-post"},
        {"participation": "interim"},
        {"participation": "exit"},
        {"participation": "exit", "budget": "no-deficit", "budget_level": "ex-ante"},
        {"participation": "exit", "budget": "no-deficit", "budget_level": "period"},
        {"participation": "exit", "budget": "no-deficit"},
    ]
    memories = ["none", "last"]
    values = np.array([[least(design(env, memory=m, **g)) for g in chain] for m in memories])  # type: ignore[arg-type]
    assert (np.diff(np.nan_to_num(values, posinf=1e9), axis=1) >= -1e-7).all()
    assert (np.diff(np.nan_to_num(values, posinf=1e9), axis=0) <= 1e-7).all()
    assert seed != 1 or np.ptp(values[np.isfinite(values)]) > 1e-3, "some goals cost something"


def least(found: Design) -> float:
    """The least largest transfer; infinite where there is none."""
    return np.inf if found.objective is None else found.objective / found.task.unit


@pytest.mark.parametrize("goals", [{"participation": "exit"}, {"incentive": "bayesian", "budget": "no-deficit"}])
@pytest.mark.parametrize("seed", [0, 3])
def test_the_order_of_agents_signals_and_decisions_changes_nothing(seed: int, goals: dict[str, str]) -> None:
    env = random_environment(np.random.default_rng(seed), signals=2, decisions=3, discount=0.8)
    listing = shuffled(np.random.default_rng(seed + 1), env)
    one, other = design(env, **goals), design(relisted(env, listing), **goals)  # type: ignore[arg-type]
    assert one.status == other.status
    assert one.possible
    assert one.objective == pytest.approx(other.objective, abs=1e-6 * env.scale)
    assert one.found.unique
    assert other.found.unique
    first, second = start_transfers(one), start_transfers(other)
    moved = first[listing.agents]
    table = np.transpose(moved, (0, *(1 + np.asarray(listing.agents))))
    for axis, j in enumerate(listing.agents):
        table = np.take(table, listing.signals[j], axis=1 + axis)
    assert table == pytest.approx(second, abs=1e-6 * env.scale)


def start_transfers(found: Design) -> FloatArray:
    """Transfers of the first period, `(N, K_1, …, K_N)`."""
    assert found.mechanism is not None
    stage = found.task.environment.stage(0)
    return found.mechanism.tables.periods[0].charge[:, 0, :, 0, 0].reshape(-1, *stage.axes)


def test_the_unit_of_money_changes_nothing() -> None:
    env = economy(1)
    one, other = design(env, participation="exit"), design(in_units(env, 1e6), participation="exit")
    assert one.objective is not None
    assert other.objective == pytest.approx(1e6 * one.objective, rel=1e-7)


def test_a_transfer_that_is_off_is_found_by_the_search() -> None:
    """A planted error: one binding transfer a hundredth of the scale higher, and somebody gains."""
    found = design("oil-leases-prior")
    assert found.largest_transfer is not None
    assert found.largest_transfer > 0.01 * found.task.unit
    assert found.mechanism is not None
    tables = found.mechanism.tables
    charge = tables.periods[1].charge.copy()
    charge[0, :, 0] += 0.01 * found.task.unit
    periods = (tables.periods[0], replace(tables.periods[1], charge=charge), *tables.periods[2:])
    wrong = replace(
        tables,
        bound=tables.bound + found.task.unit,
        periods=periods,
    )
    verdict = dm.audit(found.task.environment, TabulatedMechanism(found.task.environment, wrong))
    assert not verdict.holds


# Words and refusals


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"memory": "lags=0"}, "memory 'lags=0'"),
        ({"memory": "history"}, "endless history"),
        ({"incentive": "maybe"}, "incentive 'maybe'"),
        ({"largest": 0.0}, "no bound on transfers"),
        ({"margin": -1.0}, "give 0 or more"),
        ({"maximise": "revenue"}, "nothing limits what agents pay"),
        ({"maximise": "margin"}, "bound them by --largest"),
        ({"maximise": "margin", "largest": 1.0, "incentive": "none"}, "needs --incentive"),
        ({"maximise": "largest"}, "maximise 'largest'"),
        ({"minimise": "revenue"}, "minimise 'revenue'"),
        ({"maximise": "revenue", "minimise": "largest"}, "give one of them"),
        ({"minimise": "change"}, "give --near"),
        ({"rule": "free"}, "for finite horizons"),
        ({"rule": "linked-lease"}, "linked-lease"),
        ({"maximise": "revenue", "participation": "exit", "budget": "balanced"}, "leaves none"),
        ({"budget_level": "period"}, "of which budget"),
        ({"out": "/no/such/folder/a.json"}, "no such folder"),
        ({"certificate": "/"}, "it is a folder"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(words: dict[str, object], error: str) -> None:
    with pytest.raises((InputError, Refusal), match=error) as caught:
        design("repeated-auction:values=2", **words)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_design_is_a_file_that_every_command_takes(tmp_path: Path) -> None:
    file = tmp_path / "cheap.json"
    found = design("oil-leases", out=file)
    assert found.path == str(file)
    again = dm.audit("oil-leases", str(file))
    assert again.holds
    assert again.largest_transfer is not None
    assert again.largest_transfer.value == pytest.approx(3.25)
    assert {"period", "memory", "reports", "decision", "firm 1", "firm 2"} == set(found.transfers.columns)
    assert "its largest transfer is 3.25, and that is the least possible" in found.sentence
