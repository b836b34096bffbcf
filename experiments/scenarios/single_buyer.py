"""An item every period for one buyer: a first signal that scales, a taste that moves as a Markov chain.

The value of an item is x B_t, B_t one of three tastes, kept with probability `keep` and else drawn anew from the
law of the first, (.3, .4, .3). The most profitable mechanism is a menu of
contracts (p, M(p)): a fee now for a low price ever after. A buyer whose first signal is below (1 + cost/B_max)/2 gets
nothing.

Who would care: a seller of memberships: a fee first, a low price ever after.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.separable import GRIDS, SeparableEnvironment, separable_environment
from dynmech.sim.economy.separable_builders import beta_signal, items

TASTES = np.array([0.5, 1.0, 1.5])
"""Values of B."""

START = np.array([0.3, 0.4, 0.3])
"""Their law in period 1."""


def taste_chain(keep: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return P(next taste | taste), `(3, 3)`: kept with probability `keep`, else drawn anew from `START`."""
    if not 0 <= keep <= 1:
        raise InputError(f"keep: {keep:g} is not in [0, 1]")
    return keep * np.eye(3) + (1 - keep) * START


class SingleBuyer(Scenario):
    """Multiplicative values, uncontrolled states.

    Args:
        buyers: how many compete for the item (optimal-contract is for one).
        nodes: of each first signal.
        cost: of an item.
        keep: probability that a taste is kept and not drawn anew; so it stays with probability keep + (1 − keep) times
            its share in that draw.
        discount: δ.
        first: exponent b of the first signal's law, Beta(1, b); 1: uniform.
        power: A(x) = x^power, at most 1.
        grid: `midpoints` or `quantiles`.
    """

    name = "single-buyer"
    source = "Kakade–Lobel–Nazerzadeh 2011 §6.1"
    summary = "an item a period for one buyer with Markov tastes: the menu of fees and prices"

    def __init__(
        self,
        buyers: int = 1,
        nodes: int = 11,
        cost: float = 0.3,
        keep: float = 0.6,
        discount: float = 0.9,
        first: float = 1.0,
        power: float = 1.0,
        grid: str = "midpoints",
    ) -> None:
        if buyers < 1 or nodes < 1:
            raise InputError("buyers and nodes: at least 1 of each is needed")
        if grid not in GRIDS:
            raise InputError(f"grid: {grid!r} is none of {', '.join(GRIDS)}")
        self.buyers, self.nodes, self.cost, self.keep = buyers, nodes, cost, keep
        self.discount, self.first, self.power, self.grid = discount, first, power, grid

    def build(self) -> SeparableEnvironment:
        """One repeated stage."""
        first = [beta_signal(1.0, self.first, power=self.power)] * self.buyers
        chain, n = taste_chain(self.keep), self.buyers
        environment = items(
            [TASTES] * n, [chain] * n, [START] * n, first, self.discount, cost=self.cost, name=self.name
        )
        return separable_environment(environment, [GRIDS[self.grid](f, self.nodes) for f in first])
