"""What is kept of play, how it becomes tables, and how tables are written: no value is lost or changed on the way."""

from pathlib import Path
from typing import Any, get_args

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import SILENT, Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.log.columns import labels, turned
from dynmech.sim.log.tables import episodes_table, gains_table, outcomes_table, write_table
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import EARLY, NOTHING, Keep, Record
from dynmech.sim.play.roles import View
from tests.builders.samples import diagonals

EPISODES = 40
NAMES = ["one", "two"]


class Shy(Strategy):
    """Says nothing where its luck is bad."""

    name = "shy"
    source = "a test double"
    width = 1
    silent = True

    def message(self, view: View) -> Array:
        return np.where(view.uniforms[:, 0] < 0.3, SILENT, view.prescribed)


def games() -> dict[str, Game]:
    """Words that differ by period and agent; closing periods; late letters; many periods."""
    oil, auction = OilLeasesPrior().build(), RepeatedAuction(bidders=2, values=3, horizon=9).build()
    endless = RandomEconomy(seed=3, signals=2, discount=0.5, singular_value=0.1).build()
    slow = ProtocolOptions(0.4, (Latency("exponential", 0.4), Latency()))
    return {
        "linked": make_game(oil, Linked(oil)),
        "linked, late": make_game(oil, Linked(oil), slow),
        "contingent-spanning": make_game(endless, ContingentSpanning(endless), tail=0.3),
        "auction": make_game(auction, Pivot(auction)),
        "auction, late": make_game(auction, PayYourReport(auction), slow),
    }


GAMES = games()
EVERY_GAME = pytest.mark.parametrize("name", GAMES)
EVERY_TABLE = pytest.mark.parametrize(("name", "which"), diagonals(GAMES, ["outcomes", "episodes", "gains"], 1))


def play(game: Game, keep: Keep = "everything", *, block: int = 16, episodes: int = EPISODES) -> Record:
    """A shy agent against one that reports at random, in blocks that do not come out even."""
    streams = Streams(2, "tables", 0, episodes, game.periods + game.closing)
    return play_shard(game, [Shy(), RandomReport()], streams, block=block, keep=keep)


# Rows


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 40), st.sampled_from(["i4", "f8", "?"]))
def test_columns_are_turned_as_numpy_would(periods: int, agents: int, episodes: int, kind: str) -> None:
    values = np.arange(periods * agents * episodes).reshape(periods, agents, episodes).astype(kind)
    assert turned(values).tolist() == values.transpose(2, 0, 1).ravel().tolist()


def word(space: Any, value: float) -> Any:
    """A value of a record in words."""
    return None if value == NOTHING else space.labels[int(value)]


@EVERY_GAME
def test_every_cell_says_what_the_record_says(name: str) -> None:
    game, record = GAMES[name], play(GAMES[name])
    environment, mechanism = game.environment, game.mechanism
    rows = iter(outcomes_table(record, 100, NAMES).to_pylist())
    for e in range(EPISODES):
        for t in range(game.periods + game.closing):
            for i, agent in enumerate(environment.agents):
                own = (t, i, e)
                assert next(rows) == {
                    "episode": 100 + e,
                    "period": t,
                    "agent": agent,
                    "strategy": NAMES[i],
                    "public": word(environment.public_space(t), record.public[t, e]),
                    "signal": word(environment.signal_space(t, i), record.signal[own]),
                    "report": word(mechanism.messages(t, i), record.report[own]),
                    "counted": word(mechanism.messages(t, i), record.counted[own]),
                    "decision": word(environment.decision_space(t), record.decision[t, e]),
                    "action": None,
                    "reply": None,
                    "utility": record.utility[own],
                    "transfer": record.transfer[own],
                    "latency": record.latency[own],
                    "late": record.late[own],
                    "defaulted": record.defaulted[own],
                }
    assert next(rows, None) is None


def test_the_games_of_these_tests_have_all_that_a_log_can_have() -> None:
    late = play(GAMES["auction, late"])
    assert 0 < late.late.mean() < 1
    assert (late.latency[:, 0] > 0).all()
    assert (late.report == SILENT).any()
    assert not np.array_equal(late.report, late.counted)
    assert (play(GAMES["contingent-spanning"]).decision[-1] == NOTHING).all()


def test_words_of_spaces_that_overlap_are_told_apart() -> None:
    """ "b" is 1 in one space and 0 in the other."""
    spaces = [[Finite(("a", "b")), Finite(("b", "c"))]]
    values = np.array([[[0, 1, NOTHING], [0, 1, 1]]], np.int32)
    assert labels(values, spaces).to_pylist() == ["a", "b", "b", "c", None, "c"]
    assert labels(values[:, :1], [[spaces[0][0]] * 2]).to_pylist() == ["a", "a", "b", "b", None, None]


