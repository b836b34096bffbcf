"""Contingent transfers solved many at a time, beside a loop over the usual call.

The systems are those of a mechanism: beliefs of an agent with K signals about Y profiles of the others, one system per
decision, others' profile and, for lotteries, report.
"""

from collections.abc import Callable
from statistics import median

import numpy as np
from scipy.optimize import linprog

from benchmarks.base import Row, cpu_seconds, paired
from dynmech.mechanisms.numerics.min_max_lp import smallest_transfers
from dynmech.mechanisms.numerics.targets import convex_solution, spanning_solution
from dynmech.sim.core.arrays import FloatArray, IntArray

SIZES = ((4, 2), (9, 3), (16, 4))
"""(Y, K): three agents with two, three and four signals."""

TOLERANCE = 1e-8
"""Difference of the two sides' largest payments that is rounding, relative to theirs."""


def measure(pairs: int) -> list[Row]:
    """Smallest and least-norm transfers per CPU second; the explicit lotteries, beside nothing."""
    rows = []
    for size in SIZES:
        rows.append(_programs(size, pairs))
    for size in SIZES:
        rows += [_least_norm(size, pairs), _explicit(size, pairs)]
    return rows


def _systems(size: tuple[int, int], count: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Discounted beliefs `(n, Y, K)`, targets `(n, K)`, reports `(n,)`."""
    rng = np.random.Generator(np.random.Philox(key=1))
    matrices = 0.9 * np.swapaxes(rng.dirichlet(np.ones(size[0]), (count, size[1])), 1, 2)
    return matrices, rng.uniform(-1, 1, (count, size[1])), rng.integers(0, size[1], count)


def _programs(size: tuple[int, int], pairs: int) -> Row:
    many, few = 4000, 200
    matrices, target, report = _systems(size, many)
    ours = np.abs(smallest_transfers(matrices[:few], target[:few], report[:few])).max(axis=1)
    theirs = _loop(matrices[:few], target[:few], report[:few])
    assert np.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE), "the two sides disagree"
    return _row(
        f"linear programs, {size[0]} × {size[1]}",
        (lambda: smallest_transfers(matrices, target, report), many),
        ("a loop over scipy.optimize.linprog", lambda: _loop(matrices[:few], target[:few], report[:few]), few),
        pairs,
        5,
    )


def _loop(matrices: FloatArray, target: FloatArray, report: IntArray) -> FloatArray:
    """min max|p| of every system, one call each, bounds on p as rows."""
    rows, width = matrices.shape[1:]
    cost = np.append(np.zeros(rows), 1.0)
    box = np.hstack([np.vstack([np.eye(rows), -np.eye(rows)]), np.full((2 * rows, 1), -1.0)])
    out = np.empty(len(matrices))
    for j, (matrix, v, r) in enumerate(zip(matrices, target, report, strict=True)):
        others = np.arange(width) != r
        above = np.hstack([-matrix[:, others].T, np.zeros((width - 1, 1))])
        found = linprog(
            cost,
            A_ub=np.vstack([above, box]),
            b_ub=np.append(-v[others], np.zeros(2 * rows)),
            A_eq=np.append(matrix[:, r], 0.0)[None],
            b_eq=v[[r]],
            bounds=(None, None),
        )
        out[j] = found.fun
    return out


def _least_norm(size: tuple[int, int], pairs: int) -> Row:
    count = 4000
    matrices, target, _ = _systems(size, count)

    def loop() -> None:
        for matrix, v in zip(matrices, target, strict=True):
            np.linalg.lstsq(matrix.T, v, rcond=None)

    return _row(
        f"least-norm transfers, {size[0]} × {size[1]}",
        (lambda: spanning_solution(matrices, target[..., None]), count),
        ("a loop over numpy.linalg.lstsq", loop, count),
        pairs,
        1,
    )


def _explicit(size: tuple[int, int], pairs: int) -> Row:
    count = 4000
    matrices, target, report = _systems(size, count)
    convex_solution(matrices, target, report)  # once before it counts
    seconds = median(cpu_seconds(lambda: convex_solution(matrices, target, report)) for _ in range(pairs))
    return Row(
        work=f"explicit lotteries, {size[0]} × {size[1]}",
        ours=count / seconds,
        unit="systems / s",
        beside="",
        theirs=None,
        ratio=None,
        aim="a hundred thousand in ten seconds",
        met=count / seconds >= 10_000,
    )


Work = Callable[[], object]


def _row(work: str, ours: tuple[Work, int], theirs: tuple[str, Work, int], pairs: int, aim: float) -> Row:
    """Rates of both sides, each on as many systems as it is given; the aim is a ratio of rates."""
    (mine, many), (beside, yours, few) = ours, theirs
    quick, slow, ratio = paired(mine, yours, pairs)
    times = ratio * many / few
    wanted = f"at least {aim:g} times the rate" if aim > 1 else "faster"
    return Row(work, many / quick, "systems / s", beside, few / slow, times, wanted, times >= aim)
