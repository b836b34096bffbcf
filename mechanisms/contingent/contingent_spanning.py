"""Contingent transfers under spanning: the own report matters through the decision only, as in a VCG mechanism.

Timing: at t reports and decision a_t = a*(r_t); at t + 1 agent i pays p^i(r_{t+1}^{−i}; a_t, r_t^{−i}), of all
solutions of

    δ Σ_y p^i(y; a, o) P(θ′_{−i} = y | a, (k, o)) = c(a) − Σ_{j≠i} u^j(a, (k, o))   for every own signal k

the one of least norm (with `lags=L`: payments over L periods, whose present values add up; see
`dynmech.mechanisms.contingent.contingent`). Under truth i's continuation payoff is W(θ_t) minus what is due, after
every history.

Guarantee: periodic ex post incentive compatible and efficient for any interdependence, if for every (i, a, θ_{−i}) that
occur together the beliefs about θ′_{−i} given i's signals are linearly independent (spanning), or at least the target
is a combination of them; under a finite horizon the last decision must be implementable ex post, or is held constant.
Expected transfers sum to −(N − 1) E[W]; with `budget=ex-ante` to 0.

Assumptions: spanning; with an end, a last decision that is ex post implementable.

Source: Liu 2014, Theorem 3.2 and its proof (sign, discounting and pseudo-inverse corrected); Corollary 3.3 of Liu 2025
for a constant last decision, Proposition 5.4 for several lags.
"""

from dynmech.mechanisms.contingent.residual_claimant import Budget, ResidualClaimant
from dynmech.mechanisms.numerics.solvers import Spanning
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises


class ContingentSpanning(ResidualClaimant):
    """Contingent transfers by spanning, of least norm.

    Args:
        budget: `ex-ante` adds participation fees, so that expected discounted transfers sum to 0.
        last: a decision that is taken in the last period whatever is reported (none: the efficient one).
        lags: L, over how many periods a decision is paid for.

    Raises:
        Refusal: see ResidualClaimant and ContingentMechanism.
    """

    name = "contingent-spanning"
    source = "Liu 2014, Theorem 3.2"
    promises = Promises(
        incentive="periodic ex post",
        efficient=True,
        assumptions=("spanning", "finite horizon: last decision ex post implementable"),
    )

    def __init__(
        self, environment: TableEnvironment, budget: Budget = "none", last: str | None = None, lags: int = 1
    ) -> None:
        super().__init__(environment, Spanning(), budget, last, lags)
