"""The relaxed optimum as a mechanism where later signals are private, which the relaxation takes for public.

Timing. t = 0: the buyer reports x̂. t = 1: it reports (x, ŝ) and gets the item if the virtual value

    φ(x̂_k, ŝ) = v(x_k, ŝ) − ((1 − F_k)/f_k) (v(x_{k+1}, ŝ) − v(x_k, ŝ))

is not negative. Let p(s) = v(x*(s), s), x*(s) the lowest first signal that gets it: the best posted price for s. Who
gets it whatever ŝ is pays E[p(s) | x̂] at once; anybody else p(ŝ) on getting it.

Guarantee: if s were public, truth would be best, staying worth it, and revenue the relaxed bound of the grid. Where s
is private, lies gain where the relaxation goes too far. With a value that is s itself, the first report that promises
least is cheapest. With v = x + c_+ or x c_×, truth stays best up to c_× = 2 c_+; beyond it "report 0, then always +"
buys × at the price c_+ and gains (c_×/2 − c_+)/2 at x = ½. The exchange of + and × that is printed gains (c_×/2 − ½ −
c_+)/2 there, which takes a larger c_×.

Assumptions: later signals are public.

Source: Kakade, Lobel and Nazerzadeh 2011, §7.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.buyer_with_two_signals import TwoPeriodBuyer
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Acts, Promises, Situation

ROUNDING = 1e-12
"""Virtual values down to this below 0, relative to the largest value, count as 0."""


class RelaxedPrices(Mechanism):
    """The best posted price for each later signal.

    Raises:
        Refusal: the environment is no economy of one buyer and two periods.
    """

    name = "relaxed-prices"
    source = "Kakade–Lobel–Nazerzadeh 2011 §7"
    promises = Promises(incentive="bayesian", participation="interim", assumptions=("later signals are public",))
    environment: TwoPeriodBuyer

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if not isinstance(environment, TwoPeriodBuyer):
            raise self.refuse("it is for one buyer in two periods, with values by first and later signal")
        self.states = environment.value.shape[1]

    @cached_property
    def served(self) -> BoolArray:
        """Whether a buyer gets the item, by first and later signal, `(m, K)`."""
        value, masses = self.environment.value, self.environment.masses
        above = np.append(np.maximum(1 - np.cumsum(masses), 0.0)[:-1], 0.0)
        step = np.concatenate([np.diff(value, axis=0), np.zeros((1, self.states))])
        return value - (above / masses)[:, None] * step >= -ROUNDING * scale_of(value)

    @cached_property
    def price(self) -> FloatArray:
        """The posted price by later signal, `(K,)`; 0 where nobody is served."""
        lowest = self.served.argmax(axis=0)
        return np.where(self.served.any(axis=0), self.environment.value[lowest, np.arange(self.states)], 0.0)

    @cached_property
    def sure(self) -> BoolArray:
        """Which first reports get the item whatever follows, `(m,)`."""
        return np.asarray(self.served.all(axis=1), dtype=np.bool_)

    @cached_property
    def fee(self) -> FloatArray:
        """The fee of a first report that gets the item for sure, `(m,)`; 0 for others."""
        return np.where(self.sure, self.environment.laws @ self.price, 0.0)

    def messages(self, t: int, agent: int) -> Finite:
        """Return the buyer's types."""
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the true type, `(n,)`."""
        return signal

    def memory_size(self, t: int) -> int:
        """Return the number of first signals; 1 at first."""
        return 1 if t == 0 else len(self.environment.points)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the first report, `(n,)`, kept for good."""
        return messages[:, 0] if now.t == 0 else now.memory

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return 1 (sell) for reports that are served, `(n,)`."""
        if now.t == 0:
            return np.zeros(len(messages), np.intp)
        return self.served[np.asarray(now.memory), messages[:, 0] % self.states].astype(np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the fee in period 0; then the price, from a buyer that is sold to and paid no fee; `(n, 1)`."""
        if now.t == 0:
            return self.fee[messages[:, 0]][:, None]
        buys = (decision == 1) & ~self.sure[np.asarray(now.memory)]
        return np.where(buys, self.price[messages[:, 0] % self.states], 0.0)[:, None]

    def transfer_bound(self) -> float:
        """Return the largest fee or price."""
        return max(float(np.abs(self.price).max()), float(np.abs(self.fee).max()))
