"""A spectrum licence is awarded every year among carriers who know different things about the same market.

Timing: each carrier learns its signal, an estimate of demand on the scale 0, 1, …, K − 1; the licence goes to one of
them or is kept; demand moves on. The licence is worth

    u^i(θ) = s_i (θ^i + γ Σ_{j≠i} θ^j) − cost · s_i²,    s_i = 1 + asymmetry · i,    i = 0, 1, …,

to its holder: what the others know about the market matters γ times as much as what it knows itself, and a larger
carrier makes more of demand, but has more to build. If the licence is kept it is worth 0 to everybody.

Next year's market w is some carrier's present estimate, each with the same chance, or news: a level drawn evenly. Then
every carrier, for itself, learns the market with probability `correlation` (the holder, who sees customers, with a
larger one), else keeps its own estimate with probability `keep` or draws one anew, evenly:

    P(θ′ | a, θ) = Σ_w P(w | θ) Π_j [c_j 1{θ′^j = w} + (1 − c_j) (keep 1{θ′^j = θ^j} + (1 − keep) / K)],
    P(w | θ) = (1 − news) Σ_j 1{θ^j = w} / N + news / K,    c_j = correlation + (1 − correlation) · lead · 1{a = j}.

The first estimates are those of an even market, with no estimate to keep.

Who would care: a regulator who awards something again and again to bidders with interdependent values. Awards steer
what is known later, and values depend on others' signals, so `static-vcg`, `team` and `pivot` can be bent; small
carriers that expect a large market should lose the licence to large ones, which no payment of the same year achieves,
and lotteries over the others' reports (`cremer-mclean`) are priced with beliefs that last year's report has moved. What
others report next year tells about this year's report, whatever was reported before: contingent transfers hold.

Source: the leading example of repeated licence auctions in Liu 2014, §1; the numbers are ours.
"""

from collections.abc import Sequence

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage


class Spectrum(Scenario):
    """Interdependent values, correlated signals that awards steer.

    Args:
        carriers: N.
        signals: K.
        interdependence: γ.
        cost: what building the network takes.
        asymmetry: by how much each carrier is larger than the one before.
        correlation: probability of learning the market.
        keep: probability of keeping one's own estimate, where one does not; it is drawn anew otherwise. (How likely an
            estimate is to stay depends on everybody's estimates.)
        news: probability that the market is drawn anew.
        lead: probability that the holder learns the market where others in its place would not.
        discount: δ.
        horizon: number of years; none means infinitely many.
    """

    name = "spectrum"
    source = "Liu 2014 §1, numbers ours"
    summary = "a licence every year, interdependent values, correlated signals that awards steer"

    def __init__(
        self,
        carriers: int = 3,
        signals: int = 2,
        interdependence: float = 1.0,
        cost: float = 0.6,
        asymmetry: float = 0.5,
        correlation: float = 0.6,
        keep: float = 0.8,
        news: float = 0.3,
        lead: float = 0.5,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if carriers < 2 or signals < 2:
            raise InputError("carriers and signals: at least 2 of each are needed")
        if signals ** (2 * carriers) * (carriers + 1) > 2_000_000:
            raise InputError(f"carriers={carriers}, signals={signals}: too many profiles for a joint law; take fewer")
        for label, p in (("correlation", correlation), ("keep", keep), ("news", news), ("lead", lead)):
            if not 0 <= p <= 1:
                raise InputError(f"{label}: {p:g} is not in [0, 1]")
        self.carriers, self.signals, self.interdependence = carriers, signals, interdependence
        self.cost, self.asymmetry = cost, asymmetry
        self.correlation, self.keep, self.news, self.lead = correlation, keep, news, lead
        self.discount, self.horizon = discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage, a joint kernel; decision 0 keeps the licence, j gives it to carrier j."""
        axes = (self.signals,) * self.carriers
        estimate = np.indices(axes).astype(np.float64)
        utility = np.zeros((self.carriers, self.carriers + 1, *axes))
        for i in range(self.carriers):
            others = estimate.sum(axis=0) - estimate[i]
            size = 1 + self.asymmetry * i
            utility[i, i + 1] = size * (estimate[i] + self.interdependence * others) - self.cost * size**2
        stage = Stage(
            signals=(tuple(str(k) for k in range(self.signals)),) * self.carriers,
            decisions=("kept", *(str(i + 1) for i in range(self.carriers))),
            utility=utility,
            kernel=JointKernel(self._law(), axes, axes),
        )
        names = tuple(f"carrier {i + 1}" for i in range(self.carriers))
        return TableEnvironment(self.name, names, self._prior(), (stage,), self.discount, self.horizon)

    def _law(self) -> FloatArray:
        """P(θ′ | a, θ), `(D, *K, *K)`."""
        count, width = self.carriers, self.signals
        alone = self.keep * np.eye(width) + (1 - self.keep) / width
        law = np.zeros((count + 1, *(width,) * (2 * count)))
        for holder in range(count + 1):
            learns = np.full(count, self.correlation)
            learns[holder - 1 : holder] += (1 - self.correlation) * self.lead
            for profile in np.ndindex(*(width,) * count):
                for market in range(width):
                    own = [c * np.eye(width)[market] + (1 - c) * alone[k] for c, k in zip(learns, profile, strict=True)]
                    chance = (1 - self.news) * profile.count(market) / count + self.news / width
                    law[(holder, *profile)] += chance * _product(own)
        return law

    def _prior(self) -> FloatArray:
        """P(θ_0), `(*K)`."""
        learnt = self.correlation * np.eye(self.signals) + (1 - self.correlation) / self.signals
        return np.mean([_product([learnt[market]] * self.carriers) for market in range(self.signals)], axis=0)


def _product(laws: Sequence[FloatArray]) -> FloatArray:
    """The law of independent draws, an axis each."""
    out = np.ones(())
    for law in laws:
        out = np.multiply.outer(out, law)
    return out
