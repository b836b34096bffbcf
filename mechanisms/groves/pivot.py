"""The dynamic pivot mechanism: everybody earns its marginal contribution.

Timing: reports, decision a*(r), payment at once. With W_{−i} the value of the best plan for everybody but i,

    p^i(r) = W_{−i}(r) − [Σ_{j≠i} u^j(a*, r) − c(a*)] − δ E[W_{−i}(θ′) | a*, r],    a* = a*(r).

What the others may decide without i is an option. From *all* decisions: then p^i ≥ 0, no deficit; participation
W ≥ W_{−i} holds where the others can do without i what they do with it (values that are never negative). From those
*feasible* without i, in which it takes no part (`dynmech.mechanisms.planning.feasibility`): then W ≥ W_{−i} always, as
the others' plan is open to everybody and costs i nothing, but there may be a deficit. In bilateral trade without one
side there is no trade, W_{−i} = 0, seller and buyer both earn the gains from trade, and the designer pays them once
more.

Guarantee: with private values and independent types truth is periodic ex post incentive compatible and i's
continuation payoff is W − W_{−i}.

Assumptions: private values, independent types.

Source: Bergemann–Välimäki's mechanism as in Yoon 2021, §3.3, and Liu 2014, Remark 3.9. Yoon's W_{−i} is a maximum over
all of A, with which the seller's presence would be worth less than nothing in trade; the "always zero" of the same page
needs A_{−i} = {no trade}.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.planning.feasibility import decisions_without, restricted
from dynmech.mechanisms.planning.planner import Plan, continuation, flow_welfare, plan
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.by_counts import CountedCase, best_for_others, others_welfare
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.play.roles import Promises

ASSUMPTIONS = ("private values", "independent types")


class Pivot(FlowMechanism):
    """The dynamic pivot mechanism: flow marginal contributions.

    Args:
        without: what the others may decide without an agent: `all`, `feasible`, or decisions joined by `+`.

    Raises:
        Refusal: some agent takes part in every decision (`without=feasible`).
        InputError: a named decision does not exist.
    """

    name = "pivot"
    source = "Yoon 2021 §3; Liu 2014 Remark 3.9"
    summary = (
        "flow marginal contributions; without an agent the others choose among all decisions (never a deficit) or, "
        "without=feasible, among those in which it takes no part (everybody willing)"
    )
    promises = Promises(incentive="periodic ex post", budget="no deficit", efficient=True, assumptions=ASSUMPTIONS)

    def __init__(self, environment: TableEnvironment, without: str = "all") -> None:
        super().__init__(environment)
        self.without = without
        if self.alike is not None and without != "all":
            raise self.refuse(f"without={without}: with so many agents the others choose among all decisions")
        if without != "all":
            kind = "ex post" if without == "feasible" else "none"
            self.promises = Promises(
                incentive="periodic ex post", participation=kind, efficient=True, assumptions=ASSUMPTIONS
            )
        self.economies = [self._economy(i) for i in range(len(environment.agents))]

    def _economy(self, agent: int) -> TableEnvironment:
        """Return the economy with the decisions that may be taken without the agent."""
        keep = decisions_without(self.environment, agent, self.without)
        return self.environment if keep is None else restricted(self.environment, keep)

    def alone(self, agent: int) -> Plan:
        """Return the others' best plan without the agent."""
        return plan(self.economies[agent], agent)

    def flow_table(self, t: int) -> FloatArray:
        """Return the payments p^i at every reported profile, `(N, *A)`."""
        stage = self.environment.stage(t)
        rows = []
        for i in range(len(self.environment.agents)):
            alone = self.alone(i)
            others = flow_welfare(stage, i)
            if alone.stationary or t + 1 < len(alone.value):
                others = others + continuation(self.environment, t, alone.value[alone.at(t + 1)])
            rows.append(alone.value[alone.at(t)] - self.efficient(t, others))
        return np.stack(rows)

    def charge_by_counts(self, environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:
        """Return what the agent's presence costs the others in this period, `(m,)`.

        Decisions do not move signals there, so that W_{−i} of the next period expects the same whatever is decided.
        """
        return best_for_others(environment, case) - others_welfare(environment, case)

    @cached_property
    def contributions(self) -> list[FloatArray]:
        """Marginal contributions W − W_{−i} per distinct period, `(N, *A)` each."""
        agents = range(len(self.environment.agents))
        values = [self.alone(i).value for i in agents]
        return [np.stack([self.plan.value[t] - values[i][t] for i in agents]) for t in self.distinct_periods]
