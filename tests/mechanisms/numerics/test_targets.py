"""Hulls, least-norm and separating transfers, the small linear programs, and payments for the last period."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.optimize import linprog

from dynmech.mechanisms.numerics.ex_post import (
    ex_post_payments,
    implementing_payments,
    least_payments,
    utility_by_report,
    worst_cycle,
)
from dynmech.mechanisms.numerics.hulls import nearest_mixture, nearest_mixtures
from dynmech.mechanisms.numerics.min_max_lp import shortfall, smallest_transfers
from dynmech.mechanisms.numerics.solvers import make_solver
from dynmech.mechanisms.numerics.targets import convex_solution, spanning_solution
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import random_environment
from tests.builders.generators import generator

seeds = st.integers(0, 10_000)
shapes = st.tuples(st.integers(2, 7), st.integers(2, 5))


def draw(seed: int, count: int, rows: int, columns: int, weight: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Beliefs `(n, Y, K)` with columns that sum to `weight`, and targets `(n, K)`."""
    rng = generator(seed)
    matrices = np.swapaxes(rng.dirichlet(np.ones(rows), (count, columns)), 1, 2)
    return weight * matrices, rng.uniform(-3, 3, (count, columns))


# Hulls


def test_hull_distance_by_a_closed_form() -> None:
    """The midpoint of a segment is in the hull; a point at height h above it is h away."""
    for height in (0.0, 0.25):
        points = np.array([[0.0, 1.0, 0.5], [0.0, 0.0, height]])
        distance, weights = nearest_mixture(points, 2)
        assert distance == pytest.approx(height, abs=1e-15)
        assert weights.tolist() == pytest.approx([0.5, 0.5, 0])
    assert nearest_mixture(np.array([[0.2], [0.8]]), 0)[0] == np.inf


@given(seeds, shapes)
def test_the_nearest_mixture_has_a_separating_hyperplane(seed: int, shape: tuple[int, int]) -> None:
    """w ≥ 0, Σ w = 1, and no other column lies beyond the hyperplane through it: that proves it nearest."""
    matrix = draw(seed, 1, *shape)[0][0]
    for k in range(shape[1]):
        distance, weights = nearest_mixture(matrix, k)
        assert weights.min() >= 0
        assert weights[k] == 0
        assert weights.sum() == pytest.approx(1, abs=1e-14)
        step = matrix[:, k] - matrix @ weights
        assert np.linalg.norm(step) == pytest.approx(distance, abs=1e-14)
        beyond = step @ (matrix - (matrix @ weights)[:, None])
        assert np.delete(beyond, k).max() <= 1e-13


@given(seeds, shapes)
def test_a_mixture_is_no_distance_away(seed: int, shape: tuple[int, int]) -> None:
    matrix = draw(seed, 1, *shape)[0][0]
    weights = generator(seed + 1).dirichlet(np.ones(shape[1] - 1))
    matrix[:, 0] = matrix[:, 1:] @ weights
    assert nearest_mixture(matrix, 0)[0] < 1e-12


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_a_batch_of_hulls_is_one_hull_after_the_other(columns: int) -> None:
    matrices, _ = draw(3, 5, 4, columns)
    report = np.arange(5) % columns
    distance, weights = nearest_mixtures(matrices, report)
    for j in range(5):
        alone = nearest_mixture(matrices[j], int(report[j]))
        assert distance[j] == pytest.approx(alone[0])
        np.testing.assert_allclose(weights[j], alone[1], atol=1e-12)


def test_the_distance_agrees_with_a_fine_grid_of_mixtures() -> None:
    """Another way, to the grid's width: all mixtures of three columns in steps of 1/400."""
    matrix = draw(11, 1, 5, 4)[0][0]
    first, second = np.meshgrid(np.arange(401), np.arange(401), indexing="ij")
    kept = first + second <= 400
    weights = np.stack([first[kept], second[kept], 400 - first[kept] - second[kept]]) / 400
    nearest = np.linalg.norm(matrix[:, [2]] - np.delete(matrix, 2, axis=1) @ weights, axis=0).min()
    assert nearest_mixture(matrix, 2)[0] == pytest.approx(nearest, abs=1e-4)
    assert nearest_mixture(matrix, 2)[0] <= nearest + 1e-12


