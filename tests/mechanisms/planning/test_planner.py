"""The planner against QuantEcon, exact rational arithmetic and enumeration of every policy."""

import gc
import tracemalloc
import weakref
from fractions import Fraction
from typing import Protocol

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, strategies as st
from numpy.random import Generator

from dynmech.mechanisms.planning import planner
from dynmech.mechanisms.planning.anderson import Anderson
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core import memory_budget as memory
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from tests.builders.planned_economies import SEEDS, independent_economy, joint_economy, quantecon


class Build(Protocol):
    """A builder of random economies."""

    def __call__(
        self, generator: Generator, agents: int, signals: int, decisions: int, discount: float, *, sticky: float = 0.0
    ) -> TableEnvironment: ...


def agrees(environment: TableEnvironment, tolerance: float = 1e-8) -> None:
    """Same values everywhere, same decision wherever it is not nearly a tie."""
    value, policy = quantecon(environment)
    ours = plan(environment)
    np.testing.assert_allclose(ours.value[0].reshape(-1), value, rtol=0, atol=tolerance)
    clear = ours.gap[0].reshape(-1) > 1e-6
    assert clear.any()
    assert ours.policy[0].reshape(-1)[clear].tolist() == policy[clear].tolist()


# Infinite horizons.


@given(SEEDS, st.integers(1, 3), st.integers(2, 3), st.integers(2, 4), st.floats(0.05, 0.97))
def test_joint_economies_agree_with_quantecon(
    seed: int, agents: int, signals: int, decisions: int, discount: float
) -> None:
    agrees(joint_economy(np.random.default_rng(seed), agents, signals, decisions, discount))


@given(SEEDS, st.integers(1, 3), st.integers(2, 4), st.integers(2, 4), st.floats(0.05, 0.97))
def test_independent_economies_agree_with_quantecon(
    seed: int, agents: int, signals: int, decisions: int, discount: float
) -> None:
    agrees(independent_economy(np.random.default_rng(seed), agents, signals, decisions, discount))


@pytest.mark.parametrize("dense", [1, 1500])
@pytest.mark.parametrize("build", [joint_economy, independent_economy])
@pytest.mark.parametrize("seed", range(3))
def test_slow_mixing_and_patience_agree_with_quantecon(
    monkeypatch: pytest.MonkeyPatch, build: Build, dense: int, seed: int
) -> None:
    """δ = 0.999 and signals that hardly move: value iteration given up, policies are evaluated by GMRES or directly."""
    monkeypatch.setattr(planner, "DENSE", dense)
    monkeypatch.setattr(planner, "SWEEPS", 3)
    evaluated = _count(monkeypatch, "_evaluate")
    iterated = _count(monkeypatch, "gmres", scipy.sparse.linalg)
    agrees(build(np.random.default_rng(seed), 2, 4, 3, 0.999, sticky=0.98))
    assert len(evaluated) >= 2
    assert bool(iterated) == (dense == 1 or build is independent_economy)


def test_a_direct_solve_takes_over_where_gmres_gets_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    # Signals that walk round circles of 13 and 11: an orbit of 143 profiles, too long for restarted GMRES.
    stuck = _count(monkeypatch, "gmres", scipy.sparse.linalg)
    generator = np.random.default_rng(1)
    circles = [np.stack([np.roll(np.eye(k), 1 + a, axis=1) for a in range(2)]) for k in (13, 11)]
    environment = from_arrays(generator.normal(size=(2, 2, 13, 11)), circles, np.full((13, 11), 1 / 143), 0.999)
    agrees(environment, tolerance=1e-7)
    assert any(info > 0 for _, info in stuck)
    assert plan(environment).bound < 1e-6


def test_policy_iteration_never_expands_an_independent_kernel_over_all_decisions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(_: IndependentKernel) -> FloatArray:
        raise AssertionError("the product over agents was formed")

    monkeypatch.setattr(IndependentKernel, "rows", forbidden)
    assert plan(independent_economy(np.random.default_rng(0), 4, 5, 3, 0.999, sticky=0.99)).bound < 1e-6


# The stated bound.


@pytest.mark.parametrize("build", [joint_economy, independent_economy])
@pytest.mark.parametrize(("discount", "sticky"), [(0.5, 0.0), (0.9, 0.5), (0.999, 0.98)])
def test_the_bound_holds_against_exact_rational_values(build: Build, discount: float, sticky: float) -> None:
    for seed in range(3):
        environment = build(np.random.default_rng(seed), 2, 2, 2, discount, sticky=sticky)
        ours = plan(environment)
        errors = [
            abs(Fraction(v) - w) for v, w in zip(ours.value[0].ravel().tolist(), exact_values(environment), strict=True)
        ]
        assert max(errors) <= Fraction(ours.bound)
        assert ours.bound < 1e-7


