"""A licence every period among firms whose estimates are real numbers, not grades.

Timing: every firm learns its signal θ^i ∈ [0, 1]; one of them gets the licence; signals move on. The licence is worth

    u^i(θ) = (θ^i + γ Σ_{j≠i} θ^j)^curvature

to firm i. With m_j = (1 − influence) θ^j + influence · (mean of the others' θ), firm j's next signal has the density

    f_j(s | θ) = z e^{zs} / (e^z − 1),   z = κ (2 m_j − 1),

on [0, 1]: the larger m_j, the more it leans to the right; `correlation` is κ. Everybody's next signal depends on
everybody's present one, and differently for every present signal; so transfers that depend on what rivals say next
can come as close as one likes to what makes truth optimal, at a price in size (`contingent-density`).

Who would care: whoever finds finite types artificial and wants to know what survives: incentive compatibility up to ε,
and how large transfers must be for how small an ε (`dynmech.experiments.audits.continuous`). With γ > 1 the lowest
signal should win, so nothing static helps. With `nodes` K the economy is put on K Gauss–Legendre nodes, where every
mechanism for finite signals can be audited (and where exact contingent transfers grow fast with K).

Source: the setting of Liu 2014, §5; the family of densities and the numbers are ours.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.density import DensityEnvironment, density_environment
from dynmech.sim.economy.environment import TableEnvironment


class ContinuousLicence(Scenario):
    """Signals in [0, 1] with exponentially tilted densities.

    Args:
        firms: N.
        gamma: γ.
        curvature: how values grow with what is known.
        correlation: κ, how far the next signals lean.
        influence: weight of the others' present signals in one's next one.
        discount: δ.
        nodes: of the finite version; 0: the continuous economy itself.
    """

    name = "continuous-licence"
    source = "Liu 2014 §5, numbers ours"
    summary = "real-valued signals, interdependent values: incentive compatible up to ε, and what ε costs"

    def __init__(
        self,
        firms: int = 2,
        gamma: float = 1.5,
        curvature: float = 2.0,
        correlation: float = 6.0,
        influence: float = 0.5,
        discount: float = 0.8,
        nodes: int = 0,
    ) -> None:
        if firms < 2:
            raise InputError("firms: at least 2 are needed")
        if gamma <= 0 or curvature <= 0:
            raise InputError("gamma and curvature: both must be above 0")
        if nodes < 0:
            raise InputError(f"nodes: {nodes} is below 0")
        if not 0 <= influence <= 1:
            raise InputError(f"influence: {influence:g} is not in [0, 1]")
        self.firms, self.gamma, self.curvature = firms, gamma, curvature
        self.correlation, self.influence, self.discount, self.nodes = correlation, influence, discount, nodes

    def build(self) -> DensityEnvironment | TableEnvironment:
        """An endless economy, with real signals or on a grid."""
        return self.continuous().on_grid(1, self.nodes) if self.nodes else self.continuous()

    def continuous(self) -> DensityEnvironment:
        """With real signals."""
        return density_environment(
            name=self.name,
            agents=tuple(f"firm {i + 1}" for i in range(self.firms)),
            discount=self.discount,
            decisions=tuple(str(i + 1) for i in range(self.firms)),
            payoff=self._payoff,
            density=self._density,
            quantile=self._quantile,
            bound=float((1 + self.gamma * (self.firms - 1)) ** self.curvature),
            grid=f"{self.name}:nodes=6",
        )

    def _payoff(self, signals: Array, decision: Array) -> FloatArray:
        total = signals[:, 0].copy()
        for j in range(1, self.firms):
            total = total + signals[:, j]
        known = np.maximum((1 - self.gamma) * signals + self.gamma * total[:, None], 0.0)
        return np.where(decision[:, None] == np.arange(self.firms), known**self.curvature, 0.0)

    def _tilt(self, signals: Array, agent: int) -> FloatArray:
        """z, kept off 0, where the density is uniform anyway."""
        others = np.zeros(len(signals))
        for j in range(self.firms):
            if j != agent:
                others = others + signals[:, j]
        mean = (1 - self.influence) * signals[:, agent] + self.influence * others / (self.firms - 1)
        tilt = self.correlation * (2 * mean - 1)
        return np.where(np.abs(tilt) < 1e-6, 1e-6, tilt)

    def _density(self, decision: Array, signals: Array, agent: int, points: Array) -> FloatArray:  # noqa: ARG002
        tilt = self._tilt(signals, agent)
        return tilt * np.exp(tilt * points) / np.expm1(tilt)

    def _quantile(self, decision: Array, signals: Array, agent: int, uniforms: Array) -> FloatArray:  # noqa: ARG002
        tilt = self._tilt(signals, agent)
        return np.log1p(uniforms * np.expm1(tilt)) / tilt
