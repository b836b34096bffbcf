"""Anderson acceleration of a fixed-point iteration x ← g(x), as in dynamic programming.

With residuals f_k = g(x_k) − x_k, the next point combines the last m steps so that, were g affine, its residual would
be as small as it can be in their span:

    γ = argmin ‖f_k − ΔF γ‖,     x_{k+1} = g(x_k) − ΔG γ,

ΔF and ΔG the last m differences of residuals and images. On affine maps this is GMRES; a dynamic programme's is affine
as long as the best decisions stay the same. It needs no further evaluation of g. Nothing is promised about any single
step: the caller judges every x by its own bound.

Source: Walker and Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49 (2011), §2.
"""

import numpy as np

from dynmech.sim.core.arrays import FloatArray

DEPTH = 8
"""Steps combined."""

RIDGE = 1e-14
"""Weight that keeps the least-squares problem solvable, relative to the trace of ΔFᵀΔF."""

PIECE = 1 << 10
"""Numbers of a point that are worked on at a time: so few that BLAS wakes no thread, which would mostly spin."""

WORSE = 10.0
"""A residual this many times the least so far throws the past away."""


class Anderson:
    """Anderson acceleration of one iteration, with its last steps; points may have any shape.

    >>> iterate, x = Anderson(), np.zeros(2)
    >>> half = np.array([[0.9, 0.1], [0.0, 0.8]])
    >>> for _ in range(4):
    ...     x = iterate.step(x, half @ x + 1)
    >>> np.round(x, 9).tolist(), np.linalg.solve(np.eye(2) - half, np.ones(2)).round(9).tolist()
    ([15.0, 5.0], [15.0, 5.0])
    """

    def __init__(self, depth: int = DEPTH) -> None:
        self.depth = depth
        self.count = 0
        self.least = np.inf
        self._last: tuple[FloatArray, FloatArray] | None = None

    def step(self, point: FloatArray, image: FloatArray) -> FloatArray:
        """Return the next point, given the last one and its image."""
        from scipy.linalg.lapack import dposv

        residual = (image - point).reshape(-1)
        size = float(np.abs(residual).max(initial=0.0))
        if size > WORSE * self.least:
            self.count, self._last = 0, None
        self.least = min(self.least, size)
        last, self._last = self._last, (residual, image.reshape(-1))
        if last is None or not self.depth:
            return image
        self._remember(residual - last[0], image.reshape(-1) - last[1])
        used = min(self.count, self.depth)
        gram = self._gram[:used, :used].copy()
        diagonal = gram.reshape(-1)[:: used + 1]
        diagonal += RIDGE * diagonal.sum()
        _, weights, failed = dposv(gram, _products(self._residuals[:used], residual))
        if failed:  # there is nothing left to combine
            return image
        return image - _combined(weights, self._images[:used]).reshape(image.shape)

    def _remember(self, residual: FloatArray, image: FloatArray) -> None:
        """Store the latest differences in place of the oldest ones."""
        if self.count == 0:
            self._residuals, self._images = np.empty((2, self.depth, residual.size))
            self._gram = np.zeros((self.depth, self.depth))
        place = self.count % self.depth
        self._residuals[place], self._images[place] = residual, image
        self.count += 1
        used = min(self.count, self.depth)
        self._gram[place, :used] = self._gram[:used, place] = _products(self._residuals[:used], residual)


def _products(rows: FloatArray, vector: FloatArray) -> FloatArray:
    """Return rows `(k, s)` times a vector `(s,)`."""
    out = np.zeros(len(rows))
    for a in range(0, len(vector), PIECE):
        out += rows[:, a : a + PIECE] @ vector[a : a + PIECE]
    return out


def _combined(weights: FloatArray, rows: FloatArray) -> FloatArray:
    """Return weights `(k,)` times rows `(k, s)`."""
    out = np.empty(rows.shape[1])
    for a in range(0, len(out), PIECE):
        np.matmul(weights, rows[:, a : a + PIECE], out=out[a : a + PIECE])
    return out
