"""Sponsored search: an ad slot every period, advertisers that learn how often a click sells.

Advertiser i knows its margin x_i from the start. Shown in a period, its expected profit is x_i times its posterior mean
of the purchase rate, a/(a + b), and it then learns whether it sold: a or b grows by one. Nothing is learned without
being shown, nor after `depth` observations. Showing nobody is possible and costs nothing.
"""

from experiments.scenarios.base import Scenario
from sim.errors import InputError
from sim.separable import GRIDS, SeparableEnvironment, separable_environment
from sim.separable_builders import arms, beta_signal


class SponsoredSearch(Scenario):
    """Beta–Bernoulli learning, only the advertiser that is shown learns.

    Args:
        advertisers: how many.
        nodes: of each margin, which is uniform on [0, 1].
        depth: observations after which nothing more is learned.
        successes, failures: of the common Beta prior of purchase rates.
        discount: δ.
        grid: `midpoints` or `quantiles`.
    """

    name = "sponsored-search"
    source = "Kakade–Lobel–Nazerzadeh 2011 §4.1, §6.2.2"
    summary = "advertisers with private margins learn their purchase rates when they are shown"

    def __init__(
        self,
        advertisers: int = 2,
        nodes: int = 3,
        depth: int = 2,
        successes: float = 1.0,
        failures: float = 1.0,
        discount: float = 0.9,
        grid: str = "midpoints",
    ) -> None:
        if advertisers < 1 or nodes < 1:
            raise InputError("advertisers and nodes: at least 1 of each is needed")
        if grid not in GRIDS:
            raise InputError(f"grid: {grid!r} is none of {', '.join(GRIDS)}")
        self.advertisers, self.nodes, self.depth = advertisers, nodes, depth
        self.successes, self.failures, self.discount, self.grid = successes, failures, discount, grid

    def build(self) -> SeparableEnvironment:
        """Arms, with margins on a grid."""
        first = [beta_signal()] * self.advertisers
        priors = [(self.successes, self.failures)] * self.advertisers
        economy = arms(first, self.discount, depth=self.depth, priors=priors, name=self.name, who="advertiser")
        return separable_environment(economy, [GRIDS[self.grid](f, self.nodes) for f in first])
