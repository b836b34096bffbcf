"""Small games on which strategies are shown to do what they say."""

import numpy as np

from dynmech.agents.strategies.base import AgentContext
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import STRATEGIES
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Situation, StrategyProtocol

ABC = ("a", "b", "c")
SHIPPED = {name: cls for name, cls in STRATEGIES.all().items() if cls.__module__.startswith("dynmech.agents.")}
"""Ours, without what plug-ins may have added."""


# An economy that follows a script


def follows(ann: str, bob: str, *, public: str = "") -> TableEnvironment:
    """Signals of Ann and Bob, a, b or c, period by period; the public state (d or w) likewise."""
    pasts = [[ABC.index(x) for x in ann], [ABC.index(x) for x in bob]]
    axes: tuple[int, ...] = (3, 3)
    if public:
        pasts, axes = [["dw".index(x) for x in public], *pasts], (2, 3, 3)

    def sure(t: int) -> Array:
        law = np.zeros(axes)
        law[tuple(past[t] for past in pasts)] = 1
        return law

    stages = tuple(
        Stage(
            signals=(ABC, ABC),
            decisions=("left", "right"),
            utility=np.zeros((2, 2, *axes)),
            kernel=JointKernel(np.broadcast_to(sure(t + 1), (2, *axes, *axes)).copy(), axes, axes)
            if t + 1 < len(ann)
            else None,
            public=("dry", "wet") if public else (),
        )
        for t in range(len(ann))
    )
    return TableEnvironment("script", ("Ann", "Bob"), sure(0), stages, 1.0, len(ann))


class Echo(DirectMechanism):
    """Decides right where Bob reports anything but a."""

    name = "echo"
    source = "a test double"

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.minimum(messages[:, 1], 1)

    def transfer_bound(self) -> float:
        return 0.0


def play(game: Game, *strategies: StrategyProtocol, episodes: int = 3, block: int = 4096) -> Record:
    streams = Streams(0, "test", 0, episodes, game.periods + game.closing)
    return play_shard(game, list(strategies), streams, episodes=episodes, block=block)


def said(
    strategy: StrategyProtocol,
    signals: str,
    bob: str | None = None,
    *,
    public: str = "",
    disclosure: str = "everything",
) -> str:
    """What Ann reports over the periods when her signals, and Bob's, are these."""
    environment = follows(signals, bob or "a" * len(signals), public=public)
    record = play(
        make_game(environment, Echo(environment), ProtocolOptions(disclosure=disclosure)), strategy, Truthful()
    )
    assert (record.report == record.report[..., :1]).all()
    return "".join(ABC[k] for k in record.report[:, 0, 0])


# Menus


def oil(agent: int = 0) -> tuple[Game, AgentContext]:
    """The oil leases with a private prior: firm 1 chooses in periods 0 and 1, firm 2 in periods 1 and 2."""
    environment = OilLeasesPrior().build()
    game = make_game(environment, Linked(environment))
    return game, AgentContext.of(game, agent)
