"""Where rules can be asked along paths: nobody acts after decisions, which do not move signals.

The others' signals are drawn anew from numbers of their own, given the last profile, the public state and the
deviator's own number. That is their law given what the deviator knows if its number tells no more than its signal does.
"""

import numpy as np

from dynmech.agents.bounds.path_problem import moved_signals
from dynmech.agents.bounds.rule_calls import repeat, some
from dynmech.agents.bounds.state_values import own_columns
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.play.game import Game

TRIED = 64
"""Paths on which it is tried whether decisions move signals, and own numbers the others'."""

AGAIN = 32
"""How often own numbers are drawn on each of them."""


def _numbers(game: Game, streams: Streams, t: int, n: int) -> FloatArray:
    """Return nature's uniform numbers of period t, `(n, streams)`."""
    return np.concatenate([streams.tape(name, 1, 0, n).at(t) for name in game.environment.streams(t)], axis=1)


def require_sampled_bounds(game: Game, seed: int) -> None:
    """Raise unless signals are not moved by decisions, nobody acts or replies after them, and signals are drawn apart.

    Raises:
        Refusal: the reason, and what would make it possible.
    """
    environment, mechanism = game.environment, game.mechanism
    agents = range(len(environment.agents))
    later = any(
        environment.actions(t) or any(mechanism.asks(t, i) is not None for i in agents) for t in range(game.periods)
    )
    if later:
        raise Refusal("bounds: agents act or reply after the decision; only a game on tables would make it possible")
    moved = moved_signals(environment) if isinstance(environment, TableEnvironment) else _moved(game, seed)
    if moved:
        raise Refusal(
            f"bounds: {moved}, so that the path of signals depends on what the deviator sends; a finite game that is "
            "small enough to be put on tables, or signals that do not depend on decisions, would make it possible"
        )
    for agent in agents:
        require_drawn_apart(game, agent, seed)


def _moved(game: Game, seed: int) -> str:
    """Return whether decisions are seen to move signals, in words; empty where they are not."""
    environment, streams = game.environment, Streams(seed, "moved", 0, TRIED, game.periods)
    last = environment.draw(0, None, None, _numbers(game, streams, 0, TRIED))
    for t in range(1, min(game.periods, 4)):
        space = environment.decision_space(t - 1)
        if not isinstance(space, Finite):
            return "decisions are from an interval"
        numbers = _numbers(game, streams, t, TRIED)
        states = [environment.draw(t, last, np.full(TRIED, d), numbers) for d in range(space.size)]
        for other in states[1:]:
            if (other.signals != states[0].signals).any() or (other.public != states[0].public).any():
                return "decisions move signals"
        last = states[0]
    return ""


def require_drawn_apart(game: Game, agent: int, seed: int) -> None:
    """Raise where the number that a signal is drawn from tells more of the others' signals than the signal does.

    Raises:
        Refusal: in which period.
    """
    environment = game.environment
    last: State | None = None
    for t in range(min(game.periods, 4)):
        streams = Streams(seed, "drawn apart", t, TRIED * AGAIN, game.periods)
        numbers = np.repeat(_numbers(game, streams, t, TRIED * AGAIN)[::AGAIN], AGAIN, axis=0)
        own = own_columns(game, t, agent)
        numbers[:, own] = _numbers(game, streams, t, TRIED * AGAIN)[:, own]
        decision = None if last is None else np.zeros(len(numbers), np.intp)
        state = environment.draw(t, last, decision, numbers)
        signals = state.signals.reshape(TRIED, AGAIN, -1)
        public = state.public.reshape(TRIED, AGAIN)
        first = signals[:, :1]
        known = (signals[..., agent] == first[..., agent]) & (public == public[:, :1])
        others = np.delete(signals != first, agent, axis=2).any(axis=2)
        if (known & others).any():
            raise Refusal(
                f"bounds: in period {t} the signal of agent {environment.agents[agent]!r} and the others' are drawn "
                "together, so that these cannot be drawn given its own; signals that are independent given the last "
                "ones, or fewer profiles, would make it possible"
            )
        last = repeat(some(state, slice(None, None, AGAIN)), AGAIN)
