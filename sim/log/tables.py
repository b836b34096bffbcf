"""The log's tables: what happened in a shard as Arrow tables, labels as dictionary columns; how they are written."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.log.arrow_arrays import from_numpy, numbers_at
from dynmech.sim.log.columns import labels, names, numbers, numbers_or_none
from dynmech.sim.play.record import PAYMENT_COLUMNS, Record

SOMETIMES = ("report", "counted", "decision", "action", "reply")
"""Columns with rows in which nothing stands."""


def outcomes_table(record: Record, first_episode: int, strategies: Sequence[str]) -> pa.Table:
    """Return a row per (episode, period, agent), in that order; labels as dictionary columns.

    `report` is what the agent sent (`leave` once it has left), `counted` what the designer used (the default if it was
    late or missing).
    Where bills are sent and answered, `transfer` is `paid` + `paid_late` + `forfeited`.
    Closing periods have neither report nor decision, only transfers that fell due.
    """
    periods, agents, episodes = record.utility.shape
    environment, mechanism = record.game.environment, record.game.mechanism
    signals = [[environment.signal_space(t, i) for i in range(agents)] for t in range(periods)]
    messages = [[mechanism.messages(t, i) for i in range(agents)] for t in range(periods)]
    decisions = [[environment.decision_space(t)] * agents for t in range(periods)]
    publics = [[environment.public_space(t)] * agents for t in range(periods)]
    actions = [
        [Finite(environment.actions(t)[i]) if environment.actions(t) else Finite(("-",)) for i in range(agents)]
        for t in range(periods)
    ]
    sent = labels(record.report, messages, leaving=record.leaving)
    return _table(
        {
            "episode": _episodes(first_episode, episodes, periods * agents),
            "period": from_numpy(np.tile(np.repeat(np.arange(periods, dtype=np.int32), agents), episodes)),
            "agent": names(environment.agents, episodes * periods),
            "strategy": names(strategies, episodes * periods),
            "public": labels(record.public[:, None], publics),
            "signal": labels(record.signal, signals),
            "report": sent,
            "counted": sent if record.counted is record.report else labels(record.counted, messages),
            "decision": labels(record.decision[:, None], decisions),
            "action": labels(record.action, actions),
            "reply": numbers_or_none(record.reply),
            "utility": numbers(record.utility),
            "transfer": numbers(record.transfer),
            "latency": numbers(record.latency),
            "late": numbers(record.late),
            "defaulted": numbers(record.defaulted),
            **({name: numbers(getattr(record, name)) for name in PAYMENT_COLUMNS} if record.billed_by_events else {}),
        }
    )


def episodes_table(record: Record, first_episode: int, strategies: Sequence[str]) -> pa.Table:
    """Return a row per (episode, agent): discounted utility, transfers and payoff."""
    return _table(
        {
            **_episode_agent(record, first_episode, strategies),
            "utility": numbers(record.discounted_utility),
            "transfer": numbers(record.discounted_transfer),
            "payoff": numbers(record.payoffs),
        }
    )


def gains_table(
    record: Record,
    prescribed: FloatArray,
    first_episode: int,
    strategies: Sequence[str],
    deviates: Sequence[bool],
) -> pa.Table:
    """Return a row per (episode, agent): payoff, payoff of prescribed play under the same draws, and the difference."""
    payoffs = record.payoffs
    return _table(
        {
            **_episode_agent(record, first_episode, strategies),
            "deviates": from_numpy(np.tile(np.array(deviates), payoffs.shape[1])),
            "payoff": numbers(payoffs),
            "prescribed": numbers(prescribed),
            "gain": numbers(payoffs - prescribed),
        }
    )


def rounds_table(record: Record, first_episode: int, strategies: Sequence[str]) -> pa.Table:
    """Return a row per (episode, stretch of rounds, agent) with mean payoffs; the last row is the round that counts.

    A stretch is the rounds `first_round` to `round`; the last one is the round that counts, alone.
    """
    payoffs = np.concatenate([record.learning, record.payoffs[None]])
    stretches, agents, episodes = payoffs.shape
    first, last = [*record.lessons[:-1], record.rounds - 1], [*(k - 1 for k in record.lessons[1:]), record.rounds - 1]

    def each(values: list[int]) -> pa.Array:
        return from_numpy(np.tile(np.repeat(np.array(values, np.int32), agents), episodes))

    return _table(
        {
            "episode": _episodes(first_episode, episodes, stretches * agents),
            "first_round": each(first),
            "round": each(last),
            "agent": names(record.game.environment.agents, episodes * stretches),
            "strategy": names(strategies, episodes * stretches),
            "payoff": numbers(payoffs),
        }
    )


def _episode_agent(record: Record, first_episode: int, strategies: Sequence[str]) -> dict[str, pa.Array]:
    agents, episodes = record.discounted_utility.shape
    return {
        "episode": _episodes(first_episode, episodes, agents),
        "agent": names(record.game.environment.agents, episodes),
        "strategy": names(strategies, episodes),
    }


def _episodes(first: int, count: int, rows: int) -> pa.Array:
    """Return a column of episode numbers, each repeated."""
    return from_numpy(np.repeat(np.arange(first, first + count), rows))


def _table(columns: dict[str, pa.Array]) -> pa.Table:
    """Return a table whose schema marks the columns that are never null."""
    fields = [
        pa.field(name, column.type, nullable=name in SOMETIMES or column.null_count > 0)
        for name, column in columns.items()
    ]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))


# How tables are written


SAMPLE = 4096
"""Numbers that are looked at to choose how a column is written."""

STRIDE = 2654435761
"""A prime: whatever the period with which rows repeat, a sample taken in such steps goes through all of it."""

RARELY = 128
"""A dictionary of numbers pays where more than one in so many of a sample repeats another."""


def write_table(table: pa.Table, file: Any) -> None:
    """Write Parquet (zstd, level 1), each column in the encoding that suits it.

    Integers as differences; numbers as a dictionary where they repeat, else byte by byte; labels as dictionaries.
    Least and largest values are kept of integers only. pandas, pyarrow, DuckDB and Polars read all of this.

    Args:
        file: a path, or a binary file open for writing.
    """
    encodings = {field.name: _encoding(field.type, table[field.name]) for field in table.schema}
    pq.write_table(
        table,
        file,
        compression="zstd",
        compression_level=1,
        row_group_size=1 << 20,
        write_batch_size=1 << 16,
        use_dictionary=[name for name, encoding in encodings.items() if encoding is None],
        column_encoding={name: encoding for name, encoding in encodings.items() if encoding is not None},
        write_statistics=[field.name for field in table.schema if pa.types.is_integer(field.type)],
    )


def _encoding(kind: pa.DataType, column: pa.ChunkedArray) -> str | None:
    """Return the Parquet encoding of a column; None for a dictionary."""
    if pa.types.is_integer(kind):
        return "DELTA_BINARY_PACKED"
    if not pa.types.is_floating(kind):
        return "PLAIN" if pa.types.is_boolean(kind) else None
    if column.null_count == len(column):
        return "PLAIN"
    places = np.arange(min(SAMPLE, len(column))) * STRIDE % len(column)
    different = len(np.unique(numbers_at(column, places)))
    if different == 1:
        return "PLAIN"
    return None if different < len(places) * (1 - 1 / RARELY) else "BYTE_STREAM_SPLIT"
