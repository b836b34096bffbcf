"""Intervals of what a tournament estimates: standard errors, and the bootstrap of gains and regrets.

A draw weighs the same batches of episodes alike in every cell (Poisson weights of mean 1), so that differences of cells
stay paired. The largest of several estimates is biased upwards, so the interval of a regret is that of the largest of
several means: with gains g_m, estimates ĝ_m of standard error σ_m, and c the 95 % quantile of max_m |ĝ*_m − ĝ_m| / σ_m
over bootstrap draws ĝ*, all g_m lie within ĝ_m ± c σ_m together in 95 % of samples, and hence max g_m between
max(ĝ_m − c σ_m) and max(ĝ_m + c σ_m).
"""

from collections.abc import Sequence

import numpy as np

from dynmech.experiments.runs.moments import LEVEL
from dynmech.sim.core.arrays import FloatArray

DRAWS = 400
"""Bootstrap draws."""


def resampled_means(batches: Sequence[FloatArray], seed: int) -> FloatArray:
    """Return the mean of every cell's batches in every bootstrap draw, `(DRAWS, cells)`."""
    longest = max(len(batch) for batch in batches)
    weights = np.random.default_rng(seed).poisson(1.0, (DRAWS, longest)).astype(np.float64)
    out = np.empty((DRAWS, len(batches)))
    for k, batch in enumerate(batches):
        mine = weights[:, : len(batch)]
        total = mine.sum(axis=1)
        out[:, k] = np.where(total > 0, mine @ batch / np.maximum(total, 1), batch.mean())
    return out


def simultaneous_band(point: FloatArray, draws: FloatArray, scale: float) -> FloatArray:
    """Return half the width `(m,)` of a band that holds all of several gains together in 95 % of samples.

    Args:
        point: their estimates, `(m,)`.
        draws: the same in every bootstrap draw, `(m, DRAWS)`.
        scale: the largest payoff in size; a spread that is nothing beside it is none.
    """
    error: FloatArray = draws.std(axis=1)
    wide = error > 1e-12 * scale
    if not wide.any():
        return np.zeros_like(error)
    off = np.abs(draws - point[:, None])[wide] / error[wide, None]
    return error * float(np.quantile(off.max(axis=0), LEVEL))


def standard_error(batches: FloatArray) -> float:
    """Return the standard error of a mean of batches; infinite for fewer than two."""
    return float(batches.std(ddof=1) / np.sqrt(len(batches))) if len(batches) > 1 else float("inf")