# Transfers


@given(seeds, shapes)
def test_least_norm_transfers(seed: int, shape: tuple[int, int]) -> None:
    """Whatever the rank: the least-squares solution of least norm, by another route; the bound |p| ≤ |v|/σ_min."""
    matrices, target = draw(seed, 6, *shape)
    matrices[0, :, 1] = matrices[0, :, 0]  # not of full rank
    solution = spanning_solution(matrices, target[..., None])
    for matrix, v, p, residual, least in zip(
        matrices, target, solution.transfers[..., 0], solution.residual[:, 0], solution.singular_value, strict=True
    ):
        expected, *_ = np.linalg.lstsq(matrix.T, v, rcond=1e-11)
        scale = 1 + np.abs(expected).max()
        np.testing.assert_allclose(p, expected, atol=1e-9 * scale * scale)
        assert residual == pytest.approx(np.abs(matrix.T @ p - v).max(), abs=1e-12 * scale)
        if least > 1e-6:
            assert np.linalg.norm(p) <= np.linalg.norm(v) / least * (1 + 1e-9)


@pytest.mark.parametrize("smallest", [False, True])
@given(seeds, shapes, st.sampled_from([1.0, 0.9, 0.9 + 0.81]))
def test_lotteries_that_only_their_own_signal_likes(
    smallest: bool, seed: int, shape: tuple[int, int], weight: float
) -> None:
    """M_r·p = v_r and M_k·p ≥ v_k wherever M_r is no mixture; the explicit one within (1/Δ + 4/d) max|v|."""
    matrices, target = draw(seed, 8, *shape, weight)
    report = generator(seed + 1).integers(0, shape[1], 8)
    solution = convex_solution(matrices, target, report, smallest=smallest)
    costs = np.einsum("nyk,ny->nk", matrices, solution.transfers)
    for j in range(8):
        size = np.abs(solution.transfers[j]).max()
        if solution.distance[j] < 1e-5 or solution.short[j]:
            continue
        assert costs[j, report[j]] == pytest.approx(target[j, report[j]], abs=1e-12 * (1 + size))
        assert (costs[j] - target[j]).min() >= -1e-9 * (1 + size)
        if not smallest:
            largest = np.abs(target[j]).max()
            assert size <= (1 / weight + 4 / solution.distance[j]) * largest * (1 + 1e-9)


@given(seeds, shapes)
def test_the_smallest_transfers_agree_with_one_program_at_a_time(seed: int, shape: tuple[int, int]) -> None:
    """The least largest |p| is unique: 2 Y bounds written out, one program per system."""
    matrices, target = draw(seed, 5, *shape, 0.9)
    report = generator(seed + 1).integers(0, shape[1], 5)
    distance, _ = nearest_mixtures(matrices, report)
    apart = distance > 1e-3
    found = smallest_transfers(matrices[apart], target[apart], report[apart])
    for matrix, v, r, p in zip(matrices[apart], target[apart], report[apart], found, strict=True):
        expected = one_program(matrix, v, int(r))
        assert np.abs(p).max() == pytest.approx(expected, rel=1e-8, abs=1e-9)
        assert np.abs(p).max() <= np.abs(separating(matrix, v, int(r))).max() * (1 + 1e-9)


