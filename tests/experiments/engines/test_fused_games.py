"""Play from tables and play on the event loop: the same record, byte for byte, wherever both can play."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech import run, stress
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.belief_manipulation import BeliefManipulation
from dynmech.agents.strategies.block_partition import side_by_side
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.noisy import Noisy
from dynmech.agents.strategies.one_shot import OneShot
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES, load, make_mechanism
from dynmech.experiments.engines import fused_games
from dynmech.experiments.engines.fused_games import engines_of, obstacle, play_fused, script_of
from dynmech.experiments.runs.simulation import Sampling, lone_deviation, pilot
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.log.run_folder import read_manifest
from dynmech.sim.play.fused import PeriodTables, play_tables
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from tests.builders.engines import BLOCKS, COMPILED, FORCED, game_of, hold, same
from tests.builders.runs import bytes_below


def profiles(game: Game) -> Iterator[tuple[Strategy, ...]]:
    """Truth by all; and lies of the first and the last agent, at once and for ever."""
    agents = len(game.environment.agents)
    yield (Truthful(),) * agents
    yield (Misreport("flip"), *(Truthful(),) * (agents - 1))
    if game.periods > 1:
        yield (*(Truthful(),) * (agents - 1), BeliefManipulation(0, "up", "down"))
        yield (OneShot(1, "low"), *(Truthful(),) * (agents - 1))


SAMPLE = [
    ("oil-leases-prior", "cremer-mclean"),
    ("oil-leases", "linked"),
    ("repeated-auction", "pivot"),
    ("spectrum", "contingent-spanning"),
    ("renewable-resource", "balanced"),
    ("common-state", "contingent-convex"),
    ("lowest-bid-auction", "lowest-bid"),
    ("single-buyer", "virtual-pivot"),
    ("random:horizon=3,agents=3", "team"),
    ("random:horizon=9,discount=1e-200", "team"),
]


@pytest.mark.parametrize(("scenario", "mechanism"), SAMPLE)
def test_records_are_the_same(scenario: str, mechanism: str) -> None:
    game = game_of(scenario, mechanism)
    assert game is not None
    assert not obstacle(game)
    for turn, strategies in enumerate(profiles(game)):
        hold(game, strategies, BLOCKS, turn=turn)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.names())
def test_records_are_the_same_wherever_both_can_play(scenario: str) -> None:
    """All mechanisms that fit and whose play can be written out; of every scenario at least one, but for a few."""
    held = 0
    for mechanism in MECHANISMS.names():
        game = game_of(scenario, mechanism)
        if (
            game is None
            or obstacle(game)
            or script_of(game, (Truthful(),) * len(game.environment.agents), FORCED) is None
        ):
            continue
        for strategies in profiles(game):
            hold(game, strategies, BLOCKS, episodes=11)
        held += 1
    without = {"bilateral-trade-continuous", "continuous-licence", "trading-game-continuous"}
    assert (held > 0) != (scenario in without)


def test_parts_of_a_block_play_maps_of_their_own() -> None:
    game = game_of("oil-leases-prior", "cremer-mclean")
    assert game is not None
    members = [OneShot(0, "flip"), OneShot(1, "flip"), Misreport("low"), BeliefManipulation(0, "flip", "low")]
    strategies = (Truthful(), side_by_side(members))
    streams = Streams(1, "test", 0, 10, game.periods + game.closing, copies=4)
    how: dict[str, Any] = {"episodes": 40, "block": 40, "keep": "sums"}
    tables = play_fused(game, strategies, streams, engine="tables", **how)
    assert tables is not None
    same(tables, play_shard(game, strategies, streams, **how))
    if COMPILED:
        machine_code = play_fused(game, strategies, streams, engine="compiled", **how)
        assert machine_code is not None
        same(machine_code, tables)
    assert len({tables.payoffs[:, k * 10 : k * 10 + 10].tobytes() for k in range(4)}) > 1


def test_pilots_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    game = game_of("oil-leases-prior", "linked")
    assert game is not None
    cases = [
        lone_deviation(game, 0, member, f"one-shot.{k}")
        for k, member in enumerate(OneShot.candidates(AgentContext.of(game, 0)))
    ]
    sampling = Sampling(30, 0, 30, engine="tables")
    played: list[str] = []

    def noted(*given: Any, **how: Any) -> Any:
        played.append("tables")
        return _play_tables(*given, **how)

    monkeypatch.setattr(fused_games, "play_tables", noted)
    by_tables = pilot(game, cases, sampling)
    assert played
    played.clear()
    by_loop = pilot(game, cases, replace(sampling, engine="loop"))
    assert not played
    assert by_tables.keys() == by_loop.keys()
    for key, gains in by_tables.items():
        assert gains.tobytes() == by_loop[key].tobytes()


_play_tables = play_tables


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("following", lambda table: np.zeros_like(table)),
        ("decision", lambda table: table[::-1].copy()),
        ("transfer", lambda table: table * (1 + 2.0**-52)),
        ("utility", lambda table: table[::-1].copy()),
        ("sent", lambda table: table[::-1].copy()),
        ("cost", lambda table: table + 1),
    ],
)
def test_a_wrong_table_is_seen(field: str, change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: one table of a period is another; the records differ."""
    game = game_of("oil-leases-prior", "cremer-mclean")
    assert game is not None
    right = fused_games.Script._tables

    def wrong(self: fused_games.Script, *key: Any) -> PeriodTables:
        tables = right(self, *key)
        return replace(tables, **{field: change(getattr(tables, field))})

    monkeypatch.setattr(fused_games.Script, "_tables", wrong)
    with pytest.raises(AssertionError):
        hold(game, (Misreport("flip"), Truthful()), [4096], episodes=200)


