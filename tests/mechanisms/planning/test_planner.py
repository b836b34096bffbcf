"""The planner against QuantEcon, exact rational arithmetic and enumeration of every policy."""

import gc
import tracemalloc
import weakref
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import Protocol

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, strategies as st
from numpy.random import Generator

from dynmech.mechanisms.planning import planner
from dynmech.mechanisms.planning.anderson import Anderson
from dynmech.mechanisms.planning.planner import flow_welfare, plan
from dynmech.sim.core import memory_budget as memory
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

SEEDS = st.integers(0, 2**32 - 1)


class Build(Protocol):
    """A builder of random economies."""

    def __call__(
        self, generator: Generator, agents: int, signals: int, decisions: int, discount: float, *, sticky: float = 0.0
    ) -> TableEnvironment: ...


def joint_economy(
    generator: Generator, agents: int, signals: int, decisions: int, discount: float, *, sticky: float = 0.0
) -> TableEnvironment:
    """Random welfare and any correlation; with probability `sticky` nothing moves."""
    axes, size = (signals,) * agents, signals**agents
    laws = (1 - sticky) * generator.dirichlet(np.ones(size), (decisions, size)) + sticky * np.eye(size)
    utility = generator.normal(size=(agents, decisions, *axes))
    return from_arrays(utility, laws.reshape(decisions, *axes, *axes), np.full(axes, 1 / size), discount)


def independent_economy(
    generator: Generator, agents: int, signals: int, decisions: int, discount: float, *, sticky: float = 0.0
) -> TableEnvironment:
    """Random welfare, signals that move independently."""
    axes = (signals,) * agents
    factors = [
        (1 - sticky) * generator.dirichlet(np.ones(signals), (decisions, signals)) + sticky * np.eye(signals)
        for _ in range(agents)
    ]
    utility = generator.normal(size=(agents, decisions, *axes))
    return from_arrays(utility, factors, np.full(axes, 1 / signals**agents), discount)


def dense_law(environment: TableEnvironment) -> FloatArray:
    """P(θ′ | a, θ) `(D, S, S)`: Kronecker products of the agents' own tables, or the joint table as it is."""
    kernel = environment.kernel(0)
    if isinstance(kernel, JointKernel):
        return kernel.table.reshape(len(environment.stage(0).decisions), environment.stage(0).size, -1)
    return np.stack(
        [reduce(np.kron, [f[a] for f in kernel.factors]) for a in range(len(environment.stage(0).decisions))]
    )


def quantecon(environment: TableEnvironment, welfare: FloatArray | None = None) -> tuple[FloatArray, IntArray]:
    """Values and policy by QuantEcon's policy iteration, flat; `welfare` `(D, S)` is Σ u unless given."""
    from quantecon.markov import DiscreteDP  # here: it takes seconds to import, in every worker that collects tests

    decisions = len(environment.stage(0).decisions)
    reward = environment.stage(0).utility.sum(axis=0).reshape(decisions, -1) if welfare is None else welfare
    problem = DiscreteDP(reward.T.copy(), dense_law(environment).transpose(1, 0, 2).copy(), environment.discount)
    solved = problem.solve(method="policy_iteration")
    return np.asarray(solved.v), np.asarray(solved.sigma)


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
