"""The team mechanism: everybody earns the whole surplus.

Timing: reports, decision a*(r), payment at once. Transfer, paid by i:

    p^i(r) = c(a*(r)) − Σ_{j≠i} u^j(a*(r), r).

Guarantee: with private values truth is periodic ex post incentive compatible and every agent's continuation payoff is
W(θ). The deficit is (N − 1) W. With interdependent values p^i depends on r^i directly and truth can fail.

Source: Athey–Segal 2007, §3 (their ψ is paid to the agent, p = −ψ); Liu 2014, eq. (3), with its sign corrected.
"""

from mechanisms.base import FlowMechanism
from sim.arrays import FloatArray
from sim.roles import Promises


class Team(FlowMechanism):
    """p^i = c − Σ_{j≠i} u^j at the reported profile."""

    name = "team"
    source = "Athey–Segal 2007 §3; Liu 2014 eq. (3)"
    promises = Promises(incentive="periodic ex post", efficient=True, assumptions=("private values",))

    def flow_table(self, t: int) -> FloatArray:
        """`(N, *A)`."""
        stage = self.environment.stage(t)
        return self.efficient(t, stage.utility) - self.efficient(t, stage.welfare)
