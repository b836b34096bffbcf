"""Does a strategy keep to what it declares? Its play must be a function of its view, and of one episode at a time.

Two tests, both by playing a small block: the recorded views are shown to a copy of the strategy *outside* the loop,
last period first, and the answers must be the same (a strategy that draws outside its stream, keeps notes elsewhere
than in `view.private`, or looks at the loop itself gives others); and the same episodes are played one at a time.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.arrays import Array
from sim.errors import PlayError
from sim.game import Game
from sim.loop import play_shard
from sim.roles import Strategy, View
from sim.streams import Streams


def check_strategy(
    strategy: Strategy, agent: int, game: Game, others: Sequence[Strategy], *, episodes: int = 24
) -> None:
    """Hold a strategy to what it declares, in the place of one agent.

    Args:
        others: one strategy per agent; the one at `agent` is replaced.

    Raises:
        PlayError: names strategy, agent and the first period in which it broke its word.
    """
    streams = Streams(seed=0, scope="check", shard=0, episodes=episodes, periods=game.periods + game.closing)
    who = f"strategy {strategy.name!r} of agent {game.environment.agents[agent]!r}"
    pristine = _copy(strategy, who)
    watched = _Watched(_copy(strategy, who))
    profile = [watched if i == agent else s for i, s in enumerate(others)]
    whole = play_shard(game, profile, streams, block=episodes)
    reports = whole.report[:, agent].copy()
    for method, view, answer in reversed(watched.seen):
        again = getattr(_copy(pristine, who), method)(view)
        if not np.array_equal(again, answer):
            raise PlayError(
                f"{who} in period {view.t}: {method} is not a function of its view; it draws outside its stream "
                "(use view.uniforms), keeps notes outside view.private, or looks at what it is not shown"
            )
    profile[agent] = _copy(pristine, who)
    single = play_shard(game, profile, streams, block=1).report[:, agent]
    if not np.array_equal(single, reports):
        t = int(np.argmax((single != reports).any(axis=1)))
        raise PlayError(
            f"{who} in period {t}: plays otherwise when episodes come one at a time; "
            "an episode's play may depend on that episode only"
        )


class _Watched:
    """A strategy whose views and answers are kept."""

    def __init__(self, inner: Strategy) -> None:
        self._inner = inner
        self.name, self.width, self.memory_periods = inner.name, inner.width, inner.memory_periods
        self.spies, self.silent = inner.spies, inner.silent
        self.seen: list[tuple[str, View, Array]] = []

    def _watch(self, method: str, view: View) -> Array:
        before = replace(view, private=copy.deepcopy(view.private))
        answer: Array = getattr(self._inner, method)(view)
        self.seen.append((method, before, copy.deepcopy(answer)))
        return answer

    def message(self, view: View) -> Array:
        """The inner strategy's message."""
        return self._watch("message", view)

    def action(self, view: View) -> Array:
        """The inner strategy's action."""
        return self._watch("action", view)

    def reply(self, view: View) -> Array:
        """The inner strategy's reply."""
        return self._watch("reply", view)


def _copy(strategy: Strategy, who: str) -> Any:
    try:
        return copy.deepcopy(strategy)
    except Exception as error:
        raise PlayError(f"{who}: cannot be copied ({type(error).__name__}: {error})") from error
