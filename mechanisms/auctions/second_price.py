"""The second-price auction, repeated every period.

Timing: bids; the highest wins (the first bidder of those that tie) and pays the second highest, at once. Values are
v^i(θ) = θ^i + γ Σ_{j≠i} θ^j (`bids`). Prescribed bid: c θ^i, c = 1 + γ(N − 1), what the object would be worth if
everybody had the same signal; with private values (γ = 0) one's value.

Guarantee: where awards do not move signals, efficient if γ ≤ 1, and with two bidders, or private values, also periodic
ex post incentive compatible: the winner gains θ^i + γθ^j − (1 + γ)θ^j = θ^i − θ^j, which has the sign that it should.
With three bidders and γ > 0 the price counts the next highest signal N − 1 times, and a winner may lose. With γ > 1
the lowest signal should win, which no auction of a single period achieves; `lowest-bid` does, by a second instalment.

Assumptions: γ at most 1; two bidders or private values; awards that move no signals.

Source: Liu 2025, indirect implementation, the standard format beside his; Vickrey 1961.
"""

import numpy as np

from dynmech.mechanisms.auctions.bids import BidMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.play.roles import Acts, Promises, Situation


class SecondPrice(BidMechanism):
    """The winner pays the second highest bid.

    Args:
        steps: bids from one prescribed bid to the next.

    Raises:
        Refusal: values are not of the form.
    """

    name = "second-price"
    source = "Liu 2025, indirect implementation; Vickrey 1961"
    promises = Promises(
        incentive="periodic ex post",
        budget="no deficit",
        efficient=True,
        assumptions=("γ at most 1", "two bidders or private values", "awards that do not move signals"),
    )

    @property
    def lowest_wins(self) -> bool:
        """False: the highest bid wins."""
        return False

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the second highest bid, paid by the winner, `(n, N)`."""
        return self.pays(self.winner(messages), self.linear.scale * self.grid[self.next_in_line(messages)])

    def transfer_bound(self) -> float:
        """Return the largest bid."""
        return self.linear.scale * float(np.abs(self.grid).max())
