"""The designer's ledger where bills are sent and answered: what is owed, what is paid, who is in default.

An agent's bill is this period's charge and what falls due, its arrears what it still owes from the last `grace`
periods, with interest by 1/δ a period. What it pays goes to the oldest of it first. If what is `grace` periods old is
not paid by then (in the last period: if anything is left), it is in default, whatever the shortfall: its deposit is
forfeited, and what it owes is written off as a claim.

Axes: N agents, n episodes; g periods of grace.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dynmech.sim.core.arrays import BoolArray, FloatArray, frozen
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.game import Game

NOTHING = 1e-12
"""A bill up to this share of the economy's scale is rounding, and is not due."""


class Bill(NamedTuple):
    """What one agent is asked to pay.

    Attributes
    ----------
    amount : float array, shape (n,)
        This period's charge and what falls due; below 0 the agent is paid, whatever it does.
    arrears : float array, shape (n,)
        What it owes from before, interest included.
    due : float array, shape (n,)
        What it must pay now, of all that it owes, to stay in good standing.
    owed : float array, shape (n,)
        All that it owes: the most that it may pay.
    """

    amount: FloatArray
    arrears: FloatArray
    due: FloatArray
    owed: FloatArray


@dataclass(frozen=True, eq=False)
class Payments:
    """What became of a period's bills, `(N, n)` each.

    Attributes:
        billed: the period's bills; 0 of agents that are out.
        paid: towards them, at once; below 0 the agent was paid.
        paid_late: towards arrears.
        forfeited: deposits.
        failed: who is in default as of this period.
        claims: what is written off.
    """

    billed: FloatArray
    paid: FloatArray
    paid_late: FloatArray
    forfeited: FloatArray
    failed: BoolArray
    claims: FloatArray

    @property
    def transfer(self) -> FloatArray:
        """All that agents pay in this period."""
        return self.paid + self.paid_late + self.forfeited


class Ledger:
    """The accounts of a block of episodes.

    Attributes:
        good: who is in good standing, `(N, n)`.
        out: who is excluded, `(N, n)`.

    Raises:
        InputError: deposits are to be worked out, and have not been.
    """

    def __init__(self, game: Game, size: int) -> None:
        terms = game.protocol.payments
        assert terms is not None, "agents are debited"
        agents = len(game.environment.agents)
        if len(game.deposits) != agents:
            raise InputError("deposit: 'auto' is worked out for finite economies, before a game is played")
        self._terms, self._discount = terms, game.environment.discount
        self._last = game.periods + game.closing - 1
        self._least = NOTHING * money_scale(game.environment)
        self._deposits = np.array(game.deposits)[:, None]
        self._arrears = np.zeros((terms.grace, agents, size))  # the oldest first
        self._amount = self._bills = np.zeros((agents, size))
        self.good = np.ones((agents, size), np.bool_)
        self.out = np.zeros((agents, size), np.bool_)

    def bill(self, t: int, transfers: FloatArray) -> list[Bill]:
        """Return every agent's bill, from what it is charged `(n, N)`."""
        self._amount = np.where(self.out, 0.0, transfers.T)
        self._bills = np.where(self._amount > self._least, self._amount, 0.0)
        arrears = np.add.reduce(self._arrears, axis=0)
        owed = self._bills + arrears
        due = self._due(t, owed)
        columns = (self._amount, arrears, due, owed)
        return [Bill(*(frozen(column[i]) for column in columns)) for i in range(len(owed))]

    def _due(self, t: int, owed: FloatArray) -> FloatArray:
        """Return what must be paid now, `(N, n)`."""
        if t == self._last or not self._terms.grace:
            return owed
        return np.where(self.good, self._arrears[0], owed)

    def book(self, t: int, payments: FloatArray) -> Payments:
        """Return what became of the bills, given what agents pay `(N, n)`, and keep what is owed."""
        arrears = np.add.reduce(self._arrears, axis=0)
        owed = self._bills + arrears
        short = payments < self._due(t, owed)
        failed, late = short & self.good, np.minimum(payments, arrears)
        settled = Payments(
            billed=self._amount,
            paid=(self._amount - self._bills) + (payments - late),
            paid_late=late,
            forfeited=np.where(failed, self._deposits, 0.0),
            failed=failed,
            claims=np.where(short, owed - payments, 0.0),
        )
        self._keep(payments, short)
        self.good = self.good & ~failed
        if self._terms.excludes:
            self.out = ~self.good
        return settled

    def _keep(self, payments: FloatArray, short: BoolArray) -> None:
        """Move what is not paid one period on, the oldest paid first; what is written off is owed no more."""
        if not self._terms.grace:
            return
        left = payments
        unpaid = []
        for part in (*self._arrears, self._bills):
            used = np.minimum(left, part)
            unpaid.append(np.where(short, 0.0, part - used))
            left = left - used
        self._arrears = np.stack(unpaid[1:]) / self._discount
