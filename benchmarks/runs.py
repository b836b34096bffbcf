"""Whole runs, journal and checksums included: what each level of the log costs, and what workers bring.

Levels: CPU seconds of `dynmech.run` beside play alone that keeps payoffs only, on the same draws. Workers: wall
time of the same run with two worker processes beside one, the pool warm: on a machine of one core, or one that others
use, the row is missed.
"""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.base import Row, paired
from dynmech import load, make_mechanism, run
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.runs.shards import LEVELS
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard

ECONOMY = "random:agents=3,signals=3,decisions=2,independent=true,correlation=0"
EPISODES = 16_384
SHARD = 4096


def measure(pairs: int) -> list[Row]:
    """Thousands of agent-periods per CPU second, prescribed play and one deviation together."""
    with TemporaryDirectory() as folder:
        return [_level(Path(folder), level, pairs) for level in LEVELS] + [_workers(Path(folder), pairs)]


def whole(out: Path, level: str, workers: int = 1, episodes: int = EPISODES) -> None:
    """One run in a new folder; agent 1 reports at random."""
    run(
        ECONOMY,
        "team",
        {"0": "random"},
        tail=1e-2,
        out=out / f"{level}-{workers}-{time.monotonic_ns()}",
        episodes=episodes,
        shard=SHARD,
        log=level,
        workers=Workers(workers),
    )


def bare(episodes: int = EPISODES) -> int:
    """The same play without a run; returns its agent-periods."""
    environment = load(ECONOMY)
    game = make_game(environment, make_mechanism("team", environment), tail=1e-2)
    for shard in range(episodes // SHARD):
        streams = Streams(0, "play", shard, SHARD, game.periods)
        for strategies in ([Truthful()] * 3, [RandomReport(), Truthful(), Truthful()]):
            play_shard(game, strategies, streams, keep="payoffs")
    return 2 * episodes * game.periods * 3


def _level(folder: Path, level: str, pairs: int) -> Row:
    ours, theirs, ratio = paired(lambda: whole(folder, level), bare, pairs)
    work = bare() / 1000
    title = f"run, log {level}: {', '.join(LEVELS[level]) or 'the journal only'}"
    return Row(title, work / ours, "1000 agent-periods/s", "play alone", work / theirs, ratio, "–", True)


def _workers(folder: Path, pairs: int) -> Row:
    whole(folder, "full", 2)  # the pool is there from now on
    times = {count: median(wall(folder, count) for _ in range(pairs)) for count in (1, 2)}
    ratio = times[1] / times[2]
    aim = "1.5 times, on two idle cores"
    return Row("run, log full, 2 workers", times[2], "s (wall)", "1 worker", times[1], ratio, aim, ratio >= 1.5)


def wall(folder: Path, workers: int, episodes: int = EPISODES) -> float:
    """Seconds of one run with a full log, by the wall clock."""
    start = time.monotonic()
    whole(folder, "full", workers, episodes)
    return time.monotonic() - start
