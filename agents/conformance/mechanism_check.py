"""Does a mechanism keep to what it declares? Its rules must be functions of what they see, its transfers within bounds.

A small block is played as prescribed, and once more with messages, actions and replies at random, which leads off the
path. Every call of a rule is recorded, then made again: last call first, the episodes in the opposite order. A rule
that draws numbers of its own, keeps notes from call to call, or looks at other episodes gives other answers. No rule
may write to what it is shown, and nothing else may change (`dynmech.sim.conformance.side_effects`).
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import Any, NamedTuple, cast

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.sim.conformance.side_effects import no_side_effects
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.checks import check_names, shown
from dynmech.sim.core.errors import DynmechError, PlayError
from dynmech.sim.core.registry import format_exception
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Acts, MechanismProtocol, Situation, StrategyProtocol, View

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

NUMBERS = ("decide", "charge", "due", "remember")
"""Rules that answer in numbers, whatever the messages are."""

LONGEST = 10_000
"""Periods for which transfers may fall due later."""

PERIODS = 200
"""Periods of an endless game that are played."""

ALONE = 8
"""Episodes that are also played alone."""

FIRST = 12
"""Periods in which memory and questions are looked at, beside the last."""


def check_mechanism(game: Game, *, episodes: int = 24) -> None:
    """Hold a game's mechanism to what it declares.

    Raises:
        PlayError: names the mechanism, the rule and the first period in which it broke its word.
    """
    mechanism = game.mechanism
    who = f"mechanism {mechanism.name!r}"
    with no_side_effects(who, game.environment, game.game_spaces, game.protocol):
        bound = _check_declared(game, who)
        for strategy in (Truthful(), _Erratic()):
            _check_play(beginning(game), strategy, episodes, bound, who)


def beginning(game: Game) -> Game:
    """The first periods of an endless game, and its closing ones; any other game as it is."""
    return game if game.environment.horizon is not None else replace(game, periods=min(game.periods, PERIODS))


def asked(what: str, ask: Callable[[], Any]) -> Any:
    """The answer of users' code; whatever it raises becomes one line."""
    try:
        return ask()
    except (DynmechError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PlayError(f"{what} raised {format_exception(error)}") from error


def _check_declared(game: Game, who: str) -> float:
    """Raise unless what is declared makes sense; the bound on transfers.

    Spaces of messages are those of the game_spaces; memory and questions are looked at in the first periods and the
    last.
    """
    mechanism = game.mechanism
    if not _whole(mechanism.lags, 0, LONGEST):
        raise PlayError(f"{who}: lags is {shown(mechanism.lags)}, expected a whole number from 0 to {LONGEST:,}")
    for t, spaces in enumerate(game.game_spaces.messages):
        for i, space in enumerate(spaces):
            _check_space(space, f"{who} in period {t}: messages for agent {game.environment.agents[i]!r}")
    periods = game.periods + game.closing
    for t in (*range(min(periods, FIRST)), periods - 1):
        size = asked(f"{who} in period {t}: memory_size", partial(mechanism.memory_size, t))
        if size is not None and not _whole(size, 1, None):
            raise PlayError(
                f"{who} in period {t}: memory_size is {shown(size)}, expected a whole number from 1 on, or None"
            )
        for i, name in enumerate(game.environment.agents):
            wanted = asked(f"{who} in period {t}: asks", partial(mechanism.asks, t, i))
            if wanted is not None:
                _check_space(wanted, f"{who} in period {t}: asks of agent {name!r}")
    bound = asked(f"{who}: transfer_bound", mechanism.transfer_bound)
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not (isfinite(bound) and bound >= 0):
        raise PlayError(f"{who}: transfer_bound() is {shown(bound)}, expected a finite number of at least 0")
    return float(bound)


def _whole(value: Any, least: int, most: int | None) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return bool(value >= least) and (most is None or bool(value <= most))


def _check_space(space: object, where: str) -> None:
    """Raise unless it is a set of different labels or an interval."""
    if isinstance(space, Finite):
        check_names(space.labels, where)
    elif not isinstance(space, Interval):
        raise PlayError(
            f"{where}: {shown(space)} is no space of messages, expected dynmech.sim.core.spaces.Finite or Interval"
        )
    elif not (isfinite(space.low) and isfinite(space.high) and space.low <= space.high):
        raise PlayError(f"{where}: from {space.low:g} to {space.high:g} is no interval")


def _check_play(game: Game, strategy: StrategyProtocol, episodes: int, bound: float, who: str) -> None:
    watched = _Watched(game.mechanism, who)
    whole = _play(replace(game, mechanism=cast(MechanismProtocol, watched)), strategy, episodes, block=episodes)
    _check_flows(game, watched.calls, whole.transfer, bound, who)
    broken = [(call.t, call.rule) for call in reversed(watched.calls) if not _again(game.mechanism, call)]
    if broken:
        t, rule = broken[-1]
        raise PlayError(
            f"{who} in period {t}: {rule} answers otherwise when it is asked again; a rule may depend on situation and "
            "messages only (no random numbers, no notes from call to call, no look at other episodes)"
        )
    alone = _play(game, strategy, episodes, block=1, played=min(ALONE, episodes))
    for name in ("decision", "transfer"):
        one, two = getattr(whole, name)[..., :ALONE], getattr(alone, name)
        differ = ((one != two) & ~(np.isnan(one) & np.isnan(two))).reshape(len(one), -1).any(axis=1)
        if differ.any():
            raise PlayError(
                f"{who} in period {int(np.argmax(differ))}: the same play brings another {name} when episodes come one "
                "at a time; rules may depend on the situation and the messages of that episode only (elementwise "
                "arithmetic, no matrix products)"
            )


def _play(game: Game, strategy: StrategyProtocol, episodes: int, block: int, played: int | None = None) -> Record:
    streams = Streams(seed=0, scope="check", shard=0, episodes=episodes, periods=game.periods + game.closing)
    profile = [strategy] * len(game.environment.agents)
    return play_shard(game, profile, streams, episodes=played, block=block)


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

    def __init__(self, inner: MechanismProtocol, who: str) -> None:
        self._inner, self._who = inner, who
        self.calls: list[_Call] = []

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self._inner, name)
        return self._watch(name, thing) if name in RULES else thing

    def _watch(self, rule: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any) -> Any:
            kept = copy.deepcopy(given)
            where = f"{self._who} in period {given[0].t}: {rule}"
            answer = asked(where, lambda: np.asarray(ask(*given)))
            if rule in NUMBERS and answer.dtype.kind not in "iuf":
                raise PlayError(f"{where} returned type {answer.dtype}, expected numbers")
            for (name, before), (_, after) in zip(_arrays(rule, kept), _arrays(rule, given), strict=True):
                if before.tobytes() != after.tobytes():
                    raise PlayError(f"{where} writes to the {name} it is shown")
            self.calls.append(_Call(rule, kept, answer.copy()))
            return answer

        return watched


def _arrays(rule: str, given: tuple[Any, ...]) -> Iterator[tuple[str, Array]]:
    """Every array that a rule is given, by name."""
    for name, part in zip(("now", *RULES[rule]), given, strict=True):
        if isinstance(part, Situation | Acts):
            yield from ((field, value) for field, value in part._asdict().items() if isinstance(value, np.ndarray))
        elif isinstance(part, np.ndarray):
            yield name, part


def _again(mechanism: MechanismProtocol, call: _Call) -> bool:
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


class _Erratic(Strategy):
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
