"""Does a mechanism keep to what it declares? Its rules must be functions of what they see, its transfers within bounds.

A small block is played as prescribed, and once more with messages, actions and replies at random, which leads off the
path. Every call of a rule is recorded, then made again: last call first, the episodes in the opposite order. A rule
that draws numbers of its own, keeps notes from call to call, or looks at other episodes gives other answers. No rule
may write to what it is shown, and nothing else may change (`sim.undisturbed`).
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import isfinite
from typing import Any, NamedTuple, cast

import numpy as np

from agents.base import BaseStrategy
from agents.truthful import Truthful
from sim.arrays import Array, FloatArray
from sim.errors import PlayError
from sim.game import Game
from sim.loop import play_shard
from sim.record import Record
from sim.roles import Acts, Mechanism, Situation, Strategy, View
from sim.spaces import Finite, Space
from sim.streams import Streams
from sim.undisturbed import undisturbed

RULES = {
    "prescribed": ("agent", "signal"),
    "default": ("agent",),
    "decide": ("messages",),
    "prescribed_reply": ("agent", "messages", "decision", "utility"),
    "charge": ("messages", "decision", "acts"),
    "due": ("messages",),
    "remember": ("messages", "decision", "acts"),
}
"""Rules that answer for a block of episodes, and what they are given beside the situation."""


def check_mechanism(game: Game, *, episodes: int = 24) -> None:
    """Hold a game's mechanism to what it declares.

    Raises:
        PlayError: names the mechanism, the rule and the first period in which it broke its word.
    """
    mechanism = game.mechanism
    who = f"mechanism {mechanism.name!r}"
    bound = mechanism.transfer_bound()
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not (isfinite(bound) and bound >= 0):
        raise PlayError(f"{who}: transfer_bound() is {bound!r}, expected a finite number of at least 0")
    with undisturbed(who, game.environment, game.lexicon, game.conduct):
        for strategy in (Truthful(), _Erratic()):
            _check_play(game, strategy, episodes, float(bound), who)


def _check_play(game: Game, strategy: Strategy, episodes: int, bound: float, who: str) -> None:
    watched = _Watched(game.mechanism, who)
    whole = _play(replace(game, mechanism=cast(Mechanism, watched)), strategy, episodes, block=episodes)
    _check_flows(game, watched.calls, whole.transfer, bound, who)
    broken = [(call.t, call.rule) for call in reversed(watched.calls) if not _again(game.mechanism, call)]
    if broken:
        t, rule = broken[-1]
        raise PlayError(
            f"{who} in period {t}: {rule} answers otherwise when it is asked again; a rule may depend on situation and "
            "messages only (no random numbers, no notes from call to call, no look at other episodes)"
        )
    alone = _play(game, strategy, episodes, block=1)
    for name in ("decision", "transfer"):
        one, two = getattr(whole, name), getattr(alone, name)
        differ = ((one != two) & ~(np.isnan(one) & np.isnan(two))).reshape(len(one), -1).any(axis=1)
        if differ.any():
            raise PlayError(
                f"{who} in period {int(np.argmax(differ))}: the same play brings another {name} when episodes come one "
                "at a time; rules may depend on the situation and the messages of that episode only"
            )


def _play(game: Game, strategy: Strategy, episodes: int, block: int) -> Record:
    streams = Streams(seed=0, scope="check", shard=0, episodes=episodes, periods=game.periods + game.closing)
    return play_shard(game, [strategy] * len(game.environment.agents), streams, block=block)


def _check_flows(game: Game, calls: "list[_Call]", transfer: FloatArray, bound: float, who: str) -> None:
    """Raise unless transfers are within the bound, and nothing falls due where nothing may."""
    largest = np.abs(transfer).reshape(len(transfer), -1).max(axis=1)
    if (largest > bound * (1 + 1e-9) + 1e-9).any():
        t = int(np.argmax(largest > bound * (1 + 1e-9) + 1e-9))
        raise PlayError(f"{who} in period {t}: a transfer of {largest[t]:.6g} exceeds its transfer_bound() {bound:.6g}")
    if game.environment.horizon is None and game.mechanism.lags == 0:
        for call in calls:
            if call.rule == "due" and call.answer.any():
                raise PlayError(f"{who} in period {call.t}: something falls due although it declares lags = 0")


class _Call(NamedTuple):
    """A rule, what it was given, and what it answered."""

    rule: str
    given: tuple[Any, ...]
    answer: Array

    @property
    def t(self) -> int:
        return int(self.given[0].t)


class _Watched:
    """A mechanism whose calls are kept."""

    def __init__(self, inner: Mechanism, who: str) -> None:
        self._inner, self._who = inner, who
        self.calls: list[_Call] = []

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self._inner, name)
        return self._watch(name, thing) if name in RULES else thing

    def _watch(self, rule: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any) -> Any:
            kept = copy.deepcopy(given)
            answer = ask(*given)
            for (name, before), (_, after) in zip(_arrays(rule, kept), _arrays(rule, given), strict=True):
                if before.tobytes() != after.tobytes():
                    raise PlayError(f"{self._who} in period {given[0].t}: {rule} writes to the {name} it is shown")
            self.calls.append(_Call(rule, kept, copy.deepcopy(np.asarray(answer))))
            return answer

        return asked


def _arrays(rule: str, given: tuple[Any, ...]) -> Iterator[tuple[str, Array]]:
    """Every array that a rule is given, by name."""
    for name, part in zip(("now", *RULES[rule]), given, strict=True):
        if isinstance(part, Situation | Acts):
            yield from ((field, value) for field, value in part._asdict().items() if isinstance(value, np.ndarray))
        elif isinstance(part, np.ndarray):
            yield name, part


def _again(mechanism: Mechanism, call: _Call) -> bool:
    """Whether the same call with the episodes in the opposite order brings the same answers."""
    try:
        answer = np.asarray(getattr(mechanism, call.rule)(*map(_backwards, call.given)))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return False
    return np.array_equal(answer[::-1] if answer.ndim else answer, call.answer)


def _backwards(part: Any) -> Any:
    if isinstance(part, Situation):
        return part._replace(memory=part.memory[::-1].copy(), public=part.public[::-1].copy())
    if isinstance(part, Acts):
        return Acts(part.seen[::-1].copy(), part.replies[::-1].copy())
    return part[::-1].copy() if isinstance(part, np.ndarray) else part


class _Erratic(BaseStrategy):
    """Messages, actions and replies at random."""

    width = 3

    def __init__(self) -> None:
        self.name = "erratic"

    def message(self, view: View) -> Array:
        """Any message."""
        return _any(view.space, view.uniforms[:, 0])

    def action(self, view: View) -> Array:
        """Any action."""
        return _any(view.space, view.uniforms[:, 1])

    def reply(self, view: View) -> Array:
        """Any reply."""
        return _any(view.space, view.uniforms[:, 2])


def _any(space: Space, luck: FloatArray) -> Array:
    if isinstance(space, Finite):
        return (luck * space.size).astype(np.intp)
    return space.low + luck * (space.high - space.low)
