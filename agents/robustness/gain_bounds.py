"""Bounds of what the best deviation gains under any law in a ball, and the radius up to which it gains nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dynmech.agents.robustness.balls import LARGEST, Ball
from dynmech.agents.robustness.found_laws import largest_found
from dynmech.agents.robustness.other_beliefs import other_discounts, worst_utilities
from dynmech.agents.robustness.pair_bound import upper_bound
from dynmech.agents.robustness.robust_values import walk_of
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray

RADII = (0.0, *(float(f"{radius:.3g}") for radius in np.geomspace(1e-3, LARGEST, 100)))
"""Those that are tried: each but the first is 8 % more than the one before."""


@dataclass(frozen=True)
class RobustGain:
    """Bounds of the largest gain under any law in a ball: ex post, over agents and states that some play leads to."""

    lower: float
    upper: float


def robust_gain(
    game: FiniteGame,
    radius: float | tuple[FloatArray | None, ...],
    *,
    utility_error: float = 0.0,
    discount_error: float = 0.0,
) -> RobustGain:
    """Return both bounds; rules and transfers stay as they are whatever the law is.

    Args:
        radius: of every row in L1, or radii `(D, S)` by stage.
        utility_error: by how much a deviator's utility of any decision at any profile may be off, too.
        discount_error: by how much the discount factor may be.

    Raises:
        InputError: the radius is not in [0, 2].
        Refusal: the mechanism decides by lottery, or is too large; the size is given.
    """
    ball = Ball.around(game.environment, radius)
    walks = [walk_of(game, i, utility_error, discount_error) for i in range(len(game.environment.agents))]
    beside = [off for walk in walks for other in other_discounts(walk) for off in (other, *worst_utilities(other))]
    lower = max(largest_found(walk, ball) for walk in beside)
    return RobustGain(lower, max(lower, *(upper_bound(walk, ball) for walk in walks)))


def radius_bounds(game: FiniteGame, tolerance: float) -> tuple[float, float | None]:
    """Return up to which radius no law in the ball lets anybody gain, and at which one that does was found.

    Args:
        tolerance: gains up to this are none.

    Returns:
        the largest radius tried at which the upper bound is within the tolerance (0 if not even the nominal law), and
        one at which a law with a larger gain was found, by bisection; None if none was at the radii tried.
    """
    walks = [walk_of(game, i) for i in range(len(game.environment.agents))]

    def holds(k: int) -> bool:
        ball = Ball.around(game.environment, RADII[k])
        return all(upper_bound(walk, ball, enough=tolerance) <= tolerance for walk in walks)

    def breaks(k: int) -> bool:
        ball = Ball.around(game.environment, RADII[k])
        return any(largest_found(walk, ball, enough=tolerance) > tolerance for walk in walks)

    refuted = _first(breaks, 0, len(RADII))
    proved = _first(lambda k: not holds(k), 0, refuted)
    return RADII[max(proved - 1, 0)], None if refuted == len(RADII) else RADII[refuted]


def _first(true: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first index at which something is true that stays true, else `high`; ends are asked first."""
    if low == high or true(low):
        return low
    low += 1
    if low == high or true(low):
        return low
    if not true(high - 1):
        return high
    high -= 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle, high)
    return high
