"""Adds up a block's flows as the periods pass, and writes them to the record."""

from collections.abc import Sequence

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.environment import State
from dynmech.sim.play.billing import Payments
from dynmech.sim.play.record import PAYMENT_COLUMNS, Record


class Booking:
    """The sums of one block of episodes, added in the order of the periods; see `Record`.

    Args:
        here: the block's place among the record's episodes.
    """

    def __init__(self, record: Record, here: slice) -> None:
        self._record, self._here, self._weights = record, here, record.game.weights
        self._nothing = np.zeros((len(record.game.environment.agents), here.stop - here.start))
        self._utility, self._transfer = self._nothing.copy(), self._nothing.copy()
        self._cost, self._least = self._nothing[0].copy(), self._nothing[0] + np.inf
        self._early: list[FloatArray] = []  # payoffs of the early periods
        self._rest = self._nothing.copy()  # Σ_s δ^{s−t} payoff_s from the first period t that is not early
        self._sheet = np.empty_like(self._nothing)  # to work on

    def period(
        self, t: int, state: State, decision: Array, utility: FloatArray, transfers: FloatArray, cost: Array | None
    ) -> None:
        """Period t; utilities and transfers `(n, N)`, the cost `(n,)` where the record holds sums of it."""
        record, here = self._record, self._here
        enjoyed, paid = np.ascontiguousarray(utility.T, np.float64), np.ascontiguousarray(transfers.T, np.float64)
        self._add(t, enjoyed, paid, cost)
        if record.sums and t < len(record.signal):
            record.signal[t, :, here] = state.signals.T
        if record.everything:
            record.utility[t, :, here], record.transfer[t, :, here], record.cost[t, here] = enjoyed, paid, cost
            record.public[t, here], record.decision[t, here] = state.public, decision

    def closing(self, t: int, state: State, transfers: FloatArray) -> None:
        """A closing period, in which there is nothing but transfers."""
        record, here = self._record, self._here
        paid = np.ascontiguousarray(transfers.T, np.float64)
        self._add(t, self._nothing, paid, self._nothing[0])
        if record.everything:
            record.transfer[t, :, here] = paid
            record.public[t, here], record.signal[t, :, here] = state.public, state.signals.T

    def payments(self, t: int, settled: Payments) -> None:
        """Period t's bills and what became of them, where they are sent and answered."""
        record, here, weight = self._record, self._here, self._weights[t]
        record.in_default[:, here] |= settled.failed
        record.claims[:, here] += weight * settled.claims
        record.forfeits[:, here] += weight * settled.forfeited
        if record.everything:
            for name in PAYMENT_COLUMNS:
                getattr(record, name)[t, :, here] = getattr(settled, name)

    def _add(self, t: int, utility: FloatArray, transfer: FloatArray, cost: Array | None) -> None:
        weight, sheet = self._weights[t], self._sheet
        self._utility += np.multiply(utility, weight, out=sheet)
        self._transfer += np.multiply(transfer, weight, out=sheet)
        if cost is None or not self._record.sums:
            return
        self._cost += weight * cost
        np.minimum(self._least, np.add.reduce(transfer, axis=0), out=self._least)
        if t < self._record.early:
            self._early.append(utility - transfer)
            return
        np.subtract(utility, transfer, out=sheet)
        sheet *= self._weights[t - self._record.early]
        self._rest += sheet

    def close(self) -> None:
        """Hand the sums over to the record."""
        flows = (self._utility, self._transfer, self._cost, self._least)
        hand_over(self._record, self._here, flows, self._early, self._rest)


def hand_over(
    record: Record,
    here: slice,
    flows: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    early: Sequence[FloatArray],
    rest: FloatArray,
) -> None:
    """Write the sums of a block into the record.

    Args:
        record: of the shard.
        here: the block's place among its episodes.
        flows: discounted utility and transfer `(N, n)`, discounted cost and least revenue of a period `(n,)`.
        early: payoffs of the early periods, `(N, n)` each.
        rest: Σ_s δ^{s−t} payoff_s from the first period t that is not early, `(N, n)`.
    """
    record.discounted_utility[:, here], record.discounted_transfer[:, here] = flows[:2]
    if not record.sums:
        return
    record.discounted_cost[here], record.least_revenue[here] = flows[2:]
    total = rest
    for t in reversed(range(record.early)):
        total = early[t] + record.game.environment.discount * total
        record.continuation[t, :, here] = total
