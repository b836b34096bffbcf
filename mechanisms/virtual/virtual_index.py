"""The virtual pivot mechanism for bandits: serve the largest positive virtual index.

Timing: that of `virtual-pivot`. Only the agent that is served moves, decisions cost nothing and an agent that is not
served gets nothing. With multiplicative weights the virtual Gittins index of agent i is μ_i g_i(s_i), g_i the index of
the chain of B_i. The agent with the largest positive one is served (ties: the lowest agent), and pays

    p_i = (1 − δ) W_{−i}(s)/α̂_i;      who is not served pays nothing.

Guarantee: the decisions are those that are best for the affine welfare, so this *is* `virtual-pivot`, without its joint
planning: indices are worked out agent by agent. W_{−i} is needed for payments only.

Assumptions: those of `virtual-pivot`; the economy is a bandit.

Source: Kakade, Lobel and Nazerzadeh 2011, §6.2.2, Corollary 6.3, with "positive", and W_{−i} after a^{t−1}.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.planning.gittins import gittins_index
from dynmech.mechanisms.virtual.frozen_plans import plans
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.mechanisms.virtual.weights import AffineWeights
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.separable import Economy

TIE = 1e-11
"""Indices this close (relative to the largest, at least the economy's scale) tie."""


class VirtualIndex(VirtualPivot):
    """The virtual pivot mechanism of a bandit, by virtual Gittins indices.

    Raises:
        Refusal: the economy is no bandit; what is in the way.
    """

    name = "virtual-index"
    source = "Kakade–Lobel–Nazerzadeh 2011 Cor. 6.3"

    def __init__(self, environment: Environment, reading: str = "continuum") -> None:
        super().__init__(environment, reading)
        why = no_bandit(self.economy)
        if why:
            raise self.refuse(why)

    @cached_property
    def indices(self) -> list[FloatArray]:
        """The Gittins index g_i by state, `(K_i,)` per agent."""
        period = self.economy.later[0]
        return [
            gittins_index(period.slope[i][d], period.kernel[i][d], self.economy.discount)
            for i, d in enumerate(serving(self.economy))
        ]

    def allocation(self, counted: AffineWeights) -> list[IntArray]:
        """Return the decision that serves the largest positive index, `(n, S)`."""
        axes = self.economy.later[0].axes
        decision = np.array([0, *serving(self.economy)])
        place = np.unravel_index(np.arange(self.economy.later[0].size), axes)
        own = [
            np.where(counted.counts[:, i, None], counted.multiplier[:, i, None] * g[place[i]], 0.0)
            for i, g in enumerate(self.indices)
        ]
        table = np.stack([np.zeros_like(own[0]), *own], axis=1)
        best = table.max(axis=1, keepdims=True)
        return [decision[np.argmax(table >= best - TIE * np.maximum(self.economy.scale, best), axis=1)]]

    def _tables(self, codes: IntArray) -> tuple[list[IntArray], list[FloatArray]]:
        """Return who is served, `(n, S)`, and (1 − δ) W_{−i} for it, `(n, N, S)`."""
        counted = self.counted(*np.divmod(codes, self.profiles))
        (policy,) = self.allocation(counted)
        rows = []
        for i, d in enumerate(serving(self.economy)):
            alone = plans(self.economy, counted.without(i)).value[0]
            rows.append(np.where(policy == d, (1 - self.economy.discount) * alone, 0.0))
        return [policy], [np.stack(rows, axis=1)]


def serving(economy: Economy) -> list[int]:
    """Return the decision that serves each agent."""
    return [int(np.argmax(row)) for row in economy.later[0].serves]


def no_bandit(economy: Economy) -> str:
    """Return why the economy is no bandit; empty if it is one."""
    if not economy.endless or economy.kind != "multiplicative":
        return "an index needs a horizon without end and multiplicative values"
    period = economy.later[0]
    if period.cost.any():
        return "an index needs decisions that cost nothing"
    if (period.serves.sum(axis=1) != 1).any() or (period.serves.sum(axis=0) > 1).any() or period.serves[:, 0].any():
        return "an index needs one decision per agent that serves it alone, after one that serves nobody"
    for i, d in enumerate(serving(economy)):
        idle = np.delete(period.kernel[i], d, axis=0)
        if (idle != np.eye(period.axes[i])).any():
            return f"agent {economy.agents[i]!r} moves when it is not served"
    return ""
