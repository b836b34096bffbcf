"""Cases, how much of them is played, and the games that they are played in.

A *case* is one strategy per agent. Prescribed play and every case are played under the same draws of nature, so that
gains are paired differences.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from platform import python_version
from typing import Any

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.block_partition import side_by_side, traits
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import is_shipped, make_mechanism
from dynmech.experiments.engines.fused_games import known_engine, play_fused
from dynmech.experiments.runs.deposits import with_deposits
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import DynmechError, InputError, PlayError
from dynmech.sim.core.registry import format_exception, place
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Keep, Record

PRESCRIBED = "prescribed"
ROWS_PER_SHARD = 1 << 20

ABREAST = 1 << 13
"""Episodes that cases side by side have together, at most."""

Advance = Callable[[int], None]
"""Called with the number of pieces of work just done."""

Progress = Callable[[str, int], Advance]
"""Opens a phase of so many pieces of work and returns what advances it; a `say` of it is told lines in between."""


def silent(_name: str, _total: int) -> Advance:
    """A progress that shows nothing."""
    return lambda _: None


@dataclass(frozen=True)
class Sampling:
    """How much is played.

    Attributes:
        episodes: per case, at least 2 (0, in a stress test: chosen).
        seed: of all random numbers.
        shard: episodes per shard (0: chosen so that a full log has about a million rows).
        block: episodes per message; changes nothing but the speed.
        engine: `auto`, `loop`, `tables` or `compiled`: who plays what several can; changes nothing but the speed.
    """

    episodes: int = 10_000
    seed: int = 0
    shard: int = 0
    block: int = 4096
    engine: str = "auto"

    def __post_init__(self) -> None:
        known_engine(self.engine)
        if self.episodes == 1:
            raise InputError("episodes: 1 is below 2; an interval needs two")
        for name in ("episodes", "seed", "shard", "block"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int):
                raise InputError(f"{name}: {getattr(self, name)!r} is not a whole number")
        for name, least in (("episodes", 0), ("seed", 0), ("shard", 0), ("block", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name}: {getattr(self, name)} is below {least}")

    def shard_size(self, game: Game) -> int:
        """Episodes per shard in this game."""
        if self.shard:
            return self.shard
        rows = (game.periods + game.closing) * len(game.environment.agents)
        return min(8192, max(64, 1 << max(0, (ROWS_PER_SHARD // rows).bit_length() - 1)))

    def shards(self, game: Game) -> Iterator[tuple[int, int]]:
        """First episode and number of episodes of each shard."""
        size = self.shard_size(game)
        return ((start, min(size, self.episodes - start)) for start in range(0, self.episodes, size))

    def shard_count(self, game: Game) -> int:
        """How many shards."""
        return -(-self.episodes // self.shard_size(game))


@dataclass(frozen=True)
class Case:
    """One strategy per agent; `key` names the case in paths.

    `tied` strategies are made for their agents: agents that are alike do not change places, unless `made` holds what
    they play in each order in which they do.
    """

    key: str
    strategies: tuple[Strategy, ...]
    tied: bool = False
    made: tuple[tuple[Strategy, ...], ...] = ()

    @property
    def deviates(self) -> tuple[bool, ...]:
        """Who does not play as prescribed."""
        return tuple(not isinstance(s, Truthful) for s in self.strategies)


def prescribed_case(game: Game) -> Case:
    """Everybody does what the mechanism asks."""
    return Case(PRESCRIBED, (Truthful(),) * len(game.environment.agents))


def lone_deviation(game: Game, agent: int, strategy: Strategy, key: str | None = None) -> Case:
    """One agent plays `strategy`, the others as prescribed."""
    profile: list[Strategy] = [Truthful()] * len(game.environment.agents)
    profile[agent] = strategy
    return Case(key or f"{path_names(game.environment.agents)[agent]}.{slug(strategy.name)}", tuple(profile))


def made_for(game: Game, case: Case, orders: Sequence[Sequence[int]] = ()) -> Case:
    """Return a case with the strategies that its agents play in this game, and in each order in which they take places.

    A best response is made for an agent. A mechanism may tell apart agents that are alike, so that who takes another's
    place plays its own.

    Raises:
        Refusal: one cannot be worked out.
    """
    known: dict[tuple[int, int], Strategy] = {}

    def taken(order: Sequence[int]) -> tuple[Strategy, ...]:
        for pair in enumerate(order):
            if pair not in known:
                known[pair] = case.strategies[pair[1]].made_for(game, pair[0])
        return tuple(known[pair] for pair in enumerate(order))

    made = taken(range(len(case.strategies)))
    alike = all(new is old for new, old in zip(made, case.strategies, strict=True))
    return case if alike else replace(case, strategies=made, tied=True, made=tuple(map(taken, orders)))


def path_names(names: Sequence[str]) -> list[str]:
    """Names as parts of paths: their slugs, or numbered where two slugs would be alike.

    >>> path_names(["firm 1", "firm 2"]), path_names(["α", "β"])
    (['firm-1', 'firm-2'], ['agent-0', 'agent-1'])
    """
    slugs = [slug(name) for name in names]
    if len({text.casefold() for text in slugs}) == len(names):
        return slugs
    return [f"agent-{i}" for i in range(len(names))]


def slug(text: str) -> str:
    """Text that is safe as part of a path and never looks like a number.

    >>> slug("firm 1.one-shot")
    'firm-1.one-shot'
    """
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")
    return safe if re.search(r"[A-Za-z]", safe) else f"x{safe}"


def make_game_of(environment: Environment, mechanism: str, protocol: ProtocolOptions | None, tail: float) -> Game:
    """The game of a mechanism by name on an environment.

    Raises:
        InputError, Refusal: as `make_mechanism` and `make_game`.
        PlayError: a user's mechanism raises where it says what may be sent.
    """
    rules = make_mechanism(mechanism, environment)
    with blaming(f"mechanism {mechanism!r}"):
        return with_deposits(make_game(environment, rules, protocol, tail=tail))


@contextmanager
def blaming(what: str, *, sure: bool = False) -> Iterator[None]:
    """Turn what users' code raises into one line; an error of dynmech's own keeps its traceback. Output goes to stderr.

    Args:
        sure: only users' code runs inside, so that every error is theirs.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except DynmechError:
        raise
    except (Exception, SystemExit) as error:
        if not (sure or place(error)):
            raise
        raise PlayError(f"{what}: {format_exception(error)}") from error


