"""A good sold every period to bidders with independent private values that persist.

Values 0, 1, …, K − 1; a bidder's value stays with probability `persistence`, otherwise it becomes one of the others,
each with the same chance. Winning may tire: with `fatigue` f the winner's value then drops to 0 with probability f, so
that efficiency looks ahead. The designer may keep the good. The textbook case in which `team` and `pivot` hold.

Who would care: anybody who sells licences, slots or shifts again and again to the same bidders.
"""

from typing import cast

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import require_tables, single_object, too_large
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.exchangeable import interchangeable_bidders

MOST = 1_000
"""Bidders, and values, up to which an auction without tables is built."""


class RepeatedAuction(Scenario):
    """Independent private values.

    Args:
        bidders: how many.
        values: how many values each can have.
        persistence: probability that a value stays. none: 0.6 + 0.4 / values, as if 40 % drew a value anew, evenly.
        fatigue: probability that winning drops the value to 0.
        discount: δ.
        horizon: number of periods; none means infinitely many.
    """

    name = "repeated-auction"
    source = "Bergemann–Välimäki's setting, as in Yoon 2021 §3"
    summary = "independent private values that persist; team and pivot hold"

    def __init__(
        self,
        bidders: int = 2,
        values: int = 3,
        persistence: float | None = None,
        fatigue: float = 0.0,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if bidders < 1 or values < 2:
            raise InputError("bidders and values: at least 1 bidder and 2 values are needed")
        if persistence is None:
            persistence = 0.6 + 0.4 / values
        for label, p in (("persistence", persistence), ("fatigue", fatigue)):
            if not 0 <= p <= 1:
                raise InputError(f"{label}: {p:g} is not in [0, 1]")
        self.bidders, self.values, self.persistence, self.fatigue = bidders, values, persistence, fatigue
        self.discount, self.horizon = discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage, an independent kernel; beyond the size of tables, one bidder's chain for all."""
        k = self.values
        many = self.bidders <= MOST and k <= MOST and too_large(self.bidders, self.bidders + 1, (k,) * self.bidders)
        if many and not self.fatigue:
            chain, even = persistent_chain(k, self.persistence), np.full(k, 1 / k)
            alike = interchangeable_bidders(range(k), even, chain, self.bidders, self.discount, self.horizon, self.name)
            return cast(TableEnvironment, alike)  # whoever needs tables asks for fewer bidders
        require_tables(self.bidders, self.bidders + 1, (k,) * self.bidders)
        rested = persistent_chain(k, self.persistence)
        tired = self.fatigue * np.eye(k)[:1] + (1 - self.fatigue) * rested
        kernels = [
            np.stack([tired if d == i + 1 else rested for d in range(self.bidders + 1)]) for i in range(self.bidders)
        ]
        prior = np.full((k,) * self.bidders, 1 / k**self.bidders)
        return single_object(
            [list(range(k))] * self.bidders,
            kernels,
            prior,
            self.discount,
            horizon=self.horizon,
            name=self.name,
        )