def one_program(matrix: FloatArray, v: FloatArray, r: int) -> float:
    """min max|p| by scipy, dense, with its own defaults."""
    rows, width = matrix.shape
    others = np.arange(width) != r
    ones, corner = np.ones((rows, 1)), np.eye(rows)
    found = linprog(
        np.append(np.zeros(rows), 1.0),
        A_ub=np.vstack(
            [
                np.hstack([-matrix[:, others].T, np.zeros((width - 1, 1))]),
                np.hstack([corner, -ones]),
                np.hstack([-corner, -ones]),
            ]
        ),
        b_ub=np.concatenate([-v[others], np.zeros(2 * rows)]),
        A_eq=np.append(matrix[:, r], 0.0)[None],
        b_eq=v[[r]],
        bounds=(None, None),
    )
    assert found.status == 0
    return float(found.fun or 0.0)


def separating(matrix: FloatArray, v: FloatArray, r: int) -> FloatArray:
    return convex_solution(matrix[None], v[None], np.array([r])).transfers[0]


def test_zero_targets_cost_nothing_and_a_single_signal_pays_what_it_should() -> None:
    matrices, _ = draw(1, 3, 4, 3)
    report = np.array([0, 1, 2])
    for smallest in (False, True):
        assert not convex_solution(matrices, np.zeros((3, 3)), report, smallest=smallest).transfers.any()
        alone = convex_solution(matrices[:, :, :1], np.full((3, 1), 2.0), np.zeros(3, np.intp), smallest=smallest)
        np.testing.assert_allclose(alone.transfers, 2.0, atol=1e-12)
        assert (alone.distance == np.inf).all()


@given(seeds, st.integers(2, 6), st.integers(3, 5))
def test_a_mixture_is_solved_or_refused_by_the_sign_of_its_target(seed: int, rows: int, columns: int) -> None:
    """M_0 a mixture of the others, v_0 above or below the mixture of theirs: Farkas's alternative, with certificate."""
    matrices, target = draw(seed, 1, rows, columns)
    weights = generator(seed + 1).dirichlet(np.ones(columns - 1))
    matrices[0, :, 0] = matrices[0, :, 1:] @ weights
    worst = mixture_worth(matrices[0], target[0])
    target[0, 0] = worst + 0.2
    solution = convex_solution(matrices, target, np.array([0]))
    costs = matrices[0].T @ solution.transfers[0]
    size = 1 + np.abs(solution.transfers).max()
    assert not solution.short.any()
    assert costs[0] == pytest.approx(target[0, 0], abs=1e-9 * size)
    assert (costs - target[0]).min() >= -1e-9 * size
    target[0, 0] = worst - 0.2
    refused = convex_solution(matrices, target, np.array([0]))
    assert refused.short[0] == pytest.approx(0.2, abs=1e-6)
    mixture = refused.mixture[0]
    assert mixture[0] == 0
    assert mixture.min() >= 0
    np.testing.assert_allclose(matrices[0] @ mixture, matrices[0, :, 0], atol=1e-6)
    assert mixture @ target[0] - target[0, 0] == pytest.approx(0.2, abs=1e-6)
    assert shortfall(matrices[0], target[0], 0)[0] == pytest.approx(0.2, abs=1e-6)


def mixture_worth(matrix: FloatArray, v: FloatArray) -> float:
    """max Σ ξ_k v_k over mixtures ξ of the other columns that give column 0."""
    found = linprog(-v[1:], A_eq=np.vstack([matrix[:, 1:], np.ones(len(v) - 1)]), b_eq=np.append(matrix[:, 0], 1.0))
    assert found.status == 0
    return -float(found.fun or 0.0)


def test_a_program_without_solution_is_named_not_swept_away() -> None:
    """One infeasible program among many: the others are still solved."""
    matrices, target = draw(5, 9, 4, 3)
    report = np.zeros(9, np.intp)
    matrices[4, :, 0] = matrices[4, :, 1:].mean(axis=1)
    target[4] = [-1, 0, 0]
    found = smallest_transfers(matrices, target, report)
    assert np.isnan(found).any(axis=1).tolist() == [j == 4 for j in range(9)]
    rest = np.delete(np.arange(9), 4)
    expected = smallest_transfers(matrices[rest], target[rest], report[rest])
    np.testing.assert_allclose(np.abs(found[rest]).max(axis=1), np.abs(expected).max(axis=1), rtol=1e-9)


