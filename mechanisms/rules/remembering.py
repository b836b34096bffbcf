"""Direct mechanisms that remember reports: last period's profile and decision, or the profiles of several periods."""

from functools import cached_property
from math import log2, prod

import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Acts, Situation


class LastPeriodMechanism(DirectMechanism):
    """A direct mechanism that remembers last period's reports and decision.

    Memory is 0 at first, then 1 + a S + r: decision a and reported profile r of the period before.
    """

    def memory_size(self, t: int) -> int:
        """Return 1 + D S of the period before; 1 at first."""
        if t == 0:
            return 1
        stage = self.environment.stage(t - 1)
        return 1 + len(stage.decisions) * stage.size

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return this period's decision and reported profile as one number, `(n,)`."""
        return 1 + decision * self.environment.stage(now.t).size + self.profile(now, messages)


class HistoryMechanism(DirectMechanism):
    """A direct mechanism that remembers the reported profiles of the last L periods; decisions follow from them.

    h profiles, the last one the fastest digit, make an index below S^h. Under a finite horizon memory is that index,
    with h = min(t, L). Under an infinite one the same values must serve every period: those of h = 0, 1, …, L follow
    each other, so that 0 is "nothing yet".

    Args:
        lags: L.

    Raises:
        InputError: L is below 1.
        Refusal: so many values cannot be counted.
    """

    def __init__(self, environment: Environment, lags: int = 1) -> None:
        super().__init__(environment)
        if lags < 1:
            raise InputError(f"lags: {lags} is below 1")
        self.remembered = lags
        largest = max(stage.size for stage in self.environment.stages)
        if lags * log2(1 + largest) > 62:
            raise self.refuse(f"the reports of {lags} periods take more values than can be counted; give fewer lags")

    def _radices(self, t: int) -> list[int]:
        """Return the numbers of profiles of the periods that can be remembered in period t, the last period first."""
        if self.environment.stationary:
            return [self.environment.stage(0).size] * self.remembered
        return [self.environment.stage(t - lag).size for lag in range(1, min(t, self.remembered) + 1)]

    @cached_property
    def _starts(self) -> IntArray:
        """Under an infinite horizon: where the indices of h = 0, …, L profiles begin, and where they end."""
        size = self.environment.stage(0).size
        return np.cumsum([0, *(size**held for held in range(self.remembered + 1))])

    def memory_size(self, t: int) -> int:
        """Return the number of histories that can be remembered in period t; 1 at first."""
        if self.environment.stationary:
            return int(self._starts[-1]) if t else 1
        return prod(self._radices(t))

    def _held(self, now: Situation) -> tuple[IntArray, IntArray]:
        """Return how many profiles are remembered and their index, `(n,)` each."""
        if self.environment.stationary:
            held = np.searchsorted(self._starts, now.memory, side="right") - 1
            return held, now.memory - self._starts[held]
        return np.full(len(now.memory), len(self._radices(now.t))), now.memory

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Drop the oldest profile if there are L already, and append this period's; `(n,)`."""
        held, index = self._held(now)
        kept = index % prod(self._radices(now.t)[: self.remembered - 1])
        memory = kept * self.environment.stage(now.t).size + self.profile(now, messages)
        return memory + self._starts[np.minimum(held + 1, self.remembered)] if self.environment.stationary else memory

    def recall(self, now: Situation, lag: int) -> IntArray:
        """Return the profile reported `lag` periods ago, `(n,)`; −1 where there was no such period."""
        radices = self._radices(now.t)
        if lag > len(radices):
            return np.full(len(now.memory), -1)
        held, index = self._held(now)
        return np.where(lag <= held, index // prod(radices[: lag - 1]) % radices[lag - 1], -1)
