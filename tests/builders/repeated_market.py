"""The market that enforces itself, in formulas written by hand."""

from functools import cache

from dynmech.agents.oracle.patience_thresholds import Level, least_patience
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record

SELLER, BUYER = 0, 1

INDEPENDENT = {Level.TRUTHFUL: 5 / 6, Level.BEST_RESPONSE: 28 / 33, Level.AFTER_LIES: 36 / 41}
"""δ* where types are drawn anew each period."""


@cache
def market(discount: float = 0.95, persistence: float = 0.75) -> TableEnvironment:
    environment = load(f"repeated-trade:discount={discount},persistence={persistence}")
    assert isinstance(environment, TableEnvironment)
    return environment


@cache
def threshold(level: Level, constant: float | None = None) -> float:
    """δ* of the market, whose own discount factor does not matter; asked for by several tests."""
    return least_patience(market(), level, constant)


def played(game: Game, *strategies: Strategy, episodes: int = 4000) -> Record:
    streams = Streams(4, "test", 0, episodes, game.periods)
    return play_shard(game, list(strategies) or [Truthful(), Truthful()], streams)
