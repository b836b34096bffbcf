"""Additive values that follow an autoregression: v_1 = x, v_t = ρ v_{t−1} + η_t.

So v_t = ρ^{t−1} x + Z_t with Z_1 = 0 and Z_t = ρ Z_{t−1} + η_t, shocks ±`shock` evenly: C_t = ρ^{t−1} for whoever gets
the item of period t, B_t = Z_t. The state is Z_t itself, as many values as there are histories of shocks.

Who would care: whoever sells to customers whose taste drifts, and wants to know how fast what they knew at the start
stops mattering.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.separable import Economy, Later, SeparableEnvironment, midpoints, separable_environment
from dynmech.sim.economy.separable_builders import beta_signal, state_labels


class Ar1Additive(Scenario):
    """Additive values, uncontrolled states, a horizon.

    Args:
        buyers: how many compete for the item of each period.
        nodes: of each first signal, which is uniform on [0, 1].
        rho: ρ, what is left of a value in the next period.
        shock: size of the shocks.
        cost: of an item.
        horizon: periods, the first without an item.
        discount: δ.
    """

    name = "ar1-additive"
    source = "Kakade–Lobel–Nazerzadeh 2011 §4.1"
    summary = "values follow an autoregression from a private start; additive, finite horizon"

    def __init__(
        self,
        buyers: int = 2,
        nodes: int = 3,
        rho: float = 0.8,
        shock: float = 0.4,
        cost: float = 0.0,
        horizon: int = 4,
        discount: float = 0.9,
    ) -> None:
        if buyers < 1 or nodes < 1:
            raise InputError("buyers and nodes: at least 1 of each is needed")
        if not 2 <= horizon <= 7:
            raise InputError(f"horizon: {horizon} is not in 2 to 7 (states double every period)")
        if not 0 <= rho <= 1:
            raise InputError(f"rho: {rho:g} is not in [0, 1]")
        self.buyers, self.nodes, self.rho, self.shock = buyers, nodes, rho, shock
        self.cost, self.horizon, self.discount = cost, horizon, discount

    def build(self) -> SeparableEnvironment:
        """One stage per period."""
        shifts = [np.zeros(1)]
        for _ in range(self.horizon - 2):
            shifts.append(np.concatenate([self.rho * z + np.array([-1, 1]) * self.shock for z in shifts[-1]]))
        later = tuple(self._later(t, z, t == self.horizon - 2) for t, z in enumerate(shifts))
        first, n = (beta_signal(),) * self.buyers, self.buyers
        labels = ("none", *(str(i + 1) for i in range(n)))
        agents = tuple(f"buyer {i + 1}" for i in range(n))
        economy = Economy(
            self.name, agents, "additive", first, labels, (np.ones(1),) * n, later, self.discount, self.horizon
        )
        return separable_environment(economy, [midpoints(f, self.nodes) for f in first])

    def _later(self, t: int, shift: FloatArray, last: bool) -> Later:
        """The t-th period with an item."""
        n = self.buyers
        served = np.concatenate([np.zeros((1, n)), np.eye(n)])
        law = np.kron(np.eye(len(shift)), [0.5, 0.5])
        return Later(
            states=(state_labels(shift),) * n,
            slope=tuple(np.outer(served[:, i], np.full(len(shift), self.rho**t)) for i in range(n)),
            intercept=tuple(np.outer(served[:, i], shift) for i in range(n)),
            cost=self.cost * served.sum(axis=1),
            kernel=() if last else (np.stack([law] * (n + 1)),) * n,
        )
