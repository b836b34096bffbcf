"""Games and strategies by which the checker of strategies is held."""

from functools import cache
from typing import Any

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.roles import Situation, View


@cache
def games() -> dict[str, Game]:
    """A finite game, an endless one with a closing period, one with late messages."""
    oil = OilLeasesPrior().build()
    endless = RandomEconomy(seed=3, signals=2, discount=0.5, singular_value=0.1).build()
    auction = RepeatedAuction(bidders=2, values=3, horizon=4).build()
    late = ProtocolOptions(0.4, (Latency("exponential", 0.4), Latency("uniform", 0.8)))
    return {
        "oil": make_game(oil, Linked(oil)),
        "endless": make_game(endless, ContingentSpanning(endless), tail=1.0),
        "auction, late": make_game(auction, Team(auction), late),
    }


HONEST = (Truthful(), Truthful())


# Planted: each breaks its word in one way


class Planted(Strategy):
    """Tells the truth in period 0; from period 1 on it flips where `heads` says so."""

    name = "planted"
    source = "a planted violation"

    def heads(self, view: View) -> Any:
        raise NotImplementedError

    def message(self, view: View) -> Array:
        if view.t == 0:
            return view.prescribed
        heads = np.broadcast_to(np.asarray(self.heads(view), np.bool_), (view.size,))
        return np.where(heads, view.space.size - 1 - view.prescribed, view.prescribed)  # type: ignore[union-attr]


def continuous() -> Game:
    """An endless game on numbers: its closing period has no reports, which must not count as a difference."""

    class Free(Mechanism):
        name = "free"
        source = "a test double"

        @property
        def lags(self) -> int:
            return 1

        def messages(self, t: int, agent: int) -> Space:
            return Interval(0, 1)

        def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
            return signal

        def decide(self, now: Situation, messages: Array) -> Array:
            return (messages[:, 0] > 0.5).astype(np.intp)

        def transfer_bound(self) -> float:
            return 1.0

    environment = FunctionEnvironment(
        name="numbers",
        agents=("Ann",),
        discount=0.5,
        horizon=None,
        signals=(Interval(0, 1),),
        decisions=Finite(("no", "yes")),
        law=lambda _t, _last, _decision, uniforms: uniforms,
        payoff=lambda _t, signals, decision: signals * decision[:, None],
        bound=1.0,
    )
    return make_game(environment, Free(environment), tail=0.5)
