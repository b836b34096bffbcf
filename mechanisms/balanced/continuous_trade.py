"""The trading game on an interval of types, with transfers by exact formulas.

Timing: each agent makes one report, the seller θ_1 in period 0, the buyer θ_2 in period 1; memory is the seller's
report. With x_0, x_1 the efficient quantities at the reports, c the cost at the seller's report and
V(θ_1) = E[θ_2 x_1 | θ_1], the incentive payments *to* seller and buyer are

| transfers | period 0 | period 1 |
| --- | --- | --- |
| team | x_0; −c(x_0) | θ_2 x_1; −c(x_1) |
| expected-externality | x_0; −E c(x_0) | V(θ_1); −E[c(x_1) given θ_2] |
| actual-externality | x_0; −c(x_0) | V(θ_1); −c(x_1) |
| balanced-team | x_0 + V(θ_1) − E[x_0 + θ_2 x_1]; 0 | 0; −(c(x_1) − E[c(x_1) given θ_1]) |

and, but for the team, each pays the other's as well, so that the budget balances. (The paper leaves out the constant
E[x_0 + θ_2 x_1] that its general formula subtracts.) Truth is a best response of the buyer, who then knows θ_1, in all
but the second row, of the seller in all but the third.

Assumptions: the trading game.

Source: Athey–Segal 2007, Example 1.
"""

from typing import Literal, get_args

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.interval_trading_game import (
    HIGHEST,
    MEAN,
    TradingGameEnvironment,
    cost,
    expected_cost,
    expected_own_cost,
    expected_value,
    mean_value,
    quantity,
)
from dynmech.sim.play.roles import Acts, Promises, Situation

Transfers = Literal["team", "expected-externality", "actual-externality", "balanced-team"]


class ContinuousTrade(Mechanism):
    """The trading game on intervals, with transfers by formula.

    Args:
        transfers: a row of the module's table.
        reach: reports may be up to so many times the largest signal (with 2, no bound on reports binds a best
            response, as if there were none).

    Raises:
        Refusal: the economy is not the trading game on intervals.
    """

    name = "continuous-trade"
    source = "Athey–Segal 2007, Example 1"
    environment: TradingGameEnvironment

    def __init__(self, environment: Environment, transfers: Transfers = "balanced-team", reach: float = 1.0) -> None:
        super().__init__(environment)
        if not isinstance(environment, TradingGameEnvironment):
            raise self.refuse("it is for the trading game on intervals, trading-game-continuous")
        if transfers not in get_args(Transfers):
            raise self.refuse(f"transfers={transfers!r} is none of {', '.join(get_args(Transfers))}")
        if not 1 <= reach <= 2:
            raise self.refuse(f"reach={reach:g} is not in [1, 2]")
        self.transfers, self.reach, self.clipped = transfers, reach, environment.clipped
        self.promises = Promises(
            incentive="periodic ex post" if transfers == "team" else "bayesian",
            budget="none" if transfers == "team" else "ex post",
            efficient=True,
            assumptions=("the trading game",),
        )

    def memory_size(self, t: int) -> int | None:
        """Return None after period 0: the seller's report is a number."""
        return 1 if t == 0 else None

    def messages(self, t: int, agent: int) -> Space:
        """Return the seller's reports in period 0, the buyer's in period 1; else a single message."""
        return Interval(0, self.reach * HIGHEST[agent]) if t == agent else Finite(("-",))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """Return the true signal, `(n,)`."""
        return signal if now.t == agent else np.zeros(len(signal), np.intp)

    def reported(self, now: Situation, messages: Array) -> tuple[Array, Array]:
        """Return θ̂_1 and the value of a unit as reported (1 in period 0), `(n,)` each."""
        return (messages[:, 0], np.ones(len(messages))) if now.t == 0 else (now.memory, messages[:, 1])

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the efficient quantity at the reports, `(n,)`."""
        return quantity(*self.reported(now, messages), clipped=self.clipped)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the seller's report, `(n,)`."""
        return np.array(messages[:, 0], np.float64) if now.t == 0 else now.memory

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return minus what the module's table pays, plus the other's share of it, `(n, N)`."""
        type_, value = self.reported(now, messages)
        seller, buyer = self._paid(now.t, type_, value, decision)
        if self.transfers == "team":
            return np.stack([-seller, -buyer], axis=1)
        return np.stack([buyer - seller, seller - buyer], axis=1)

    def _paid(self, t: int, type_: Array, value: Array, x: Array) -> tuple[Array, Array]:
        """Return what seller and buyer are paid for their reports, `(n,)` each."""
        actual, zero = cost(x, type_), np.zeros(len(x))
        if self.transfers == "balanced-team":
            if t == 0:
                return x + expected_value(type_, clipped=self.clipped) - mean_value(clipped=self.clipped), zero
            return zero, expected_own_cost(type_, clipped=self.clipped) - actual
        if self.transfers == "team":
            return value * x, -actual
        seller = x if t == 0 else expected_value(type_, clipped=self.clipped)
        if self.transfers == "actual-externality":
            return seller, -actual
        return seller, -(np.full(len(x), MEAN / 2) if t == 0 else expected_cost(value, clipped=self.clipped))

    def transfer_bound(self) -> float:
        """Return a bound on values, costs and prices at the highest reports."""
        return 4 * self.reach**3 + 4
