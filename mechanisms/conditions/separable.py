"""The sufficient conditions of the virtual pivot mechanism, as checks of a separable economy.

Monotone hazard rate (1/h increasing); A positive above 0, increasing, concave; the virtual weight increasing (all that
is really used of the first two); B ≥ 0 (multiplicative) or C ≥ 0 (additive); and that everybody can be left out: for
every decision another one that costs no more, does not serve the agent, and is the same to all others.

Source: Kakade, Lobel and Nazerzadeh 2011, Assumptions 5.1 and 5.2; the last two are used there without being said.
"""

import numpy as np

from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import first_smallest, scale_of
from dynmech.sim.economy.separable import Economy, FirstSignal, Later

POINTS = 2001
"""First signals at which functions are looked at."""

SLACK = 1e-12
"""Rounding, relative to what is compared."""


def separable_conditions(economy: Economy) -> list[Condition]:
    """Return the answers of all conditions, over all agents."""
    points = [_inside(first) for first in economy.first]
    out = []
    for name, check in (
        ("monotone hazard rate", _hazard),
        ("A positive and increasing", _increasing),
        ("A concave", _concave),
        ("monotone virtual weight", lambda first, at: _weight(economy, first, at)),
    ):
        out.append(_worst(economy, name, [check(f, x) for f, x in zip(economy.first, points, strict=True)], points))
    signs = [min(float(p.slope[i].min()) for p in economy.later) for i in range(len(economy.agents))]
    k = first_smallest(signs)
    label = "B not negative" if economy.kind == "multiplicative" else "C not negative"
    out.append(Condition(label, signs[k] >= -SLACK * economy.scale, signs[k], {"agent": economy.agents[k]}))
    out.append(everybody_can_be_left_out(economy))
    return out


Margin = tuple[float, int]
"""The least step, and where: it must be positive."""


def _inside(first: FirstSignal) -> FloatArray:
    """Return first signals inside the support of their law."""
    x = np.linspace(0, 1, POINTS)[1:-1]
    return x[(first.law.cdf(x) > 0) & (first.law.sf(x) > 0)]


def _hazard(first: FirstSignal, x: FloatArray) -> Margin:
    """Return the least fall of 1/h."""
    return _least(-np.diff(first.inverse_hazard(x)), 1.0)


def _increasing(first: FirstSignal, x: FloatArray) -> Margin:
    """Return the least rise, or value, of A."""
    scale = first.scale(x)
    return _least(np.minimum(np.diff(scale), scale[1:]), scale_of(scale))


def _concave(first: FirstSignal, x: FloatArray) -> Margin:
    """Return the least fall of the slope of A."""
    scale = first.scale(x)
    margin, k = _least(-np.diff(scale, 2), scale_of(scale))
    return margin + SLACK * scale_of(scale), k  # linear is concave


def _weight(economy: Economy, first: FirstSignal, x: FloatArray) -> Margin:
    """Return the least rise of the virtual weight."""
    theta, scale = first.virtual(x), first.scale(x)
    additive = economy.kind == "additive"
    return _least(np.diff(theta - scale if additive else theta / scale), scale_of(scale) if additive else 1.0)


def _least(steps: FloatArray, scale: float) -> Margin:
    """Return the least step and its index; steps tie on `scale`, or their own where that is larger."""
    return float(steps.min()), first_smallest(steps, scale_of(scale, steps))


def _worst(economy: Economy, name: str, margins: list[Margin], points: list[FloatArray]) -> Condition:
    """Return the condition's answer from every agent's margin."""
    k = first_smallest([margin for margin, _ in margins])
    margin, at = margins[k]
    return Condition(name, margin > 0, margin, {"agent": economy.agents[k], "first signal": f"{points[k][at]:.4g}"})


def everybody_can_be_left_out(economy: Economy) -> Condition:
    """Check that for each period, decision and agent another decision leaves it out with all others as well off."""
    for t, period in enumerate(economy.later):
        for i, agent in enumerate(economy.agents):
            for d, label in enumerate(economy.decisions):
                if not any(_spares(period, i, d, e) for e in range(len(economy.decisions))):
                    where: dict[str, str | int] = {"period": t + 1, "agent": agent, "decision": label}
                    return Condition("everybody can be left out", False, 0.0, where)
    return Condition("everybody can be left out", True, 0.0, {})


def _spares(period: Later, agent: int, decision: int, instead: int) -> bool:
    """Return whether `instead` does not serve the agent, costs no more, and is as good for all others in any state."""
    if period.serves[agent, instead] or period.cost[instead] > period.cost[decision] + SLACK * scale_of(period.cost):
        return False
    for j in range(len(period.states)):
        if j == agent:
            continue
        tables = [period.slope[j], period.intercept[j], *([period.kernel[j]] if period.kernel else [])]
        if any(np.abs(table[instead] - table[decision]).max() > SLACK * scale_of(table) for table in tables):
            return False
    return True
