"""The average externality mechanism: everybody gets an equal share of the surplus, and the designer breaks even.

Contingent transfers (`dynmech.mechanisms.contingent.contingent`) with λ = 1/N: what agent i's decision today brings it
beyond the average,

    ξ^i(a, θ) = u^i(a, θ) − (1/N) [Σ_j u^j(a, θ) − c(a)],

it pays in expectation one period later. Under truth i's continuation payoff is W(θ_t)/N minus what is due.

Timing: as there.

Guarantee: periodic ex post incentive compatible and efficient for any interdependence, under spanning
(`solver=spanning`) or convex independence (`solver=convex`). Σ_i ξ^i = c, so that, whatever was public before it, the
transfers of a period are expected to add up to c(a_{t−1})/δ: to 0 where decisions cost nothing. They do so on the path
of truth and on average only; the audit's budget shows the largest imbalance ex post.

Several lags. What a decision causes over L periods adds up to c(a) in present value. But one period's payment makes up
for another's, and by the second the others' reports of the first are known: of a single period's transfers nothing is
promised, the designer breaks even over the whole of play, ex ante.

Finite horizons: what the last period leaves is part of the target of the period before,
Σ_i ξ^i = c + δ E[c_T − Σ_i p_T^i], so that the last period breaks even on average too, its own cost included. A single
period cannot: nothing comes after it.

Assumptions: spanning or convex independence; with an end, a last decision that is ex post implementable.

Source: Liu 2014, Proposition 3.7 (infinite horizon; the finite one is the same argument).
"""

from dataclasses import replace

from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.numerics.solvers import Size, Way, make_solver
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises


class AverageExternality(ContingentMechanism):
    """Equal shares of the surplus; the designer breaks even on average in every period (ex ante, with several lags).

    Args:
        solver: `spanning` or `convex`.
        transfers: of the convex solver, `explicit` or `smallest` possible.
        lags: L, over how many periods a decision is paid for.

    Raises:
        Refusal: a single period; see ContingentMechanism.
    """

    name = "average-externality"
    source = "Liu 2014, Proposition 3.7"
    promises = Promises(
        incentive="periodic ex post",
        budget="expected period",
        efficient=True,
        assumptions=("spanning or convex independence", "finite horizon: last decision ex post implementable"),
    )

    def __init__(
        self, environment: TableEnvironment, solver: Way = "spanning", transfers: Size = "explicit", lags: int = 1
    ) -> None:
        super().__init__(environment, make_solver(solver, transfers), 1 / len(environment.agents), lags)
        if environment.horizon == 1:
            raise self.refuse("its only period is the last; nothing later can be made contingent")
        if lags > 1:
            self.promises = replace(self.promises, budget="ex ante")
