"""Designs that hold under every law of motion that data leaves possible: how safe they are, and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dynmech.experiments.catalog.accepted import as_environment
from dynmech.mechanisms.design.designed_mechanism import designed_mechanism
from dynmech.mechanisms.design.goals import Goals
from dynmech.mechanisms.design.safety import NearLaws, Radii
from dynmech.mechanisms.design.seeking import Found, Task, seek
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.counts import LARGEST, Counts, by_profile, frequencies, radii as radii_of_rows
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import EstimatedEnvironment, estimated_environment

AUTO = "auto"
"""In place of a margin: what the counts of an estimated economy ask for."""

CONFIDENCES = (0.8, 0.95, 0.99)
"""At which the price of safety is worked out, beside the one that was asked for."""

MOST = 10**12
"""Observations of a law beyond which nobody is sent for more."""

CLOSE = 1.01
"""The least number of observations is found up to this factor, and rounded up."""

COLUMNS = ("observations", "confidence", "radius", "status", "largest_transfer", "deficit", "welfare")


@dataclass(frozen=True, eq=False)
class Safety:
    """What data says of an economy's laws, and what truth under all of them takes.

    Attributes:
        environment: the economy with its counts.
        confidence: that all laws lie within their radii.
        radii: by stage, `(D, S)`.
        least: how often every law would have to be seen for a design to be found; None where that was not asked, or
            where no number is enough.
        price: a row per number of observations and confidence, columns `COLUMNS`.
    """

    environment: EstimatedEnvironment
    confidence: float
    radii: Radii
    least: int | None = None
    price: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=pd.Index(COLUMNS)))

    @property
    def radius(self) -> float:
        """The largest radius."""
        return max((float(own.max()) for own in self.radii if own is not None), default=0.0)

    @property
    def seen(self) -> int:
        """How often the law that was seen least was seen."""
        counts = self.environment.counts
        tables = [table for s in range(len(counts.stages)) for table in counts.tables(s)]
        return int(min(table.sum(axis=-1).min() for table in tables))

    def data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "confidence": self.confidence,
            "radius": self.radius,
            "observations": self.seen,
            "least_observations": self.least,
            "price": self.price.astype(object).where(self.price.notna(), None).to_dict("records"),
        }


def with_data(environment: TableEnvironment, data: str | Path | None) -> EstimatedEnvironment:
    """Return the economy with the laws and counts of a file that `estimate` wrote, or as it is where it has its own.

    Raises:
        InputError: there are no counts, or they are of another economy.
    """
    if data is None:
        if isinstance(environment, EstimatedEnvironment):
            return environment
        raise InputError(
            f"margin 'auto': environment {environment.name!r} was not estimated, it has no counts; give --data FILE "
            "(what `dynmech estimate` wrote), or a number"
        )
    known = as_environment(data)
    if not isinstance(known, EstimatedEnvironment):
        raise InputError(f"data {str(data)!r}: it has no counts; `dynmech estimate` writes files that have")
    same = known.agents == environment.agents and len(known.stages) == len(environment.stages)
    pairs = zip(known.stages, environment.stages, strict=False)
    if not same or any(
        (one.signals, one.public, one.decisions) != (two.signals, two.public, two.decisions) for one, two in pairs
    ):
        raise InputError(
            f"data {str(data)!r}: agents, signals, decisions or stages are not those of environment "
            f"{environment.name!r}; estimate it with --environment"
        )
    return estimated_environment(environment, known.counts)


def safety(environment: EstimatedEnvironment, goals: Goals, confidence: float) -> Safety:
    """Return how far the laws of an estimated economy may be off.

    Raises:
        InputError: some next signal never followed what was seen.
        Refusal: the goals are none that are offered with it.
    """
    environment.require_support("margin 'auto'")
    if goals.incentive != "ex-post":
        raise Refusal("margin 'auto': offered with --incentive ex-post; what agents believe of others is off, too")
    if any(environment.actions(t) for t in range(len(environment.stages))):
        raise Refusal(f"margin 'auto': environment {environment.name!r} has private actions; give a number")
    if goals.objective == "margin":
        raise InputError("margin: either what the data asks for (--margin auto), or the largest (--maximise margin)")
    stages = enumerate(environment.stages)
    radii = tuple(None if stage.kernel is None else environment.radii(s, confidence) for s, stage in stages)
    return Safety(environment, confidence, radii)


def seek_safe(asked: Task, radii: Radii, *, tidy: bool = True) -> tuple[Task, Found]:
    """Return the best transfers under which truth is best for every law within radii, of two that are sought.

    Signals that cost what they must as apart get a margin, those that cannot are pooled; or all with the same decision
    are pooled. Which is better depends on the economy.
    """
    tries = []
    for pool_all in (False, True):
        safe = replace(asked, problem=replace(asked.problem, laws=NearLaws(radii, pool_all)))
        tries.append((safe, seek(safe, tidy=tidy)))
    sign = -1.0 if asked.goals.objective == "revenue" else 1.0
    known = [one for one in tries if one[1].status == "possible"]
    return min(known, key=lambda one: sign * (one[1].objective or 0.0)) if known else tries[0]


def seen_equally(environment: EstimatedEnvironment, observations: int, confidence: float) -> Radii:
    """Return the radii that there would be had every law been seen so many times, and come to the same estimate.

    Smoothing then moves n frequencies r to (n r + α)/(n + α S) = q, the estimate: by α S |q − 1/S| / n.
    """
    counts, stages = environment.counts, []
    for tables in counts.stages:
        alike = None if tables is None else tuple(np.zeros(table.shape) for table in tables)
        for table in alike or ():
            table[..., 0] = observations
        stages.append(alike)
    every, out = Counts(tuple(stages), counts.joint), list[FloatArray | None]()
    for s, tables in enumerate(counts.stages):
        if tables is None:
            out.append(None)
            continue
        moved = [_smoothed_by(table, counts.smoothing) / observations for table in tables]
        rows = [np.minimum(LARGEST, r + m) for r, m in zip(radii_of_rows(every, s, confidence), moved, strict=True)]
        out.append(by_profile(rows, environment.stages[s].axes, joint=counts.joint))
    return tuple(out)


def _smoothed_by(table: FloatArray, smoothing: float) -> FloatArray:
    """Return α S |q − 1/S| in L1 of every row's estimate q, `(D, rows)`."""
    outcomes = table.shape[-1]
    away = np.abs(frequencies(table, smoothing) - 1 / outcomes).sum(axis=-1)
    out: FloatArray = smoothing * outcomes * away
    return out


