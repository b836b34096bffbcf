"""Static VCG with the efficient decision: everybody pays what its presence costs the others in this period.

Timing: reports, decision, payment at once. With a the decision at the reported profile r,

    p^i(r) = max_b [Σ_{j≠i} u^j(b, r) − c(b)] − [Σ_{j≠i} u^j(a, r) − c(a)] ≥ 0.

Here a is the efficient decision a*(r); `static-vcg` takes the myopic one, the best for today's welfare.

Guarantee: never a deficit. With private values, and decisions that do not move signals, the two are the same and truth
is periodic ex post incentive compatible. Where decisions move signals the myopic decision wastes welfare; the efficient
one can be bent: Σ_{j≠i} u^j(a*(r), r) is not all that it costs the others. With interdependent values p^i depends on
r^i directly and truth can fail in either.

Assumptions: private values, decisions that do not move signals.

Source: naive comparators (ii) and (iii) beside Athey–Segal 2007.
"""

import numpy as np

from dynmech.mechanisms.planning.planner import flow_welfare
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.by_counts import CountedCase, best_for_others, others_welfare
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.play.roles import Promises

ASSUMPTIONS = ("private values", "decisions that do not move signals")


class StaticVCGEfficient(FlowMechanism):
    """Static VCG payments for the dynamically efficient decision."""

    name = "static-vcg-efficient"
    source = "naive comparator, Athey–Segal 2007"
    promises = Promises(incentive="periodic ex post", budget="no deficit", efficient=True, assumptions=ASSUMPTIONS)

    def flow_table(self, t: int) -> FloatArray:
        """Return the static externalities at every reported profile, `(N, *A)`."""
        stage, chosen = self.environment.stage(t), self.chosen(t)[None]
        rows = []
        for i in range(len(self.environment.agents)):
            others = flow_welfare(stage, i)
            rows.append(others.max(axis=0) - np.take_along_axis(others, chosen, axis=0)[0])
        return np.stack(rows)

    def charge_by_counts(self, environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:
        """Return what the agent's presence costs the others, `(m,)`."""
        return best_for_others(environment, case) - others_welfare(environment, case)

    def chosen(self, t: int) -> IntArray:
        """Return the decision at every profile, `(*A)`."""
        return self.plan.policy[self.plan.at(t)]
