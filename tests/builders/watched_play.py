"""An auction played by agents that keep what they are shown."""

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from dynmech.agents.strategies.random_report import RandomReport
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Past, StrategyProtocol, View

EPISODES = 12


class Watcher(RandomReport):
    """Keeps its views, and reports at random, so that reports differ from signals."""

    name = "watcher"

    def __init__(self, memory_periods: int | None = None, spies: bool = False) -> None:
        self.memory_periods, self.spies = memory_periods, spies
        self.views: list[View] = []

    def message(self, view: View) -> Array:
        self.views.append(view)
        return super().message(view)


def play(game: Game, *strategies: StrategyProtocol, block: int = EPISODES) -> Record:
    streams = Streams(0, "test", 0, EPISODES, game.periods + game.closing)
    return play_shard(game, list(strategies), streams, episodes=EPISODES, block=block)


def auction(policy: str, horizon: int = 4) -> Game:
    """Three bidders, a good that may be kept: decisions none, 1, 2, 3."""
    environment = RepeatedAuction(bidders=3, values=3, horizon=horizon).build()
    return make_game(environment, PayYourReport(environment), ProtocolOptions(disclosure=policy))


def watched(policy: str) -> tuple[Record, list[View]]:
    """Bidder 2's views, the others also reporting at random."""
    watcher = Watcher()
    return play(auction(policy), Watcher(), watcher, RandomReport()), watcher.views


def reachable(view: View) -> Iterator[tuple[str, Array]]:
    """Every array in a view, its past and what they stand on."""
    for field in fields(view):
        value = getattr(view, field.name)
        if isinstance(value, np.ndarray):
            yield field.name, value
    for past in view.past:
        for name, value in zip(Past._fields, past, strict=True):
            if isinstance(value, np.ndarray):
                yield f"past {past.t} {name}", value
