"""A deviator held to the truth, or to obedience: the same problem with fewer choices.

The best response of the restricted problem is then misreports alone, or disobedience alone, each at its best.
"""

from dataclasses import replace

import numpy as np

from dynmech.agents.oracle.problem import Period, Problem
from dynmech.sim.core.arrays import Array


def obedient(problem: Problem) -> Problem:
    """Return the problem with any messages and the prescribed act after each."""
    return replace(problem, periods=tuple(_obedient(period) for period in problem.periods))


def truthful(problem: Problem) -> Problem:
    """Return the problem with the prescribed messages and any acts."""
    return replace(problem, periods=tuple(_truthful(period) for period in problem.periods))


def _obedient(period: Period) -> Period:
    return replace(
        period,
        flow=period.obeyed(period.flow),
        decision=period.obeyed(period.decision),
        following=period.obeyed(period.following),
        post_decision=None if period.post_decision is None else period.obeyed(period.post_decision),
        obey=np.zeros_like(period.obey),
    )


def _truthful(period: Period) -> Period:
    def pick(table: Array) -> Array:
        where = period.truth.reshape(*period.truth.shape, *(1,) * (table.ndim - 2))
        return np.take_along_axis(table, where, axis=2)

    return replace(
        period,
        flow=pick(period.flow),
        decision=pick(period.decision),
        following=pick(period.following),
        post_decision=None if period.post_decision is None else pick(period.post_decision),
        drawn=pick(period.drawn),
        chance=pick(period.chance),
        obey=pick(period.obey),
        truth=np.zeros_like(period.truth),
    )