def test_a_map_is_what_the_strategy_sends() -> None:
    """Of every strategy that gives one: on the loop it sends the map's images."""
    given = 0
    for scenario, mechanism in SAMPLE[:4]:
        game = game_of(scenario, mechanism)
        assert game is not None
        context = AgentContext.of(game, 0)
        for family in STRATEGIES.all().values():
            for member in list(family.candidates(context))[:3]:
                maps = [member.message_map(t, game.mechanism.messages(t, 0)) for t in range(game.periods)]  # type: ignore[arg-type]
                if any(one is None for one in maps):
                    continue
                strategies = (member, *(Truthful(),) * (len(game.environment.agents) - 1))
                streams = Streams(0, "maps", 0, 300, game.periods + game.closing)
                played = play_shard(game, strategies, streams)
                for t, one in enumerate(maps):
                    assert one is not None
                    assert (played.report[t, 0] == one[played.signal[t, 0]]).all()
                given += 1
    assert given > 20


# What is played on the loop


class Mine(Misreport):
    """A user's, which sends something else than the map that it inherits."""

    name = "mine-and-not-the-map"

    def message(self, view: Any) -> Any:
        return view.prescribed


def test_users_strategies_are_played_on_the_loop() -> None:
    game = game_of("oil-leases-prior", "pivot")
    assert game is not None
    assert script_of(game, (Misreport(), Truthful()), FORCED) is not None
    assert script_of(game, (Mine(), Truthful()), FORCED) is None


def test_so_are_messages_that_are_no_maps() -> None:
    game = game_of("oil-leases-prior", "pivot")
    assert game is not None
    assert script_of(game, (Noisy(Misreport("flip"), 0.1), Truthful()), FORCED) is None
    assert script_of(game, (Misreport("0/0/0/0/0"), Truthful()), FORCED) is None, "a map that fits no set"


def test_so_is_what_takes_time_or_acts() -> None:
    environment = load("oil-leases-prior")
    slow = ProtocolOptions(latency=(Latency("constant", 0.1), Latency()))
    assert obstacle(make_game(environment, make_mechanism("pivot", environment), slow)) == "messages take time"
    game = game_of("oil-leases-prior", "team:reports=payoffs")
    assert game is not None
    assert obstacle(game) == "agents act or reply after the decision"
    game = game_of("bilateral-trade-continuous", "trading-pivot")
    assert game is not None
    assert obstacle(game) == "it is not finite"
    assert engines_of({"c": game}, "auto") == {"asked": "auto", "loop": {"c": "it is not finite"}}


