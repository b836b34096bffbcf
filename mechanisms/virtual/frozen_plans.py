"""Plans of a separable economy when the weights are frozen: the affine welfare W, and W_{−i} without one agent.

    W(μ; s) = max E Σ_{τ≥t} δ^{τ−t} [Σ_j (μ_j slope_j + intercept_j) − c],

with multipliers μ as in `virtual_values`; an agent that is excluded counts for nothing, and no decision that would
serve it is taken. W_{−i} leaves agent i out of the sum: the actions and their costs stay. The pivot transfer in units
of affine welfare, for decision d at s, its continuation taken *after d*,

    T_i(d, s) = W_{−i}(s) − [Σ_{j≠i} (μ_j slope_j + intercept_j) − c](d, s) − δ E[W_{−i}(s′) | d, s].

Axes: n frozen situations, N agents, D decisions, S profiles of states; lists over later periods.
"""

import numpy as np

from dynmech.mechanisms.planning.batch_plan import FORBIDDEN, Plans, expect, follow, solve_plans
from dynmech.mechanisms.virtual.weights import AffineWeights
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.economy.separable import Economy

WORK = 26
"""Numbers per profile and decision that planning and searching hold at their peak (measured at 753,571 profiles)."""

BATCH = 6_000_000
"""Numbers that one table of a batch of plans may hold."""


def own_flow(economy: Economy, t: int, agent: int, multiplier: FloatArray) -> FloatArray:
    """Return μ slope + intercept of one agent, `(n, D, S)` for μ `(n,)`."""
    period = economy.later[t]
    table = multiplier[:, None, None] * period.slope[agent] + period.intercept[agent]
    return _spread(economy, t, agent, table)


def _spread(economy: Economy, t: int, agent: int, table: FloatArray) -> FloatArray:
    """Spread `(n, D, K_i)` over all profiles, `(n, D, S)`."""
    axes = economy.later[t].axes
    shape = [*table.shape[:2], *(width if j == agent else 1 for j, width in enumerate(axes))]
    return np.broadcast_to(table.reshape(shape), (*table.shape[:2], *axes)).reshape(*table.shape[:2], -1)


def flow(economy: Economy, t: int, counted: AffineWeights) -> FloatArray:
    """Return Σ (μ slope + intercept) − c over those who count, `(n, D, S)`; forbidden decisions not marked."""
    period = economy.later[t]
    total = np.zeros((len(counted.multiplier), len(economy.decisions), period.size))
    for i in range(len(economy.agents)):
        some = counted.counts[:, i]
        if some.all():
            total += own_flow(economy, t, i, counted.multiplier[:, i])
        elif some.any():
            total[some] += own_flow(economy, t, i, counted.multiplier[some, i])
    total -= period.cost[:, None]
    return total


def forbid(economy: Economy, t: int, counted: AffineWeights, total: FloatArray) -> FloatArray:
    """Mark in `total` `(n, D, S)` the decisions that serve somebody who is excluded; `total` itself is changed."""
    banned = (~counted.included).astype(np.intp) @ economy.later[t].serves.astype(np.intp) > 0
    if banned.all(axis=1).any():
        raise Refusal(f"environment {economy.name!r}: no decision of period {t + 1} leaves out all who are excluded")
    total[np.broadcast_to(banned[..., None], total.shape)] = FORBIDDEN
    return total


def require_plan(economy: Economy) -> None:
    """Refuse to plan over more profiles of states than fit.

    Raises:
        Refusal: the number of profiles and the size are said.
    """
    size = max(period.size for period in economy.later)
    require_room(f"a plan over {size:,} profiles of states", float(WORK) * size * len(economy.decisions))


def plans_at_once(economy: Economy) -> int:
    """Return for how many frozen situations plans are worked out together."""
    return max(1, BATCH // (max(period.size for period in economy.later) * len(economy.decisions)))


def plans(economy: Economy, counted: AffineWeights) -> Plans:
    """Return the value W and its policy."""
    require_plan(economy)
    flows = [forbid(economy, t, counted, flow(economy, t, counted)) for t in range(len(economy.later))]
    return solve_plans(economy, flows)


def transfers(
    economy: Economy, t: int, counted: AffineWeights, agent: int, alone: Plans, after: FloatArray | None = None
) -> FloatArray:
    """Return T_i for every decision, `(n, D, S)`; `alone`: the plans without i.

    Args:
        after: instead of δ E[W_{−i}(s′) | d, s], `(n, D, S)`.
    """
    others = flow(economy, t, counted.without(agent))
    if after is None:
        after = continuation(economy, t, alone)
    return alone.value[t][:, None] - others - after


def continuation(economy: Economy, t: int, solved: Plans) -> FloatArray:
    """Return δ E[V(s′) | d, s], `(n, D, S)`; 0 after the last period."""
    if not economy.endless and t + 1 == len(economy.later):
        return np.zeros((len(solved.value[t]), len(economy.decisions), economy.later[t].size))
    ahead = solved.value[0 if economy.endless else t + 1]
    return economy.discount * expect(economy, t, ahead)


def discounted_slope(economy: Economy, counted: AffineWeights, agent: int, solved: Plans) -> FloatArray:
    """Return E Σ_{t≥1} δ^t slope_i under the plans passed in, `(n,)`; 0 where the agent is excluded."""
    n = len(counted.multiplier)
    tables = [np.broadcast_to(period.slope[agent][None], (n, *period.slope[agent].shape)) for period in economy.later]
    flows = [_spread(economy, t, agent, table) for t, table in enumerate(tables)]
    worth = economy.discount * economy.start(follow(economy, solved.policy, flows)[0])
    return np.where(counted.counts[:, agent], worth, 0.0)
