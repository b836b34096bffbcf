"""The expected-externality mechanism (AGV): balanced, with expectations by the prior whatever has been learnt since.

Timing: reports, efficient decision a*(r), payment at once. In period t each agent is paid what its report is expected
to bring the others (the designer's cost included), and the others pay that in equal parts:

    g_i(r_i) = E_f[Σ_{j≠i} u^j(a*(r_i, θ̃_{−i}), θ̃) − c],    p^i = −g_i(r_i) + (1/(N − 1)) Σ_{j≠i} g_j(r_j).

f is the law of the others' signals of period t as it looks before anything is known, all reporting the truth
(`beliefs=ex-ante`, finite horizons), or always that of the first period (`beliefs=prior`). A public state is known.

Guarantee: Σ_i p^i = 0. In one period, with private values and independent types, truth is a Bayesian equilibrium. Over
time it is not: once a report or a decision has told an agent what the others are like, it pays the *average*
externality of its report and not the one it knows. In the trading game the buyer over-reports when θ_1 is high.

Assumptions: private values, independent types, nothing learnt about the others on the way.

Source: Arrow 1979 and d'Aspremont–Gérard-Varet 1979 as in Athey–Segal 2007, §2; the naive comparator with f the prior.
"""

from functools import cached_property
from typing import Literal

import numpy as np

from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Promises

Beliefs = Literal["ex-ante", "prior"]


class ExpectedExternality(FlowMechanism):
    """Expected externality: p^i = −g_i + Σ_{j≠i} g_j / (N − 1), g from the law before anything is known.

    Args:
        beliefs: whose law f is: `ex-ante`, that of each period; `prior`, that of the first period in all of them.
            None: the former where the horizon is finite.

    Raises:
        Refusal: one agent alone; `ex-ante` beliefs over an infinite horizon; `prior` where signals differ by period.
    """

    name = "expected-externality"
    source = "Athey–Segal 2007 §2: AGV with the prior"
    promises = Promises(
        incentive="bayesian",
        budget="ex post",
        efficient=True,
        assumptions=("private values", "independent types", "nothing is learnt about the others on the way"),
    )

    def __init__(self, environment: Environment, beliefs: Beliefs | None = None) -> None:
        super().__init__(environment)
        if len(environment.agents) < 2:
            raise self.refuse("one agent has nobody to balance the budget with")
        stationary = self.environment.stationary
        self.beliefs: Beliefs = beliefs or ("prior" if stationary else "ex-ante")
        if self.beliefs == "ex-ante" and stationary:
            raise self.refuse("beliefs=ex-ante differ in every one of infinitely many periods; use beliefs=prior")
        if self.beliefs == "prior" and len({stage.axes for stage in self.environment.stages}) > 1:
            raise self.refuse("signals differ from period to period, so the prior says nothing about later ones")

    def law(self, t: int) -> FloatArray:
        """Return f, `(S,)`."""
        return self._laws[t] if self.beliefs == "ex-ante" else self.environment.prior.reshape(-1)

    @cached_property
    def _laws(self) -> list[FloatArray]:
        """The law of the profile per period under efficient decisions, `(S,)` each."""
        out = [self.environment.prior.reshape(-1)]
        for before in self.distinct_periods[:-1]:
            policy = self.plan.policy[self.plan.at(before)].reshape(-1)
            out.append(out[-1] @ laws(self.environment, before)[policy, np.arange(len(policy))])
        return out

    def externality(self, t: int) -> FloatArray:
        """Return Σ_{j≠i} u^j − c at the efficient decision, `(N, *A)`."""
        stage = self.environment.stage(t)
        return self.efficient(t, stage.welfare) - self.efficient(t, stage.utility)

    def paid(self, t: int) -> FloatArray:
        """Return g_i at every reported profile, `(N, *A)`."""
        stage, law = self.environment.stage(t), self.law(t)
        return np.stack([expected(stage, law, table, i) for i, table in enumerate(self.externality(t))])

    def flow_table(self, t: int) -> FloatArray:
        """Return the payments p^i at every reported profile, `(N, *A)`."""
        return shared(self.paid(t))


def expected(stage: Stage, law: FloatArray, table: FloatArray, agent: int) -> FloatArray:
    """Return E[table | own signal, public state], the others' signals by `law` at that public state, `(*A)`."""
    own = stage.offset + agent
    others = law.reshape(stage.axes).sum(axis=own, keepdims=True)
    rest = tuple(axis for axis in range(stage.offset, len(stage.axes)) if axis != own)
    mass = others.sum(axis=rest, keepdims=True)
    conditional = np.divide(others, mass, out=np.zeros_like(others), where=mass > 0)
    return np.broadcast_to((conditional * table).sum(axis=rest, keepdims=True), stage.axes)


def shared(paid: FloatArray) -> FloatArray:
    """Return p^i, `(N, …)`: everybody is paid its own and pays an equal part of all the others' `paid`, `(N, …)`.

    >>> shared(np.array([3.0, 1.0, 0.0])).tolist()
    [-2.5, 0.5, 2.0]
    """
    count = len(paid)
    total: FloatArray = (paid.sum(axis=0) - count * paid) / (count - 1)
    return total
