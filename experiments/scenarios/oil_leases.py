"""Two firms bid for two oil leases in a row (Liu 2014, §3.1).

The licence of auction t holds s_t units of oil; winning is worth 2 s_t − 1 to firm 1 and 3 s_t − 6 to firm 2. Firm 1
has tested the first area (its signal is s_1), firm 2 the second; each of s_1, s_2 is 4 or 6. No discounting.
Efficiency gives a lease to firm 1 where s = 4 (7 > 6) and to firm 2 where s = 6 (12 > 11).

Who would care: an agency that sells neighbouring tracts one after the other, where what one bidder drills tells what
the next tract holds.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage

OIL = np.array([4.0, 6.0])
LABELS = ("4", "6")
FIRMS = ("firm 1", "firm 2")


def auction(known_by: int, signals: tuple[tuple[str, ...], tuple[str, ...]]) -> FloatArray:
    """Utilities `(2, 2, K_0, K_1)` of a lease whose oil is the signal of agent `known_by`; decision = winner."""
    axes = tuple(len(labels) for labels in signals)
    oil = OIL.reshape((2, 1) if known_by == 0 else (1, 2))
    utility = np.zeros((2, 2, *axes))
    utility[0, 0] = 2 * oil - 1
    utility[1, 1] = 3 * oil - 6
    return utility


class OilLeases(Scenario):
    """Two auctions; firm 1's signal in the first and firm 2's in the second are correlated."""

    name = "oil-leases"
    source = "Liu 2014 §3.1"
    summary = "two firms, two linked auctions, correlated tests; no static payment is efficient in the first"

    def build(self) -> TableEnvironment:
        """Two periods; the idle firm has a single signal."""
        first_signals, second_signals = (LABELS, ("-",)), (("-",), LABELS)
        first = Stage(
            signals=first_signals,
            decisions=("1", "2"),
            utility=auction(0, first_signals),
            kernel=JointKernel(
                np.broadcast_to(np.array([[0.75, 0.25], [0.25, 0.75]]).reshape(1, 2, 1, 1, 2), (2, 2, 1, 1, 2)).copy(),
                (2, 1),
                (1, 2),
            ),
        )
        second = Stage(signals=second_signals, decisions=("1", "2"), utility=auction(1, second_signals))
        return TableEnvironment(self.name, FIRMS, np.array([[0.5], [0.5]]), (first, second), 1.0, 2)
