"""Games that learners are tried on."""

from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.experiments.scenarios.renewable_resource import RenewableResource
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.play.game import Game, make_game
from tests.builders.planted_mechanisms import Lottery


def learning_games() -> dict[str, Game]:
    """Finite and endless, with a closing period, a public state, a lottery over decisions."""
    oil = OilLeasesPrior().build()
    endless = RandomEconomy(seed=3, signals=2, discount=0.5, singular_value=0.1).build()
    resource = RenewableResource().build()
    return {
        "cremer-mclean": make_game(oil, CremerMcLean(oil)),
        "linked": make_game(oil, Linked(oil)),
        "contingent-spanning": make_game(endless, ContingentSpanning(endless), tail=0.3),
        "lottery": make_game(endless, Lottery(endless), tail=0.3),
        "public state": make_game(resource, Team(resource), tail=1.0),
    }