def tables(name: str, episodes: int = EPISODES) -> dict[str, pa.Table]:
    """The three tables of one shard."""
    record = play(GAMES[name], episodes=episodes)
    return {
        "outcomes": outcomes_table(record, 7, NAMES),
        "episodes": episodes_table(record, 7, NAMES),
        "gains": gains_table(record, record.payoffs[::-1], 7, NAMES, [True, False]),
    }


@EVERY_GAME
def test_discounted_tables_add_up(name: str) -> None:
    record, made = play(GAMES[name]), tables(name)
    episodes, gains = made["episodes"].to_pandas(), made["gains"].to_pandas()
    assert (episodes["payoff"] == episodes["utility"] - episodes["transfer"]).all()
    assert episodes["utility"].tolist() == record.discounted(record.utility).T.ravel().tolist()
    assert episodes["transfer"].tolist() == record.discounted(record.transfer).T.ravel().tolist()
    assert (gains["gain"] == gains["payoff"] - gains["prescribed"]).all()
    assert gains["payoff"].tolist() == episodes["payoff"].tolist()
    assert gains["deviates"].tolist() == [True, False] * EPISODES


# Files


@EVERY_TABLE
def test_pyarrow_pandas_and_duckdb_read_what_was_written(name: str, which: str, tmp_path: Path) -> None:
    table, path = tables(name)[which], tmp_path / "table.parquet"
    with path.open("wb") as file:
        write_table(table, file)
    assert pq.read_table(path).to_pylist() == table.to_pylist()
    assert [field.type for field in pq.read_schema(path)] == [field.type for field in table.schema]
    read = pd.read_parquet(path)
    pd.testing.assert_frame_equal(read, table.to_pandas())
    words = {field.name for field in table.schema if pa.types.is_dictionary(field.type)}
    assert {column for column in read if isinstance(read[column].dtype, pd.CategoricalDtype)} == words
    rows = duckdb.connect().execute(f"select * from '{path}'").fetchall()
    assert rows == [tuple(row.values()) for row in table.to_pylist()]


def test_a_filter_on_episodes_reads_only_them(tmp_path: Path) -> None:
    table = tables("auction")["outcomes"]
    write_table(table, tmp_path / "table.parquet")
    found = pq.read_table(tmp_path / "table.parquet", filters=[("episode", "==", 9), ("agent", "==", "bidder 2")])
    assert found.to_pylist() == [r for r in table.to_pylist() if r["episode"] == 9 and r["agent"] == "bidder 2"]


def encodings(table: pa.Table, path: Path) -> dict[str, set[str]]:
    """The encodings of every column, once written."""
    write_table(table, path)
    group = pq.read_metadata(path).row_group(0)
    chunks = [group.column(k) for k in range(group.num_columns)]
    assert {chunk.compression for chunk in chunks} == {"ZSTD"}
    return {chunk.path_in_schema: set(chunk.encodings) - {"RLE"} for chunk in chunks}


def test_every_column_is_written_in_the_encoding_that_suits_it(tmp_path: Path) -> None:
    n, generator = 12 * 4096, np.random.default_rng(0)
    by_row = np.arange(n) % 6
    table = pa.table(
        {
            "episode": np.arange(n) // 6,
            "dense": generator.random(n),
            "few": generator.integers(0, 50, n) / 7,
            "some": generator.random(20_000)[generator.integers(0, 20_000, n)],
            "none": pa.nulls(n, pa.float64()),
            "zero": np.zeros(n),
            # In steps of n / 4096 = 12 one would see but one row in six.
            "alternating": np.where(by_row == 0, 0, generator.integers(0, 5, n) / 3),
            "flag": generator.random(n) < 0.5,
            "word": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
        }
    )
    dictionary = {"PLAIN", "RLE_DICTIONARY"}
    assert encodings(table, tmp_path / "table.parquet") == {
        "episode": {"DELTA_BINARY_PACKED"},
        "dense": {"BYTE_STREAM_SPLIT"},
        "few": dictionary,
        "some": dictionary,
        "none": {"PLAIN"},
        "zero": {"PLAIN"},
        "alternating": dictionary,
        "flag": {"PLAIN"},
        "word": dictionary,
    }
    assert pq.read_table(tmp_path / "table.parquet").to_pylist() == table.to_pylist()


@EVERY_TABLE
def test_no_file_is_larger_than_what_pyarrow_would_write(name: str, which: str, tmp_path: Path) -> None:
    table = tables(name, 2000)[which]
    write_table(table, tmp_path / "ours")
    pq.write_table(table, tmp_path / "theirs", compression="zstd", compression_level=1)
    assert (tmp_path / "ours").stat().st_size <= (tmp_path / "theirs").stat().st_size


