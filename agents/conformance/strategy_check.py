"""Hold a strategy to what it declares: its play is a function of its view, and of one episode at a time.

Two tests, both by playing a small block: the recorded views are shown to a copy of the strategy *outside* the loop,
last period first, and the moves must be the same (a strategy that draws outside its stream, keeps notes elsewhere
than in `view.private`, or looks at the loop itself gives others); and the same episodes are played one at a time.
Meanwhile nothing may change: no table of the game, no module of the program, no global state
(`dynmech.sim.conformance.side_effects`).
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from dynmech.agents.conformance.mechanism_check import check_mechanism, run_user_code, shortened
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.conformance.side_effects import no_side_effects
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.registry import format_exception
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Past, StrategyProtocol, View

__all__ = ["check_mechanism", "check_strategy"]

WIDEST = 1024
"""Largest `width` of a strategy."""

TRIED = 4
"""Number of rounds that are played with a strategy that learns."""


def check_strategy(
    strategy: StrategyProtocol, agent: int, game: Game, others: Sequence[StrategyProtocol], *, episodes: int = 24
) -> None:
    """Check that a strategy keeps to what it declares when it plays for one agent.

    Args:
        others: one strategy per agent; the one at `agent` is replaced.

    Raises:
        PlayError: names the strategy, the agent and the first period of a breach.
    """
    who = f"strategy {strategy.name!r} of agent {game.environment.agents[agent]!r}"
    _check_traits(strategy, who)
    if isinstance(strategy, Strategy):
        _check_words(strategy, AgentContext.of(game, agent), who)
    rules = vars(game.mechanism).values()
    with no_side_effects(who, game.environment, game.game_spaces, game.protocol, *rules):
        _check_play(strategy, agent, shortened(game), others, episodes, who)


def _check_traits(strategy: StrategyProtocol, who: str) -> None:
    """Check width, memory_periods, rounds, spies and silent."""
    for name, most in (("width", WIDEST), ("memory_periods", None)):
        value = getattr(strategy, name)
        if name == "memory_periods" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 0 or (most is not None and value > most):
            limit = f"0 to {most}" if most is not None else "0 on, or None"
            raise PlayError(f"{who}: {name} is {value!r}, expected a whole number from {limit}")
    if isinstance(strategy.rounds, bool) or not isinstance(strategy.rounds, int) or strategy.rounds < 1:
        raise PlayError(f"{who}: rounds is {strategy.rounds!r}, expected a whole number from 1 on")
    for name in ("spies", "silent"):
        if not isinstance(getattr(strategy, name), bool):
            raise PlayError(f"{who}: {name} is {getattr(strategy, name)!r}, expected True or False")


def _check_words(strategy: Strategy, context: AgentContext, who: str) -> None:
    """Check that options and description are texts, the description of one line."""
    options: object = run_user_code(f"{who}: options", strategy.options)
    if not (isinstance(options, dict) and all(isinstance(text, str) for pair in options.items() for text in pair)):
        raise PlayError(f"{who}: options returned {shown(options)}, expected texts by name")
    words: object = run_user_code(f"{who}: describe", partial(strategy.describe, context))
    if not isinstance(words, str) or len(words.splitlines()) != 1:
        raise PlayError(f"{who}: describe returned {shown(words)}, expected words on one line")


def _check_play(
    strategy: StrategyProtocol, agent: int, game: Game, others: Sequence[StrategyProtocol], episodes: int, who: str
) -> None:
    """Play a block, show the recorded views to copies of the strategy, and play the episodes one by one."""
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
    strategy: StrategyProtocol, agent: int, game: Game, others: Sequence[StrategyProtocol], episodes: int, block: int
) -> dict[str, Array]:
    """Return the agent's own moves, `(P, E)` each; the rest of the record is dropped, out of the strategy's reach."""
    profile = [strategy if i == agent else other for i, other in enumerate(others)]
    streams = Streams(seed=0, scope="check", shard=0, episodes=episodes, periods=game.periods + game.closing)
    rounds = min(TRIED, max(player.rounds for player in profile))
    record = play_shard(game, profile, streams, block=block, rounds=rounds)
    columns = ("report", "action", "reply", *(("paid", "paid_late") if record.billed_by_events else ()))
    return {column: getattr(record, column)[:, agent].copy() for column in columns}


def _same(strategy: StrategyProtocol, method: str, view: View, answer: Array) -> bool:
    """Return whether a fresh copy moves as the strategy did; one that raises does not."""
    try:
        again = getattr(strategy, method)(*_asked(method, view))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return False
    return np.array_equal(again, answer)


def _asked(method: str, view: View) -> tuple[Any, ...]:
    """Return what a move is asked with."""
    return (view, view.bill) if method == "pay" else (view,)


class _Watched:
    """A strategy whose views and moves are recorded."""

    def __init__(self, inner: StrategyProtocol) -> None:
        self._inner = inner
        self.name, self.width, self.memory_periods = inner.name, inner.width, inner.memory_periods
        self.spies, self.silent, self.leaves, self.rounds = inner.spies, inner.silent, inner.leaves, inner.rounds
        self.seen: list[tuple[str, View, Array]] = []

    def _watch(self, method: str, view: View) -> Array:
        """Return the inner strategy's move and record it with its view."""
        before = replace(view, private=copy.deepcopy(view.private))
        answer: Array = run_user_code(method, partial(getattr(self._inner, method), *_asked(method, view)))
        kept = answer.copy() if isinstance(answer, np.ndarray) and answer.shape == (view.size,) else answer
        self.seen.append((method, before, kept))
        return answer

    def message(self, view: View) -> Array:
        """Return the inner strategy's message."""
        return self._watch("message", view)

    def action(self, view: View) -> Array:
        """Return the inner strategy's action."""
        return self._watch("action", view)

    def reply(self, view: View) -> Array:
        """Return the inner strategy's reply."""
        return self._watch("reply", view)

    def pay(self, view: View, bill: Bill) -> FloatArray:  # noqa: ARG002
        """Return the inner strategy's payment."""
        return self._watch("pay", view)

    def observe(self, view: View, seen: Past) -> None:
        """Let the inner strategy learn."""
        self._inner.observe(view, seen)


def _copy(strategy: StrategyProtocol, who: str) -> Any:
    """Return a deep copy of a strategy; raise a PlayError if it cannot be copied."""
    try:
        return copy.deepcopy(strategy)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PlayError(
            f"{who}: cannot be copied ({format_exception(error)}); a strategy must be deep-copyable"
        ) from error
