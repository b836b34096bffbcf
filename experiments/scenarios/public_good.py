"""A town decides every year whether to run a festival, a pool, a bus line: a public good with interdependent values.

Timing: citizens learn their signals, nodes 0, 1/(K − 1), …, 1; the good is provided or not; signals move on, each
citizen's for itself. With the good, citizen i enjoys

    u^i(θ) = θ^i + γ Σ_{j≠i} θ^j − cost / N

(a good that others find worthwhile is worth more to me: company, reputation, news about its quality), without it 0. A
signal stays with probability `persistence`, else it becomes one of the other nodes, each with the same chance; after a
year with the good it then moves up one node with probability `habit`, so that providing it is an investment in taste.

Who would care: whoever asks people what a common facility is worth to them. Reports that move the others' values cannot
be charged as if values were private (`team`, `pivot`, `static-vcg` lose); signals are independent, so nothing that
others say tomorrow tells anything about today's report (contingent transfers are refused). One-dimensional signals
that move decisions in one direction are what `generalized-vcg` is for.

Source: the setting of Liu 2014, §3.4, on a grid; the numbers are ours.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class PublicGood(Scenario):
    """One-dimensional independent signals, interdependent values.

    Args:
        citizens: N.
        nodes: signals of each.
        interdependence: γ.
        cost: of the good, shared evenly.
        persistence: probability that a signal stays in a year without the good. none: 0.8 + 0.2 / nodes, as if 20 %
            drew a signal anew, evenly.
        habit: probability that having the good moves a signal up by one node.
        discount: δ.
        horizon: number of periods; none means infinitely many.
    """

    name = "public-good"
    source = "Liu 2014 §3.4, numbers ours"
    summary = (
        "a public good, interdependent values, independent signals; generalized-vcg holds where team and pivot lose"
    )

    def __init__(
        self,
        citizens: int = 2,
        nodes: int = 5,
        interdependence: float = 0.5,
        cost: float = 1.5,
        persistence: float | None = None,
        habit: float = 0.2,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if citizens < 1 or nodes < 2:
            raise InputError("citizens and nodes: at least 1 citizen and 2 nodes are needed")
        if persistence is None:
            persistence = 0.8 + 0.2 / nodes
        for label, p in (("persistence", persistence), ("habit", habit)):
            if not 0 <= p <= 1:
                raise InputError(f"{label}: {p:g} is not in [0, 1]")
        self.citizens, self.nodes, self.interdependence, self.cost = citizens, nodes, interdependence, cost
        self.persistence, self.habit, self.discount, self.horizon = persistence, habit, discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage, an independent kernel."""
        count, k = self.citizens, self.nodes
        taste = np.linspace(0, 1, k)
        signals = np.array(np.meshgrid(*[taste] * count, indexing="ij"))
        utility = np.zeros((count, 2, *(k,) * count))
        utility[:, 1] = (1 - self.interdependence) * signals + self.interdependence * signals.sum(axis=0)
        utility[:, 1] -= self.cost / count
        without = persistent_chain(k, self.persistence)
        up = (1 - self.habit) * np.eye(k) + self.habit * np.eye(k)[np.minimum(np.arange(k) + 1, k - 1)]
        stage = Stage(
            signals=(tuple(f"{v:g}" for v in taste.round(6)),) * count,
            decisions=("without", "with"),
            utility=utility,
            kernel=IndependentKernel((np.stack([without, without @ up]),) * count),
        )
        agents = tuple(f"citizen {i + 1}" for i in range(count))
        prior = np.full((k,) * count, 1 / k**count)
        return TableEnvironment(self.name, agents, prior, (stage,), self.discount, self.horizon)
