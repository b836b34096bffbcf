"""Lemma 3.5 as conditions of a mechanism that freezes weights: the envelope and interval dominance of first reports.

Given that truth is best at t ≥ 1, the two hold if and only if no first lie x′ → x gains anything; see
`dynmech.mechanisms.virtual.first_report_incentives`.

Source: Kakade, Lobel and Nazerzadeh 2011, Lemma 3.5, (11), (12).
"""

from collections.abc import Sequence

import numpy as np

from dynmech.agents.oracle.frozen_search import FrozenSearch
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.mechanisms.virtual.first_report_incentives import FirstReportIncentives, first_period_ic
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import first_largest, largest_place, scale_of

ENVELOPE = "envelope of first reports (Lemma 3.5)"
DOMINANCE = "interval dominance of first reports (Lemma 3.5)"


def first_report_conditions(mechanism: VirtualPivot, searches: Sequence[FrozenSearch]) -> list[Condition]:
    """Both conditions, where they are worst over all agents.

    Not applicable with the grid as the type space, which has nothing between its nodes, or where the envelope is not
    known.
    """
    if mechanism.reading.startswith("grid"):
        return [Condition(name, None, float("nan"), {}, "the grid is the type space") for name in (ENVELOPE, DOMINANCE)]
    try:
        found = [first_period_ic(mechanism, search.agent, search.honest) for search in searches]
    except Refusal as error:
        return [Condition(name, None, float("nan"), {}, str(error)) for name in (ENVELOPE, DOMINANCE)]
    scale = scale_of(*(search.honest for search in searches))
    return [
        _worst(mechanism, ENVELOPE, [np.abs(one.envelope) for one in found], scale),
        _worst(mechanism, DOMINANCE, [_missed(one) for one in found], scale),
    ]


def _missed(one: FirstReportIncentives) -> FloatArray:
    """By how much dominance is missed; 0 where it holds."""
    return np.maximum(-one.dominance, 0.0)


def _worst(mechanism: VirtualPivot, name: str, missed: list[FloatArray], scale: float) -> Condition:
    """`missed` by agent, `(O, m, m)` by others, report and type."""
    agent = first_largest([table.max() for table in missed], scale)
    table = missed[agent]
    worst = max(float(one.max()) for one in missed)
    if worst <= TOLERANCE * scale:
        return Condition(name, True, worst, {})
    _, said, true = largest_place(table, scale)
    points = mechanism.environment.grids[agent].points
    where: dict[str, str | int] = {
        "agent": mechanism.economy.agents[agent],
        "first signal": f"{points[true]:.6g}",
        "first report": f"{points[said]:.6g}",
    }
    return Condition(name, False, worst, where)
