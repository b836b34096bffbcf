"""The minimum-rent mechanism: the least payments under which truth about signals is optimal; actions are ignored.

Timing: reports, efficient decision a*(r) with its recommended actions, payment at once. Agent i pays what the decision
is worth to it, less a rent that rises along its signals by what each could gain by passing for the one before:

    p^i(r) = u^i(a*(r), r^i) − R^i(r),   R^i(0, o) = 0,
    R^i(k, o) = R^i(k − 1, o) + u^i(a*(k − 1, o), k) − u^i(a*(k − 1, o), k − 1).

Guarantee: if a* is monotone in the sense of increasing differences, truth is a best response in each period taken by
itself, whatever the others' signals, and the lowest signal keeps nothing. It is refused where that is not so. Over time
it promises nothing; above all, an agent whose hidden action moves its own later signals is paid the rent's increase
only, which is not what its effort is worth: it may report the truth and still shirk.

Source: the mechanism that Athey–Segal 2007, Example 5, needs to rule out; textbook screening, period by period.
"""

import numpy as np

from dynmech.mechanisms.numerics.ex_post import utility_by_report
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Promises

SLACK = 1e-9
"""Largest static gain from a misreport, relative to max |u|, that counts as none."""


class MinimumRent(FlowMechanism):
    """Payments for signals that leave the least rent under which truth about signals is optimal.

    Raises:
        Refusal: in some period truth about signals is not statically optimal under these payments; names the agent.
    """

    name = "minimum-rent"
    source = "comparator of Athey–Segal 2007, Example 5"
    promises = Promises(efficient=True)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.transfer_bound()  # works the tables out, and refuses where there are none

    def flow_table(self, t: int) -> FloatArray:
        """Return the payments p^i at every reported profile, `(N, *A)`."""
        return np.stack([self._payments(t, i) for i in range(len(self.environment.agents))])

    def _payments(self, t: int, agent: int) -> FloatArray:
        """Return p^i, `(*A)`."""
        stage = self.environment.stage(t)
        worth = utility_by_report(stage, agent, self.plan.policy[self.plan.at(t)])  # (O, K true, K report)
        keep = np.diagonal(worth, axis1=1, axis2=2)
        below = np.diagonal(worth, offset=-1, axis1=1, axis2=2)  # k passing for k − 1
        rent = np.cumsum(np.concatenate([np.zeros((len(worth), 1)), below - keep[:, :-1]], axis=1), axis=1)
        payment = keep - rent
        gain = float((worth - payment[:, None, :] - rent[:, :, None]).max())
        if gain > SLACK * scale_of(stage.utility):
            name = self.environment.agents[agent]
            raise self.refuse(f"in period {t} agent {name!r} gains {gain:.3g} by a misreport at the least rents")
        own = stage.offset + agent
        rest = tuple(width for axis, width in enumerate(stage.axes) if axis != own)
        return np.moveaxis(payment.reshape(*rest, stage.axes[own]), -1, own)
