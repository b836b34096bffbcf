"""Sponsored search: an ad slot every period, advertisers that learn how often a click sells.

Advertiser i knows its margin x_i from the start. Shown in a period, its expected profit is x_i times its posterior mean
of the purchase rate, a/(a + b), and it then learns whether it sold: a or b grows by one. Nothing is learned without
being shown, nor after `depth` observations. Showing nobody is possible and costs nothing.

Who would care: a platform that sells an ad slot to advertisers with contracts for months, and has to show an ad to
learn what it is worth.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.separable import GRIDS, Grid, SeparableEnvironment, separable_environment
from dynmech.sim.economy.separable_builders import arms, beta_signal


class SponsoredSearch(Scenario):
    """Beta–Bernoulli learning, only the advertiser that is shown learns.

    Args:
        advertisers: how many.
        nodes: of each margin, which is uniform on [0, 1].
        depth: observations after which nothing more is learned.
        successes, failures: of the common Beta prior of purchase rates.
        discount: δ.
        grid: `midpoints` or `quantiles`.
        margins: instead of a grid, one margin per advertiser, known to all: `0.95+0.9`.
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
        margins: str = "",
    ) -> None:
        if advertisers < 1 or nodes < 1:
            raise InputError("advertisers and nodes: at least 1 of each is needed")
        if grid not in GRIDS:
            raise InputError(f"grid: {grid!r} is none of {', '.join(GRIDS)}")
        self.advertisers, self.nodes, self.depth = advertisers, nodes, depth
        self.successes, self.failures, self.discount, self.grid = successes, failures, discount, grid
        self.margins = margins
        self.known = self._known()

    def _known(self) -> list[float]:
        """Return the margins that were typed."""
        try:
            known = [float(x) for x in self.margins.split("+")] if self.margins else []
        except ValueError:
            raise InputError(f"margins: {self.margins!r} is not a list like 0.95+0.9") from None
        if known and len(known) != self.advertisers:
            raise InputError(f"margins: {len(known)} for {self.advertisers} advertisers")
        if any(not 0 <= x <= 1 for x in known):
            raise InputError(f"margins: {self.margins!r} holds a number outside [0, 1]")
        return known

    def build(self) -> SeparableEnvironment:
        """Arms, with margins on a grid."""
        first = [beta_signal()] * self.advertisers
        priors = [(self.successes, self.failures)] * self.advertisers
        environment = arms(first, self.discount, depth=self.depth, priors=priors, name=self.name, who="advertiser")
        if self.known:
            return separable_environment(environment, [Grid(np.array([x]), np.ones(1)) for x in self.known])
        return separable_environment(environment, [GRIDS[self.grid](f, self.nodes) for f in first])
