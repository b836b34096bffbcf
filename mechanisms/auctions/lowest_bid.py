"""The lowest-bid auction: the winner also pays a second instalment, which depends on the rivals' next bids.

One object each period is worth v^i(θ) = θ^i + γ Σ_{j≠i} θ^j to bidder i (`bids`), and awards do not move signals. So
efficiency gives it to the highest θ^i if γ < 1 and to the *lowest* if γ > 1, which no auction of a single period does.

Timing: bids b_t; the lowest wins (the highest if γ < 1; the first bidder of those that tie). With m the next in line,
argmin_{k≠i} b_t^k (argmax if γ < 1), and c = 1 + γ(N − 1), winner i pays b_t^m at once, and in t + 1

    (Nγ/δ) [η^{−i}(b_{t+1}^{−i} / c) − b_t^m / c],    Σ_y η^{−i}(y) P(θ′_{−i} = y | θ) = (1/N) Σ_j θ^j for every θ:

η^{−i} tells from the rivals' next signals, without bias, what the average signal was. Losers pay nothing.

Prescribed bid: c θ^i. Then winning is worth (γ − 1)(θ^m − θ^i) = v^i − v^m, whatever the winner has bid, and its two
payments are expected to add up to v^m. Between two prescribed bids η is interpolated.

Guarantee: periodic ex post incentive compatible, efficient, and nobody expects to lose by taking part; no expected
deficit where values are never negative. Infinite horizon. η can exist where signals are neither spanning nor convexly
independent.

Assumptions: values of the form above and never negative, awards that move no signals, an unbiased estimate η.

Source: Liu 2025, indirect implementation: the winner's price, printed b_t^i, and the bid in its second instalment,
printed b_t^j, are both the next in line's, b_t^m. The case γ < 1, in which the highest bid wins, is not in the paper.
"""

import numpy as np

from dynmech.mechanisms.auctions.bids import BidMechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.ties import first_largest, scale_of
from dynmech.sim.economy.beliefs import others_next
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.economy.stage import labels_text
from dynmech.sim.play.roles import Acts, Promises, Situation

UNBIASED = 1e-9
"""Largest bias of η, relative to the largest signal (at least 1), that counts as none."""


class LowestBid(BidMechanism):
    """The winner pays the next bid at once, and a second instalment that depends on what all bids revealed.

    Args:
        steps: bids from one prescribed bid to the next.

    Raises:
        Refusal: values are not of the form, awards move signals, the horizon is finite, or no η exists: names the
            bidder, the profile and by how much it is missed.
    """

    name = "lowest-bid"
    source = "Liu 2025, indirect implementation"
    promises = Promises(
        incentive="periodic ex post",
        budget="ex ante",
        participation="ex ante",
        efficient=True,
        assumptions=("values of one form", "an unbiased estimate of the average signal", "values never negative"),
    )

    def __init__(self, environment: Environment, steps: int = 1) -> None:
        super().__init__(environment, steps)
        if not self.environment.stationary:
            raise self.refuse("its horizon is finite; the last winner would have no second instalment")
        rows = laws(self.environment, 0)
        if np.abs(rows - rows[:1]).max() > 1e-12:
            raise self.refuse("awards move signals")
        self.estimates = [self._spread(i, self._estimate(i)) for i in range(len(self.environment.agents))]

    @property
    def lags(self) -> int:
        """The second instalment falls due a period later."""
        return 1

    @property
    def lowest_wins(self) -> bool:
        """Where the others' signals count for more than one's own."""
        return self.linear.gamma > 1

    def _estimate(self, agent: int) -> FloatArray:
        """Return η^{−i} of least norm over the others' signals, `(*K_{−i})`."""
        stage = self.environment.stage(0)
        law = others_next(self.environment, 0, agent)[0].reshape(stage.size, -1)
        average = np.array(np.meshgrid(*self.linear.signals, indexing="ij")).mean(axis=0).reshape(-1)
        estimate = np.linalg.pinv(law, rcond=1e-11) @ average
        bias = np.abs(law @ estimate - average)
        if bias.max() > UNBIASED * scale_of(average):
            profile = labels_text(stage.labelled_axes, first_largest(bias))
            raise self.refuse(
                f"no unbiased estimate of the average signal from what the rivals of bidder "
                f"{self.environment.agents[agent]!r} say next: missed by {bias.max():.3g} at ({profile})"
            )
        return estimate.reshape([len(s) for j, s in enumerate(self.linear.signals) if j != agent])

    def _spread(self, agent: int, estimate: FloatArray) -> FloatArray:
        """Return η^{−i} over the others' bids, `(B^{N−1},)`, interpolated along each bidder's own signals."""
        for axis, signals in enumerate(s for j, s in enumerate(self.linear.signals) if j != agent):
            order = np.argsort(signals)
            weights = np.stack([np.interp(self.grid, signals[order], unit) for unit in np.eye(len(signals))])
            estimate = np.moveaxis(np.moveaxis(estimate, axis, -1)[..., order] @ weights, -1, axis)
        return estimate.reshape(-1)

    def memory_size(self, t: int) -> int:
        """Return 1 at first; then 1 plus bidders times bids: who won, and the next bid in line."""
        return 1 if t == 0 else 1 + len(self.environment.agents) * len(self.grid)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return 1 + winner · B + the next bid's index in the grid, `(n,)`."""
        return 1 + self.winner(messages) * len(self.grid) + self.next_in_line(messages)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the winner's first instalment b^m, `(n, N)`."""
        return self.pays(self.winner(messages), self.linear.scale * self.grid[self.next_in_line(messages)])

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return the second instalment of last period's winner, `(n, N)`."""
        winner, bid = np.divmod(np.maximum(now.memory - 1, 0), len(self.grid))
        weight = len(self.environment.agents) * self.linear.gamma / self.environment.discount
        owed = weight * (self._estimated(winner, messages) - self.grid[bid])
        return self.pays(winner, np.where(now.memory > 0, owed, 0.0))

    def _estimated(self, winner: IntArray, messages: Array) -> FloatArray:
        """Return η^{−i} at the rivals' bids, `(n,)`."""
        out = np.empty(len(messages))
        for i, table in enumerate(self.estimates):
            index = np.zeros(len(messages), np.intp)
            for j in range(messages.shape[1]):
                if j != i:
                    index = index * len(self.grid) + messages[:, j]
            out = np.where(winner == i, table[index], out)
        return out

    def transfer_bound(self) -> float:
        """Return the largest first and second instalment together."""
        largest = float(np.abs(self.grid).max())
        weight = len(self.environment.agents) * abs(self.linear.gamma) / self.environment.discount
        return self.linear.scale * largest + weight * (
            max(float(np.abs(table).max()) for table in self.estimates) + largest
        )
