"""The mechanism that earns most in a finite two-period economy, by linear programming over all of them.

Timing: first reports r, a decision x(r), payments p^i(r^i); second reports s, a decision y(r, s), payments m^i(r, s^i).
All from the solution of `dynmech.mechanisms.revenue.revenue_lp`.

Guarantee: with independent types truth is a best response to truth, knowing one's own signals and what was reported,
also in the second period after any lie in the first; every first type is willing to join; no mechanism earns more.
With `constraints=reachable` truth in the second period is asked only at signals that the first report leaves possible,
as if nobody lied before: it earns more on paper, and an audit shows the double deviation that it loses to.

Assumptions: independent types.

Source: Yoon 2021, §2.2, on a grid.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.revenue.revenue_lp import RevenueOptimum, revenue_optimum
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation


class RevenueOptimal(LastPeriodMechanism):
    """The most profitable mechanism of a small economy of two periods: the solution of the revenue program.

    Args:
        constraints: `all`, or `reachable`: without those at second signals that the first report rules out.
        leave: whether agents may leave in the second period too.

    Raises:
        Refusal: the program is not for this economy; see `dynmech.mechanisms.revenue.revenue_lp`.
    """

    name = "revenue-optimal"
    source = "Yoon 2021 §2.2, on a grid"
    promises = Promises(incentive="bayesian", participation="at the start", assumptions=("independent types",))

    def __init__(self, environment: TableEnvironment, constraints: str = "all", leave: bool = False) -> None:
        super().__init__(environment)
        if constraints not in ("all", "reachable"):
            raise InputError(f"constraints: {constraints!r} is none of all, reachable")
        self.constraints, self.leave = constraints, leave
        self.optimum: RevenueOptimum = revenue_optimum(environment, unreachable=constraints == "all", each_period=leave)
        if leave:
            self.promises = Promises(incentive="bayesian", participation="interim", assumptions=("independent types",))

    def history(self, memory: Array) -> tuple[IntArray, IntArray]:
        """Return the first profile and what the first decision left behind, from the memory."""
        decision, profile = np.divmod(np.asarray(memory) - 1, self.environment.stage(0).size)
        return profile, decision if self.optimum.second.shape[1] > 1 else np.zeros_like(decision)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the program's decision, `(n,)`, or a lottery if it has any, `(n, D)`."""
        profile = self.profile(now, messages)
        if now.t == 0:
            rows = self.optimum.first[profile]
        else:
            first, left = self.history(now.memory)
            rows = self.optimum.second[first, left, profile]
        if self.optimum.certain:
            return rows.argmax(axis=-1)
        return rows / rows.sum(axis=-1, keepdims=True)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the program's payments, `(n, N)`."""
        agents = range(messages.shape[1])
        if now.t == 0:
            return np.stack([self.optimum.pay_first[i][messages[:, i]] for i in agents], axis=1)
        first, left = self.history(now.memory)
        return np.stack([self.optimum.pay_second[i][first, left, messages[:, i]] for i in agents], axis=1)

    def transfer_bound(self) -> float:
        """Return the largest payment."""
        return self._largest

    @cached_property
    def _largest(self) -> float:
        """The largest payment."""
        return max(float(np.abs(table).max()) for table in (*self.optimum.pay_first, *self.optimum.pay_second))
