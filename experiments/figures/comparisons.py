"""Exact and simulated figures beside each other: how many standard errors apart, out of how many comparisons.

A simulated figure may differ from the exact one by what its standard error allows, and by what is known to be missing:
the tail of an endless game that is cut, the numerical bound of the exact figure. What is left is counted in standard
errors. Of many comparisons the farthest lies far out by chance alone, so their number is always said with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from dynmech.experiments.figures.amounts import LEVEL, ZERO
from dynmech.sim.core.ties import first_largest

TOLERANCE = 1e-6
"""Exact gains up to this, relative to the economy's scale, are none."""

FLAGGED = 4.0
"""Standard errors from which exact and simulated figures are said to disagree."""

NO_SPREAD = 1e6
"""Standard errors that stand for a difference where the simulated figure has no spread at all."""


def standard_errors_apart(simulated: float, exact: float, error: float, allowed: float, scale: float = 1.0) -> float:
    """Return by how many standard errors a simulated figure lies above (or below: negative) the exact one.

    NaN where nothing is compared: the simulated figure has no spread, and is the exact one.

    Args:
        error: the standard error of the simulated figure.
        allowed: by how much the two may differ anyway, in size; rounding is allowed, too.
        scale: the economy's, which rounding is relative to.

    >>> round(standard_errors_apart(1.64, 2.0, 0.12, 0.0), 6), standard_errors_apart(1.64, 2.0, 0.12, 0.5)
    (-3.0, 0.0)
    """
    off = simulated - exact
    beyond = max(0.0, abs(off) - allowed - ZERO * scale)
    if beyond == 0:
        return 0.0 if error > 0 else float("nan")
    size = min(NO_SPREAD, beyond / error) if error > 0 else NO_SPREAD
    return float(np.copysign(size, off))


def chance_alone(comparisons: int) -> float:
    """Return within how many standard errors all of so many comparisons lie in 95 % of tests (Bonferroni)."""
    return NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / max(comparisons, 1))


@dataclass(frozen=True)
class Farthest:
    """The comparison in which simulated and exact figures lie farthest apart.

    Attributes:
        comparisons: how many there are.
        apart: in standard errors; below 0 where the simulated figure is the smaller one.
        where: which one it is: the words that tell it from others.
        simulated, exact: its two figures.
    """

    comparisons: int
    apart: float
    where: dict[str, str]
    simulated: float
    exact: float

    @property
    def chance(self) -> float:
        """Within how many standard errors the farthest lies in 95 % of tests, by chance alone."""
        return chance_alone(self.comparisons)

    @property
    def likely(self) -> bool:
        """Whether chance alone explains it."""
        return abs(self.apart) <= self.chance

    def data(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "chance": self.chance, "likely": self.likely}

    @property
    def sentence(self) -> str:
        """How far apart, which one, and what chance alone would do."""
        size, many = f"{abs(self.apart):.1f}", self.comparisons
        told = ", ".join(self.where.values())
        if self.apart == 0:
            return f"No simulated figure is off its exact one ({counted(many)})."
        chance = (
            f"by chance alone {'it' if many == 1 else 'the farthest'} stays within {self.chance:.1f} in 95 % of tests"
        )
        what = "as chance may have it" if self.likely else "MORE THAN CHANCE ALONE WOULD HAVE IT"
        return (
            f"Of {counted(many)} of a simulated with an exact figure the farthest is {size} standard errors "
            f"{side(self.apart)} ({told}), {what}: {chance}."
        )


def counted(comparisons: int) -> str:
    """Return `1 comparison`, `2 comparisons`."""
    return f"{comparisons} comparison{'s' * (comparisons != 1)}"


def side(apart: float) -> str:
    """Return whether a simulated figure lies `above` or `below` the exact one."""
    return "above" if apart > 0 else "below"


def beside(apart: float) -> str:
    """Return how far a simulated figure is off its exact one, in words.

    >>> beside(-2.82), beside(0.0), beside(1e6)
    ('2.8 standard errors below', '0.0 standard errors apart', 'above, without any spread')
    """
    if abs(apart) >= NO_SPREAD:
        return f"{side(apart)}, without any spread"
    return f"{abs(apart):.1f} standard errors {side(apart) if round(abs(apart), 1) else 'apart'}"


def farthest(rows: Iterable[Mapping[str, Any]], names: tuple[str, ...], simulated: str = "gain") -> Farthest | None:
    """Return the comparison that lies farthest apart; None where nothing is compared.

    Args:
        rows: with `exact`, `apart` (NaN or None: not compared), `one_sided` (only a figure above the exact one is off)
            and the simulated figure.
        names: the keys that tell a row from others.
    """
    compared = [row for row in rows if row["apart"] is not None and row["apart"] == row["apart"]]
    if not compared:
        return None
    sizes = [max(0.0, row["apart"]) if row["one_sided"] else abs(row["apart"]) for row in compared]
    row = compared[first_largest(sizes, 1.0)]
    off = 0.0 if max(sizes) == 0 else float(row["apart"])
    return Farthest(
        len(compared), off, {key: str(row[key]) for key in names}, float(row[simulated]), float(row["exact"])
    )