def test_all_but_a_mixture_is_solved_or_said_not_to_be() -> None:
    """Beliefs that differ by little: payments that hit, or an infinite shortfall; never numbers that mean nothing."""
    rng = generator(0)
    for apart in (1e-4, 1e-6, 3e-7, 1e-7, 1e-8):
        base = rng.dirichlet(np.ones(4), (60, 1))
        matrices = np.swapaxes((1 - apart) * base + apart * rng.dirichlet(np.ones(4), (60, 3)), 1, 2)
        target, report = rng.uniform(-1, 1, (60, 3)), rng.integers(0, 3, 60)
        for smallest in (False, True):
            solution = convex_solution(matrices, target, report, smallest=smallest)
            done = solution.short == 0
            costs = np.einsum("nyk,ny->nk", matrices, solution.transfers)
            assert np.isfinite(solution.transfers).all()
            assert np.abs(costs - target)[done, report[done]].max(initial=0) < 1e-7
            assert (costs - target)[done].min(initial=0) > -1e-7
            assert done.all() or apart < 1e-5


def test_the_smallest_spanning_transfers_are_not_on_offer() -> None:
    with pytest.raises(InputError, match="smallest is for solver=convex"):
        make_solver("spanning", "smallest")


# The last period


@given(seeds, st.integers(2, 4))
def test_payments_exist_iff_no_cycle_gains(seed: int, width: int) -> None:
    """All simple cycles enumerated; payments checked against every lie; least among those that are nowhere negative."""
    utility = generator(seed).uniform(-1, 1, (3, width, width))
    utility += 1.2 * np.eye(width)  # so that both cases occur
    payments, gains = least_payments(utility)
    for table, paid, gain in zip(utility, payments, gains, strict=True):
        steps = table - np.diag(table)[:, None]
        cycles = [
            sum(steps[c[j], c[(j + 1) % len(c)]] for j in range(len(c)))
            for size in range(2, width + 1)
            for c in permutations(range(width), size)
        ]
        best = max(cycles)
        assert (gain > 1e-12) == (best > 1e-12)
        assert worst_cycle(table)[0] <= max(best, 0) + 1e-12
        if best > 1e-9:
            assert worst_cycle(table)[0] > 1e-9
            continue
        net = table - paid
        assert (net - np.diag(net)[:, None]).max() <= 1e-12
        assert paid.min() == pytest.approx(0, abs=1e-12)
        lowest = linprog(np.ones(width), A_ub=differences(width), b_ub=-steps[~np.eye(width, dtype=bool)])
        assert lowest.fun == pytest.approx(paid.sum(), abs=1e-8)


def differences(width: int) -> FloatArray:
    """Rows p(k) − p(r), one per k ≠ r, C order."""
    rows = []
    for k, r in np.ndindex(width, width):
        if k != r:
            row = np.zeros(width)
            row[k], row[r] = 1, -1
            rows.append(row)
    return np.array(rows)


def test_generalised_vcg_first_and_other_payments_where_it_gives_none() -> None:
    """Signals in another order break the rule, not the payments: 60 stages, one agent's labels shuffled."""
    other = 0
    for seed in range(60):
        environment = random_environment(generator(seed), agents=2, signals=4, decisions=3, interdependence=0.3)
        stage, policy = environment.stage(0), plan(environment).policy[0]
        for i in range(2):
            rule, found = ex_post_payments(stage, i, policy), implementing_payments(stage, i, policy)
            if rule is not None:
                assert found is not None
                np.testing.assert_array_equal(found, rule)
            elif found is not None:
                other += 1
                net = utility_by_report(stage, i, policy) - found[:, None, :]
                assert (net - np.diagonal(net, axis1=1, axis2=2)[:, :, None]).max() <= 1e-9
    assert other >= 5
