"""Contingent transfers that make everybody residual claimant (λ = 1), and the fees that may pay for them.

With λ = 1 agent i's continuation payoff is W_t(θ_t) minus what is due: the designer pays the surplus N − 1 times too
often, Σ_i E[Σ_t δ^t p_t^i] = −(N − 1) E[W_0], whatever solution is chosen. Participation fees repair that:

    η^i(k) = −E[Σ_t δ^t p_t^i | θ_0^i = k],      i pays (1/(N − 1)) Σ_{j≠i} η^j(r_0^j) more in period 0.

A fee does not depend on what its payer says, ever, so incentives are as before; expected discounted transfers add up
to 0. (Where a public state opens the game, η is given it too.)

Source: Liu 2014, Theorems 3.1 and 3.2, and §3.3 for the fees (there with the wrong sign: η = +E[W − Σ δ^t u^i]).
"""

from abc import abstractmethod
from dataclasses import replace
from typing import Literal

import numpy as np

from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.numerics.solvers import Solver
from dynmech.mechanisms.rules.truthful_utilities import expected_utilities
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment

Budget = Literal["none", "ex-ante"]


class ResidualClaimant(ContingentMechanism):
    """Base class of contingent transfers that leave everybody the whole surplus (λ = 1), with or without fees.

    Args:
        budget: `ex-ante` adds the fees.

    Raises:
        Refusal: as ContingentMechanism; fees with a single agent.
    """

    way_out = "; hold it constant with last=DECISION"

    @abstractmethod
    def __init__(
        self, environment: TableEnvironment, solver: Solver, budget: Budget, last: str | None, lags: int
    ) -> None:
        super().__init__(environment, solver, 1.0, lags, last)
        if last is not None:
            self.promises = replace(self.promises, efficient=False)
        self.balanced = budget == "ex-ante"
        if self.balanced:
            if len(environment.agents) == 1:
                raise self.refuse("budget=ex-ante: a single agent has nobody to pay its fee to")
            self.promises = replace(self.promises, budget="ex ante")

    def upfront(self, t: int) -> FloatArray | None:
        """Return participation fees in period 0 and p_T in the last, `(N, S)`."""
        table = super().upfront(t)
        if t > 0 or not self.balanced:
            return table
        fees = self.fees()
        return fees if table is None else fees + table

    def fees(self) -> FloatArray:
        """Return what each pays in period 0, by reported profile, `(N, S)`."""
        owed = self.subsidies()
        return (owed.sum(axis=0) - owed) / (len(owed) - 1)

    def subsidies(self) -> FloatArray:
        """Return η^i, what i is expected to be paid given its first signal and the public state, `(N, S)`."""
        stage, prior = self.environment.stage(0), self.environment.prior
        paid = self.continuation_values() - expected_utilities(self.environment, self.policy)
        out = np.empty(paid.shape)
        for i, own in enumerate(paid.reshape(-1, *stage.axes)):
            others = tuple(stage.offset + j for j in range(len(paid)) if j != i)
            mass = prior.sum(axis=others, keepdims=True)
            total = (prior * own).sum(axis=others, keepdims=True)
            known = np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)
            out[i] = np.broadcast_to(known, stage.axes).reshape(-1)
        return out

    def continuation_values(self) -> FloatArray:
        """Return what truth is worth from period 0 on without fees, `(N, S)`: W, or what a single period leaves."""
        agents = range(len(self.environment.agents))
        if self.environment.horizon == 1:
            return np.stack([self.last_value(i) for i in agents])
        return np.stack([self.plan.value[0].reshape(-1) for _ in agents])
