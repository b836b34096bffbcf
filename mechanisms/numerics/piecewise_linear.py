"""The linear pieces of convex functions that are known by value and slope at any point, many functions at once.

Tangents at the ends of an interval meet at a point; where the function lies on both tangents there, that is its one
kink in the interval; else both halves are searched. Every round evaluates all intervals of all functions in one call.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import scale_of

FLAT = 1e-13
"""Distance from a tangent, relative to the largest value, up to which a point lies on it."""

MOST = 2_000_000
"""Evaluations before giving up."""

Evaluate = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]
"""(points `(n,)`, which function `(n,)`) to values and slopes, `(n,)` each."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Linear pieces on [low, high] with their slopes and the function that each belongs to; `(p,)` each."""

    low: FloatArray
    high: FloatArray
    slope: FloatArray
    which: IntArray


def convex_pieces(evaluate: Evaluate, low: FloatArray, high: FloatArray) -> Pieces:
    """Return all linear pieces of functions 0, …, n − 1 on [low_k, high_k].

    Raises:
        Refusal: there are too many.
    """
    which = np.flatnonzero(high > low)
    left, right = (
        np.stack([at[which], *evaluate(at[which], which)]) for at in (low, high)
    )  # point, value and slope at either end
    scale = scale_of(left[1], right[1])
    pieces: list[tuple[FloatArray, FloatArray, FloatArray, IntArray]] = []
    evaluations = 2 * len(which)
    while len(which):
        bend = right[2] - left[2]
        straight = bend * (right[0] - left[0]) <= FLAT * scale
        pieces.append((left[0][straight], right[0][straight], right[2][straight], which[straight]))
        left, right, which, bend = left[:, ~straight], right[:, ~straight], which[~straight], bend[~straight]
        if not len(which):
            break
        meet = (right[1] - right[2] * right[0] - left[1] + left[2] * left[0]) / -bend
        meet = np.clip(meet, left[0], right[0])
        value, slope = evaluate(meet, which)
        evaluations += len(which)
        if evaluations > MOST:
            raise Refusal(f"a convex function has too many kinks: {evaluations:,} points were not enough")
        kink = value - (left[1] + left[2] * (meet - left[0])) <= FLAT * scale
        pieces.append((left[0][kink], meet[kink], left[2][kink], which[kink]))
        pieces.append((meet[kink], right[0][kink], right[2][kink], which[kink]))
        middle = np.stack([meet, value, slope])[:, ~kink]
        left, right = (
            np.concatenate([left[:, ~kink], middle], axis=1),
            np.concatenate([middle, right[:, ~kink]], axis=1),
        )
        which = np.concatenate([which[~kink]] * 2)
    columns = [np.concatenate([piece[k] for piece in pieces]) if pieces else np.zeros(0) for k in range(4)]
    return Pieces(columns[0], columns[1], columns[2], columns[3].astype(np.intp))
