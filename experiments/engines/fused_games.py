"""Games that can be played from tables (`dynmech.sim.play.fused`), and those tables.

They are finite games of dynmech's own mechanisms without latency, acts or lotteries, played by strategies of dynmech's
own whose messages are maps of what is prescribed (`Strategy.message_map`), or depend on the last period as well
(`recalling_games`). All else is played on the event loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.block_partition import SideBySide
from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.engines.period_tables import period_tables, prescribed_in
from dynmech.experiments.engines.recalling_games import RecallingScript, recalling_script
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import RuleTables, tabulate
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.core.near_names import near_name
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.fused import PeriodTables, play_tables
from dynmech.sim.play.game import Game
from dynmech.sim.play.record import Keep, Record

ENGINES = ("auto", "loop", "tables", "compiled")
"""How play is carried out; whichever is chosen, what comes of it is the same."""

CASES = 200_000
"""Cases of a mechanism's rules up to which they are written out for play."""

ASKED = 8
"""How often writing the rules out asks for a case: play must ask for as many, else it is quicker without tables."""

COMPILED = 100_000_000
"""Agent-periods of a case from which machine code pays, which must be made when it is first used."""

STATES = 1 << 18
"""States of a period, parts of a block included, up to which its tables are made."""


def known_engine(engine: str) -> str:
    """Return the name of an engine.

    Raises:
        InputError: there is none of this name, or it needs what is not installed.
    """
    if engine not in ENGINES:
        raise InputError(f"engine: {engine!r} is none of {', '.join(ENGINES)}{near_name(engine, ENGINES)}")
    if engine == "compiled" and find_spec("numba") is None:
        raise InputError("engine: 'compiled' needs Numba: pip install 'dynmech[fast]'")
    return engine


def obstacle(game: Game) -> str:
    """Return why a game is played on the event loop, whoever plays; empty where tables will do."""
    environment, mechanism = game.environment, game.mechanism
    if not isinstance(environment, TableEnvironment) or not isinstance(mechanism, Mechanism):
        return "it is not finite"
    own = all(
        getattr(type(environment), name) is getattr(TableEnvironment, name) for name in ("draw", "utility", "cost")
    )
    if not (own and is_shipped(mechanism) and is_shipped(getattr(mechanism, "base", mechanism))):
        return "users' rules are asked in every period"
    if game.protocol.latency:
        return "messages take time"
    if game.protocol.payments is not None:
        return "bills are sent and answered"
    agents = range(len(environment.agents))
    if any(environment.actions(t) or any(mechanism.asks(t, i) for i in agents) for t in range(game.periods)):
        return "agents act or reply after the decision"
    if any(_cases(game, mechanism, t) is None for t in _entries(game)):
        return "its messages or its memory are not finite"
    return ""


def engines_of(games: Mapping[str, Game], engine: str) -> dict[str, Any]:
    """Return, for `run.json`, which engine is asked for, and which mechanisms the event loop plays with the reason.

    Under the others, strategies whose messages are maps of what is prescribed are played from tables where that pays.
    """
    reasons = {} if engine == "loop" else {name: why for name, game in games.items() if (why := obstacle(game))}
    return {"asked": engine, "loop": reasons}


def _entries(game: Game) -> range:
    """Return the periods whose rules differ."""
    return range(2 if game.environment.horizon is None else game.periods)


def _cases(game: Game, mechanism: Mechanism, t: int) -> int | None:
    """Return how many cases the rules of a period have; None where they are not finite."""
    memories = mechanism.memory_size(t)
    spaces = [mechanism.messages(t, i) for i in range(len(game.environment.agents))]
    sizes = [space.size for space in spaces if isinstance(space, Finite)]
    public = game.environment.public_space(t)
    if memories is None or len(sizes) < len(spaces) or not isinstance(public, Finite):
        return None
    return memories * public.size * prod(sizes)


_RULES: WeakKeyDictionary[Mechanism, list[RuleTables] | None] = WeakKeyDictionary()


def _rules(game: Game, work: float) -> list[RuleTables] | None:
    """Return the rules of a game that has no obstacle as tables; None where they do not fit, or do not pay.

    Args:
        work: how many cases play asks for.
    """
    mechanism = game.mechanism
    assert isinstance(mechanism, Mechanism)
    if mechanism not in _RULES:
        cases = sum(_cases(game, mechanism, t) or 0 for t in _entries(game))
        if cases > CASES:
            _RULES[mechanism] = None
        elif ASKED * cases > work:
            return None
        else:
            _RULES[mechanism] = _tabulated(game, mechanism)
    return _RULES[mechanism]


def _tabulated(game: Game, mechanism: Mechanism) -> list[RuleTables] | None:
    try:
        tables = [tabulate(mechanism, t) for t in _entries(game)]
    except Refusal:  # a rule belies what is declared: the event loop says so, where it matters
        return None
    return tables if all(rules.draws == 1 and not rules.acts for rules in tables) else None


Maps = tuple[tuple[tuple[int, ...], ...], ...]
"""By part and agent, the message sent for each prescribed one."""


