"""Full surplus extraction: every period an entrance fee for a lottery whose bonus falls due in the next.

Timing: as of contingent transfers (`dynmech.mechanisms.contingent.contingent`), with λ = 0. What agent i's decision
brings it, u^i(a, θ), it pays in expectation one period later, q^i(y, [r,] a, o). So that it never wants to leave
before, it pays in advance: with K^i(a, o) ≥ |q^i| over what the others may say (and the reports that lead to a),

    at t:      the fee δ K^i(a_t, o_t),
    at t + 1:  q^i − K^i(a_t, o_t) ≤ 0, a bonus.

Under truth i's payoff from any period on is the bonus that it is still due: 0 from the first period, whatever the
signals, and never negative after any history, lies of its own included. The fee depends on r_t^i through the decision
only, and cancels in expectation.

Guarantee: periodic ex post incentive compatible and efficient for any interdependence, under spanning
(`solver=spanning`, then every report is worth the same) or convex independence (`solver=convex`); the designer takes
in Σ_i E[Σ_t δ^t u^i], all of it. Utilities may be negative.

Finite horizons: the last period leaves V_T^i = u^i − p_T^i, which the target of the period before takes back; where
V_T^i can be negative that period's bonus covers it. A single period cannot: nothing comes after it.

Assumptions: spanning or convex independence; with an end, a last decision that is ex post implementable.

Source: Liu 2014, Proposition 4.1 and §7.5 (infinite horizon; the finite one is the same argument).
"""

import numpy as np

from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.numerics.lags import split_profiles
from dynmech.mechanisms.numerics.solvers import Size, Way, make_solver
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises


class SurplusExtraction(ContingentMechanism):
    """Full surplus extraction: entrance fees for lotteries, bonuses one period later, nothing left to anybody.

    Args:
        solver: `spanning` or `convex`.
        transfers: of the convex solver, `explicit` or `smallest` possible.
        lags: L, over how many periods a decision is paid for.

    Raises:
        Refusal: a single period; see ContingentMechanism.
    """

    name = "surplus-extraction"
    source = "Liu 2014, Proposition 4.1"
    promises = Promises(
        incentive="periodic ex post",
        participation="ex post",
        efficient=True,
        assumptions=("spanning or convex independence", "finite horizon: last decision ex post implementable"),
    )

    def __init__(
        self, environment: TableEnvironment, solver: Way = "convex", transfers: Size = "explicit", lags: int = 1
    ) -> None:
        self.entrance: dict[tuple[int, int], FloatArray] = {}
        super().__init__(environment, make_solver(solver, transfers), 0.0, lags)
        if environment.horizon == 1:
            raise self.refuse("its only period is the last; nothing later can be made contingent")

    def delayed(self, t: int, agent: int) -> list[FloatArray]:
        """Return lotteries less their covers K; the expected cost of covers, `(S,)`, becomes the entrance fee."""
        lotteries = super().delayed(t, agent)
        _, cell = self.cells(t, agent)
        fee = np.zeros(len(cell))
        for lag, table in enumerate(lotteries, 1):
            needed = np.abs(table).max(axis=1)
            if self.environment.horizon is not None and t + lag == self.environment.horizon - 1 and lag == 1:
                needed = np.maximum(needed, (table - self._worst_last_value(agent)).max(axis=1))
            cover = np.zeros(cell.max() + 1)
            np.maximum.at(cover, cell, needed)
            table -= cover[cell][:, None]
            fee += self.environment.discount**lag * cover[cell]
        self.entrance[t, agent] = fee
        return lotteries

    def _worst_last_value(self, agent: int) -> FloatArray:
        """Return min over own signals of V_T^i, by the others' profile, `(O_i,)`."""
        stage = self.environment.stage((self.environment.horizon or 0) - 1)
        others, _ = split_profiles(stage, agent)
        worst = np.full(others.max() + 1, np.inf)
        np.minimum.at(worst, others, self.last_value(agent))
        return worst

    def upfront(self, t: int) -> FloatArray | None:
        """Return entrance fees, and p_T in the last period, `(N, S)`."""
        place = 0 if self.environment.horizon is None else t
        if (place, 0) not in self.entrance:
            return super().upfront(t)
        return np.stack([self.entrance[place, i] for i in range(len(self.environment.agents))])
