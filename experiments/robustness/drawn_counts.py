"""Counts drawn from a known law of motion: n transitions a row, the same for every mechanism that is compared."""

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.counts import Counts, Tables
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel

SCOPE = "estimates"
"""Of these draws; runs with the same seed use other numbers."""


def draw_counts(
    environment: TableEnvironment, draws: int, seed: int, replication: int, *, joint: bool, smoothing: float = 0.0
) -> Counts:
    """Return the counts of `draws` transitions out of every row of every stage.

    They follow from seed, number of draws and replication alone. Where axes are estimated each by itself, every axis
    has as many draws out of each of its own rows.
    """
    key = Streams(seed, SCOPE, replication, 1, 1).key(str(draws))
    generator = np.random.Generator(np.random.Philox(key=key))
    stages: list[Tables | None] = []
    for stage in environment.stages:
        kernel = stage.kernel
        laws = [] if kernel is None else _rows(kernel, joint)
        tables = tuple(
            generator.multinomial(draws, law / law.sum(-1, keepdims=True)).astype(np.float64) for law in laws
        )
        stages.append(tables if kernel is not None else None)
    return Counts(tuple(stages), joint, smoothing)


def _rows(kernel: JointKernel | IndependentKernel, joint: bool) -> list[FloatArray]:
    """Return the laws that are drawn from: of the next profile, or of each axis given that axis."""
    if joint:
        return [kernel.rows()]
    assert isinstance(kernel, IndependentKernel)
    return list(kernel.factors)
