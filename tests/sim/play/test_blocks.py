"""How episodes are cut into blocks changes nothing: not a number in a record, not a byte in the log."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.agents.learners.learning import Learner
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.per_episode import EpisodeStrategy, EpisodeView
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import MECHANISMS, STRATEGIES, load, make_mechanism
from dynmech.experiments.runs.shards import make_job, play_jobs, shard_keys
from dynmech.experiments.runs.simulation import Case, Sampling, silent
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.sim.core.streams import Streams
from dynmech.sim.log.run_folder import RunFolder
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import StrategyProtocol
from tests.builders.homes import home
from tests.builders.samples import diagonals

EPISODES, FEW = 20, 8


class Diary(EpisodeStrategy):
    """Thinks one episode at a time, keeps notes and uses its luck: what could depend on the block."""

    name = "diary"
    source = "a test double"
    width = 2
    memory_periods = None

    def report(self, view: EpisodeView) -> float:
        view.private["lies"] = view.private.get("lies", 0) + (view.uniforms[1] < 0.5)
        return 0 if view.private["lies"] % 2 else int(view.prescribed)


def play(game: Game, profile: list[StrategyProtocol], block: int, episodes: int = EPISODES) -> Record:
    streams = Streams(11, "blocks", 2, 32, game.periods + game.closing)
    return play_shard(game, profile, streams, episodes=episodes, block=block)


def arrays(record: Record) -> dict[str, bytes]:
    """Every array of a record, as bytes."""
    return {name: value.tobytes() for name, value in vars(record).items() if isinstance(value, np.ndarray)}


@cache
def games() -> dict[str, Game]:
    """Several mechanisms, with and without memory, on finite and infinite horizons, on time and late."""
    oil = OilLeasesPrior().build()
    endless = RandomEconomy(seed=3, signals=2, discount=0.5, singular_value=0.1).build()
    alone = RandomEconomy(seed=4, agents=2, signals=3, horizon=3, correlation=0, independent=True).build()
    slow = ProtocolOptions(0.4, (Latency("exponential", 0.4), Latency("uniform", 0.8)))
    return {
        "linked": make_game(oil, Linked(oil)),
        "cremer-mclean, late": make_game(oil, CremerMcLean(oil), slow),
        "contingent-spanning": make_game(endless, ContingentSpanning(endless), tail=0.3),
        "pay-your-report, late": make_game(endless, PayYourReport(endless), slow, tail=2.0),
        "pivot, independent": make_game(alone, Pivot(alone)),
    }


GAMES = ("linked", "cremer-mclean, late", "contingent-spanning", "pay-your-report, late", "pivot, independent")


def members(name: str, game: Game) -> Iterator[Strategy]:
    """A strategy with its default options, and the first members of its menu."""
    cls = STRATEGIES.get(name)
    if issubclass(cls, Learner):
        yield cls(rounds=4)
        return
    if name == "scripted":
        yield Scripted("1/1")
        return
    candidates = list(cls.candidates(AgentContext.of(game, 0)))
    yield from [*candidates[:2], *candidates[-1:]] or [cls()]


@pytest.mark.parametrize(("strategy", "game"), diagonals(STRATEGIES.all(), GAMES, 2))
def test_a_record_is_the_same_for_blocks_of_1_and_7_and_all(game: str, strategy: str) -> None:
    for member in members(strategy, games()[game]):
        profile: list[StrategyProtocol] = [member, Truthful()]
        whole = arrays(play(games()[game], profile, EPISODES))
        for block in (1, 7):
            assert arrays(play(games()[game], profile, block)) == whole


@pytest.mark.parametrize("game", GAMES)
def test_notes_and_luck_stay_with_their_episode(game: str) -> None:
    whole = arrays(play(games()[game], [Diary(), Diary()], EPISODES))
    assert all(arrays(play(games()[game], [Diary(), Diary()], block)) == whole for block in (1, 7))


def test_late_letters_are_late_in_every_cut() -> None:
    """The late games above do have both kinds of letters, or their tests would show nothing."""
    late = play(games()["cremer-mclean, late"], [Truthful(), Truthful()], 7).late
    assert 0 < late[:, 0].mean() < 1
    assert 0 < late[:, 1].mean() < 1


def test_a_short_shard_plays_the_first_episodes_of_a_full_one() -> None:
    game = games()["linked"]
    profile: list[StrategyProtocol] = [Diary(), Truthful()]
    long, short = (play(game, profile, 8, episodes) for episodes in (32, 5))
    assert np.array_equal(long.report[..., :5], short.report)
    assert np.array_equal(long.payoffs[..., :5], short.payoffs)


def test_another_seed_plays_otherwise() -> None:
    game = games()["linked"]
    other = play_shard(game, [Diary(), Truthful()], Streams(12, "blocks", 2, 32, 3), episodes=EPISODES)
    assert not np.array_equal(other.signal, play(game, [Diary(), Truthful()], EPISODES).signal)


# The log


def checksums(path: Path, game: Game, cases: list[Case], **sampling: Any) -> dict[str, str]:
    """Play the cases into a folder; the checksum of every Parquet file, as the journal has it."""
    chosen = Sampling(**{"episodes": EPISODES, "seed": 5, "shard": 8, **sampling})
    with RunFolder(path, {"seed": chosen.seed}, {}) as folder:
        job = make_job(game, "some-rule", cases, chosen, folder, "full")
        play_jobs([job], folder, Workers(), silent("", 0))
        folder.finish(shard_keys([job]))
    assert folder.failures() == []
    entries = [folder.journal.read(key) for key in folder.journal]
    return {name: file["sha256"] for entry in entries for name, file in entry["files"].items()}


@pytest.mark.parametrize(
    "game",
    ["cremer-mclean, late", *(pytest.param(g, marks=pytest.mark.slow) for g in ("linked", "contingent-spanning"))],
)
def test_the_log_is_equal_byte_for_byte_for_blocks_of_1_and_7_and_8192(tmp_path: Path, game: str) -> None:
    cases = [Case("diary", (Diary(), Truthful())), Case("noise", (STRATEGIES.get("random")(), Diary()))]
    found = [checksums(tmp_path / str(block), games()[game], cases, block=block) for block in (1, 7, 8192)]
    assert len(found[0]) == 3 * 3 * 3  # datasets, cases with prescribed play, shards of 8 + 8 + 4 episodes
    assert found[0] == found[1] == found[2]
    files = sorted(path.relative_to(tmp_path / "1").as_posix() for path in (tmp_path / "1").rglob("*.parquet"))
    assert files == sorted(found[0])
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "8192" / name).read_bytes()


class Crowd(Strategy):
    """Planted: lies when it is not alone in its block."""

    name = "crowd"
    source = "a test double"

    def message(self, view: Any) -> Any:
        return 1 - view.prescribed if view.size > 1 and view.space.size == 2 else view.prescribed


def test_a_strategy_that_looks_at_the_size_of_its_block_changes_the_bytes(tmp_path: Path) -> None:
    cases = [Case("crowd", (Crowd(), Truthful()))]
    one, many = (checksums(tmp_path / str(block), games()["linked"], cases, block=block) for block in (1, 7))
    changed = {name for name in one if one[name] != many[name]}
    assert changed == {name for name in one if "case=crowd" in name}
    assert len(changed) == 9


def test_another_seed_writes_other_bytes(tmp_path: Path) -> None:
    one, other = (checksums(tmp_path / str(seed), games()["linked"], [], seed=seed) for seed in (5, 6))
    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one)


@pytest.mark.parametrize("name", MECHANISMS.all())
def test_every_mechanism_plays_the_same_in_every_cut(name: str) -> None:
    """On an economy that it fits."""
    game = fitting(name)
    diaries: list[StrategyProtocol] = [Diary() for _ in game.environment.agents]
    whole = arrays(play(game, diaries, EPISODES, FEW))
    assert all(arrays(play(game, diaries, block, FEW)) == whole for block in (1, 7))


def fitting(name: str) -> Game:
    """The mechanism where it fits."""
    environment = load(home(name))
    return make_game(environment, make_mechanism(name, environment), tail=1.0)
