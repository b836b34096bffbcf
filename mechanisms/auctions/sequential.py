"""Sealed bids for one good after the other, from bidders who want one each.

Timing: in each round bids; the highest wins, each of those that tie with the same chance; it pays its own bid
(`sequential-first-price`) or the highest of the others (`sequential-second-price`), at once. Who has a good bids
nothing.

Prescribed bids, N bidders, K goods, round k = 1, …, K, values independent and uniform on [0, 1]:

| | bid at value v |
| --- | --- |
| first price | (N − K)/(N − k + 1) · v |
| second price | (N − K)/(N − k) · v, in the last round v itself |

Early bids are shaded: who loses has another chance. Prices are a martingale.

Guarantee: on the continuum this is an equilibrium if what is *disclosed is the winning bid only* (`--disclosure
announced`). If losing bids are public it is none (second price: from three goods on): what a bidder knows
of who is left would move its later bids. On a
grid of m values a best response gains a little: under second price like 1/m², under first price like 1/m, since a bid a
step above another's wins what would have been tied. So truth is not promised.

Bids are the prescribed ones at all values times `scale`, with `steps` − 1 more between neighbours, and 0.

Source: Weber 1983; Krishna, Auction Theory, chapter 15.
"""

from abc import abstractmethod
from math import isfinite

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation


class SequentialAuction(Mechanism):
    """One good a round; a subclass says which share of its value a bidder bids, and what the winner pays.

    Args:
        scale: prescribed bids over those of the equilibrium.
        steps: bids from one prescribed bid to the next.

    Raises:
        Refusal: the economy is no sale of goods, one a period, to more bidders who want one each.
    """

    promises = Promises(budget="no deficit")
    environment: TableEnvironment

    def __init__(self, environment: Environment, scale: float = 1.0, steps: int = 1) -> None:
        super().__init__(environment)
        if not (isfinite(scale) and scale > 0):
            raise InputError(f"scale: {scale:g} is not a positive number")
        if not 1 <= steps <= 50:
            raise InputError(f"steps: {steps} is not in 1..50")
        self.scale, self.steps = scale, steps
        self._read_off()

    def _read_off(self) -> None:
        """Read the values, and see that each bidder wants one good."""
        environment = self.environment
        count = len(environment.agents)
        if not isinstance(environment, TableEnvironment) or len(environment.stages) > 1 or environment.horizon is None:
            raise self._other()
        stage = environment.stage(0)
        shape = {len(own) for own in stage.signals}
        if len(stage.decisions) != count + 1 or len(shape) != 1 or stage.public or stage.private_actions:
            raise self._other()
        if stage.cost_table.any() or environment.horizon >= count:
            raise self._other()
        worth = stage.utility[0, 1].reshape(shape.pop(), -1)[:, 0]
        expected = np.zeros_like(stage.utility)
        for i in range(count):
            expected[i, i + 1] = worth.reshape([-1 if j == i else 1 for j in range(count)])
        off = float(np.abs(expected - stage.utility).max())
        if off > TIE * environment.scale or worth[-1] or (np.diff(worth[:-1]) <= 0).any():
            raise self._other()
        self.values = worth[:-1]

    def _other(self) -> Exception:
        return self.refuse(
            "it needs goods, one a period, for more bidders of alike values, who want one each; sequential-sale has it"
        )

    @property
    def _served(self) -> int:
        return len(self.values)

    @property
    def goods(self) -> int:
        """How many goods are sold, one a round."""
        return int(self.environment.horizon or 0)

    @abstractmethod
    def share(self, t: int) -> float:
        """Return the equilibrium bid over the value in a round."""

    @abstractmethod
    def prices(self, bids: FloatArray, winner: Array) -> FloatArray:
        """Return what the winner of each auction pays, `(n,)`, from all bids, `(n, N)`."""

    def bids(self, t: int) -> FloatArray:
        """Return the bids that can be made, ascending: 0 first, `(B,)`."""
        places = np.arange((len(self.values) - 1) * self.steps + 1) / self.steps
        between = np.interp(places, np.arange(len(self.values)), self.values)
        return np.append(0.0, self.scale * self.share(t) * between)

    def messages(self, t: int, agent: int) -> Finite:  # noqa: ARG002
        """Return the bids."""
        return Finite(("no bid", *(f"{bid:.6g}" for bid in self.bids(t)[1:])))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the bid at the value; none from who is served, `(n,)`."""
        return np.where(signal == self._served, 0, 1 + signal * self.steps)

    def _lottery(self, messages: Array) -> FloatArray:
        """Return who gets the good with which chance, nobody first, `(n, N + 1)`."""
        best = messages.max(axis=1, keepdims=True)
        top: BoolArray = (messages == best) & (best > 0)
        count = top.sum(axis=1, keepdims=True)
        return np.concatenate([count == 0, top / np.maximum(count, 1)], axis=1)

    def decide(self, now: Situation, messages: Array) -> Array:  # noqa: ARG002
        """Return the lottery over winners, `(n, D)`."""
        return self._lottery(messages)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the winner's payment, `(n, N)`."""
        winner = np.maximum(decision - 1, 0)
        price = self.prices(self.bids(now.t)[messages], winner)
        out = np.zeros(messages.shape)
        out[np.arange(len(messages)), winner] = np.where(decision > 0, price, 0.0)
        return out

    def transfer_bound(self) -> float:
        """Return the largest bid."""
        return max(float(self.bids(t).max()) for t in range(self.goods))
