"""Transfers by brackets of the rivals' next signals: how close they come to a target, and at what size.

[0, 1] is cut into M equal brackets, so the rivals' next signals fall into one of Y = M^{N−1} boxes. For one agent, one
decision and one profile o of the others, F[y, n] = P(box y | a, (t_n, o)) at own signals t_0, …, t_{T−1}, and v(n) is a
target. A transfer p(y) misses it by at most ε where |v − δ F′p| ≤ ε. Three ways to choose p:

    ridge:      (F F′ + λ I) p = F v / δ, least squares held down by λ;
    bounded:    the least ε with |p| ≤ B, a linear program;
    one-sided:  a transfer for every report r: the least ε with v_r ≤ δ F_r·p ≤ v_r + ε, δ F_k·p ≥ v_k for every k, and
                |p| ≤ B: truth pays at most ε too much, a lie never too little.

Source: Liu 2014, §5, Lemmas 5.1 and 5.2 (with ε on the other side of the target in Lemma 5.1, as continuity in the
signal asks for); McAfee–Reny 1992.
"""

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import scale_of


def ridge(probabilities: FloatArray, target: FloatArray, discount: float, weight: float) -> FloatArray:
    """Return p `(Y,)` of ridge regression from F `(Y, T)` and v `(T,)`.

    >>> ridge(np.eye(2), np.array([1.0, 2.0]), 0.5, 0.0).tolist()
    [2.0, 4.0]
    """
    gram = probabilities @ probabilities.T + weight * np.eye(len(probabilities))
    if weight == 0:
        return np.asarray(np.linalg.lstsq(probabilities.T, target / discount)[0], dtype=np.float64)
    return np.asarray(np.linalg.solve(gram, probabilities @ target / discount), dtype=np.float64)


def bounded(probabilities: FloatArray, target: FloatArray, discount: float, bound: float) -> FloatArray:
    """Return p `(Y,)` within ±B that misses v least.

    >>> p = bounded(np.eye(2), np.array([1.0, 2.0]), 1.0, 1.5)
    >>> float(np.abs(p - [1.0, 2.0]).max())
    0.5
    """
    boxes, points = probabilities.shape
    hit, miss = discount * probabilities.T, np.ones((points, 1))
    rows = np.block([[hit, -miss], [-hit, -miss]])
    return _solve(rows, np.concatenate([target, -target]), boxes, bound)


def one_sided(probabilities: FloatArray, target: FloatArray, discount: float, bound: float) -> FloatArray:
    """Return p `(Y, T)` within ±B, a column for every report.

    Where B is too small even for lies to pay enough, what they pay too little is the first thing to be made small; and
    of transfers that do as well, one is taken under which no lie pays much too much: between two reports it then does
    not pay much too much to tell the truth.
    """
    boxes, points = probabilities.shape
    hit = discount * probabilities.T
    out = np.empty((boxes, points))
    for report in range(points):
        truth = _with_slack(hit[[report]], 0)
        rows = np.concatenate([truth, _with_slack(-hit, 1), _with_slack(hit, 2)])
        right = np.concatenate([target[[report]], -target, target])
        out[:, report] = _solve(rows, right, boxes, bound, costs=(1.0, 1e3, 1e-3))
    return out


def _with_slack(rows: FloatArray, which: int) -> FloatArray:
    """Append three slack variables to the rows, of which number `which` takes part."""
    return np.concatenate([rows, -np.eye(3)[[which] * len(rows)]], axis=1)


def _solve(
    rows: FloatArray, right: FloatArray, boxes: int, bound: float, costs: tuple[float, ...] = (1.0,)
) -> FloatArray:
    """Solve min costs·slack over |p| ≤ B, slack ≥ 0 with rows·(p, slack) ≤ right; return p.

    The solver's tolerances are absolute, so the program is in units of the largest target.
    """
    from scipy.optimize import linprog

    unit = scale_of(right)
    objective = np.concatenate([np.zeros(boxes), costs])
    limits = [(-bound / unit, bound / unit)] * boxes + [(0.0, None)] * len(costs)
    solution = linprog(objective, A_ub=rows, b_ub=right / unit, bounds=limits, method="highs")
    assert solution.x is not None, "p = 0 with enough slack is always feasible"
    return np.asarray(solution.x[:boxes], dtype=np.float64) * unit
