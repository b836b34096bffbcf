"""Utilities and discount factors within an error of the nominal ones that raise a gain: for a bound from below."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from dynmech.agents.robustness.deviations import ex_post_hinges
from dynmech.agents.robustness.robust_values import Walk
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal

ROUNDS = 3
"""Times that utilities and lie answer each other."""


def other_discounts(walk: Walk) -> Iterator[Walk]:
    """Yield the problem, and those of the least and of the largest discount factor where it may be off."""
    yield walk
    problem = walk.problem
    for discount in walk.discounts if walk.patience else ():
        game = FiniteGame(replace(problem.environment, discount=discount), problem.mechanism)
        yield replace(walk, problem=replace(problem, game=game), patience=0.0)


def worst_utilities(walk: Walk) -> Iterator[Walk]:
    """Yield problems whose utilities are off by the whole error, each way that raises the gain; none without error."""
    if not walk.error:
        return
    now = walk
    for _ in range(ROUNDS):
        try:
            slopes = ex_post_hinges(now, 0.0).derivatives.utility
        except Refusal:
            return
        now = with_utilities(walk, [walk.error * np.sign(own) for own in slopes])
        yield now


def with_utilities(walk: Walk, off: Sequence[FloatArray]) -> Walk:
    """Return the problem with utilities changed by event, `(D S,)` per stage."""
    periods = tuple(
        replace(
            period,
            flow=period.flow
            + off[walk.stage[t]][
                period.decision * period.flow.shape[1] + np.arange(period.flow.shape[1])[:, None, None]
            ],
        )
        for t, period in enumerate(walk.problem.periods)
    )
    return replace(walk, problem=replace(walk.problem, periods=periods))
