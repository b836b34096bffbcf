"""The virtual pivot mechanism for uncontrolled signals: myopic decisions, static VCG with frozen weights.

    d* ∈ argmax Σ_j (α̂_j v̂_j + β̂_j)(d) − c(d),      p_i = (max_d [Σ_{j≠i} … − c] − [Σ_{j≠i} … − c](d*) −
    β̂_i(d*))/α̂_i;

for one item: the winner pays the largest positive affine value among the others, less its own β̂, over its own α̂.

Guarantee: where no decision moves any state, so that neither values nor costs depend on past decisions, this *is* the
virtual pivot mechanism. Where decisions do move states, what is best today is not what is best, and it refuses.

Assumptions: those of `virtual-pivot`; no decision moves a state.

Source: Kakade, Lobel and Nazerzadeh 2011, §6.2, Corollary 6.2.
"""

import numpy as np

from dynmech.mechanisms.planning.batch_plan import lowest_best
from dynmech.mechanisms.virtual.frozen_plans import flow, forbid
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.mechanisms.virtual.weights import AffineWeights
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.separable import MOVED


class VirtualMyopic(VirtualPivot):
    """The virtual pivot mechanism where no decision moves a state: myopic decisions, static VCG with frozen weights.

    Raises:
        Refusal: some decision moves a state; which, and whose.
    """

    name = "virtual-myopic"
    source = "Kakade–Lobel–Nazerzadeh 2011 Cor. 6.2"

    def __init__(self, environment: Environment, reading: str = "continuum") -> None:
        super().__init__(environment, reading)
        for t, period in enumerate(self.economy.later):
            for i in np.flatnonzero(period.controlled):
                table = period.kernel[i]
                d = int(np.argmax((np.abs(table - table[:1]) > MOVED).any(axis=(1, 2))))
                who = f"decision {self.economy.decisions[d]!r} moves the state of agent {self.economy.agents[i]!r}"
                raise self.refuse(
                    f"{who} in period {t + 1}: values or costs depend on past decisions; `virtual-pivot` looks ahead"
                )

    def _tables(self, codes: IntArray) -> tuple[list[IntArray], list[FloatArray]]:
        """Return policies `(n, S)` and static externalities `(n, N, S)`, per later period."""
        counted = self.counted(*np.divmod(codes, self.profiles))
        policy, out = [], []
        for t in range(len(self.economy.later)):
            policy.append(
                lowest_best(forbid(self.economy, t, counted, flow(self.economy, t, counted)), self.economy.scale)
            )
            rows = [self._externality(t, counted, i, policy[t]) for i in range(self.count)]
            out.append(np.stack(rows, axis=1))
        return policy, out

    def _externality(self, t: int, counted: AffineWeights, agent: int, policy: IntArray) -> FloatArray:
        """Return what the others lose this period, `(n, S)`."""
        others = counted.without(agent)
        total = flow(self.economy, t, others)
        taken = np.take_along_axis(total, policy[:, None], axis=1)[:, 0]
        return forbid(self.economy, t, others, total).max(axis=1) - taken