@dataclass(eq=False)
class Script:
    """What is played, period by period, as tables.

    Attributes:
        game: which.
        rules: its rules, by entry.
        members: by part of a block, a strategy per agent.
    """

    game: Game
    rules: list[RuleTables]
    members: tuple[tuple[Strategy, ...], ...]
    _made: dict[tuple[int, bool, Maps], PeriodTables] = field(default_factory=dict)

    def __call__(self, t: int) -> PeriodTables:
        """Return the tables of period t; those of periods that are alike are made once."""
        entry = self._entry(t)
        key = (entry, t >= self.game.periods, self.maps(t))
        if key not in self._made:
            self._made[key] = self._tables(*key)
        return self._made[key]

    def maps(self, t: int) -> Maps:
        """Return the maps of period t; in a closing period all send what is prescribed.

        Raises:
            LookupError: a strategy's message is no map of what is prescribed.
        """
        spaces = [self.game.mechanism.messages(t, i) for i in range(len(self.members[0]))]
        return tuple(
            tuple(self._map(t, member, space) for member, space in zip(part, spaces, strict=True))  # type: ignore[arg-type]
            for part in self.members
        )

    def _map(self, t: int, strategy: Strategy, space: Finite) -> tuple[int, ...]:
        if t >= self.game.periods:
            return tuple(range(space.size))
        sent = strategy.message_map(t, space)
        if sent is None:
            raise LookupError(strategy.name)
        return tuple(sent.tolist())

    def _entry(self, t: int) -> int:
        return min(t, 1) if self.game.environment.horizon is None else t

    def _tables(self, entry: int, closing: bool, maps: Maps) -> PeriodTables:
        """Return the tables of a period, part by part, memory by memory, profile by profile."""
        rules, size = self.rules[entry], self.game.environment.stage(entry).size  # type: ignore[attr-defined] # finite
        memory = np.tile(np.repeat(np.arange(rules.memories), size), len(maps))
        part = np.repeat(np.arange(len(maps)), rules.memories * size)
        asked = prescribed_in(self.game, rules, entry, memory)
        mapped = [np.array([one[i] for one in maps])[part, sent] for i, sent in enumerate(asked)]
        return period_tables(
            self.game,
            rules,
            (entry, closing),
            memory,
            np.array(mapped),
            following=lambda next_memory, _: self._following(entry, part, next_memory),
            first=np.arange(len(maps)) * rules.memories * size,
        )

    def _following(self, entry: int, part: IntArray, memory: IntArray) -> IntArray:
        """Return the first state of next period's with the same part and this memory."""
        after = 1 if self.game.environment.horizon is None else entry + 1
        if after >= len(self.rules):
            return np.zeros(len(memory), np.intp)
        size = self.game.environment.stage(after).size  # type: ignore[attr-defined] # it is finite
        following: IntArray = (part * self.rules[after].memories + memory) * size
        return following


def script_of(game: Game, strategies: Sequence[Strategy], work: float) -> Script | RecallingScript | None:
    """Return what is played as tables; None where the event loop plays it.

    Args:
        work: how many cases play asks for.
    """
    members = [one.members if isinstance(one, SideBySide) else (one,) for one in strategies]
    parts = max(map(len, members))
    if not all(is_shipped(one) and one.rounds == 1 for some in members for one in some) or obstacle(game):
        return None
    rules = _rules(game, work)
    if rules is None or parts * max(one.memories * prod(one.shape) for one in rules) > STATES:
        return None
    profiles = tuple(tuple(some[k % len(some)] for some in members) for k in range(parts))
    script = Script(game, rules, profiles)
    try:
        for t in range(game.periods):
            script.maps(t)
    except LookupError:
        return recalling_script(game, rules, profiles, int(min(work, STATES)))
    except PlayError:
        return None
    return script


def play_fused(
    game: Game,
    strategies: Sequence[Strategy],
    streams: Streams,
    *,
    episodes: int,
    block: int,
    keep: Keep,
    engine: str,
    ahead: int = 0,
) -> Record | None:
    """Play one shard from tables; None where the event loop is to play it.

    Args:
        ahead: episodes of all shards, where there are more.
        engine: `loop`: never from tables; `tables`: wherever that can be; `compiled`: the same in machine code where
            sums are kept; `auto`: where it pays, too.
    """
    if engine == "loop":
        return None
    cases = float(episodes) * (game.periods + game.closing)
    script = script_of(game, strategies, cases if engine == "auto" else float("inf"))
    if script is None:
        return None
    parts = len(script.members)
    if _compiles(game, keep, engine, max(episodes, ahead)):
        from dynmech.sim.play.compiled import play_compiled

        record = play_compiled(game, script, streams, parts=parts, episodes=episodes, keep=keep)
    else:
        record = play_tables(game, script, streams, parts=parts, episodes=episodes, block=block, keep=keep)
    record.leaving = any(one.leaves for one in strategies)  # whoever may leave and never does: the log is the loop's
    return record


def _compiles(game: Game, keep: Keep, engine: str, episodes: int) -> bool:
    """Whether machine code plays: it is asked for or pays, sums are kept, and draws of all periods have one address."""
    if keep == "everything" or engine == "tables" or find_spec("numba") is None:
        return False
    periods = range(game.periods + game.closing)
    if engine == "auto" and episodes * len(periods) * len(game.environment.agents) < COMPILED:
        return False
    return len({game.environment.streams(t) for t in periods[1:]}) <= 1
