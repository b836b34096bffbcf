"""What replications add up to: medians and quantiles, the slope in the number of draws, the number that is needed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dynmech.sim.core.arrays import FloatArray

CONFIDENCE = 0.95
"""Share of estimates that must meet a target, and that an interval covers."""

RESAMPLES = 400

Measured = Mapping[int, Sequence[Mapping[str, Any]]]
"""What was measured of one mechanism, by number of draws."""


def row(mechanism: str, draws: int, measured: Sequence[Mapping[str, Any]], tolerance: float) -> dict[str, Any]:
    """Return one mechanism at one number of draws; null where nothing could be built."""
    built = [entry for entry in measured if not entry["refused"]]
    gains = _column(built, "gain")
    return {
        "mechanism": mechanism,
        "draws": draws,
        "gain_median": _quantile(gains, 0.5),
        "gain_90": _quantile(gains, 0.9),
        "gain_ex_ante_median": _quantile(_column(built, "gain_ex_ante"), 0.5),
        "gain_ex_ante_90": _quantile(_column(built, "gain_ex_ante"), 0.9),
        "truthful": float((gains <= tolerance).mean()) if len(gains) else None,
        "welfare_lost": _quantile(_column(built, "welfare_lost"), 0.5),
        "deficit": _quantile(_column(built, "deficit"), 0.5),
        "largest_transfer": _quantile(_column(built, "largest_transfer"), 0.5),
        "replications": len(measured),
        "refused": len(measured) - len(built),
    }


def _column(entries: Sequence[Mapping[str, Any]], name: str) -> FloatArray:
    return np.array([entry[name] for entry in entries if entry[name] is not None], float)


def _quantile(values: FloatArray, share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None


def slope(mechanism: str, measured: Measured, tolerance: float, seed: int) -> dict[str, Any]:
    """Return how the median gain falls with the draws, on log–log scales, with a 95 % bootstrap interval.

    Null where the median is no gain at some number of draws, or there is only one: then there is no line to follow.
    """
    gains = {n: _column([e for e in entries if not e["refused"]], "gain") for n, entries in measured.items()}
    kept = [n for n in sorted(gains) if len(gains[n])]
    if len(kept) < 2 or any(np.median(gains[n]) <= tolerance for n in kept):
        return {"mechanism": mechanism, "slope": None, "low": None, "high": None}
    generator = np.random.Generator(np.random.Philox(seed))
    logs = np.log(np.array(kept, float))
    logs -= logs.mean()
    medians = np.array([np.median(gains[n]) for n in kept])
    drawn = np.stack([np.median(generator.choice(gains[n], (RESAMPLES, len(gains[n]))), axis=1) for n in kept], axis=1)
    slopes = np.log(np.maximum(drawn, tolerance)) @ logs / (logs @ logs)
    low, high = np.quantile(slopes, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    central = float(np.log(medians) @ logs / (logs @ logs))
    return {"mechanism": mechanism, "slope": central, "low": float(low), "high": float(high)}


def needed(mechanism: str, measured: Measured, target: float, tolerance: float) -> dict[str, Any]:
    """Return the least number of draws, of those tried, from which on a gain is met by 95 % of all estimates.

    A mechanism that could not be built meets nothing; null where no number of draws was enough.
    """
    enough: int | None = None
    for n in sorted(measured, reverse=True):
        met = [not entry["refused"] and entry["gain"] <= target + tolerance for entry in measured[n]]
        if not met or np.mean(met) < CONFIDENCE:
            break
        enough = n
    return {"mechanism": mechanism, "target": target, "draws": enough}
