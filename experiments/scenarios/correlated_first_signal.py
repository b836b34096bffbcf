"""A first signal that tells about the later one: where the relaxed bound is out of reach.

The value is the later signal, 1 or `high`; a buyer with a good first signal has the high one with probability
`accuracy`, one with a bad first signal with 1 − `accuracy`; first signals are evenly good or bad. If the later signal
were public, all surplus could be had, E[s_1] = (1 + high)/2. As it is private, selling for sure earns no more than
the bad type expects.

Who would care: whoever sells under the relaxed bound's promise, and wants to know what it costs that early news
foretells late news.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.buyer_with_two_signals import TwoPeriodBuyer, two_period_buyer


class CorrelatedFirstSignal(Scenario):
    """v = s_1.

    Args:
        high: the high value.
        accuracy: how well the first signal tells.
    """

    name = "correlated-first-signal"
    source = "Kakade–Lobel–Nazerzadeh 2011 §7, first example"
    summary = "the first signal tells about the later value: the relaxed bound is out of reach"

    def __init__(self, high: float = 2.0, accuracy: float = 0.8) -> None:
        if not high > 1:
            raise InputError(f"high: {high:g} is not above 1")
        if not 0 < accuracy < 1:
            raise InputError(f"accuracy: {accuracy:g} is not strictly between 0 and 1")
        self.high, self.accuracy = high, accuracy

    def build(self) -> TwoPeriodBuyer:
        """Two periods, two signals each."""
        p = self.accuracy
        laws = np.array([[p, 1 - p], [1 - p, p]])
        value = np.array([[1.0, self.high]] * 2)
        return two_period_buyer(self.name, np.array([0.0, 1.0]), np.full(2, 0.5), ("low", "high"), laws, value)
