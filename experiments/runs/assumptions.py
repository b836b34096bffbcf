"""The assumptions of a mechanism that an economy does not meet: a promise that breaks there is no broken promise."""

from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.runs.loading import run_isolated
from dynmech.experiments.runs.shards import users_code
from dynmech.experiments.runs.verdicts import ASSUMED, violated
from dynmech.experiments.searches.exact import searched_size
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.errors import DynmechError, Refusal, WorkerDied
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.play.game import Game


def broken_assumptions(game: Game, workers: Workers | None = None) -> list[str]:
    """Return the assumptions of a game's mechanism that are shown not to hold.

    Args:
        workers: where a user's mechanism is asked, in a process of its own; what goes wrong there shows nothing.
    """
    if is_shipped(game.mechanism) or workers is None:
        return find_broken(game)
    try:
        found: list[str] = run_isolated(workers, users_code(game), find_broken, game)
    except WorkerDied:
        raise
    except DynmechError:
        return []
    return found


def find_broken(game: Game) -> list[str]:
    """As `broken_assumptions`, in this process."""
    mechanism = game.mechanism
    assumptions = mechanism.promises.assumptions
    if not isinstance(mechanism, Mechanism) or not set(assumptions) & set(ASSUMED):
        return []
    return violated(assumptions, [*economy_conditions(mechanism), *mechanism.conditions()])


def economy_conditions(mechanism: Mechanism) -> list[Condition]:
    """Return what is known of a mechanism's economy; nothing where it is not finite, or too large to be searched."""
    environment: Environment = mechanism.environment
    if not isinstance(environment, TableEnvironment):
        return []
    special = separable_conditions(environment.economy) if isinstance(environment, SeparableEnvironment) else []
    try:
        searched_size(environment)
        return [*all_conditions(environment, mechanism.sees), *special]
    except Refusal:
        return special
