"""Contingent transfers under convex independence: a lottery per report, best for the signal that is reported.

Timing: at t reports and decision a_t = a*(r_t); at t + 1 agent i pays p^i(r_{t+1}^{−i}, r_t^i; a_t, r_t^{−i}), where
for every own signal k and report r, with v(k) = c(a) − Σ_{j≠i} u^j(a, (k, o)) and beliefs
M(y, k) = P(θ′_{−i} = y | a, (k, o)),

    δ Σ_y p^i(y, r; a, o) M(y, r) = v(r),      δ Σ_y p^i(y, r; a, o) M(y, k) ≥ v(k).

Under truth i's continuation payoff is W(θ_t) minus what is due, after every history; a lie costs at least as much as
under `contingent-spanning`. By default the explicit solution, a hyperplane that separates M(·, r) from the others,

    max |p| ≤ (1/δ)(1 + 4/ε) max_{a,θ} |Σ_{j≠i} u^j − c|,   ε the least distance of a belief from the others' hull;

`transfers=smallest` finds the least possible max |p| of every (i, a, θ_{−i}, r) by linear programming.

Guarantee: periodic ex post incentive compatible and efficient for any interdependence, if no belief about θ′_{−i} is a
mixture of those after i's other signals (weaker than spanning: i may have more signals than the others together), or
at least its target is no less than theirs; under a finite horizon as `contingent-spanning`. Expected transfers sum to
−(N − 1) E[W]; with `budget=ex-ante` to 0.

Assumptions: convex independence; with an end, a last decision that is ex post implementable.

Source: Liu 2014, Theorem 3.1 and its proof; the bound: Liu 2025, Lemma A.3(iii); Proposition 5.3 for several lags.
"""

from dynmech.mechanisms.contingent.residual_claimant import Budget, ResidualClaimant
from dynmech.mechanisms.numerics.solvers import Convex, Size
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises


class ContingentConvex(ResidualClaimant):
    """Contingent transfers by convex independence: a lottery per report.

    Args:
        transfers: `explicit`, or `smallest` possible.
        budget: `ex-ante` adds participation fees, so that expected discounted transfers sum to 0.
        last: a decision that is taken in the last period whatever is reported (none: the efficient one).
        lags: L, over how many periods a decision is paid for.

    Raises:
        Refusal: see ResidualClaimant and ContingentMechanism.
    """

    name = "contingent-convex"
    source = "Liu 2014, Theorem 3.1"
    promises = Promises(
        incentive="periodic ex post",
        efficient=True,
        assumptions=("convex independence", "finite horizon: last decision ex post implementable"),
    )

    def __init__(
        self,
        environment: TableEnvironment,
        transfers: Size = "explicit",
        budget: Budget = "none",
        last: str | None = None,
        lags: int = 1,
    ) -> None:
        super().__init__(environment, Convex(transfers == "smallest"), budget, last, lags)
