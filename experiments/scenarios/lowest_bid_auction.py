"""An object every period whose value rests more on what the *others* know: the lowest signal should win.

Each period one of N bidders gets an object worth v^i(θ) = θ^i + γ Σ_{j≠i} θ^j; with γ > 1 the others' signals count for
more than one's own, and efficiency gives the object to the bidder with the lowest signal. Awards do not move signals.
Timing: signals, bids or reports, the award, payments; then signals move on. Signals are 0, 1/(K − 1), …, 1. With
probability `correlation` a bidder's next signal is the present one of a bidder drawn at random, else drawn evenly,

    P(θ′ | θ) = (1 − common) Π_j g(θ′^j | θ) + common · 1{all θ′^j alike} g(θ′^1 | θ),
    g(x | θ) = correlation · Σ_j 1{θ^j = x} / N + (1 − correlation) / K,

alike for all with probability `common`. So a bidder's next signal is expected to be correlation · (average of θ) plus a
constant: an unbiased estimate of today's average, which is all that `lowest-bid` needs.

Who would care: sellers of things that others understand better than their buyers: used equipment among former owners,
loan portfolios among their originators. No auction of one period is efficient (`second-price` fails); one with a second
instalment is.

Source: Liu 2025, indirect implementation; the numbers are ours.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage


class LowestBidAuction(Scenario):
    """Interdependent values beyond single crossing, and signals that follow the average.

    Args:
        gamma: γ.
        bidders: N.
        signals: K.
        correlation: weight of the present signals in the next ones.
        common: probability that all next signals are alike.
        discount: δ.
    """

    name = "lowest-bid-auction"
    source = "Liu 2025, indirect implementation"
    summary = "others' signals count more than one's own: the lowest should win, which needs a second instalment"

    def __init__(
        self,
        gamma: float = 1.8,
        bidders: int = 3,
        signals: int = 3,
        correlation: float = 0.6,
        common: float = 0.0,
        discount: float = 0.9,
    ) -> None:
        if bidders < 2 or signals < 2:
            raise InputError("bidders and signals: at least 2 of each are needed")
        if signals ** (2 * bidders) * bidders > 2_000_000:
            raise InputError(f"bidders={bidders}, signals={signals}: too many profiles for a joint law; take fewer")
        if gamma <= 0:
            raise InputError(f"gamma: {gamma:g} is not above 0")
        for label, p in (("correlation", correlation), ("common", common)):
            if not 0 <= p <= 1:
                raise InputError(f"{label}: {p:g} is not in [0, 1]")
        self.gamma, self.bidders, self.signals = gamma, bidders, signals
        self.correlation, self.common, self.discount = correlation, common, discount

    def build(self) -> TableEnvironment:
        """One repeated stage, the same joint law for every award."""
        count, width = self.bidders, self.signals
        axes = (width,) * count
        own = np.linspace(0, 1, width)
        theta = np.array(np.meshgrid(*[own] * count, indexing="ij"))
        utility = np.zeros((count, count, *axes))
        for i in range(count):
            utility[i, i] = (1 - self.gamma) * theta[i] + self.gamma * theta.sum(axis=0)
        law = self._law()
        stage = Stage(
            signals=(tuple(f"{x:g}" for x in own.round(6)),) * count,
            decisions=tuple(str(i + 1) for i in range(count)),
            utility=utility,
            kernel=JointKernel(np.broadcast_to(law, (count, *axes, *axes)).copy(), axes, axes),
        )
        names = tuple(f"bidder {i + 1}" for i in range(count))
        return TableEnvironment(self.name, names, law.reshape(-1, *axes).mean(axis=0), (stage,), self.discount, None)

    def _law(self) -> FloatArray:
        """P(θ′ | θ), `(*K, *K)`."""
        count, width = self.bidders, self.signals
        law = np.empty((width,) * (2 * count))
        for profile in np.ndindex(*(width,) * count):
            follow = np.bincount(profile, minlength=width) / count
            marginal = self.correlation * follow + (1 - self.correlation) / width
            apart = np.ones(())
            for _ in range(count):
                apart = np.multiply.outer(apart, marginal)
            alike = np.zeros((width,) * count)
            alike[(np.arange(width),) * count] = marginal
            law[profile] = (1 - self.common) * apart + self.common * alike
        return law
