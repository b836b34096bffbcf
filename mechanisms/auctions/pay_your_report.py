"""Pay your report: the naive first-price rule, p^i(r) = u^i(a*(r), r).

Timing: reports, efficient decision a*(r), payment at once. Truth always earns 0, so almost any lower report
gains.

Guarantee: none; it is a comparator.

Source: Athey–Segal 2007, naive comparator (i).
"""

from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.by_counts import CountedCase
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.play.roles import Promises


class PayYourReport(FlowMechanism):
    """Everybody pays what its report says that the decision is worth to it."""

    name = "pay-your-report"
    source = "naive comparator, Athey–Segal 2007"
    promises = Promises()

    def flow_table(self, t: int) -> FloatArray:
        """Return the reported utilities at the efficient decision, `(N, *A)`."""
        return self.efficient(t, self.environment.stage(t).utility)

    def charge_by_counts(self, environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:
        """Return what its report says that the decision is worth to the agent, `(m,)`."""
        return environment.flow[case.decision, case.report]
