"""The team mechanism, balanced: see `dynmech.mechanisms.balanced.balancing`."""

from dynmech.mechanisms.balanced.balancing import Balancing
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.economy.environment import Environment


class BalancedTeam(Balancing):
    """The balanced team mechanism: team transfers, balanced.

    Args:
        force: also where types are not independent; the promises then fail.
    """

    name = "balanced-team"
    source = "Athey–Segal 2007 §5, Corollary 1; (6.1)"

    def __init__(self, environment: Environment, force: bool = False) -> None:
        super().__init__(environment, Team(environment), force)
