"""Draws that are spread evenly: each is uniform, together they cover [0, 1) in equal cells (a Latin hypercube).

A mean over such draws has the right expectation, as each of them has, and is mostly much nearer to it than a mean over
independent ones: for smooth functions of one number its error falls as K^(−3/2), with jumps as 1/K.

Source: McKay, Beckman and Conover 1979.
"""

from dynmech.sim.core.arrays import FloatArray


def spread(places: FloatArray, inside: FloatArray, parts: int) -> FloatArray:
    """Return uniform numbers `(n, K, C)`: in each of `parts` equal parts of the K, a Latin hypercube of its own.

    So the parts are independent of each other, and means over them of each other's errors.

    Args:
        places: independent uniform numbers whose ranks decide the cells, `(n, K, C)`.
        inside: independent uniform numbers that decide the place inside of a cell, likewise.
        parts: a divisor of K.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> made = spread(rng.random((1, 4, 1)), rng.random((1, 4, 1)), 1)
    >>> sorted((made[0, :, 0] * 4).astype(int).tolist())
    [0, 1, 2, 3]
    """
    n, count, columns = places.shape
    cells = count // parts
    ranks = places.reshape(n, parts, cells, columns).argsort(axis=2).argsort(axis=2)
    out: FloatArray = (ranks + inside.reshape(ranks.shape)) / cells
    return out.reshape(n, count, columns)
