"""The dynamic pivot mechanism with lump-sum participation fees.

Timing: at t = 0 every agent pays its fee with its first transfer; from then on the pivot mechanism is played. Fees do
not depend on reports, so the pivot's incentives are untouched. With M^i(θ) = W − W_{−i} the marginal contribution, the
largest fee that every first type of agent i bears is

    F^i = min_{θ^i} E[M^i(θ) | θ^i]          (`fees=largest`),

and fees that cover the pivot's expected deficit Δ are Δ F^i / Σ_j F^j (`fees=balancing`; equal shares where nobody can
bear anything). Both at once is possible iff Δ ≤ Σ_i F^i: condition (∗) for bilateral trade, see
`dynmech.mechanisms.conditions.trade_budget`.

Guarantee: efficient, periodic ex post incentive compatible, and, if Σ F^i ≥ Δ, no expected deficit with every type
willing to join at the start, knowing its own first signal. Willing at the start is not willing ever after: the fee is
sunk when the others' signals come out, and an agent that could still take it back would want to (participation *ex
post* of an audit names the profile). With `collect=instalments` the same value is paid in equal parts over all periods,
and agents would leave later as well: the audit's *interim* participation names the history.

Assumptions: private values, independent types.

Source: Yoon 2021, §3.3: fees, condition (∗), Theorem 5. That the result is "periodic ex-post individually rational"
holds of the pivot's flows, not of fees.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.conditions.trade_budget import trade_in
from dynmech.mechanisms.groves.pivot import ASSUMPTIONS, Pivot
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import figure, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation

SWITCHED = 100
"""Pairs of types up to which all discount factors are found at which (∗) begins or ceases to hold."""

FIRST = 1e-9
"""A discount factor below all at which that happens."""


class PivotWithFees(Pivot):
    """Pivot transfers, and a participation fee per agent.

    Args:
        fees: `largest`, `balancing`, or one number per agent joined by `+`, negative for a subsidy.
        without: as of `pivot`.
        collect: `start`, all at t = 0, or `instalments`, equal parts in every period of the same present value.

    Raises:
        InputError: fees are neither words nor a number per agent; `collect` is another word.
    """

    name = "pivot-with-fees"
    source = "Yoon 2021 §3.3, Theorem 5"
    summary = (
        "pivot transfers and a fee per agent that pays for their deficit; so, unlike under pivot, the others choose "
        "among what is feasible without an agent"
    )

    def __init__(
        self,
        environment: TableEnvironment,
        fees: str = "largest",
        without: str = "feasible",
        collect: str = "start",
    ) -> None:
        super().__init__(environment, without)
        if collect not in ("start", "instalments"):
            raise InputError(f"collect: {collect!r} is none of start, instalments")
        self.fees, self.collect = fees, collect
        self.named = None if fees in ("largest", "balancing") else _numbers(fees, len(environment.agents))
        self.promises = Promises(
            incentive="periodic ex post",
            budget="ex ante",
            participation="at the start",
            efficient=True,
            assumptions=ASSUMPTIONS,
        )

    @cached_property
    def bearable(self) -> list[FloatArray]:
        """The largest fee of each first type of agent i, its expected marginal contribution: `(O, K_i)` each.

        Types of probability 0 count too: the others' signals then have their marginal law.
        """
        stage, prior = self.environment.stage(0), self.environment.prior
        out = []
        for i in range(len(self.environment.agents)):
            law = _own_last(prior, i, stage.offset)
            total = law.sum(axis=1, keepdims=True)
            marginal = np.broadcast_to(law.sum(axis=2, keepdims=True), law.shape)
            weights = np.where(total > 0, law, marginal)
            gains = _own_last(self.contributions[0][i], i, stage.offset)
            mass = weights.sum(axis=1)
            out.append(np.divide((weights * gains).sum(axis=1), mass, out=np.full(mass.shape, np.inf), where=mass > 0))
        return out

    @cached_property
    def deficit(self) -> float:
        """The expected cost of the pivot's transfers to the designer, without fees."""
        return -float(FiniteGame(self.environment, Pivot(self.environment, self.without)).truthful.transfer.sum())

    @cached_property
    def amounts(self) -> FloatArray:
        """The fees, present values at t = 0, `(N,)`."""
        if self.named is not None:
            return self.named
        largest = np.array([table.min() for table in self.bearable])
        if self.fees == "largest":
            return largest
        total = float(largest.sum())
        share = largest / total if total > 0 else np.full(len(largest), 1 / len(largest))
        return self.deficit * share

    @cached_property
    def parts(self) -> FloatArray:
        """The instalment paid in every period, `(N,)`."""
        discount, horizon = self.environment.discount, self.environment.horizon
        if horizon is None:
            return self.amounts * (1 - discount)
        return self.amounts / sum(discount**t for t in range(horizon))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Return the pivot's transfer plus the fee, `(n, N)`."""
        flows = super().charge(now, messages, decision, acts)
        if self.collect == "instalments":
            return flows + self.parts
        return flows + self.amounts if now.t == 0 else flows

    def conditions(self) -> list[Condition]:
        """Return whether fees that every first type bears cover the deficit; in trade, for which discount factors."""
        largest = [float(table.min()) for table in self.bearable]
        slack = sum(largest) - self.deficit
        shown = ", ".join(
            f"{name} {_six_digits(fee)}" for name, fee in zip(self.environment.agents, largest, strict=True)
        )
        note = f"largest fees {shown}; deficit {_six_digits(self.deficit)}{self._discounts()}"
        holds = slack >= -TOLERANCE * scale_of(self.environment.scale, self.deficit)
        return [Condition("bearable fees cover the deficit (∗)", holds, slack, {}, note)]

    def _discounts(self) -> str:
        """Return in words the discount factors for which (∗) holds; empty where it is no trade between two chains."""
        trade = trade_in(self.environment) if self.without == "feasible" else None
        if trade is None or trade.gains.size > SWITCHED:
            return ""
        ends = [f"{figure(discount)}" for discount, _ in trade.switches()]
        if trade.balances(FIRST):
            ends = ["0", *ends]
        spans = [f"δ from {low} to {high}" for low, high in zip(ends[::2], [*ends[1::2], "1"], strict=False)]
        return f"; holds for {' and '.join(spans)}" if spans else "; holds for no δ"

    def transfer_bound(self) -> float:
        """Return the largest flow plus the largest fee."""
        return super().transfer_bound() + float(np.abs(self.amounts).max())


def _own_last(table: FloatArray, agent: int, offset: int) -> FloatArray:
    """Reshape `(*A)` to `(O, others, K_i)`."""
    moved = np.moveaxis(table, offset + agent, -1)
    return moved.reshape(table.shape[0] if offset else 1, -1, moved.shape[-1])


def _six_digits(amount: float) -> str:
    """Format a number with six digits; rounding errors become 0."""
    return f"{figure(amount)}" if abs(amount) > TOLERANCE else "0"


def _numbers(text: str, agents: int) -> FloatArray:
    """Parse numbers joined by `+`, one per agent."""
    try:
        numbers = np.array([float(part) for part in text.split("+")])
    except ValueError:
        raise InputError(f"fees: {text!r} is none of largest, balancing, or numbers joined by +") from None
    if len(numbers) != agents or not np.isfinite(numbers).all():
        raise InputError(f"fees: {text!r}: expected {agents} finite numbers joined by +, one per agent")
    return numbers
