"""One mechanism of an economy against all laws near the economy's own."""

from dataclasses import dataclass
from typing import Any

from dynmech.agents.robustness.gain_bounds import radius_bounds, robust_gain
from dynmech.experiments.sweeps.contenders import Contender
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import EstimatedEnvironment

DATA = "data"
"""In place of a radius: that of every law in the confidence set of an estimated economy."""

TOLERANCE = 1e-6
"""Up to which a gain is none, relative to the economy's scale."""


@dataclass(frozen=True, eq=False)
class BallTask:
    """A mechanism and a radius.

    Attributes:
        radius: of the ball; `DATA`; None: the radius up to which nobody gains is what is sought.
        utility_error, discount_error: by how much a deviator's utilities, and the discount factor, may be off, too.
        keys: its one name in the run folder.
    """

    environment: TableEnvironment
    contender: Contender
    radius: float | str | None
    utility_error: float
    discount_error: float
    keys: tuple[str, ...]


def read_radius(word: str | float, environment: TableEnvironment) -> float | str:
    """Return a radius, checked.

    Raises:
        InputError: it is no number in [0, 2], or `data` for an economy without counts.
    """
    if word == DATA:
        if not isinstance(environment, EstimatedEnvironment):
            raise InputError(
                f"ball 'data': environment {environment.name!r} was not estimated, it has no counts; give a number"
            )
        environment.require_support("ball 'data'")
        return DATA
    try:
        radius = float(word)
    except ValueError:
        radius = -1.0
    if not 0 <= radius <= 2:
        raise InputError(f"ball {str(word)!r}: not a number in [0, 2], the radii in L1 that there are, nor 'data'")
    return radius


def measured_ball(work: tuple[BallTask, tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return an entry of the journal; what comes second are users' classes."""
    task, _ = work
    try:
        game = FiniteGame(task.environment, task.contender.build(task.environment))
        summary: dict[str, Any] = {"refused": "", **_bounds(game, task)}
    except Refusal as error:
        summary = {"refused": str(error)}
    return [{"key": task.keys[0], "files": {}, "summary": summary}]


def _bounds(game: FiniteGame, task: BallTask) -> dict[str, float | None]:
    """Return lower and upper bound of a gain, or of the radius."""
    radius = task.radius
    if radius is None:
        proved, refuted = radius_bounds(game, TOLERANCE * game.environment.scale)
        return {"lower": proved, "upper": refuted}
    radii: float | tuple[FloatArray | None, ...]
    if isinstance(radius, str):
        environment = game.environment
        assert isinstance(environment, EstimatedEnvironment)
        stages = enumerate(environment.stages)
        radii = tuple(None if stage.kernel is None else environment.radii(s) for s, stage in stages)
        told = max(float(own.max()) for own in radii if own is not None)
    else:
        radii = told = radius
    found = robust_gain(game, radii, utility_error=task.utility_error, discount_error=task.discount_error)
    return {"radius": told, "lower": found.lower, "upper": found.upper}
