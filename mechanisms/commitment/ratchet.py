"""Second-price auctions whose reserve for a bidder follows what it bid last, by rule or by an exchange's choice.

Timing: bids; the highest bid that is at least its bidder's reserve wins (the first of those that tie) and pays the next
highest such bid, or its own reserve where that is more, at once. A reserve is `reserve`, or, where the ratchet is in
force and last period's bid was b, the larger of that and `share` · b. Bids are values, reported as they are.

| plan | the ratchet is in force |
| --- | --- |
| rule | always; the exchange, if the economy has one, only takes the money |
| promise | where the exchange chooses so, before it sees the bids; prescribed, and promised, is never |

Guarantee: without a ratchet in force truth is best in every period, whatever the others bid. With one
that can reach above the lowest value it need not be: a low bid today makes tomorrow's reserve low, which is worth more
the larger share, persistence and δ are. Under `promise` the
bidders have nothing to gain while the exchange keeps its word; what it gains by breaking it is what it has learned.
So truth is promised to be best where the share is 0, and under `promise`, there of the exchange as well.

Assumptions: awards that move no signals.

A single bidder whose value v never changes, no rival, lowest value w: it bids w for ever and gains
share · (v − w) δ/(1 − δ).

Source: dynamic reserves of advertising exchanges; the ratchet effect of Freixas, Guesnerie and Tirole 1985.
"""

from typing import Literal, get_args

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.play.roles import Acts, Promises, Situation

Plan = Literal["rule", "promise"]

STILL = "awards that do not move signals"


