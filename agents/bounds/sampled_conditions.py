"""Where rules can be asked along paths: nobody acts after decisions, which do not move signals."""

import numpy as np

from dynmech.agents.bounds.path_problem import moved_signals
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game

TRIED = 64
"""Paths on which it is tried whether decisions move signals."""


def _numbers(game: Game, streams: Streams, t: int, n: int) -> FloatArray:
    """Return nature's uniform numbers of period t, `(n, streams)`."""
    return np.concatenate([streams.tape(name, 1, 0, n).at(t) for name in game.environment.streams(t)], axis=1)


def require_sampled_bounds(game: Game, seed: int) -> None:
    """Raise unless signals are not moved by decisions, and nobody acts or replies after them.

    Raises:
        Refusal: the reason, and what would make it possible.
    """
    environment, mechanism = game.environment, game.mechanism
    agents = range(len(environment.agents))
    if environment.actions(0) or any(mechanism.asks(0, i) is not None for i in agents):
        raise Refusal("bounds: agents act or reply after the decision; only a game on tables would make it possible")
    moved = moved_signals(environment) if isinstance(environment, TableEnvironment) else _moved(game, seed)
    if moved:
        raise Refusal(
            f"bounds: {moved}, so that the path of signals depends on what the deviator sends; a finite game that is "
            "small enough to be put on tables, or signals that do not depend on decisions, would make it possible"
        )


def _moved(game: Game, seed: int) -> str:
    """Return whether decisions are seen to move signals, in words; empty where they are not."""
    environment, streams = game.environment, Streams(seed, "moved", 0, TRIED, game.periods)
    space = environment.decision_space(0)
    if not isinstance(space, Finite):
        return "decisions are from an interval"
    last = environment.draw(0, None, None, _numbers(game, streams, 0, TRIED))
    for t in range(1, min(game.periods, 4)):
        numbers = _numbers(game, streams, t, TRIED)
        states = [environment.draw(t, last, np.full(TRIED, d), numbers) for d in range(space.size)]
        for other in states[1:]:
            if (other.signals != states[0].signals).any() or (other.public != states[0].public).any():
                return "decisions move signals"
        last = states[0]
    return ""
