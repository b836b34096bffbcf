"""The same play on the event loop, from tables and in machine code, held against each other."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, get_args

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.engines.fused_games import play_fused
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Keep, Record

BLOCKS = (1, 7, 4096)

COMPILED = find_spec("numba") is not None
"""Whether the optional extra `fast` is installed."""

FORCED = float("inf")
"""More cases than any rules have: tables always pay."""


def game_of(scenario: str, mechanism: str, tail: float = 0.3) -> Game | None:
    """A game, short if it is endless; None where the mechanism does not fit."""
    environment = load(scenario)
    try:
        return make_game(environment, make_mechanism(mechanism, environment), tail=tail)
    except (Refusal, InputError):
        return None


def same(one: Record, other: Record) -> None:
    """Everything that two records hold is the same to the last bit, and of the same type."""
    assert vars(one).keys() == vars(other).keys()
    assert one.leaving == other.leaving, "it decides which labels the log has"
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            there = getattr(other, name)
            assert (value.dtype, value.shape) == (there.dtype, there.shape), name
            assert value.tobytes() == there.tobytes(), name


def hold(
    game: Game, strategies: Sequence[Strategy], blocks: Sequence[int], episodes: int = 23, turn: int | None = None
) -> None:
    """Play on the loop in one block, and from tables in blocks of every size; with a turn, of one size for each record.

    Sizes take turns from what is kept to what is kept, and from turn to turn.
    """
    streams = Streams(3, "test", 2, episodes + 2, game.periods + game.closing)
    how: dict[str, Any] = {"episodes": episodes}
    for k, keep in enumerate(get_args(Keep)):
        loop = play_shard(game, strategies, streams, keep=keep, **how)
        for block in blocks if turn is None else [blocks[(k + turn) % len(blocks)]]:
            tables = play_fused(game, strategies, streams, block=block, keep=keep, engine="tables", **how)
            assert tables is not None
            same(tables, loop)
        if COMPILED:
            compiled = play_fused(game, strategies, streams, block=7, keep=keep, engine="compiled", **how)
            assert compiled is not None
            same(compiled, loop)
