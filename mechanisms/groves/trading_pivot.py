"""The pivot mechanism of bilateral trade on intervals: each side pays, or receives, the other's value.

Timing: the seller reports its cost r_s, the buyer its value r_b; trade iff r_s < r_b; with trade the seller receives
r_b and the buyer pays r_s, so both earn r_b − r_s and the designer pays as much. Fees are paid once, at t = 0.

Guarantee: truth is periodic ex post incentive compatible, the decision efficient. Two periods, values uniform on
[0, 1], no discounting: if they are independent over time, the expected deficit is 1/6 a period, and fees of 1/6 each,
which every first type bears, cover both; if they stay, the deficit is 1/3 and the types θ_s = 1 and θ_b = 0 bear none.

Finite values: `pivot:without=feasible` and `pivot-with-fees`.

Assumptions: independent types.

Source: Yoon 2021, §3.3.1 A.
"""

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation


class TradingPivot(Mechanism):
    """Pivot transfers of a seller and a buyer with values on an interval.

    Args:
        seller_fee, buyer_fee: paid at t = 0.

    Raises:
        Refusal: the economy is not one seller and one buyer on numbers.
    """

    name = "trading-pivot"
    source = "Yoon 2021 §3.3.1 A"
    promises = Promises(incentive="periodic ex post", efficient=True, assumptions=("independent types",))

    def __init__(self, environment: Environment, seller_fee: float = 0.0, buyer_fee: float = 0.0) -> None:
        super().__init__(environment)
        decisions = environment.decision_space(0)
        if not (
            isinstance(environment, FunctionEnvironment)
            and environment.agents == ("seller", "buyer")
            and isinstance(decisions, Finite)
            and decisions.labels == ("no trade", "trade")
        ):
            raise self.refuse("it is for a seller and a buyer with values on an interval")
        self.seller_fee, self.buyer_fee = seller_fee, buyer_fee

    def messages(self, t: int, agent: int) -> Interval:
        """Return the agent's values."""
        space = self.environment.signal_space(t, agent)
        assert isinstance(space, Interval)
        return space

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the true value, `(n,)`."""
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:  # noqa: ARG002
        """Return 1 (trade) iff r_s < r_b, `(n,)`."""
        return (messages[:, 0] < messages[:, 1]).astype(np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return (−r_b, r_s) with trade, plus the fees in period 0, `(n, 2)`."""
        paid = np.stack([-messages[:, 1] * decision, messages[:, 0] * decision], axis=1)
        return paid + np.array([self.seller_fee, self.buyer_fee]) if now.t == 0 else paid

    def message_breaks(self, now: Situation, agent: int, messages: Array) -> FloatArray:  # noqa: ARG002
        """Return the other side's value, where trade begins or ends, `(n, 1)`."""
        return messages[:, 1 - agent, None]

    def transfer_bound(self) -> float:
        """Return the largest value plus the largest fee."""
        spaces = [self.messages(0, i) for i in (0, 1)]
        largest = max(max(abs(space.low), abs(space.high)) for space in spaces)
        return largest + max(abs(self.seller_fee), abs(self.buyer_fee))
