"""Γ^link: two auctions linked by a transfer that falls due in the second.

Timing: reports, decision, payment at once; firm 1's bonus falls due in the second auction.

For two firms and two auctions in a row (earlier periods decide nothing): firm 1 knows the value of the first licence,
firm 2 that of the second, and the two are correlated. Efficiency gives the first licence to firm 1 when its signal is
low, which no static payment can implement. The link pays firm 1, in the second auction, a bonus for having *lost* the
first, which depends on firm 2's report there:

    second auction: firm 2 pays `price` if it wins; firm 1, if it lost the first auction,
    receives `low` when firm 2 reports its low signal and `high` when it reports its high one.

With the paper's numbers (4, 16; 11) truth is ex post incentive compatible: firm 1 gets 7 at θ = 4 whatever it reports
(binding), and 13 against 11 at θ = 6. The bonus depends on firm 2's *later* report, which firm 1 cannot move, so a lie
about an earlier signal buys nothing.

Assumptions: the oil-lease economy with the printed numbers.

Source: Liu 2014, §3.1 (the printed "a₁ = 0" is the event that firm 1 loses, a₁ = 2).
"""

import numpy as np

from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation


class Linked(LastPeriodMechanism):
    """Liu's linked auctions of two licences to two firms.

    Args:
        low, high: what firm 1 receives after losing the first auction, by firm 2's report in the second.
        price: what firm 2 pays for winning the second.

    Raises:
        Refusal: the environment is not two firms with two auctions at the end.
    """

    name = "linked"
    source = "Liu 2014 §3.1, Γ^link"
    promises = Promises(
        incentive="periodic ex post",
        efficient=True,
        assumptions=("oil-lease economy with the printed numbers",),
    )

    def __init__(
        self, environment: TableEnvironment, low: float = 4.0, high: float = 16.0, price: float = 11.0
    ) -> None:
        super().__init__(environment)
        horizon = environment.horizon
        if len(environment.agents) != 2 or horizon is None or horizon < 2:
            raise self.refuse("it links the last two periods of an economy with two firms and a finite horizon")
        for t in range(horizon):
            wanted = 2 if t >= horizon - 2 else 1
            if len(environment.stage(t).decisions) != wanted or environment.stage(t).public:
                raise self.refuse(f"period {t} needs {wanted} decision{'s' * (wanted > 1)} and no public state")
        for t, firm in ((horizon - 2, 0), (horizon - 1, 1)):
            if len(environment.stage(t).signals[firm]) != 2:
                raise self.refuse(f"agent {environment.agents[firm]!r} needs two signals in period {t}")
        self.bonus = np.array([low, high])
        self.price = price
        self.last = horizon - 1

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return firm 2's price for the second licence, `(n, 2)`."""
        out = np.zeros(messages.shape)
        if now.t == self.last:
            out[:, 1] = np.where(decision == 1, self.price, 0.0)
        return out

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return minus firm 1's bonus for having lost the first auction, `(n, 2)`."""
        out = np.zeros(messages.shape)
        if now.t == self.last:
            lost = (now.memory - 1) // self.environment.stage(now.t - 1).size == 1
            out[:, 0] = np.where(lost, -self.bonus[messages[:, 1]], 0.0)
        return out

    def transfer_bound(self) -> float:
        """Return the largest bonus or price."""
        return float(max(np.abs(self.bonus).max(), abs(self.price)))
