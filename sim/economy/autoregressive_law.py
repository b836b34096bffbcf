"""Autoregressions on a grid: x_t = c + Σ_l φ_l x_{t−l} + η_t, as the law of motion of a finite economy."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.from_functions import Label

TOTAL = 1e-9
"""How far probabilities of shocks may be from adding up to 1."""


@checked_arguments
def autoregression(
    grid: Sequence[float],
    coefficients: Sequence[float],
    shocks: Mapping[float, float] | Sequence[float] = (0.0,),
    *,
    constant: float = 0.0,
) -> Callable[[str, Label, tuple[Label, ...]], dict[Label, float]]:
    """Return the transition of an autoregression AR(k), for `dynmech.finite_memory` with `lags=k`.

    Parameters
    ----------
    grid : sequence of float
        The values that a signal can have, ascending; they are the signals.
    coefficients : sequence of float
        φ_1, …, φ_k: how the last k values count, the newest first.
    shocks : mapping or sequence of float
        η: its values with their probabilities, or values that are equally likely.
    constant : float
        c.

    Returns
    -------
    function
        `transition(agent, decision, history)`, alike for all agents and decisions. A value between two of the grid
        becomes one of them, by a lottery that keeps the mean; one beyond the ends becomes the end.

    Raises
    ------
    InputError
        The grid does not rise, a number is none or not finite, or probabilities do not add up to 1; or, when it is
        asked for a law, a history is of another length than the coefficients.

    Examples
    --------
    >>> law = autoregression([0, 1, 2], [0.5, 0.25])
    >>> law("agent 1", "none", (2, 1))  # 0.5 · 2 + 0.25 · 1 = 1.25
    {1: 0.75, 2: 0.25}
    """
    points, weights = _numbers("grid", grid), _numbers("coefficients", coefficients)
    odds = dict(shocks) if isinstance(shocks, Mapping) else dict.fromkeys(shocks, 0.0)
    if not isinstance(shocks, Mapping):
        for shock in shocks:
            odds[shock] += 1 / len(shocks)
    _check(points, weights, odds, constant)
    labels = list(grid)

    def transition(agent: str, decision: Label, history: tuple[Label, ...]) -> dict[Label, float]:  # noqa: ARG001
        """Return the law of the next value."""
        if len(history) != len(weights):
            raise InputError(
                f"autoregression: coefficients for {len(weights)} signals, and a history of {len(history)}; "
                f"give lags={len(weights)}"
            )
        mean = constant + float(weights @ np.asarray(history, dtype=np.float64))
        law: dict[Label, float] = {}
        for shock, chance in odds.items():
            value = float(np.clip(mean + shock, points[0], points[-1]))
            above = int(np.clip(np.searchsorted(points, value), 1, len(points) - 1)) if len(points) > 1 else 0
            share = float((value - points[above - 1]) / (points[above] - points[above - 1])) if above else 1.0
            for place, part in ((above - 1, 1 - share), (above, share)):
                if part > 0:
                    law[labels[place]] = law.get(labels[place], 0.0) + part * chance
        return law

    return transition


def _numbers(name: str, values: Sequence[float]) -> FloatArray:
    """Return an argument as an array; raise InputError where something in it is no number."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: {values!r} is no list of numbers") from None


def _check(points: FloatArray, weights: FloatArray, odds: Mapping[float, float], constant: float) -> None:
    """Raise InputError at what makes no autoregression."""
    if points.ndim != 1 or not len(points) or not np.isfinite(points).all() or (np.diff(points) <= 0).any():
        raise InputError("grid: its values must be finite and rise")
    if weights.ndim != 1 or not len(weights) or not np.isfinite(weights).all():
        raise InputError("coefficients: at least one is needed, and all must be finite")
    if not np.isfinite([*odds, constant]).all():
        raise InputError("shocks and constant: all must be finite")
    total = sum(odds.values())
    if min(odds.values(), default=-1.0) < 0 or abs(total - 1) > TOTAL:
        raise InputError(f"shocks: their probabilities add up to {total:g}, expected 1, none below 0")
