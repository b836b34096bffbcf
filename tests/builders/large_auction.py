"""An auction with so many bidders and values that no table holds it: functions and rules only."""

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.play.roles import Acts, Situation


def large_auction(bidders: int, values: int, persistence: float = 0.6, discount: float = 0.8) -> FunctionEnvironment:
    """Return an auction every period; a value stays with this probability, else it is drawn anew."""

    def law(_t: int, last: Array | None, _decision: Array | None, uniforms: FloatArray) -> Array:
        if last is None:
            return (uniforms * values).astype(np.intp)
        rest = (uniforms - persistence) / (1 - persistence)
        return np.where(uniforms < persistence, last, (np.maximum(rest, 0) * values).astype(np.intp))

    def payoff(_t: int, signals: Array, decision: Array) -> FloatArray:
        wins: FloatArray = decision[:, None] == np.arange(bidders)
        return np.where(wins, signals / (values - 1), 0.0)

    names = tuple(f"bidder {i + 1}" for i in range(bidders))
    spaces: tuple[Space, ...] = (Finite(tuple(map(str, range(values)))),) * bidders
    return FunctionEnvironment("large auction", names, discount, None, spaces, Finite(names), law, payoff, 1.0)


class SealedBid(Mechanism):
    """The highest bid wins, the first of those that tie, and pays the second or its own."""

    name = "sealed-bid"

    def __init__(self, environment: Environment, first_price: bool = False) -> None:
        super().__init__(environment)
        self.first_price = first_price

    def messages(self, t: int, agent: int) -> Space:
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:
        winner: Array = messages.argmax(axis=1)
        return winner

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        top = np.sort(messages, axis=1)[:, -1 if self.first_price else -2]
        count = getattr(self.messages(now.t, 0), "size", 2)
        wins = decision[:, None] == np.arange(messages.shape[1])
        return np.where(wins, top[:, None] / (count - 1), 0.0)

    def transfer_bound(self) -> float:
        return 1.0