def play(
    game: Game,
    case: Case,
    sampling: Sampling,
    shard: int,
    count: int,
    scope: str = "play",
    keep: Keep = "everything",
    copies: int = 1,
) -> Record:
    """One shard of a case, or so many copies of it in one block; `keep` as in `dynmech.sim.play.loop.play_shard`."""
    streams = Streams(sampling.seed, scope, shard, sampling.shard_size(game), game.periods + game.closing, copies)
    block = sampling.block if copies == 1 else copies * count
    how: dict[str, Any] = {"episodes": copies * count, "block": block, "keep": keep}
    with blaming(f"mechanism {game.mechanism.name!r} on {game.environment.name!r}"):
        record = play_fused(game, case.strategies, streams, engine=sampling.engine, ahead=sampling.episodes, **how)
        return play_shard(game, case.strategies, streams, **how) if record is None else record


def pilot(
    game: Game,
    cases: Iterable[Case],
    sampling: Sampling,
    advance: Advance = lambda _: None,
    *,
    scope: str = "pilot",
) -> dict[str, FloatArray]:
    """Gains `(N, E)` of each case, not logged; every scope has draws of its own, so a choice can be judged afresh.

    Cases that are alike, prescribed play among them, are played side by side, which changes no figure.
    """
    count, payoffs = sampling.episodes, {}
    for _, alike in groupby([prescribed_case(game), *cases], key=_kind):
        for some in _batches(list(alike), max(1, ABREAST // count)):
            played = play(game, _abreast(some), sampling, 0, count, scope, "payoffs", len(some)).payoffs
            payoffs.update({case.key: played[:, k * count : (k + 1) * count] for k, case in enumerate(some)})
            advance(len(some) - (PRESCRIBED in {case.key for case in some}))
    reference = payoffs.pop(PRESCRIBED)
    return {key: payoff - reference for key, payoff in payoffs.items()}


def _kind(case: Case) -> object:
    """Return a key that cases have in common if they can be played side by side."""
    if all(is_shipped(part) and part.rounds == 1 for strategy in case.strategies for part in strategy.components()):
        return tuple(map(traits, case.strategies))
    return case.key


def _batches(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    """As many at a time."""
    return (cases[k : k + size] for k in range(0, len(cases), size))


def _abreast(cases: Sequence[Case]) -> Case:
    """Join cases into one, in whose block each has episodes of its own."""
    strategies = zip(*(case.strategies for case in cases), strict=True)
    return Case(cases[0].key, tuple(side_by_side(members) for members in strategies))


def versions() -> dict[str, str]:
    """Return the versions of Python, of dynmech and of the packages that determine the bytes of a shard."""
    out = {"python": python_version()}
    for name in ("dynmech", "numpy", "pyarrow", "simpy", "scipy"):
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "not installed"
    return out


def default_folder(kind: str, environment: str, digest: str) -> Path:
    """`runs/stress-oil-leases-prior-0123abcd`."""
    return Path("runs") / f"{kind}-{slug(environment)}-{digest[:8]}"