@pytest.mark.parametrize("sweeps", [1, 2, 5, 20])
def test_the_bound_holds_when_iteration_is_cut_short(monkeypatch: pytest.MonkeyPatch, sweeps: int) -> None:
    """Planted: plain value iteration stopped early and no policy iteration. The bound must own up to it."""
    monkeypatch.setattr(planner, "SWEEPS", sweeps)
    monkeypatch.setattr(planner, "Anderson", lambda: Anderson(depth=0))
    monkeypatch.setattr(planner, "_policy_iteration", lambda _problem, guess: guess)
    for seed in range(5):
        environment = joint_economy(np.random.default_rng(seed), 2, 2, 2, 0.95, sticky=0.9)
        ours = plan(environment)
        error = np.abs(ours.value[0].ravel() - quantecon(environment)[0]).max()
        assert 1e-4 < error <= ours.bound


def test_the_bound_holds_whatever_acceleration_proposes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: every step goes astray."""
    generator = np.random.default_rng(0)
    monkeypatch.setattr(Anderson, "step", lambda _self, _point, image: image + generator.normal(size=image.shape))
    monkeypatch.setattr(planner, "_policy_iteration", lambda _problem, guess: guess)
    for seed in range(5):
        environment = joint_economy(np.random.default_rng(seed), 2, 2, 2, 0.95, sticky=0.9)
        ours = plan(environment)
        error = np.abs(ours.value[0].ravel() - quantecon(environment)[0]).max()
        assert 1e-4 < error <= ours.bound


@pytest.mark.parametrize("build", [joint_economy, independent_economy])
def test_acceleration_saves_most_sweeps_and_changes_no_value(monkeypatch: pytest.MonkeyPatch, build: Build) -> None:
    environment = build(np.random.default_rng(3), 3, 4, 3, 0.98, sticky=0.9)
    sweeps = []
    for depth in (0, 8):
        with monkeypatch.context() as patch:
            patch.setattr(planner, "SWEEPS", 5000)
            patch.setattr(planner, "Anderson", lambda depth=depth: Anderson(depth))
            counted = _count(patch, "centre", planner._Stationary)
            solved = planner._solve(environment, None)
        sweeps.append(len(counted))
        np.testing.assert_allclose(solved.value[0].reshape(-1), quantecon(environment)[0], rtol=0, atol=1e-8)
    assert sweeps[1] < sweeps[0] / 3


# What does not fit.


def test_a_plan_that_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    once = independent_economy(np.random.default_rng(0), 2, 3, 4, 0.9)
    long = TableEnvironment("patience", once.agents, once.prior, once.stages, 0.9, 10**6)
    monkeypatch.setattr(memory, "room", lambda: 400e6)
    # A million periods × 9 profiles × (4 qualities, policy, value, gap) of 8 bytes.
    with pytest.raises(Refusal, match=r"^the plan of environment 'patience' would need 504 MB, more than the 400 MB"):
        plan(long)
    monkeypatch.setattr(memory, "room", lambda: 8 * planner.numbers_needed(once) - 1)
    with pytest.raises(Refusal, match=r"^the plan of environment 'arrays' would need"):
        plan(once)
    monkeypatch.setattr(memory, "room", lambda: 8 * planner.numbers_needed(once))
    assert plan(once).bound < 1e-9


@pytest.mark.parametrize("build", [joint_economy, independent_economy])
@pytest.mark.parametrize("sweeps", [0, 100])
def test_a_plan_takes_no_more_than_it_says(monkeypatch: pytest.MonkeyPatch, build: Build, sweeps: int) -> None:
    monkeypatch.setattr(planner, "SWEEPS", sweeps)  # 0: by policy iteration
    joint = build is joint_economy
    environment = build(np.random.default_rng(0), 3 if joint else 4, 12 if joint else 10, 3, 0.99, sticky=0.9)
    tracemalloc.start()
    try:
        plan(environment)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 8 * planner.numbers_needed(environment) + 100_000


# Plans are kept, and nobody can spoil them.


def test_a_plan_is_kept_as_long_as_its_environment() -> None:
    environment = joint_economy(np.random.default_rng(0), 2, 2, 2, 0.5)
    assert plan(environment) is plan(environment, without=None)
    assert plan(environment, without=0) is not plan(environment)
    kept = weakref.ref(plan(environment))
    assert kept() is not None
    del environment
    gc.collect()
    assert kept() is None


def test_a_plan_cannot_be_written_to() -> None:
    ours = plan(joint_economy(np.random.default_rng(0), 2, 2, 2, 0.5))
    for table in (ours.policy[0], ours.value[0], ours.quality[0], ours.gap[0]):
        with pytest.raises(ValueError, match="read-only"):
            table[0, 0] = 1


@pytest.mark.parametrize("horizon", [None, 2])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_efficient_decisions_that_tie_are_counted(horizon: int | None, unit: float) -> None:
    # One object, kept or given to one of two who value it at 0 or 1 unit: at (0, 0) all three tie, at (1, 1) two do.
    worth = np.zeros((2, 3, 2, 2))
    worth[0, 1], worth[1, 2] = np.array([[0.0, 0.0], [1.0, 1.0]]) * unit, np.array([[0.0, 1.0], [0.0, 1.0]]) * unit
    law = np.full((3, 2, 2, 2, 2), 0.25)
    periods = 1 if horizon is None else horizon
    assert plan(from_arrays(worth, law, np.full((2, 2), 0.25), 0.5, horizon=horizon)).ties == (2 * periods, 4 * periods)
    worth[1, 2] *= 1 + 1e-6
    assert plan(from_arrays(worth, law, np.full((2, 2), 0.25), 0.5, horizon=horizon)).ties == (periods, 4 * periods)


# Helpers.


def _count(monkeypatch: pytest.MonkeyPatch, name: str, owner: object = planner) -> list[tuple[FloatArray, int]]:
    """Record what a function of the planner returned, call by call."""
    original = getattr(owner, name)
    returned: list[tuple[FloatArray, int]] = []

    def recorded(*args: object, **kwargs: object) -> tuple[FloatArray, int]:
        returned.append(original(*args, **kwargs))
        return returned[-1]

    monkeypatch.setattr(owner, name, recorded)
    return returned


def exact_values(environment: TableEnvironment) -> list[Fraction]:
    """W by policy iteration in rational arithmetic on the very numbers of the arrays: no rounding at all."""
    decisions, size = len(environment.stage(0).decisions), environment.stage(0).size
    discount = Fraction(environment.discount)
    utility = environment.stage(0).utility.reshape(-1, decisions, size)
    reward = [
        [sum(map(Fraction, utility[:, a, s].tolist()), Fraction(0)) for s in range(size)] for a in range(decisions)
    ]
    law = _exact_law(environment)
    policy = [0] * size
    while True:
        rows = [
            [Fraction(int(s == y)) - discount * law[policy[s]][s][y] for y in range(size)] + [reward[policy[s]][s]]
            for s in range(size)
        ]
        value = _eliminate(rows)
        quality = [
            [
                reward[a][s] + discount * sum((p * v for p, v in zip(law[a][s], value, strict=True)), Fraction(0))
                for a in range(decisions)
            ]
            for s in range(size)
        ]
        better = [max(range(decisions), key=lambda a, q=q: q[a]) for q in quality]  # type: ignore[misc]
        if all(quality[s][better[s]] == quality[s][policy[s]] for s in range(size)):
            return value
        policy = better


def _exact_law(environment: TableEnvironment) -> list[list[list[Fraction]]]:
    """The law as rational numbers; the factors of an independent kernel are multiplied without rounding."""
    kernel, decisions = environment.kernel(0), range(len(environment.stage(0).decisions))
    if isinstance(kernel, JointKernel):
        flat = kernel.table.reshape(len(decisions), environment.stage(0).size, -1).tolist()
        return [[[Fraction(p) for p in row] for row in table] for table in flat]
    law = []
    for a in decisions:
        first, second = ([[Fraction(p) for p in row] for row in f[a].tolist()] for f in kernel.factors)
        law.append([[p * q for p in one for q in two] for one in first for two in second])
    return law


def _eliminate(rows: list[list[Fraction]]) -> list[Fraction]:
    """Gauss–Jordan elimination of an augmented matrix."""
    size = len(rows)
    for k in range(size):
        pivot = next(r for r in range(k, size) if rows[r][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for r in range(size):
            if r != k and rows[r][k] != 0:
                rows[r] = [x - rows[r][k] * y for x, y in zip(rows[r], rows[k], strict=True)]
    return [row[-1] for row in rows]
