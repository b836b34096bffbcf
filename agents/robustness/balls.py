"""Balls around the rows of a law of motion, in L1 and within the nominal support, and the highest expectation in them.

The highest expectation of v over the laws within ρ of μ moves ρ/2 of mass from where v is lowest to where it is
highest: sort, O(S log S).
"""

from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import laws

LARGEST = 2.0


@dataclass(frozen=True, eq=False)
class Ball:
    """A set of laws of motion: every row within its radius of the nominal one, nothing where that has no mass.

    Attributes:
        rows: the nominal law by stage, `(E, S')`, events e = d S + θ; None where no kernel leads on.
        radii: by stage, `(E,)`.
    """

    rows: tuple[FloatArray | None, ...]
    radii: tuple[FloatArray | None, ...]

    @classmethod
    def around(cls, environment: TableEnvironment, radius: float | tuple[FloatArray | None, ...]) -> "Ball":
        """Return the ball of one radius, or of radii `(D, S)` by stage.

        Raises:
            InputError: the radius is not in [0, 2].
            Refusal: the law is too large to be written out.
        """
        if isinstance(radius, float | int) and not 0 <= radius <= LARGEST:
            raise InputError(f"ball: {radius:g} is not in [0, 2]; no two laws are farther apart than 2 in L1")
        rows: list[FloatArray | None] = []
        radii: list[FloatArray | None] = []
        for s, stage in enumerate(environment.stages):
            if stage.kernel is None:
                rows.append(None)
                radii.append(None)
                continue
            law = laws(environment, s)
            rows.append(law.reshape(-1, law.shape[2]))
            own = radius[s] if isinstance(radius, tuple) else np.full(law.shape[:2], float(radius))
            if own is None:
                raise Refusal(f"environment {environment.name!r}: no radii for stage {s}")
            radii.append(np.asarray(own, float).reshape(-1))
        return cls(tuple(rows), tuple(radii))


def highest(values: FloatArray, law: FloatArray, radius: FloatArray | float) -> FloatArray:
    """Return the highest expectation of values over the laws in a ball; leading axes are broadcast.

    Args:
        values: `(…, S)`.
        law: the centre, `(…, S)`.
        radius: `(…)`.

    >>> # 0.2 moves from the first to the second
    >>> float(highest(np.array([0.0, 1.0, 5.0]), np.array([0.5, 0.5, 0.0]), 0.4))
    0.7
    """
    best, removed = _moved(values, law, radius)
    gained = (removed * (best[..., None] - values)).sum(axis=-1)
    out: FloatArray = (law * values).sum(axis=-1) + gained
    return out


def highest_law(values: FloatArray, law: FloatArray, radius: FloatArray | float) -> FloatArray:
    """Return the law that attains the highest expectation, `(…, S)`; of best places the first."""
    _, removed = _moved(values, law, radius)
    out = law - removed
    place = np.where(law > 0, values, -np.inf).argmax(axis=-1)[..., None]
    np.put_along_axis(out, place, np.take_along_axis(out, place, -1) + removed.sum(-1, keepdims=True), -1)
    return out


def _moved(values: FloatArray, law: FloatArray, radius: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Return the highest value within the support, `(…)`, and the mass that leaves each place for it, `(…, S)`."""
    values, law = np.broadcast_arrays(values, law)
    best = np.where(law > 0, values, -np.inf).max(axis=-1)
    order = np.argsort(values, axis=-1, kind="stable")
    mass = np.take_along_axis(law, order, -1)
    before = np.cumsum(mass, axis=-1) - mass
    budget = np.asarray(radius, float)[..., None] / 2
    removed = np.empty_like(mass)
    np.put_along_axis(removed, order, np.clip(budget - before, 0.0, mass), -1)
    return best, removed
