"""The full log, from play to Parquet: a row per agent and period, beside pyarrow's own writer on the same table.

One agent lies in every period; play is from tables, as the program chooses for it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.base import Row, cpu_seconds, paired
from dynmech import load
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.experiments.engines.fused_games import play_fused
from dynmech.sim.core.streams import Streams
from dynmech.sim.log.tables import outcomes_table, write_table
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.record import Record

EPISODES = 4096
"""In a shard, as the program cuts it."""

NAMES = ("misreport", "truthful", "truthful")


def measure(pairs: int) -> list[Row]:
    """Thousands of rows per CPU second, and bytes per row."""
    environment = load("random:agents=3,signals=3,decisions=2,independent=true,correlation=0")
    game = make_game(environment, make_mechanism("team", environment), tail=1e-2)
    with TemporaryDirectory() as folder:
        return _measure(game, Path(folder), pairs)


def _measure(game: Game, folder: Path, pairs: int) -> list[Row]:
    ours, theirs = folder / "ours.parquet", folder / "theirs.parquet"
    table = outcomes_table(_play(game), 0, NAMES)
    whole, bare, _ = paired(lambda: _log(game, ours), lambda: _bare(table, theirs), pairs)
    played = sorted(cpu_seconds(lambda: _play(game)) for _ in range(pairs))[pairs // 2]
    writing, bare_again, ratio = paired(lambda: write_table(table, ours), lambda: _bare(table, theirs), pairs)
    size, other = (path.stat().st_size / table.num_rows for path in (ours, theirs))
    rows, beside = table.num_rows / 1000, "bare pyarrow, zstd 1"
    rate = rows / whole
    return [
        Row(
            "full log: play, tables, write",
            rate,
            "1000 rows/s",
            beside,
            rows / bare,
            bare / whole,
            "4,000",
            rate >= 4000,
        ),
        Row("  of which play", rows / played, "1000 rows/s", "", None, None, "–", True),
        Row(
            "  of which writing", rows / writing, "1000 rows/s", beside, rows / bare_again, ratio, "as fast", ratio >= 1
        ),
        Row("  size", size, "bytes/row", beside, other, other / size, "no larger", size <= other),
    ]


def _play(game: Game) -> Record:
    streams = Streams(0, "benchmark", 0, EPISODES, game.periods)
    record = play_fused(game, [Misreport(), Truthful(), Truthful()], streams, episodes=EPISODES, block=EPISODES,
                        keep="everything", engine="auto")  # fmt: skip
    assert record is not None
    return record


def _log(game: Game, path: Path) -> None:
    write_table(outcomes_table(_play(game), 0, NAMES), path)


def _bare(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=1)
