"""Games played through the event loop."""

from typing import Any

from dynmech.agents.strategies.truthful import Truthful
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import StrategyProtocol


def play(game: Game, *strategies: StrategyProtocol, episodes: int = 64, block: int = 4096, **options: Any) -> Record:
    """One shard under seed 0; truth where no strategy is given."""
    streams = Streams(0, "test", 0, episodes, game.periods + game.closing)
    profile = list(strategies) or [Truthful()] * len(game.environment.agents)
    return play_shard(game, profile, streams, block=block, **options)
