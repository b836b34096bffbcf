"""The revenue-optimal mechanism for one buyer and two periods, on continuous types.

Timing: the buyer reports θ_1; it gets the good today iff ψ_1 ≥ 0 and pays, for that and for an option, τ_1(r_1);
tomorrow it reports θ_2 and gets the good iff ψ_2(r_1, r_2) ≥ 0 at the price κ_2(r_1), the type at which ψ_2 = 0.
Virtual values, prices and the envelope behind τ_1 are those of `two_period_types` and `cutoff_rule`.

Guarantee: truth is optimal after any first report, in the second period also at types that the first report rules out;
every first type is willing to join at the start; no mechanism earns more, provided virtual values cross 0 once and
higher first types make higher second types likelier (it refuses otherwise) and the law of θ_2 does not depend on
today's sale. After a truthful start the buyer may regret τ_1.

With F_1 uniform on [0, 1] and θ_2 = ½θ_1 + ½ε: sell today iff θ_1 ≥ ½, tomorrow iff θ_2 ≥ ½(1 − θ_1); revenue
¼ + 7/24 = 13/24, the buyer's rent 13/48, mean price tomorrow 7/48, mean payment today 19/48.

Assumptions: regular virtual values, a law of motion that the sale does not change.

Source: Yoon 2021, §2.2; Theorems 1 and 2.
"""

import numpy as np

from dynmech.mechanisms.revenue.cutoff_rule import QUADRATURE, CutoffRule, optimal_rule
from dynmech.mechanisms.revenue.two_period_types import TwoPeriodSale
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Interval
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.roles import Acts, Promises, Situation


class OptimalTwoPeriod(Mechanism):
    """The optimal sale to one buyer in two periods, by virtual values with the impulse response.

    Raises:
        Refusal: the economy is not a two-period sale to one buyer on continuous types, or virtual values are not
            regular; a finite economy has `revenue-optimal`.
    """

    name = "optimal-two-period"
    source = "Yoon 2021 §2.2"
    promises = Promises(
        incentive="periodic ex post",
        participation="at the start",
        assumptions=("regular virtual values", "a law of motion that the sale does not change"),
    )

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if not isinstance(environment, TwoPeriodSale):
            raise self.refuse("it is for one buyer and two periods on continuous types; see revenue-optimal")
        self.rule: CutoffRule = optimal_rule(environment.types, environment.discount)
        self.low, self.high = environment.types.first_support

    def memory_size(self, t: int) -> int | None:
        """Return None after period 0: the first report is a number."""
        return 1 if t == 0 else None

    def messages(self, t: int, agent: int) -> Interval:
        """Return the interval of all types."""
        space = self.environment.signal_space(t, agent)
        assert isinstance(space, Interval)
        return space

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the true type, `(n,)`."""
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return 1 (sell) iff the virtual value is not negative, `(n,)`."""
        if now.t == 0:
            return (messages[:, 0] >= self.rule.first).astype(np.intp)
        return (messages[:, 0] >= self.rule.cutoff(self._first(now.memory))).astype(np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the first payment; in period 1 tomorrow's price with the good, `(n, 1)`."""
        if now.t == 0:
            return self.rule.upfront(self._first(messages[:, 0]))[:, None]
        return (self.rule.cutoff(self._first(now.memory)) * decision)[:, None]

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the first report, `(n,)`."""
        return np.array(messages[:, 0], dtype=np.float64) if now.t == 0 else now.memory

    def _first(self, report: Array) -> Array:
        """A report of all types as one that is possible in the first period."""
        return np.clip(report, self.low, self.high)

    def conditions(self) -> list[Condition]:
        """Theorem 2 on a grid of types: integral monotonicity, and what it is for, that no first report gains."""
        least, first, report = self.rule.integral_monotonicity()
        gain, liar, lie = self.rule.worst_lie()
        return [
            _condition("integral monotonicity (8)", -least, first, report),
            _condition("no first report gains, the second answered at best", gain, liar, lie),
        ]

    def transfer_bound(self) -> float:
        """Prices are at most the highest type, the first payment at most the value of everything."""
        top = money_scale(self.environment)
        return 2 * top * (1 + self.environment.discount)


def _condition(name: str, missed: float, first: float, report: float) -> Condition:
    """Missed by so much by a first type and a report; up to quadrature it holds."""
    holds = missed <= QUADRATURE
    where: dict[str, str | int] = {} if holds else {"first type": f"{first:.6g}", "report": f"{report:.6g}"}
    return Condition(name, holds, max(missed, 0.0), where)
