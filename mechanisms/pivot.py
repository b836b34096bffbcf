"""The dynamic pivot mechanism: everybody earns its marginal contribution.

Timing: reports, decision a*(r), payment at once. With W_{−i} the value of the best plan for everybody but i,

    p^i(r) = W_{−i}(r) − [Σ_{j≠i} u^j(a*, r) − c(a*)] − δ E[W_{−i}(θ′) | a*, r],    a* = a*(r).

Guarantee: with private values and independent types truth is periodic ex post incentive compatible and i's
continuation payoff is W − W_{−i}. As W_{−i} maximises over all decisions, p^i ≥ 0: no deficit. Participation
W ≥ W_{−i} holds where the others can do without i what they do with it (values that are never negative).

Source: Bergemann–Välimäki's mechanism as in Yoon 2021, §3, and Liu 2014, Remark 3.9.
"""

import numpy as np

from mechanisms.base import FlowMechanism
from mechanisms.planner import continuation, flow_welfare, plan
from sim.arrays import FloatArray
from sim.roles import Promises


class Pivot(FlowMechanism):
    """Flow marginal contributions."""

    name = "pivot"
    source = "Yoon 2021 §3; Liu 2014 Remark 3.9"
    promises = Promises(
        incentive="periodic ex post",
        budget="no deficit",
        efficient=True,
        assumptions=("private values", "independent types"),
    )

    def flow_table(self, t: int) -> FloatArray:
        """`(N, *A)`."""
        stage = self.environment.stage(t)
        rows = []
        for i in range(len(self.environment.agents)):
            alone = plan(self.environment, i)
            others = flow_welfare(stage, i)
            if alone.stationary or t + 1 < len(alone.value):
                others = others + continuation(self.environment, t, alone.value[alone.at(t + 1)])
            rows.append(alone.value[alone.at(t)] - self.efficient(t, others))
        return np.stack(rows)
