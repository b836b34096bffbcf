"""Spanning and convex independence: what the others' next signals tell about one's own.

M^i(a, o) has a column per own signal k of agent i: the law of the others' next signals after decision a, signal k and
the others' profile o. *Spanning*: the columns are linearly independent. *Convex independence*: none is a mixture of the
others.

Source: Liu 2014 and 2025, see `dynmech.mechanisms.contingent.contingent`.
"""

from functools import partial

import numpy as np

from dynmech.mechanisms.conditions.places import NamedPlace, distinct_periods, place_of
from dynmech.mechanisms.numerics.hulls import nearest_mixtures
from dynmech.mechanisms.numerics.solvers import mixture_text
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import Best, figure, null_vector, rank
from dynmech.sim.economy.beliefs import alike_for_all, belief_matrices
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import FactoredLaw, law_of_motion


def spanning(environment: TableEnvironment) -> Condition:
    """Check rank M^i(a, o) = K_i everywhere; the value is the least singular value σ, and 1/σ the norm of M⁺.

    Where it fails, the note has signals' weights (not all 0) with which what the others may say next adds up to 0.
    """
    worst, by_period = Best[NamedPlace](1.0), dict[int, float]()
    for t in distinct_periods(environment, with_next=True):
        for i in range(len(environment.agents)):
            matrices = _distinct_matrices(environment, t, i)
            width = matrices.shape[-1]
            if width == 1:
                continue
            values = np.linalg.svd(matrices, compute_uv=False)
            least = values[..., -1] if matrices.shape[-2] >= width else np.zeros(values.shape[:-1])
            by_period[t] = min(by_period.get(t, np.inf), float(least.min()))
            worst.offer_all(-least, partial(_spanned, environment, t, i, matrices))
    where, note = worst.named or ({}, "")
    value = 0.0 - worst.value
    return Condition("spanning", _unless_empty(value), value if where else 0.0, where, note + _periods(by_period))


def _spanned(environment: TableEnvironment, t: int, agent: int, matrices: FloatArray, k: int) -> NamedPlace:
    """Return where the k-th belief matrix stands, and its rank in words."""
    at = tuple(int(x) for x in np.unravel_index(k, matrices.shape[:2]))
    return place_of(environment, t, agent, *at), _span(matrices[at], environment.stage(t).signals[agent])


def _span(matrix: FloatArray, labels: tuple[str, ...]) -> str:
    """Return in words rank and norm of the pseudo-inverse, or the weights with which the columns add up to 0."""
    _, values, right = np.linalg.svd(matrix)
    known = rank(values)
    if known == len(labels):
        return f"rank {known} of {len(labels)}, norm of the pseudo-inverse {1 / values[-1]:.6g}"
    shown = mixture_text(null_vector(right[known:]), labels)
    return f"rank {known} of {len(labels)}, norm of the pseudo-inverse infinite: {shown} cancel"


def _periods(by_period: dict[int, float]) -> str:
    """Return in words the worst value of each period, where there are several."""
    if len(by_period) < 2:
        return ""
    return "; " + ", ".join(f"period {t}: {figure(value, 4)}" for t, value in by_period.items())


def convex_independence(environment: TableEnvironment) -> Condition:
    """Check that no column of M^i(a, o) lies in the convex hull of the others; the value is the least distance ε.

    The note has the nearest mixture of other columns: where the condition fails, one that is the column itself.
    """
    worst, by_period = Best[NamedPlace](1.0), dict[int, float]()
    for t in distinct_periods(environment, with_next=True):
        for i in range(len(environment.agents)):
            distance, mixtures = hull_distances(environment, t, i)
            by_period[t] = min(by_period.get(t, np.inf), float(distance.min()))
            worst.offer_all(-distance, partial(_mixed, environment, t, i, mixtures))
    where, note = worst.named or ({}, "")
    value = 0.0 - worst.value
    note += _periods({t: value for t, value in by_period.items() if value < np.inf})
    return Condition("convex independence", _unless_empty(value), value if where else 0.0, where, note)


def _mixed(environment: TableEnvironment, t: int, agent: int, mixtures: FloatArray, n: int) -> NamedPlace:
    """Return where the n-th belief stands, and the nearest mixture of others in words."""
    d, o, k = (int(x) for x in np.unravel_index(n, mixtures.shape[:3]))
    labels = environment.stage(t).signals[agent]
    place = {**place_of(environment, t, agent, d, o), "signal": labels[k]}
    return place, f"nearest mixture of the other signals: {mixture_text(mixtures[d, o, k], labels)}"


def hull_distances(environment: TableEnvironment, t: int, agent: int) -> tuple[FloatArray, FloatArray]:
    """Measure how far each belief about the others' next signals is from mixtures of those after other own signals.

    Returns:
        distances `(D, O_i, K_i)` (∞ where there is one signal only) and the nearest mixtures' weights `(D, O_i, K, K)`;
        D = O_i = 1 where signals move independently and there are many, as all are alike then.
    """
    matrices = _distinct_matrices(environment, t, agent)
    width = matrices.shape[-1]
    flat = np.repeat(matrices.reshape(-1, *matrices.shape[-2:]), width, axis=0)
    distance, weights = nearest_mixtures(flat, np.tile(np.arange(width), len(flat) // width))
    shape = (*matrices.shape[:2], width)
    return distance.reshape(shape), weights.reshape(*shape, width)


def _distinct_matrices(environment: TableEnvironment, t: int, agent: int) -> FloatArray:
    """Return the belief matrices, `(D, O_i, O'_i, K_i)`; only the first, where all are alike and there are many."""
    law = law_of_motion(environment, t)
    alike = alike_for_all(environment, t, agent) if isinstance(law, FactoredLaw) else None
    return belief_matrices(environment, t, agent) if alike is None else alike[None, None]


def _unless_empty(worst: float) -> bool | None:
    """Return whether the worst value is above the tolerance; None where there was nothing to look at."""
    return None if worst == np.inf else bool(worst > TOLERANCE)
