"""The team mechanism: everybody earns the whole surplus.

Timing: reports, decision a*(r), payment at once. Transfer, paid by i:

    p^i(r) = c(a*(r)) − Σ_{j≠i} u^j(a*(r), r).

With `reports=payoffs` everybody says after the decision what it has earned, û_j, and is paid by what the others say,

    p^i = c(a*(r)) − Σ_{j≠i} û_j :

the same play, although the designer need know the utilities only to decide. What an agent says of its own payoff moves
the others' money and never its own.

Guarantee: with private values truth (and obedience) is periodic ex post incentive compatible and every agent's
continuation payoff is W(θ). The deficit is (N − 1) W. With interdependent values p^i depends on r^i directly and truth
can fail; not so by payoffs, which are those of the true profile.

Assumptions: private values, unless payoffs are reported.

Source: Athey–Segal 2007, §4, Proposition 1 (their ψ is paid to the agent, p = −ψ), and its implementation by realised
payoffs; Liu 2014, eq. (3), with its sign corrected.
"""

from typing import Literal

import numpy as np

from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.by_counts import CountedCase, others_welfare
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Interval, Space
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation


class Team(FlowMechanism):
    """The team mechanism: p^i = c − Σ_{j≠i} u^j, at the reported profile or as the others report their payoffs.

    Args:
        reports: what the others' utility is read off: their `signals`, or what they say of their `payoffs`.
    """

    name = "team"
    source = "Athey–Segal 2007 §4; Liu 2014 eq. (3)"
    promises = Promises(incentive="periodic ex post", efficient=True, assumptions=("private values",))

    def __init__(self, environment: Environment, reports: Literal["signals", "payoffs"] = "signals") -> None:
        super().__init__(environment)
        self.reports = reports
        if self.alike is not None and reports != "signals":
            raise self.refuse("reports=payoffs: with so many agents payments are read off signals only")

    def asks(self, t: int, agent: int) -> Space | None:  # noqa: ARG002 - the protocol's
        """Return the interval of payoffs, if payoffs are reported; else None."""
        bound = self.environment.utility_bound()
        return Interval(-bound, bound) if self.reports == "payoffs" else None

    def prescribed_reply(
        self,
        now: Situation,  # noqa: ARG002
        agent: int,  # noqa: ARG002
        messages: Array,  # noqa: ARG002
        decision: Array,  # noqa: ARG002
        utility: FloatArray,
    ) -> Array:
        """Return the true payoff, `(n,)`."""
        return utility

    def flow_table(self, t: int) -> FloatArray:
        """Return what is paid when the others' utilities are read off their signals, `(N, *A)`."""
        stage = self.environment.stage(t)
        return self.efficient(t, stage.utility) - self.efficient(t, stage.welfare)

    def charge_by_counts(self, environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:
        """Return the others' utility, which is paid to the agent, with a minus, `(m,)`."""
        return -others_welfare(environment, case)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Return the table at the reported profile, or the cost less the payoffs that the others report, `(n, N)`."""
        if self.reports == "signals":
            return super().charge(now, messages, decision, acts)
        cost = self.environment.stage(now.t).cost_table[decision, now.public]
        others = acts.replies[:, None] * (1 - np.eye(acts.replies.shape[1]))  # own ones out before anything is added up
        return np.asarray(cost[:, None] - others.sum(axis=2), dtype=np.float64)

    def transfer_bound(self) -> float:
        """Return the largest entry; by payoffs, the most that the others can report."""
        if self.reports == "signals":
            return super().transfer_bound()
        costs = max(float(abs(stage.cost_table).max()) for stage in self.environment.stages)
        return costs + (len(self.environment.agents) - 1) * self.environment.utility_bound()
