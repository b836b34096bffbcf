"""Incentives at the start, given those later: the envelope and interval dominance.

Let V^{x′→z} be agent i's expected value when it reports x′ first and the truth from then on, being z. If truth is best
at t ≥ 1 whatever was reported first, truth at t = 0 is best if and only if, for all x, x′,

    U(x) − U(x′) = ∫_{x′}^x ∂V^{z→z}(s)|_{s=z} dz                                       (envelope)
    ∫_{x′}^x ∂V^{z→z}(s)|_{s=z} dz ≥ ∫_{x′}^x ∂V^{x′→z}(s)|_{s=z} dz                     (interval dominance)

Nothing of the mechanism but its payoffs enters the right-hand side: it is U^{x′→x}(x) − U^{x′→x′}(x′), what x gains
over x′ after the same report. The left-hand integral runs over *all* z between the nodes and is exact
(`rents.exact_rents`).

Source: Kakade, Lobel and Nazerzadeh 2011, Lemma 3.5, (11), (12), which the mechanism satisfies by Lemma 5.3; Lemma 3.4
for the right-hand side.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.virtual.rents import exact_rents
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class FirstReportIncentives:
    """One agent's conditions; axes O others' first profiles, m reported nodes x′, m true nodes x.

    Attributes:
        envelope: U(x) − U(x′) less the integral, `(O, m, m)`: 0 if (11) holds.
        dominance: left-hand less right-hand side of (12), `(O, m, m)`: not negative if it holds.
        gain: U^{x′→x}(x) − U(x), `(O, m, m)`: envelope and dominance together; dominance + envelope + gain = 0.
    """

    envelope: FloatArray
    dominance: FloatArray
    gain: FloatArray

    def holds(self, tolerance: float = 1e-9) -> bool:
        """Return whether both conditions hold."""
        return bool(np.abs(self.envelope).max() <= tolerance and self.dominance.min() >= -tolerance)


def first_period_ic(mechanism: VirtualPivot, agent: int, honest: FloatArray) -> FirstReportIncentives:
    """Check a mechanism whose payoffs U^{x′→x}(x) are `honest`, `(O, m, m)` by others, report and type.

    The allocation whose envelope is taken is that of the affine welfare with the mechanism's weights at the nodes, read
    as those of the continuous economy in between: for readings with other weights the envelope need not hold.
    """
    economy, grid = mechanism.economy, mechanism.environment.grids[agent]
    others = len(honest)
    below = int(np.prod(mechanism.nodes[agent + 1 :], dtype=np.intp))
    profile = mechanism.with_others(agent, np.arange(others))[:, None] + np.arange(len(grid.points)) * below
    worth = mechanism.opening.worth[profile, agent]
    additive = economy.kind == "additive"
    integral = exact_rents(economy.first[agent], grid.points, mechanism.worth_of(agent), worth, additive=additive)
    truth = np.diagonal(honest, axis1=1, axis2=2)
    allowed = integral[:, None, :] - integral[:, :, None]
    envelope = truth[:, None, :] - truth[:, :, None] - allowed
    after_lie = honest - truth[:, :, None]
    return FirstReportIncentives(envelope, allowed - after_lie, honest - truth[:, None, :])