def test_so_is_play_that_is_shorter_than_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    game = game_of("oil-leases-prior", "cremer-mclean")
    assert game is not None
    strategies = (Truthful(), Truthful())
    monkeypatch.setattr(fused_games, "_RULES", {})
    assert script_of(game, strategies, 10) is None
    assert script_of(game, strategies, 10_000) is not None
    assert script_of(game, strategies, 10) is not None, "tables that are there cost nothing"
    monkeypatch.setattr(fused_games, "_RULES", {})
    monkeypatch.setattr(fused_games, "CASES", 3)
    assert script_of(game, strategies, FORCED) is None


# Whole runs


def test_a_run_is_the_same_whoever_plays(tmp_path: Path) -> None:
    lie = {"firm 1": "misreport"}
    for engine in ("loop", "tables", "auto"):
        run("oil-leases-prior", "cremer-mclean", lie, episodes=50, out=tmp_path / engine, engine=engine)
    one, other, auto = (bytes_below(tmp_path / engine) for engine in ("loop", "tables", "auto"))
    manifests = [read_manifest(tmp_path / engine) for engine in ("loop", "tables", "auto")]
    for files in (one, other, auto):
        del files["run.json"]
    assert one == other == auto
    assert [manifest.pop("engine")["asked"] for manifest in manifests] == ["loop", "tables", "auto"]
    assert manifests[0] == manifests[1] == manifests[2], "the choice is no part of the configuration"
    again = run("oil-leases-prior", "cremer-mclean", lie, episodes=50, out=tmp_path / "loop")
    assert again.reused


def test_so_is_a_stress_test(tmp_path: Path) -> None:
    for engine in ("loop", "tables"):
        stress("oil-leases-prior", ["cremer-mclean", "linked"], episodes=60, out=tmp_path / engine, engine=engine)
    one, other = (bytes_below(tmp_path / engine) for engine in ("loop", "tables"))
    del one["run.json"], other["run.json"]
    assert one == other


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(
        InputError, match="engine: 'table' is none of auto, loop, tables, compiled; did you mean 'tables'"
    ):
        Sampling(engine="table")


def test_a_map_of_a_base_class_is_none() -> None:
    class Plain(Strategy):
        name = "plain"

        def message(self, view: Any) -> IntArray:
            sent: IntArray = view.prescribed
            return sent

    assert Plain().message_map(0, Finite(("a",))) is None


@pytest.mark.skipif(not COMPILED, reason="the optional extra `fast` (Numba) is not installed")
def test_machine_code_plays_large_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    game = game_of("oil-leases-prior", "linked")
    assert game is not None
    monkeypatch.setattr(fused_games, "COMPILED", 1000)
    from dynmech.sim.play import compiled

    streams = Streams(0, "test", 0, 20, game.periods + game.closing)
    played: list[str] = []
    machine_code = compiled.play_compiled

    def noted(*given: Any, **how: Any) -> Record:
        played.append(how["keep"])
        return machine_code(*given, **how)

    monkeypatch.setattr(compiled, "play_compiled", noted)
    how: dict[str, Any] = {"episodes": 20, "block": 20, "engine": "auto"}
    fused_games._RULES.clear()
    script_of(game, (Truthful(),) * 2, FORCED)  # the rules are written out by now
    for keep, ahead in (("sums", 10), ("everything", 1000), ("sums", 1000), ("payoffs", 1000)):
        play_fused(game, (Truthful(),) * 2, streams, keep=keep, ahead=ahead, **how)  # type: ignore[arg-type]
    assert played == ["sums", "payoffs"]


def test_machine_code_needs_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_games, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"^engine: 'compiled' needs Numba: pip install 'dynmech\[fast\]'$"):
        Sampling(engine="compiled")
