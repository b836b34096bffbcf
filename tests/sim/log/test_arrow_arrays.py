"""Arrow arrays made from bytes are those that Arrow makes itself, and no shard needs pandas."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from dynmech.sim.log.arrow_arrays import from_numpy, from_words, numbers_at

masks = st.lists(st.booleans(), max_size=40).map(lambda chosen: np.array(chosen, bool))

WRITE = """
import sys
from pathlib import Path
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.sim.core.streams import Streams
from dynmech.sim.log.shard_files import write_shard
from dynmech.sim.log.tables import episodes_table, gains_table, outcomes_table
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard

oil = OilLeasesPrior().build()
game = make_game(oil, Linked(oil))
record = play_shard(game, [Truthful(), Truthful()], Streams(2, "x", 0, 40, game.periods + game.closing), block=16)
tables = {
    "outcomes.parquet": outcomes_table(record, 0, ["a", "b"]),
    "episodes.parquet": episodes_table(record, 0, ["a", "b"]),
    "gains.parquet": gains_table(record, record.payoffs, 0, ["a", "b"], [True, False]),
}
write_shard(Path(sys.argv[1]), tables, {"seed": "2"})
assert "pandas" not in sys.modules
"""


@given(masks, st.sampled_from(["i2", "i4", "i8", "f8", "?"]), st.integers(0, 100))
def test_numbers_are_those_of_arrow(null: np.ndarray, kind: str, seed: int) -> None:
    values = np.random.Generator(np.random.Philox(seed)).integers(-3, 4, null.size).astype(kind)
    for mask in (None, null):
        ours, theirs = from_numpy(values, mask), pa.array(values, mask=mask)
        ours.validate(full=True)
        assert ours.equals(theirs)
        assert ours.type == theirs.type
        assert ours.null_count == theirs.null_count


def test_steps_and_broadcasts_are_made_whole() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert from_numpy(values[:, 1]).to_pylist() == [1.0, 5.0, 9.0]
    assert from_numpy(np.broadcast_to(np.float64(2.0), 3)).to_pylist() == [2.0, 2.0, 2.0]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=6))
def test_words_are_those_of_arrow(words: list[str]) -> None:
    ours = from_words(words)
    ours.validate(full=True)
    assert ours.equals(pa.array(words, pa.string()))


@given(masks.filter(len), st.integers(0, 3), st.booleans())
def test_numbers_come_back_from_any_chunks(null: np.ndarray, skipped: int, halves: bool) -> None:
    values = np.arange(null.size) / 7
    whole = from_numpy(values, null)[min(skipped, null.size - 1) :]
    parts = [whole[: len(whole) // 2], whole[len(whole) // 2 :]] if halves else [whole]
    column = pa.chunked_array(parts)
    places = np.arange(len(whole))[::-2]
    np.testing.assert_array_equal(numbers_at(column, places), column.to_numpy()[places].astype(np.float64))


@pytest.mark.parametrize("planted", [False, True])
def test_a_shard_is_written_without_pandas(tmp_path: Path, planted: bool) -> None:
    script = WRITE.replace("record = ", "import pyarrow\npyarrow.array([1])\nrecord = ") if planted else WRITE
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is not planted, done.stderr
