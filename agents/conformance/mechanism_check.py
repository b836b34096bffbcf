"""Hold a mechanism to what it declares: rules are functions of what they are shown, transfers within the bound.

A small block is played as prescribed, and once more with messages, actions and replies at random, which leads off the
path. Every call of a rule is recorded, then repeated: last call first, the episodes in the opposite order. A rule
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
from dynmech.sim.core.ties import TIE, scale_of
from dynmech.sim.economy.units import money_scale
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
"""Rules that answer for a block of episodes, and their arguments after the situation."""

NUMBERS = ("decide", "charge", "due", "remember")
"""Rules that return numbers, whatever the messages are."""

LONGEST = 10_000
"""Largest number of periods after which a transfer may fall due."""

PERIODS = 200
"""Number of periods of an endless game that are played."""

ALONE = 8
"""Number of episodes that are also played alone."""

FIRST = 12
"""Number of first periods in which memory sizes and replies are checked, besides the last."""


def check_mechanism(game: Game, *, episodes: int = 24) -> None:
    """Check that a game's mechanism keeps to what it declares.

    Raises:
        PlayError: names the mechanism, the rule and the first period of a breach.
    """
    mechanism = game.mechanism
    who = f"mechanism {mechanism.name!r}"
    with no_side_effects(who, game.environment, game.game_spaces, game.protocol):
        bound = _check_declared(game, who)
        for strategy in (Truthful(), _Erratic()):
            _check_play(shortened(game), strategy, episodes, bound, who)


def shortened(game: Game) -> Game:
    """Return an endless game with fewer periods; any other game as it is."""
    return game if game.environment.horizon is not None else replace(game, periods=min(game.periods, PERIODS))


def run_user_code(what: str, ask: Callable[[], Any]) -> Any:
    """Return the result of users' code; whatever it raises becomes a PlayError of one line."""
    try:
        return ask()
    except (DynmechError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PlayError(f"{what} raised {format_exception(error)}") from error


def _check_declared(game: Game, who: str) -> float:
    """Check lags, spaces, memory sizes and the bound on transfers; return the bound.

    Spaces of messages are those of the game; memory and replies are checked in the first periods and the last.
    """
    mechanism = game.mechanism
    if not _whole(mechanism.lags, 0, LONGEST):
        raise PlayError(f"{who}: lags is {shown(mechanism.lags)}, expected a whole number from 0 to {LONGEST:,}")
    for t, spaces in enumerate(game.game_spaces.messages):
        for i, space in enumerate(spaces):
            _check_space(space, f"{who} in period {t}: messages for agent {game.environment.agents[i]!r}")
    periods = game.periods + game.closing
    for t in (*range(min(periods, FIRST)), periods - 1):
        size = run_user_code(f"{who} in period {t}: memory_size", partial(mechanism.memory_size, t))
        if size is not None and not _whole(size, 1, None):
            raise PlayError(
                f"{who} in period {t}: memory_size is {shown(size)}, expected a whole number from 1 on, or None"
            )
        for i, name in enumerate(game.environment.agents):
            wanted = run_user_code(f"{who} in period {t}: asks", partial(mechanism.asks, t, i))
            if wanted is not None:
                _check_space(wanted, f"{who} in period {t}: asks of agent {name!r}")
    bound = run_user_code(f"{who}: transfer_bound", mechanism.transfer_bound)
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not (isfinite(bound) and bound >= 0):
        raise PlayError(f"{who}: transfer_bound() is {shown(bound)}, expected a finite number of at least 0")
    return float(bound)


def _whole(value: Any, least: int, most: int | None) -> bool:
    """Return whether a value is a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return bool(value >= least) and (most is None or bool(value <= most))


def _check_space(space: object, where: str) -> None:
    """Check that a space is a set of different labels or an interval."""
    if isinstance(space, Finite):
        check_names(space.labels, where)
    elif not isinstance(space, Interval):
        raise PlayError(
            f"{where}: {shown(space)} is no space of messages, expected dynmech.sim.core.spaces.Finite or Interval"
        )
    elif not (isfinite(space.low) and isfinite(space.high) and space.low <= space.high):
        raise PlayError(f"{where}: from {space.low:g} to {space.high:g} is no interval")


def _check_play(game: Game, strategy: StrategyProtocol, episodes: int, bound: float, who: str) -> None:
    """Play a block, repeat every call of a rule, and play some episodes one by one."""
    watched = _Watched(game.mechanism, who)
    whole = _play(replace(game, mechanism=cast(MechanismProtocol, watched)), strategy, episodes, block=episodes)
    _check_flows(game, watched.calls, whole.transfer, bound, who)
    broken = [(call.t, call.rule) for call in reversed(watched.calls) if not _same_when_repeated(game.mechanism, call)]
    if broken:
        t, rule = broken[-1]
        raise PlayError(
            f"{who} in period {t}: {rule} answers otherwise when it is asked again; a rule may depend on situation and "
            "messages only (no random numbers, no notes from call to call, no look at other episodes)"
        )
    alone = _play(game, strategy, episodes, block=1, played=min(ALONE, episodes))
    for name in ("decision", "transfer"):
        in_block, single = getattr(whole, name)[..., :ALONE], getattr(alone, name)
        unequal = (in_block != single) & ~(np.isnan(in_block) & np.isnan(single))
        differ = unequal.reshape(len(single), -1).any(axis=1)
        if differ.any():
            raise PlayError(
                f"{who} in period {int(np.argmax(differ))}: the same play brings another {name} when episodes come one "
                "at a time; rules may depend on the situation and the messages of that episode only (elementwise "
                "arithmetic, no matrix products)"
            )


def _play(game: Game, strategy: StrategyProtocol, episodes: int, block: int, played: int | None = None) -> Record:
    """Play episodes with one strategy for all agents, from a fixed stream."""
    streams = Streams(seed=0, scope="check", shard=0, episodes=episodes, periods=game.periods + game.closing)
    profile = [strategy] * len(game.environment.agents)
    return play_shard(game, profile, streams, episodes=played, block=block)


def _check_flows(game: Game, calls: "list[_Call]", transfer: FloatArray, bound: float, who: str) -> None:
    """Check that transfers are within the bound, and that nothing falls due where lags are 0."""
    largest = np.abs(transfer).reshape(len(transfer), -1).max(axis=1)
    beyond = largest > bound + TIE * scale_of(money_scale(game.environment), bound)
    if beyond.any():
        t = int(np.argmax(beyond))
        raise PlayError(f"{who} in period {t}: a transfer of {largest[t]:.6g} exceeds its transfer_bound() {bound:.6g}")
    if game.environment.horizon is None and game.mechanism.lags == 0:
        for call in calls:
            if call.rule == "due" and call.answer.any():
                raise PlayError(f"{who} in period {call.t}: something falls due although it declares lags = 0")


class _Call(NamedTuple):
    """A rule, its arguments, and its result."""

    rule: str
    arguments: tuple[Any, ...]
    answer: Array

    @property
    def t(self) -> int:
        """Period of the call."""
        return int(self.arguments[0].t)


class _Watched:
    """A mechanism whose calls are recorded."""

    def __init__(self, inner: MechanismProtocol, who: str) -> None:
        self._inner, self._who = inner, who
        self.calls: list[_Call] = []

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self._inner, name)
        return self._watch(name, thing) if name in RULES else thing

    def _watch(self, rule: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        """Return the rule so that every call is recorded and may not write to its arguments."""

        def watched(*arguments: Any) -> Any:
            """Ask the rule, and hold it to what it may do."""
            kept = copy.deepcopy(arguments)
            where = f"{self._who} in period {arguments[0].t}: {rule}"
            answer = run_user_code(where, lambda: np.asarray(ask(*arguments)))
            if rule in NUMBERS and answer.dtype.kind not in "iuf":
                raise PlayError(f"{where} returned type {answer.dtype}, expected numbers")
            for (name, before), (_, after) in zip(_arrays(rule, kept), _arrays(rule, arguments), strict=True):
                if before.tobytes() != after.tobytes():
                    raise PlayError(f"{where} writes to the {name} it is shown")
            self.calls.append(_Call(rule, kept, answer.copy()))
            return answer

        return watched


def _arrays(rule: str, arguments: tuple[Any, ...]) -> Iterator[tuple[str, Array]]:
    """Yield every array among the arguments of a rule, by name."""
    for name, part in zip(("now", *RULES[rule]), arguments, strict=True):
        if isinstance(part, Situation | Acts):
            yield from ((field, value) for field, value in part._asdict().items() if isinstance(value, np.ndarray))
        elif isinstance(part, np.ndarray):
            yield name, part


def _same_when_repeated(mechanism: MechanismProtocol, call: _Call) -> bool:
    """Return whether the call with the episodes in the opposite order gives the same result."""
    try:
        answer = np.asarray(getattr(mechanism, call.rule)(*map(_backwards, call.arguments)))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return False
    return np.array_equal(answer[::-1] if answer.ndim else answer, call.answer)


def _backwards(part: Any) -> Any:
    """Return an argument with the episodes in the opposite order."""
    if isinstance(part, Situation):
        return part._replace(memory=part.memory[::-1].copy(), public=part.public[::-1].copy())
    if isinstance(part, Acts):
        return Acts(part.seen[::-1].copy(), part.replies[::-1].copy())
    return part[::-1].copy() if isinstance(part, np.ndarray) else part


class _Erratic(Strategy):
    """A strategy with random messages, actions and replies."""

    width = 3

    def __init__(self) -> None:
        self.name = "erratic"

    def message(self, view: View) -> Array:
        """Return random messages, shape `(n,)`."""
        return _any(view.space, view.uniforms[:, 0])

    def action(self, view: View) -> Array:
        """Return random actions, shape `(n,)`."""
        return _any(view.space, view.uniforms[:, 1])

    def reply(self, view: View) -> Array:
        """Return random replies, shape `(n,)`."""
        return _any(view.space, view.uniforms[:, 2])


def _any(space: Space, uniforms: FloatArray) -> Array:
    """Return evenly drawn elements of a space, shape `(n,)`."""
    if isinstance(space, Finite):
        return (uniforms * space.size).astype(np.intp)
    return space.low + uniforms * (space.high - space.low)
