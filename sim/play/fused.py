"""Play from tables: draw, decide, charge, remember and add up in one loop over periods, without processes.

Where every message is a map of what is prescribed, all that happens in a period follows from the *state* it is in: the
part of the block (which maps are played), the mechanism's memory and the profile. So a period is a few gathers, and
the next draw. Draws have the addresses of the event loop (`loop`), figures are added in its order: the record is the
same to the last bit, whatever the block.

Axes: N agents, X states (part slowest, then memory, then profile), n episodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.streams import Streams, Tapes
from dynmech.sim.economy.draws import StateMove
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.accumulator import hand_over
from dynmech.sim.play.game import Game
from dynmech.sim.play.record import Keep, Record


@dataclass(frozen=True, eq=False)
class PeriodTables:
    """One period, state by state.

    Attributes:
        sent: messages, `(N, X)`.
        decision: what is decided, `(X,)`.
        utility, transfer: flows, `(N, X)`; in a closing period there is no utility.
        cost: the designer's, `(X,)`.
        following: of the states of the next period, the one with the same part, the next memory and profile 0, `(X,)`.
        first: of this period's states, the one with this part, memory 0 and profile 0, `(parts,)`.
        move: the draw of the next profile; None where no period follows.
    """

    sent: IntArray
    decision: IntArray
    utility: FloatArray | None
    transfer: FloatArray
    cost: FloatArray
    following: IntArray
    first: IntArray
    move: StateMove | None


def play_tables(
    game: Game,
    tables: Callable[[int], PeriodTables],
    streams: Streams,
    *,
    parts: int = 1,
    episodes: int | None = None,
    block: int = 4096,
    keep: Keep = "everything",
) -> Record:
    """Play one shard from tables, block by block; what comes of it is what the event loop records.

    Args:
        tables: of every period, closing ones included.
        streams: the shard's uniform numbers.
        parts: so many equal parts of a block, one after the other, play maps of their own.
        episodes: how many of the shard's episodes exist.
        block: episodes at a time.
        keep: how much of play the record holds.
    """
    count = streams.episodes if episodes is None else episodes
    record, tapes = Record(game, count, keep), Tapes(streams, block, count)
    for start in range(0, count, block):
        _play_block(game, tables, tapes, record, slice(start, min(start + block, count)), parts)
    return record


def _play_block(
    game: Game,
    tables: Callable[[int], PeriodTables],
    tapes: Tapes,
    record: Record,
    here: slice,
    parts: int,
) -> None:
    """Play all periods of one block, and hand its sums over to the record."""
    environment, sums, n = game.environment, _Sums(record, here), here.stop - here.start
    assert isinstance(environment, TableEnvironment)
    base = tables(0).first.take(np.repeat(np.arange(parts), n // parts))
    index, move = base, None
    for t in range(game.periods + game.closing):
        uniforms = tapes.at(environment.streams(t), 1, t, here.start, here.stop)
        profile = environment.draw(0, None, None, uniforms).profile if move is None else move(index, uniforms)
        assert profile is not None
        period, index = tables(t), base + profile
        sums.add(t, period, index)
        if record.sums and t < len(record.signal):
            state = environment.state_at(t, profile)
            record.signal[t, :, here] = state.signals.T
            if record.everything:
                record.public[t, here] = state.public
        if record.everything and period.utility is not None:
            record.report[t, :, here] = period.sent.take(index, axis=1)
            record.decision[t, here] = period.decision.take(index)
        base, move = period.following.take(index), period.move
    sums.close()


class _Sums:
    """The sums of a block, added as `dynmech.sim.play.accumulator.Booking` adds them.

    Where there are fewer states than episodes, what each period adds is worked out by state: every product and
    difference is of the same two numbers, and is made once.
    """

    def __init__(self, record: Record, here: slice) -> None:
        self._record, self._here, self._weights = record, here, record.game.weights
        agents, self._size = len(record.game.environment.agents), here.stop - here.start
        self._flows = np.zeros((2 * agents, self._size))
        self._rest = np.zeros((agents, self._size))
        self._cost, self._least = np.zeros(self._size), np.full(self._size, np.inf)
        self._early: list[FloatArray] = []

    def add(self, t: int, period: PeriodTables, index: IntArray) -> None:
        """Add what period t brings in the states that episodes are in."""
        record, utility, transfer, cost = self._record, period.utility, period.transfer, period.cost
        if utility is None:
            utility = np.zeros_like(transfer)
        by_state = len(cost) < len(index)
        if not by_state:
            utility, transfer = utility.take(index, axis=1), transfer.take(index, axis=1)
            cost = cost.take(index)
        if record.everything:
            kept = (utility.take(index, axis=1), transfer.take(index, axis=1)) if by_state else (utility, transfer)
            record.transfer[t, :, self._here] = kept[1]
            if period.utility is not None:
                record.utility[t, :, self._here] = kept[0]
                record.cost[t, self._here] = cost.take(index) if by_state else cost

        def gathered(table: FloatArray) -> FloatArray:
            return table.take(index, axis=-1) if by_state else table

        weight = self._weights[t]
        self._flows += gathered(np.concatenate([utility, transfer]) * weight)
        if not record.sums:
            return
        if period.utility is not None:
            self._cost += gathered(weight * cost)
        np.minimum(self._least, gathered(_total(transfer)), out=self._least)
        if t < record.early:
            self._early.append(gathered(utility - transfer))
        else:
            self._rest += gathered((utility - transfer) * self._weights[t - record.early])

    def close(self) -> None:
        """Hand the sums over to the record."""
        agents = len(self._rest)
        flows = (self._flows[:agents], self._flows[agents:], self._cost, self._least)
        hand_over(self._record, self._here, flows, self._early, self._rest)


def _total(flows: Sequence[FloatArray] | FloatArray) -> FloatArray:
    """Return the sum over agents, one after the other."""
    total: FloatArray = np.add.reduce(np.asarray(flows), axis=0)
    return total
