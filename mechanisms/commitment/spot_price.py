"""A durable good at a price today and another tomorrow; the second is named by the seller, who may break its word.

Timing: today's price p_0 stands. The buyer takes it or not, and the seller names tomorrow's price p_1, which counts
if the good is not sold; tomorrow the buyer, who has heard p_1, takes that or not. That p_1 is named before the answer
is known gives nothing away: it counts only after a no. The buyer's answers are those of a proxy to which it reports its
value in each period, so that any pair of answers can be had; the seller has nothing to decide once a report is public.

| plan | today's price, unless given | tomorrow's price | the buyer's proxy |
| --- | --- | --- | --- |
| bound | the best constant price | the same, and the seller has no say | foresees it |
| promise | the best constant price | the same is prescribed, but the seller can name another | believes it |
| equilibrium | the best, what follows foreseen | best against those who did not buy today | foresees it |

The proxy takes today's price if v − p_0 ≥ δ (v − p_1)⁺, with p_1 as planned, tomorrow's if v ≥ p_1. So today's buyers
are those from some value on, and who is left has one of the lowest K values. In the equilibrium p_1 maximises
p P(p ≤ v) among them; where several prices do, one is taken with which exactly these K values wait.

Guarantee: under `bound` and `equilibrium` nobody gains from any deviation, the seller's price included, so that the
equilibrium is perfect: tomorrow's price is best whatever the buyer's answer has told. Under `promise` the buyer has
nothing to gain, and the seller gains δ max_p p P(p ≤ v < who bought): what its promise costs it tomorrow.

Values uniform on [0, 1]: those from (2 − δ)/(4 − 3δ) buy today, and the seller earns (2 − δ)²/(4 (4 − 3δ)), instead of
¼ under commitment. What commitment is worth is the difference of the seller's payoffs under `bound` and `equilibrium`.

Source: Stokey 1981, Bulow 1982; Fudenberg–Tirole, *Game Theory*, ch. 10, in two periods.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import TIE, first_largest
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation

Plan = Literal["equilibrium", "promise", "bound"]

BUYER, SELLER = 0, 1

SELL = 1
"""The decision to sell; 0 is to keep the good."""


@dataclass(frozen=True)
class Sale:
    """Two prices and who buys when.

    Attributes:
        first: today's price.
        second: index of the value that is tomorrow's price.
        waiting: K, the number of values that do not buy today.
        profit: the seller's expected discounted income.
    """

    first: float
    second: int
    waiting: int
    profit: float


class SpotPrice(Mechanism):
    """The buyer reports its value in both periods, the seller names tomorrow's price.

    Args:
        plan: see the module.
        first: today's price; none: the best one under the plan.

    Raises:
        Refusal: the economy is no durable good for one buyer and a seller in two periods, or, in the equilibrium, no
            second price without a lottery bears out the first one.
    """

    name = "spot-price"
    source = "Stokey 1981; Bulow 1982"
    promises = Promises(incentive="bayesian", budget="ex post", participation="interim")
    environment: TableEnvironment

    def __init__(self, environment: Environment, plan: Plan = "equilibrium", first: float | None = None) -> None:
        super().__init__(environment)
        if plan not in get_args(Plan):
            raise InputError(f"plan: {plan!r} is none of {', '.join(get_args(Plan))}")
        if first is not None and not np.isfinite(first):
            raise InputError(f"first: {first:g} is not a finite price")
        if not isinstance(environment, TableEnvironment) or not _is_durable(environment):
            raise self.refuse(
                "it needs a buyer with private values and a seller, two periods, the decisions to keep and to sell, "
                "and a public state that says whether the good is sold"
            )
        stage = environment.stage(0)
        self.values = stage.utility[BUYER, SELL, 0, :, 0]
        self.chances = environment.prior[0, :, 0]
        if (np.diff(self.values) <= 0).any():
            raise self.refuse("the buyer's values must rise")
        self.plan: Plan = plan
        self.sale = self._equilibrium(first) if plan == "equilibrium" else self._promised(first)

    # Prices

    def _promised(self, first: float | None) -> Sale:
        """Return the best constant price, or the one nearest below `first` for tomorrow."""
        earned = [float(v * self.chances[j:].sum()) for j, v in enumerate(self.values)]
        second = first_largest(earned) if first is None else max(int((self.values <= first + self._tie).sum()) - 1, 0)
        today = float(self.values[second]) if first is None else first
        return self._sale(today, second)

    def _equilibrium(self, first: float | None) -> Sale:
        """Return the sale at a first price, or at the best of those that leave some value indifferent."""
        if first is not None:
            sale = self._borne_out(first)
            if sale is None:
                raise self.refuse(
                    f"first={first:g}: no second price without a lottery bears it out; a finer grid has one nearby"
                )
            return sale
        natural = {
            round(float(self._today(self.values[waiting], j)), 12)
            for waiting in range(len(self.values))
            for j in self._best_second(waiting)
        }
        sales = [sale for price in sorted(natural) if (sale := self._borne_out(price)) is not None]
        if not sales:
            raise self.refuse("no first price has a second one without a lottery that bears it out")
        return sales[first_largest([sale.profit for sale in sales])]

    def _borne_out(self, first: float) -> Sale | None:
        """Return the sale at a first price in which the second one is best against who waits; None: there is none."""
        for second in range(len(self.values)):
            sale = self._sale(first, second)
            if second in self._best_second(sale.waiting):
                return sale
        return None

    def _best_second(self, waiting: int) -> list[int]:
        """Return the prices, by the index of the value, that earn most from the lowest `waiting` values."""
        return self._seconds[waiting]

    @cached_property
    def _seconds(self) -> list[list[int]]:
        """`_best_second` by the number of values that wait."""
        out = [[0]]
        for waiting in range(1, len(self.values) + 1):
            mass = np.cumsum(self.chances[:waiting][::-1])[::-1]
            earned = self.values[:waiting] * mass
            out.append([int(j) for j in np.flatnonzero(earned >= earned.max() - self._tie)])
        return out

    @property
    def _tie(self) -> float:
        return float(TIE * self.environment.scale)

    def _today(self, value: FloatArray | float, second: int) -> FloatArray:
        """Return the highest price today that a value accepts, when tomorrow's is known."""
        tomorrow = np.maximum(value - self.values[second], 0.0)
        return np.asarray(value - self.environment.discount * tomorrow)

    def _sale(self, first: float, second: int) -> Sale:
        """Return who buys when, and what is earned, at two prices that the buyer expects."""
        waiting = int((self._today(self.values, second) < first - self._tie).sum())
        today = first * self.chances[waiting:].sum()
        tomorrow = self.values[second] * self.chances[min(second, waiting) : waiting].sum()
        return Sale(first, second, waiting, float(today + self.environment.discount * tomorrow))

    # Rules

    def messages(self, t: int, agent: int) -> Finite:
        """Return the values for the buyer; for the seller, today, tomorrow's prices."""
        if agent == BUYER:
            return self.environment.signal_space(t, BUYER)
        if t > 0:
            return Finite(("-",))
        if self.plan == "bound":
            return Finite((f"{self.values[self.sale.second]:.6g}",))
        return Finite(tuple(f"{v:.6g}" for v in self.values))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """Return the buyer's value, and the price of the plan."""
        if agent == BUYER:
            return signal
        return np.full(len(signal), self.sale.second if now.t == 0 and self.plan != "bound" else 0)

    def default(self, now: Situation, agent: int) -> Array:
        """Return the lowest value, and the price of the plan."""
        return self.prescribed(now, SELLER, now.memory) if agent == SELLER else np.zeros(len(now.memory), np.intp)

    def memory_size(self, t: int) -> int:
        """Return the number of prices that can have been named; 1 at first."""
        return 1 if t == 0 else self.messages(0, SELLER).size

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the price that the seller named, `(n,)`."""
        return messages[:, SELLER] if now.t == 0 else now.memory

    def _price(self, memory: Array) -> IntArray:
        """Return tomorrow's price by the index of the value, `(n,)`."""
        named = np.asarray(memory, np.intp)
        return np.full(len(named), self.sale.second) if self.plan == "bound" else named

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return to sell where the reported value takes the price and the good is there, `(n,)`."""
        least = self.sale.waiting if now.t == 0 else self._price(now.memory)
        return ((now.public == 0) & (messages[:, BUYER] >= least)).astype(np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the price, paid by the buyer to the seller, `(n, 2)`."""
        price = np.full(len(decision), self.sale.first) if now.t == 0 else self.values[self._price(now.memory)]
        return np.where(decision == SELL, price, 0.0)[:, None] * np.array([1.0, -1.0])

    def transfer_bound(self) -> float:
        """Return the largest price."""
        return float(max(abs(self.sale.first), np.abs(self.values).max()))


def _is_durable(environment: TableEnvironment) -> bool:
    """Whether the economy is of the form that the mechanism is for."""
    stage = environment.stage(0)
    if environment.horizon != 2 or len(environment.stages) != 1 or len(environment.agents) != 2:
        return False
    if len(stage.decisions) != 2 or len(stage.public) != 2 or len(stage.signals[SELLER]) != 1 or stage.private_actions:
        return False
    worth = stage.utility[BUYER, SELL, 0]
    only = np.zeros_like(stage.utility)
    only[BUYER, SELL, 0] = worth
    laws = environment.kernel(0)
    at = [laws.row(d, int(np.ravel_multi_index((o, k, 0), stage.axes))) for d, o, k in np.ndindex(2, *stage.axes[:2])]
    stays = [row[max(d, o), k, 0] for row, (d, o, k) in zip(at, np.ndindex(2, *stage.axes[:2]), strict=True)]
    return bool((stage.utility == only).all() and not stage.cost_table.any() and min(stays) > 1 - TIE)