def test_all_logs_have_one_schema() -> None:
    """So that the shards of all mechanisms and cases are one dataset."""
    for which in ("outcomes", "episodes", "gains"):
        first, *rest = (tables(name)[which].schema for name in GAMES)
        assert all(schema.equals(first) for schema in rest)


def test_an_empty_table_and_one_row_can_be_written(tmp_path: Path) -> None:
    table = tables("linked")["outcomes"]
    for rows in (0, 1):
        write_table(table.slice(0, rows), tmp_path / "table.parquet")
        assert pq.read_table(tmp_path / "table.parquet").to_pylist() == table.slice(0, rows).to_pylist()


# What is kept


LEVELS = get_args(Keep)
KEPT = {
    "payoffs": {"discounted_utility", "discounted_transfer"},
    "sums": {"discounted_cost", "least_revenue", "continuation", "signal"},
    "everything": {
        *("utility", "transfer", "cost", "public", "decision", "report", "counted"),
        *("action", "reply", "latency", "late", "defaulted"),
    },
}


def arrays(record: Record) -> dict[str, Array]:
    return {name: value for name, value in vars(record).items() if isinstance(value, np.ndarray)}


@EVERY_GAME
def test_a_level_keeps_what_it_says_and_nothing_of_it_differs(name: str) -> None:
    whole = play(GAMES[name])
    said = {"learning"}
    for keep in reversed(LEVELS):
        said |= KEPT[keep]
        record = play(GAMES[name], keep)
        assert set(arrays(record)) == said
        for column, values in arrays(record).items():
            assert values.tobytes() == getattr(whole, column)[: len(values)].tobytes(), column
        assert record.payoffs.tolist() == whole.payoffs.tolist()


@EVERY_GAME
@pytest.mark.parametrize("keep", LEVELS)
def test_blocks_change_nothing_of_what_is_kept(name: str, keep: Keep) -> None:
    first = arrays(play(GAMES[name], keep, block=EPISODES))
    for block in (1, 7):
        other = arrays(play(GAMES[name], keep, block=block))
        assert all(values.tobytes() == first[column].tobytes() for column, values in other.items())


@EVERY_GAME
def test_sums_are_what_the_flows_add_up_to(name: str) -> None:
    game, record = GAMES[name], play(GAMES[name])
    discount = game.environment.discount
    assert record.discounted_utility.tolist() == record.discounted(record.utility).tolist()
    assert record.discounted_transfer.tolist() == record.discounted(record.transfer).tolist()
    assert record.discounted_cost.tolist() == record.discounted(record.cost).tolist()
    assert record.least_revenue.tolist() == record.transfer.sum(axis=1).min(axis=0).tolist()
    assert (record.least_revenue < np.inf).all()
    ahead = np.zeros_like(record.payoffs)
    for t in reversed(range(len(record.utility))):
        ahead = record.utility[t] - record.transfer[t] + discount * ahead
        if t < record.early:
            assert np.allclose(record.continuation[t], ahead, rtol=0, atol=1e-12 * (1 + np.abs(ahead).max()))
    assert len(record.continuation) == record.early == min(game.periods, EARLY)


def test_there_are_games_longer_than_what_is_looked_at_period_by_period() -> None:
    assert min(game.periods for game in GAMES.values()) < EARLY < max(game.periods for game in GAMES.values())


@pytest.mark.parametrize("keep", ["payoffs", "sums"])
def test_what_is_not_kept_takes_no_room(keep: Keep) -> None:
    environment = RepeatedAuction(bidders=2, values=3, horizon=100).build()
    auction = make_game(environment, Pivot(environment))
    long, short = (
        sum(values.nbytes for values in arrays(Record(game, 1000, keep)).values())
        for game in (auction, GAMES["auction"])
    )
    assert long == short
    assert long < 8 * 1000 * 2 * 20


def test_a_column_in_which_nothing_stands_takes_no_room() -> None:
    record = play(GAMES["auction"])
    for column in ("action", "reply", "latency", "late"):
        assert getattr(record, column).strides == (0, 0, 0)
    environment = RepeatedAuction(bidders=2, values=3, horizon=4).build()
    honest = play_shard(make_game(environment, Pivot(environment)), [Truthful(), Truthful()], Streams(0, "t", 0, 5, 4))
    assert honest.counted is honest.report
    assert not honest.defaulted.any()


def test_what_was_not_kept_is_not_there() -> None:
    record = play(GAMES["linked"], "payoffs")
    with pytest.raises(AttributeError, match="a record that keeps 'payoffs' has no 'signal'"):
        record.signal  # noqa: B018 - looking is the point
    with pytest.raises(AttributeError, match="a record has no 'sgnal'"):
        record.sgnal  # noqa: B018
    with pytest.raises(InputError, match="keep: 'all' is none of everything, sums, payoffs"):
        play(GAMES["linked"], "all")  # type: ignore[arg-type]
