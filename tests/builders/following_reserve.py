"""A second-price auction whose reserve follows the first bidder's own last bid: a lie today moves tomorrow's price."""

import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.builders import single_object
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation


class FollowingReserve(DirectMechanism):
    """The highest bid wins and pays the other bid or, bidder 1, half of its own last bid if that is more."""

    name = "following-reserve"

    def memory_size(self, t: int) -> int:
        return 1 if t == 0 else len(self.environment.stage(0).signals[0])

    def decide(self, now: Situation, messages: Array) -> Array:
        reserve = now.memory // 2
        first = (messages[:, 0] >= messages[:, 1]) & (messages[:, 0] >= reserve)
        return np.where(first, 1, np.where(messages[:, 1] > messages[:, 0], 2, 0))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        out = np.zeros(messages.shape)
        out[:, 0] = np.where(decision == 1, np.maximum(messages[:, 1], now.memory // 2), 0)
        out[:, 1] = np.where(decision == 2, messages[:, 0], 0)
        return out

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return messages[:, 0]

    def transfer_bound(self) -> float:
        return float(len(self.environment.stage(0).signals[0]))


def following_reserve(values: int = 5, horizon: int | None = None, discount: float = 0.9) -> FollowingReserve:
    """Return the mechanism on an auction of two bidders."""
    chain = persistent_chain(values, 0.5)
    prior = np.full((values, values), 1 / values**2)
    kernels = [np.stack([chain] * 3)] * 2
    names: TableEnvironment = single_object(
        [list(range(values))] * 2, kernels, prior, discount, horizon=horizon, name="auction"
    )
    return FollowingReserve(names)