class Ratchet(Mechanism):
    """Personal reserves that follow the last bid.

    Args:
        share: of the last bid that is the next reserve.
        reserve: the least reserve, and the one that is promised.
        plan: whether the ratchet is the rule, or what an exchange may fall back on against its promise.

    Raises:
        Refusal: the economy is no sale of one good a period to bidders with private values, or, under `promise`, has no
            exchange: an agent, the last one, without private information or utility.
    """

    name = "ratchet"
    source = "dynamic reserves of advertising exchanges; Freixas–Guesnerie–Tirole 1985"
    environment: TableEnvironment

    def __init__(self, environment: Environment, share: float = 0.5, reserve: float = 0.0, plan: Plan = "rule") -> None:
        super().__init__(environment)
        if not 0 <= share <= 1:
            raise InputError(f"share: {share:g} is not in [0, 1]")
        if not 0 <= reserve < np.inf:
            raise InputError(f"reserve: {reserve:g} is not a finite price of at least 0")
        if plan not in get_args(Plan):
            raise InputError(f"plan: {plan!r} is none of {', '.join(get_args(Plan))}")
        if not isinstance(environment, TableEnvironment) or len(environment.stages) > 1:
            raise self.refuse("it needs finitely many signals and the same economy every period")
        self.share, self.reserve, self.plan = share, reserve, plan
        self._read_off()
        if plan == "promise" and self.exchange is None:
            raise self.refuse("plan=promise needs an exchange: a last agent without private information or utility")
        incentive = "bayesian" if plan == "promise" else "none" if share > 0 else "periodic ex post"
        self.promises = Promises(
            incentive=incentive, budget="no deficit", participation="ex post", assumptions=(STILL,)
        )

    def _read_off(self) -> None:
        """Read who bids, what each signal is worth, and which decision gives the good to whom."""
        stage = self.environment.stage(0)
        flat = stage.utility.reshape(len(self.environment.agents), len(stage.decisions), -1)
        gets = np.abs(flat).max(axis=2) > 0
        served = gets.any(axis=1)
        last = len(served) - 1
        self.exchange = last if last and not served[last] and len(stage.signals[last]) == 1 else None
        self.bidders = list(range(last if self.exchange is not None else last + 1))
        empty = np.flatnonzero(~gets.any(axis=0))
        alone = gets.sum(axis=0) <= 1
        if stage.public or stage.private_actions or stage.cost_table.any() or not len(empty) or not alone.all():
            raise self.refuse("every decision must give one good to one bidder or to nobody, at no cost")
        if any(gets[i].sum() != 1 for i in self.bidders):
            raise self.refuse("each bidder must get the good in one decision")
        self.empty, self.award = int(empty[0]), gets[self.bidders].argmax(axis=1)
        self.values: list[FloatArray] = []
        for i in self.bidders:
            table = np.moveaxis(stage.utility[i, self.award[i]], i, 0).reshape(len(stage.signals[i]), -1)
            if np.ptp(table, axis=1).max() > TIE * self.environment.scale:
                raise self.refuse("values must be private: they depend on the others' signals")
            self.values.append(table[:, 0])

    # Rules

    def messages(self, t: int, agent: int) -> Finite:
        """Return the values of a bidder; for the exchange, whether it keeps its promise."""
        if agent == self.exchange:
            return Finite(("as promised", "ratchet") if self.plan == "promise" else ("-",))
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the value; for the exchange, to keep its promise."""
        return signal

    def memory_size(self, t: int) -> int:
        """Return 1 at first, then 1 + the number of profiles: what was bid last."""
        return 1 if t == 0 else 1 + self.environment.stage(0).size

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the profile that was bid, `(n,)`."""
        index = np.zeros(len(messages), np.intp)
        for i in self.bidders:
            index = index * len(self.values[i]) + messages[:, i]
        return 1 + index

    def reserves(self, now: Situation, messages: Array) -> FloatArray:
        """Return the reserve of every bidder, `(n, B)`."""
        memory = np.asarray(now.memory, np.intp)
        left, last = np.maximum(memory - 1, 0), np.zeros((len(memory), len(self.bidders)))
        for i in reversed(self.bidders):
            left, place = np.divmod(left, len(self.values[i]))
            last[:, i] = self.values[i][place]
        force = (memory > 0)[:, None] & np.ones(len(self.bidders), np.bool_)
        if self.exchange is not None and self.plan == "promise":
            force &= (messages[:, self.exchange] == 1)[:, None]
        return np.where(force, np.maximum(self.share * last, self.reserve), self.reserve)

    def _auction(self, now: Situation, messages: Array) -> tuple[IntArray, FloatArray]:
        """Return who wins, −1 where nobody does, and the price, `(n,)` each."""
        bids = np.stack([own[messages[:, i]] for i, own in zip(self.bidders, self.values, strict=True)], axis=1)
        reserves, rows = self.reserves(now, messages), np.arange(len(messages))
        counted = np.where(bids >= reserves - TIE * self.environment.scale, bids, -np.inf)
        first = counted.argmax(axis=1)
        won = np.isfinite(counted[rows, first])
        others = counted.copy()
        others[rows, first] = -np.inf
        price = np.maximum(others.max(axis=1), reserves[rows, first])
        return np.where(won, first, -1), np.where(won, price, 0.0)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the decision that gives the good to the winner, `(n,)`."""
        winner, _ = self._auction(now, messages)
        return np.where(winner < 0, self.empty, self.award[winner])

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the price, paid by the winner, to the exchange where there is one, `(n, N)`."""
        winner, price = self._auction(now, messages)
        out = np.zeros((len(messages), len(self.environment.agents)))
        out[np.arange(len(messages)), np.maximum(winner, 0)] = price
        if self.exchange is not None:
            out[:, self.exchange] = -price
        return out

    def transfer_bound(self) -> float:
        """Return the largest value, or the reserve."""
        return max(self.reserve, *(float(np.abs(own).max()) for own in self.values))

    def conditions(self) -> list[Condition]:
        """Return whether awards move signals: then a bid is about more than today's good."""
        moved = 0.0 if self.environment.horizon == 1 else float(np.ptp(laws(self.environment, 0), axis=0).max())
        return [Condition(STILL, moved <= TIE, moved, {})]
