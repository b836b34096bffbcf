"""Contingent transfers under spanning: what you caused today is paid for by what the others say tomorrow.

Timing (code periods): at t reports r_t, decision a_t = a*(r_t); nothing is paid for it at t. At t + 1 agent i pays

    p^i(y; a_t, o),   y = r_{t+1}^{−i},  o = r_t^{−i},   with

    δ Σ_y p^i(y; a, o) P(θ′_{−i} = y | a, (k, o)) = v^i(a, (k, o))   for every own signal k,
    v^i(a, θ) = c(a) − Σ_{j≠i} u^j(a, θ),

the solution of least norm. It never depends on i's own reports but through a_t. Under truth i's continuation payoff
is W(θ_t) − p_t^i after every history.

Guarantee: periodic ex post incentive compatible and efficient for any interdependence, if for every (i, a, θ_{−i})
the beliefs about θ′_{−i} given i's signals are linearly independent (spanning). Expected transfers sum to
−(N − 1) E[W]. Infinite horizon only: a last period would need a payment of its own.

Source: Liu 2014, Theorem 3.2 and its proof (with the sign and the pseudo-inverse corrected).
"""

import numpy as np

from mechanisms.base import LastPeriodMechanism
from mechanisms.targets import spanning_solution
from sim.arrays import Array, FloatArray, first
from sim.beliefs import belief_matrices
from sim.environment import TableEnvironment
from sim.roles import Promises, Situation
from sim.stage import labels_text


class ContingentSpanning(LastPeriodMechanism):
    """Least-norm contingent transfers.

    Raises:
        Refusal: the horizon is finite, or a target is out of reach; names agent, decision and the others' profile.
    """

    name = "contingent-spanning"
    source = "Liu 2014, Theorem 3.2"
    promises = Promises(incentive="periodic ex post", efficient=True, assumptions=("spanning",))

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment)
        if not environment.stationary:
            raise self.refuse("its horizon is finite; in the last period nothing later can be made contingent")
        self.tables = [self._solve(i) for i in range(len(environment.agents))]

    @property
    def lags(self) -> int:
        """Transfers fall due one period later."""
        return 1

    def _solve(self, agent: int) -> FloatArray:
        """p^i, `(D S + 1, O_i)`: by memory, then the others' next profile; row 0 (no past) is zero."""
        stage = self.environment.stage(0)
        matrices = belief_matrices(self.environment, 0, agent)
        own = stage.offset + agent
        target = stage.utility[agent] - stage.welfare
        by_own = np.moveaxis(target, 1 + own, -1).reshape(*matrices.shape[:2], -1)
        solution = spanning_solution(matrices, by_own[..., None] / self.environment.discount)
        residual = solution.residual[..., 0]
        if not solution.hits(by_own):
            at = first(residual == residual.max())
            raise self.refuse(self._why(agent, at, float(residual[at]), float(solution.singular_value[at])))
        expanded = solution.transfers[..., 0][:, self.others_profile(0, agent)]
        return np.concatenate([np.zeros((1, expanded.shape[-1])), expanded.reshape(-1, expanded.shape[-1])])

    def _why(self, agent: int, at: tuple[int, ...], residual: float, singular: float) -> str:
        stage, names = self.environment.stage(0), self.environment.agents
        labels = ([stage.public] if stage.public else []) + [s for i, s in enumerate(stage.signals) if i != agent]
        shown = labels_text(labels, at[1])
        return (
            f"no spanning for agent {names[agent]!r}, decision {stage.decisions[at[0]]!r}, others' profile ({shown}): "
            f"the target is missed by {residual:.3g}, smallest singular value {singular:.3g}"
        )

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """p^i(r^{−i}; last decision, last r^{−i}), `(n, N)`."""
        stage = self.environment.stage(now.t)
        out = np.empty((len(self.tables), len(messages)))
        for i, table in enumerate(self.tables):
            out[i] = table[now.memory, stage.others_flat(i, now.public, messages)]
        return out.T

    def transfer_bound(self) -> float:
        """The largest entry."""
        return max(float(np.abs(table).max()) for table in self.tables)