def least_observations(asked: Task, known: Safety) -> int | None:
    """Return how often every law would have to be seen for transfers to be found, the laws being those estimated.

    None where no number up to `MOST` is enough.
    """
    plain = replace(asked, inside=replace(asked.inside, objective="none"))

    def enough(count: int) -> bool:
        radii = seen_equally(known.environment, count, known.confidence)
        return seek_safe(plain, radii, tidy=False)[1].status == "possible"

    if not enough(MOST):
        return None
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high > low + 1 and high > CLOSE * low:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def price(asked: Task, known: Safety, observations: Sequence[int], confidences: Sequence[float]) -> pd.DataFrame:
    """Return what safety costs had every law been seen so many times, at every confidence."""
    rows = []
    for count in observations:
        for confidence in confidences:
            radii = seen_equally(known.environment, count, confidence)
            safe, found = seek_safe(asked, radii)
            most = max(float(own.max()) for own in radii if own is not None)
            rows.append((count, confidence, most, found.status, *_figures(safe, found)))
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _figures(asked: Task, found: Found) -> tuple[float | None, float | None, float | None]:
    """Return the largest transfer, the expected deficit and welfare under the estimated law."""
    if found.status != "possible":
        return None, None, None
    truthful = FiniteGame(asked.environment, designed_mechanism(asked, found)).truthful
    return found.largest, max(0.0, -float(truthful.transfer.sum())), float(truthful.welfare)
