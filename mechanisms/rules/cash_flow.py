"""What prescribed play is expected to bring in, period by period: fees at the start, deficits later, and their sum.

The law of (memory, profile) is carried forward through the values of truthful play's pages; nothing is simulated.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.values_of_truth import PeriodValues, truthful_values
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment


@dataclass(frozen=True, eq=False)
class CashFlow:
    """Expected flows of prescribed play, before anything is known; undiscounted.

    Attributes:
        transfer, utility: by agent and period, `(N, T)`.
        discount: δ.
    """

    transfer: FloatArray
    utility: FloatArray
    discount: float

    @property
    def deficit(self) -> FloatArray:
        """What the designer is expected to add in each period, `(T,)`; negative where something is left."""
        return -self.transfer.sum(axis=0)

    @property
    def total_deficit(self) -> float:
        """Its present value over these periods."""
        return float(self.deficit @ self.discount ** np.arange(self.transfer.shape[1]))


def cash_flow(environment: TableEnvironment, mechanism: Mechanism, periods: int) -> CashFlow:
    """Flows of the first periods (all, if the horizon is shorter).

    Raises:
        Refusal: the mechanism is not finite, or too large.
    """
    pages = truthful_values(environment, mechanism).pages
    count = periods if environment.horizon is None else min(periods, environment.horizon)
    law = np.zeros(pages[0].decision.shape)
    law[0] = environment.prior.reshape(-1)
    flows = []
    for t in range(count):
        page = pages[min(t, len(pages) - 1)]
        flows.append([(page.transfer * law).sum(axis=(1, 2)), (page.utility * law).sum(axis=(1, 2))])
        if t + 1 < count:
            law = _forward(page, law, len(pages[min(t + 1, len(pages) - 1)].decision))
    transfer, utility = np.moveaxis(np.array(flows), 0, -1)
    return CashFlow(transfer, utility, environment.discount)


def _forward(page: PeriodValues, law: FloatArray, memories: int) -> FloatArray:
    """The law of the next period's memory and profile, `(M', S')`."""
    assert page.rows is not None
    memory, profile = np.nonzero(law)
    arrives = page.rows[page.decision[memory, profile], profile] * law[memory, profile][:, None]
    out = np.zeros((memories, page.rows.shape[2]))
    np.add.at(out, page.following[memory, profile], arrives)
    return out
