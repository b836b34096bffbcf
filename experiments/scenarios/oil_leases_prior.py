"""The oil leases with a private signal about the correlation itself (Liu 2014, §3.1, augmented).

Period 0: firm 1 learns θ_0 ∈ {0, 1}, evenly; nothing is allocated. Period 1, the first auction: firm 1 sees s_1 and
firm 2 a signal whose correlation with s_1 is negative if θ_0 = 0 and positive if θ_0 = 1:

    P(s_1, θ_1^2 | θ_0 = 0) = [[1/8, 3/8], [3/8, 1/8]],    P(· | θ_0 = 1) = [[3/8, 1/8], [1/8, 3/8]].

Period 2, the second auction: firm 2 sees s_2, which given s_1 does not depend on θ_0 or θ_1^2; P(s_2 | s_1) is 3/4 on
s_2 = s_1. A designer that prices firm 1's report by that correlation must ask firm 1 for θ_0.

Who would care: a designer who prices reports by how they correlate, and has to ask those who are priced for that
correlation.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.experiments.scenarios.oil_leases import FIRMS, LABELS, auction
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage


class OilLeasesPrior(Scenario):
    """Three periods; θ_0 is what the period-by-period scheme must believe firm 1 about."""

    name = "oil-leases-prior"
    source = "Liu 2014 §3.1, augmented example"
    summary = "the oil leases, and firm 1 privately knows how the signals are correlated"

    def build(self) -> TableEnvironment:
        """Three periods, no discounting."""
        correlation = np.array([[[1, 3], [3, 1]], [[3, 1], [1, 3]]]) / 8
        before = Stage(
            signals=(("0", "1"), ("-",)),
            decisions=("none",),
            utility=np.zeros((2, 1, 2, 1)),
            kernel=JointKernel(correlation.reshape(1, 2, 1, 2, 2), (2, 1), (2, 2)),
        )
        second_law = np.array([[0.75, 0.25], [0.25, 0.75]]).reshape(1, 2, 1, 1, 2)
        first_signals, second_signals = (LABELS, LABELS), (("-",), LABELS)
        first = Stage(
            signals=first_signals,
            decisions=("1", "2"),
            utility=auction(0, first_signals),
            kernel=JointKernel(np.broadcast_to(second_law, (2, 2, 2, 1, 2)).copy(), (2, 2), (1, 2)),
        )
        second = Stage(signals=second_signals, decisions=("1", "2"), utility=auction(1, second_signals))
        return TableEnvironment(self.name, FIRMS, np.array([[0.5], [0.5]]), (before, first, second), 1.0, 3)
