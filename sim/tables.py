"""The log's tables: what happened in a shard as Arrow tables, labels as dictionary columns."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sim.arrays import Array, FloatArray, IntArray
from sim.record import NOTHING, Record
from sim.spaces import Finite, Space


def outcomes_table(record: Record, first_episode: int, strategies: Sequence[str]) -> pa.Table:
    """A row per (episode, period, agent), in that order; labels as dictionary columns.

    `report` is what the agent sent, `counted` what the designer used (the default if it was late or missing).
    Closing periods have neither report nor decision, only transfers that fell due.
    """
    periods, agents, episodes = record.utility.shape
    shape = (episodes, periods, agents)
    env, mechanism = record.game.environment, record.game.mechanism

    def spread(values: Array, axis: int) -> Array:
        form = [1, 1, 1]
        form[axis] = len(values)
        return np.broadcast_to(values.reshape(form), shape).reshape(-1)

    def rows(values: Array) -> Array:
        return np.ascontiguousarray(values.transpose(2, 0, 1)).reshape(-1)

    def shared(values: Array) -> Array:
        return np.repeat(np.ascontiguousarray(values.T).reshape(-1), agents)

    signals = [[env.signal_space(t, i) for i in range(agents)] for t in range(periods)]
    messages = [[mechanism.messages(t, i) for i in range(agents)] for t in range(periods)]
    decisions = [[env.decision_space(t)] * agents for t in range(periods)]
    publics = [[env.public_space(t)] * agents for t in range(periods)]
    actions = [
        [Finite(env.actions(t)[i]) if env.actions(t) else Finite(("-",)) for i in range(agents)] for t in range(periods)
    ]
    return pa.table(
        {
            "episode": pa.array(spread(np.arange(first_episode, first_episode + episodes), 0)),
            "period": pa.array(spread(np.arange(periods, dtype=np.int32), 1)),
            "agent": _names(spread(np.arange(agents, dtype=np.int16), 2), env.agents),
            "strategy": _names(spread(np.arange(agents, dtype=np.int16), 2), strategies),
            "public": _column(shared(record.public), publics, episodes),
            "signal": _column(rows(record.signal), signals, episodes),
            "report": _column(rows(record.report), messages, episodes),
            "counted": _column(rows(record.counted), messages, episodes),
            "decision": _column(shared(record.decision), decisions, episodes),
            "action": _column(rows(record.action), actions, episodes),
            "reply": pa.array(rows(record.reply), from_pandas=True),
            "utility": pa.array(rows(record.utility)),
            "transfer": pa.array(rows(record.transfer)),
            "latency": pa.array(rows(record.latency)),
            "late": pa.array(rows(record.late)),
            "defaulted": pa.array(rows(record.defaulted)),
        }
    )


def episodes_table(record: Record, first_episode: int, strategies: Sequence[str]) -> pa.Table:
    """A row per (episode, agent): discounted utility, transfers and payoff."""
    utility, transfer = record.discounted(record.utility), record.discounted(record.transfer)
    columns = _episode_agent(record, first_episode, strategies)
    return pa.table(
        {
            **columns,
            "utility": pa.array(utility.T.reshape(-1)),
            "transfer": pa.array(transfer.T.reshape(-1)),
            "payoff": pa.array((utility - transfer).T.reshape(-1)),
        }
    )


def gains_table(
    record: Record,
    prescribed: FloatArray,
    first_episode: int,
    strategies: Sequence[str],
    deviates: Sequence[bool],
) -> pa.Table:
    """A row per (episode, agent): payoff, payoff of prescribed play under the same draws, and their difference."""
    payoffs = record.payoffs
    return pa.table(
        {
            **_episode_agent(record, first_episode, strategies),
            "deviates": pa.array(np.tile(np.array(deviates), payoffs.shape[1])),
            "payoff": pa.array(payoffs.T.reshape(-1)),
            "prescribed": pa.array(prescribed.T.reshape(-1)),
            "gain": pa.array((payoffs - prescribed).T.reshape(-1)),
        }
    )


def _episode_agent(record: Record, first_episode: int, strategies: Sequence[str]) -> dict[str, pa.Array]:
    _, agents, episodes = record.utility.shape
    who = np.tile(np.arange(agents, dtype=np.int16), episodes)
    return {
        "episode": pa.array(np.repeat(np.arange(first_episode, first_episode + episodes), agents)),
        "agent": _names(who, record.game.environment.agents),
        "strategy": _names(who, strategies),
    }


def _names(codes: Array, names: Sequence[str]) -> pa.Array:
    unique = list(dict.fromkeys(names))
    position = np.array([unique.index(name) for name in names], np.int16)
    return pa.DictionaryArray.from_arrays(pa.array(position[codes]), pa.array(unique, pa.string()))


def _column(values: Array, spaces: Sequence[Sequence[Space]], episodes: int) -> pa.Array:
    """Labels where every space is finite, numbers where one is an interval; `NOTHING` becomes null."""
    if any(not isinstance(space, Finite) for row in spaces for space in row):
        return pa.array(values.astype(np.float64), from_pandas=True)
    labels, places = _dictionary(spaces)
    codes = np.where(values.dtype.kind == "f", np.nan_to_num(values, nan=NOTHING), values).astype(np.int32)
    nothing = codes < 0
    if len(places) == 1:
        global_codes = places[0][codes]
    else:
        row_space = np.array([index for row in _space_indices(spaces) for index in row], np.int32)
        which = np.tile(row_space, episodes)
        padded = np.zeros((len(places), max(len(p) for p in places)), np.int32)
        for k, place in enumerate(places):
            padded[k, : len(place)] = place
        global_codes = padded[which, codes].astype(np.intp)
    return pa.DictionaryArray.from_arrays(
        pa.array(global_codes.astype(np.int32), mask=nothing), pa.array(labels, pa.string())
    )


def _dictionary(spaces: Sequence[Sequence[Space]]) -> tuple[list[str], list[IntArray]]:
    """All labels, and for each distinct space where its labels stand among them."""
    distinct = list(dict.fromkeys(space for row in spaces for space in row if isinstance(space, Finite)))
    labels = list(dict.fromkeys(label for space in distinct for label in space.labels))
    position = {label: k for k, label in enumerate(labels)}
    return labels, [np.array([position[label] for label in space.labels]) for space in distinct]


def _space_indices(spaces: Sequence[Sequence[Space]]) -> list[list[int]]:
    distinct = {space: k for k, space in enumerate(dict.fromkeys(space for row in spaces for space in row))}
    return [[distinct[space] for space in row] for row in spaces]
