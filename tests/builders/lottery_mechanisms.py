"""Mechanisms that decide by lottery."""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation
from tests.builders.generators import generator


class Raffle(LastPeriodMechanism):
    """Planted: lotteries with one, two or more possible decisions, and charges and dues at random.

    Everything depends on everything that it may depend on: the reports and the decision drawn last, the reports now
    and, of charges and what is remembered, the decision drawn now.
    """

    name = "raffle"
    lags = 1

    def __init__(self, environment: TableEnvironment, seed: int = 0) -> None:
        super().__init__(environment)
        rng = generator(seed)
        stage, agents = environment.stage(0), len(environment.agents)
        decisions, size = len(stage.decisions), stage.size
        shape = (1 + decisions * size, size)
        odds = rng.dirichlet(np.ones(decisions), shape)
        odds *= rng.uniform(size=(*shape, decisions)) < 0.6
        odds[..., 0] += odds.sum(axis=-1) == 0
        self.odds = odds / odds.sum(axis=-1, keepdims=True)
        self.prices = rng.uniform(-1, 1, (agents, *shape, decisions))
        self.late = rng.uniform(-1, 1, (agents, *shape))
        self.late[:, 0] = 0

    def decide(self, now: Situation, messages: Array) -> Array:
        return self.odds[now.memory, self.profile(now, messages)]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return self.prices[:, now.memory, self.profile(now, messages), decision].T

    def due(self, now: Situation, messages: Array) -> FloatArray:
        return self.late[:, now.memory, self.profile(now, messages)].T

    def transfer_bound(self) -> float:
        return 2.0


class TiesByLot(DirectMechanism):
    """A second-price auction without memory; a tie is decided by lot. Decision k gives the good to bidder k."""

    name = "ties-by-lot"
    promises = Promises(incentive="periodic ex post", budget="no deficit", efficient=True)
    price = "second"

    @cached_property
    def worth(self) -> FloatArray:
        """What the good is worth to each bidder by its signal, `(N, K)`."""
        stage = self.environment.stage(0)
        own = [np.moveaxis(stage.utility[i, i], i, 0).reshape(stage.axes[i], -1)[:, 0] for i in range(len(stage.axes))]
        return np.array(own)

    def bids(self, messages: Array) -> FloatArray:
        """Return the reported worths, `(n, N)`."""
        return np.stack([self.worth[i][messages[:, i]] for i in range(messages.shape[1])], axis=1)

    def decide(self, now: Situation, messages: Array) -> Array:
        bids = self.bids(messages)
        best = bids == bids.max(axis=1, keepdims=True)
        return best / best.sum(axis=1, keepdims=True)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        bids = np.sort(self.bids(messages), axis=1)
        won = decision[:, None] == np.arange(messages.shape[1])
        return np.where(won, bids[:, -2 if self.price == "second" else -1, None], 0.0)

    def transfer_bound(self) -> float:
        return float(np.abs(self.worth).max())


class PayYourBidByLot(TiesByLot):
    """Planted: the winner pays its own bid, and truth is still promised to be best."""

    name = "pay-your-bid-by-lot"
    price = "first"


class FineAfterTails(Mechanism):
    """Planted: a coin is tossed in period 0; after tails, agent 0 is fined 1 in period 1 unless it says b.

    Saying b costs `cost` whatever fell. So it pays to say b after tails only, and only who knows what fell gains
    δ (1 − cost)/2; who does not, gains δ (1/2 − cost) at most.
    """

    name = "fine-after-tails"
    cost = 0.4

    def messages(self, t: int, agent: int) -> Finite:
        return Finite(("a", "b"))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return np.zeros(len(signal), np.intp)

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.full((len(messages), 2), 0.5) if now.t == 0 else np.zeros(len(messages), np.intp)

    def memory_size(self, t: int) -> int:
        return 2 if t == 1 else 1

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return decision if now.t == 0 else np.zeros(len(messages), np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        out = np.zeros(messages.shape)
        if now.t == 1:
            out[:, 0] = np.where(messages[:, 0] == 1, self.cost, now.memory)
        return out

    def transfer_bound(self) -> float:
        return 1.0
