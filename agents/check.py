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

from agents.truthful import Truthful
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
    who = f"strategy {strategy.name!r} of agent {game.environment.agents[agent]!r}"
    pristine = _copy(strategy, who)
    watched = _Watched(_copy(strategy, who))
    together = _play(watched, agent, game, others, episodes, block=episodes)
    broken = [
        (view.t, method)
        for method, view, answer in reversed(watched.seen)
        if not _same(_copy(pristine, who), method, view, answer)
    ]
    if broken:
        t, method = broken[-1]
        raise PlayError(
            f"{who} in period {t}: {method} is not a function of its view; it draws outside its stream "
            "(use view.uniforms), keeps notes outside view.private, or looks at what it is not shown"
        )
    alone = _play(_copy(pristine, who), agent, game, others, episodes, block=1)
    for column, answers in together.items():
        differ = (alone[column] != answers) & ~(np.isnan(alone[column]) & np.isnan(answers))
        if differ.any():
            raise PlayError(
                f"{who} in period {int(np.argmax(differ.any(axis=1)))}: {column} differs when episodes come "
                "one at a time; an episode's play may depend on that episode only"
            )


def _play(
    strategy: Strategy, agent: int, game: Game, others: Sequence[Strategy], episodes: int, block: int
) -> dict[str, Array]:
    """The agent's own answers `(P, E)`; the rest of the record is not kept where a strategy could find it."""
    profile = [strategy if i == agent else other for i, other in enumerate(others)]
    streams = Streams(seed=0, scope="check", shard=0, episodes=episodes, periods=game.periods + game.closing)
    record = play_shard(game, profile, streams, block=block)
    return {column: getattr(record, column)[:, agent].copy() for column in ("report", "action", "reply")}


def check_mechanism(game: Game, *, episodes: int = 24) -> None:
    """Hold a mechanism to what it declares: rules that are functions of what they see, transfers within its bound.

    A small block is played twice as prescribed, the second time one episode after the other.

    Raises:
        PlayError: names the mechanism and the first period in which it broke its word.
    """
    streams = Streams(seed=0, scope="check", shard=0, episodes=episodes, periods=game.periods + game.closing)
    honest = [Truthful() for _ in game.environment.agents]
    whole = play_shard(game, honest, streams, block=episodes)
    again = play_shard(game, honest, streams, block=1)
    who = f"mechanism {game.mechanism.name!r}"
    for name in ("decision", "transfer"):
        one, two = getattr(whole, name), getattr(again, name)
        differ = ((one != two) & ~(np.isnan(one) & np.isnan(two))).reshape(len(one), -1).any(axis=1)
        if differ.any():
            raise PlayError(
                f"{who} in period {int(np.argmax(differ))}: the same play brings another {name} the second time; rules "
                "may depend on situation and messages only (no random numbers, no notes from case to case)"
            )
    bound = game.mechanism.transfer_bound()
    over = np.abs(whole.transfer).reshape(len(whole.transfer), -1).max(axis=1)
    if (over > bound * (1 + 1e-9) + 1e-9).any():
        t = int(np.argmax(over > bound * (1 + 1e-9) + 1e-9))
        raise PlayError(f"{who} in period {t}: a transfer of {over[t]:.6g} exceeds its transfer_bound() {bound:.6g}")


def _same(strategy: Strategy, method: str, view: View, answer: Array) -> bool:
    """Whether a fresh copy answers a view as the strategy did; one that cannot answer does not."""
    try:
        again = getattr(strategy, method)(view)
    except (Exception, SystemExit):
        return False
    return np.array_equal(again, answer)


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
        shown = " ".join(f"{type(error).__name__}: {error}".split())
        raise PlayError(f"{who}: cannot be copied ({shown}); a strategy must be deep-copyable") from error
