"""A fishery shared by boats: today's catch is tomorrow's stock (Athey–Segal 2007, §1).

The stock (low, middle, high) is seen by everybody. Each period some of the boats are let out; a boat that sails earns
its private need (1 or 4) times what the stock yields, 0, .7 or 1. The stock then moves:

    with h boats out it falls a step with probability min(1, h · `pressure`) and otherwise rises a step with
    probability `growth` (staying inside its range).

A boat's need persists, and is met by sailing: with probability ½ it is low after a day out. So use today moves
tomorrow's stock, a public state, and values; efficiency lets the stock recover and sends out those who need it most.

Who would care: whoever hands out fishing days, grazing rights or pumping hours from year to year among users who know
their own needs best.
"""

from itertools import product

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

YIELD = np.array([0.0, 0.7, 1.0])
NEED = np.array([1.0, 4.0])


class RenewableResource(Scenario):
    """Catch quotas by stock and reported needs.

    Args:
        boats: how many.
        growth: probability that the stock rises a step.
        pressure: probability, per boat out, that it falls one.
        persistence: probability that the need of a boat that stays in stays what it is; otherwise it becomes the other
            one.
        discount: δ.
        horizon: number of periods; none means infinitely many.
    """

    name = "renewable-resource"
    source = "Athey–Segal 2007 §1"
    summary = "use today moves tomorrow's stock, which all see, and needs, which only their owners know"

    def __init__(
        self,
        boats: int = 2,
        growth: float = 0.5,
        pressure: float = 0.5,
        persistence: float = 0.85,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if not 1 <= boats <= 4:
            raise InputError(f"boats: {boats} is not in 1..4")
        for label, p in (("growth", growth), ("pressure", pressure), ("persistence", persistence)):
            if not 0 <= p <= 1:
                raise InputError(f"{label}: {p:g} is not in [0, 1]")
        self.boats, self.growth, self.pressure, self.persistence = boats, growth, pressure, persistence
        self.discount, self.horizon = discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage; a decision says which boats sail."""
        fleets = list(product((0, 1), repeat=self.boats))
        stage = Stage(
            signals=(("low", "high"),) * self.boats,
            decisions=tuple("+".join(str(i + 1) for i in range(self.boats) if fleet[i]) or "none" for fleet in fleets),
            utility=self._utility(np.array(fleets)),
            kernel=IndependentKernel((self._stock(np.array(fleets).sum(axis=1)), *self._needs(np.array(fleets)))),
            public=("low", "middle", "high"),
        )
        prior = np.zeros((3, *(2,) * self.boats))
        prior[2] = 0.5**self.boats
        names = tuple(f"boat {i + 1}" for i in range(self.boats))
        return TableEnvironment(self.name, names, prior, (stage,), self.discount, self.horizon)

    def _utility(self, fleets: FloatArray) -> FloatArray:
        """Need times yield for whoever sails, `(N, D, 3, 2, …, 2)`."""
        out = np.zeros((self.boats, len(fleets), 3, *(2,) * self.boats))
        for i in range(self.boats):
            own = [1] * self.boats
            own[i] = 2
            worth = YIELD.reshape(3, *[1] * self.boats) * NEED.reshape(1, *own)
            out[i] = fleets[:, i].reshape(-1, *[1] * (self.boats + 1)) * worth
        return out

    def _stock(self, out: FloatArray) -> FloatArray:
        """P(next stock | boats out, stock), `(D, 3, 3)`."""
        law = np.zeros((len(out), 3, 3))
        for d, h in enumerate(out):
            falls = min(1.0, float(h) * self.pressure)
            for stock in range(3):
                law[d, stock, max(stock - 1, 0)] += falls
                law[d, stock, min(stock + 1, 2)] += (1 - falls) * self.growth
                law[d, stock, stock] += (1 - falls) * (1 - self.growth)
        return law

    def _needs(self, fleets: FloatArray) -> list[FloatArray]:
        """Each boat's P(next need | decision, need), `(D, 2, 2)`."""
        unmet = persistent_chain(2, self.persistence)
        met = 0.5 * np.array([[1.0, 0.0], [1.0, 0.0]]) + 0.5 * unmet
        return [np.where(fleets[:, i, None, None] == 1, met, unmet) for i in range(self.boats)]
