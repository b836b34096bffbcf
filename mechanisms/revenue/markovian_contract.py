"""The best long-term contract with a consumer whose taste is low or high and persists.

Timing: the consumer reports its taste, gets a quantity and pays at once. Quantities after t lows in a row are

    q_t = max(θ_L − Δθ (μ_H/μ_L) ((P_HH − P_LH)/P_LL)^(t−1), 0),    t = 1, 2, …,

and from the first high on they are efficient, θ itself. Payments, with U(θ) a continuation payoff:

- after the first high the good is sold at its cost q²/2, so that the consumer has all the surplus W_t(θ) from then on;
- as long as it is low, U_t(L) = 0: it pays θ_L q_t + δ P_LH R_{t+1};
- with the first high it pays so much that U_t(H) = R_t, what a low report would leave it with:
  R_t = Δθ q_t + δ (P_HH − P_LH) R_{t+1}, R_{T+1} = 0.

Memory: whether there has been a high.

Guarantee: periodic ex post incentive compatible, staying never loses, and no mechanism earns more (Battaglini 2005).
The seller's profit is E Σ δ^t (θ q − q²/2) − μ_H R_1.

Assumptions: one consumer; decisions are quantities q worth θ q at a cost of q²/2, and do not move the taste; a high
taste is as likely at least after a high as after a low one; finitely many periods.

Source: Battaglini 2005, Long-term contracting with Markovian consumers, American Economic Review 95.
"""

import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.play.roles import Acts, Promises, Situation

LOW, HIGH = 0, 1

FOUND = 1e-9
"""A quantity so close to a decision, relative to the high taste, is that decision."""


def low_quantities(tastes: FloatArray, prior: FloatArray, chain: FloatArray, horizon: int) -> FloatArray:
    """q_1, …, q_T after an unbroken run of lows, `(T,)`; tastes and prior `(2,)`, chain `(2, 2)`, low first."""
    shrink = (chain[HIGH, HIGH] - chain[LOW, HIGH]) / chain[LOW, LOW]
    distortion = (tastes[HIGH] - tastes[LOW]) * prior[HIGH] / prior[LOW] * shrink ** np.arange(horizon)
    return np.maximum(tastes[LOW] - distortion, 0.0)


class MarkovianContract(DirectMechanism):
    """Less for an unbroken run of lows, efficient from the first high on.

    Attributes:
        quantities: q_1, …, q_T, `(T,)`.
        rents: R_1, …, R_T, what a first high leaves the consumer with, `(T,)`.

    Raises:
        Refusal: the economy is none of one consumer with two tastes, or lacks a quantity of the contract.
    """

    name = "markovian-contract"
    source = "Battaglini 2005"
    promises = Promises(incentive="periodic ex post", participation="ex post")

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        tastes, prior, chain, amounts = self._read_off()
        periods, discount = int(self.environment.horizon or 0), environment.discount
        self.quantities = low_quantities(tastes, prior, chain, periods)
        gap, lasting = tastes[HIGH] - tastes[LOW], chain[HIGH, HIGH] - chain[LOW, HIGH]
        self.rents, surplus = np.zeros(periods + 1), np.zeros((periods + 1, 2))
        for t in reversed(range(periods)):
            self.rents[t] = gap * self.quantities[t] + discount * lasting * self.rents[t + 1]
            surplus[t] = tastes**2 / 2 + discount * chain @ surplus[t + 1]
        self._efficient = np.array([self._decision(amounts, q, tastes[HIGH]) for q in tastes])
        self._lows = np.array([self._decision(amounts, q, tastes[HIGH]) for q in self.quantities])
        ahead = discount * surplus[1:] @ chain.T
        stay = tastes[LOW] * self.quantities + discount * chain[LOW, HIGH] * self.rents[1:]
        enter = tastes[HIGH] ** 2 + ahead[:, HIGH] - self.rents[:-1]
        self._paid = np.stack([stay, enter], axis=1)
        self._cost = tastes**2 / 2

    def _read_off(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return tastes and prior `(2,)`, the chain `(2, 2)` and quantities `(D,)`."""
        environment = self.environment
        stage = environment.stage(0)
        if environment.horizon is None or len(environment.stages) > 1 or environment.prior.shape != (2,):
            raise self.refuse("it needs one consumer with two tastes, and the same economy for finitely many periods")
        if stage.private_actions or (stage.cost_table < 0).any():
            raise self.refuse("it needs decisions that are quantities, without private actions")
        amounts = np.sqrt(2 * stage.cost_table[:, 0])
        most = int(amounts.argmax())
        if not amounts[most] or environment.prior.min() <= 0:
            raise self.refuse("it needs quantities that cost q²/2, and both tastes to be possible at first")
        tastes = stage.utility[0, most] / amounts[most]
        off = np.abs(stage.utility[0] - np.multiply.outer(amounts, tastes)).max()
        if off > FOUND * environment.scale or not 0 < tastes[LOW] < tastes[HIGH]:
            raise self.refuse("a quantity q must be worth θ q at a cost of q²/2, with 0 < θ_L < θ_H")
        if environment.horizon == 1:
            return tastes, environment.prior, np.eye(2), amounts
        law = laws(environment, 0).reshape(len(amounts), 2, 2)
        chain = law[0]
        if np.ptp(law, axis=0).max() > TIE or chain[LOW, LOW] <= 0 or chain[HIGH, HIGH] < chain[LOW, HIGH] - TIE:
            raise self.refuse("tastes must persist whatever is bought, and a low one must be able to stay")
        return tastes, environment.prior, chain, amounts

    def _decision(self, amounts: FloatArray, quantity: float, unit: float) -> int:
        """Return the decision that is a quantity."""
        nearest = int(np.abs(amounts - quantity).argmin())
        if abs(amounts[nearest] - quantity) > FOUND * unit:
            raise self.refuse(
                f"the contract's quantity {quantity:.9g} is none of the decisions; markov-consumer has it"
            )
        return nearest

    def memory_size(self, t: int) -> int:
        """Return 1 at first, then 2: whether there has been a high."""
        return 1 if t == 0 else 2

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return 1 from the first high on, `(n,)`."""
        return np.maximum(now.memory, messages[:, 0])

    def decide(self, now: Situation, messages: Array) -> IntArray:
        """Return q_t as long as all was low, else the efficient quantity, `(n,)`."""
        lows = (np.asarray(now.memory) == 0) & (messages[:, 0] == LOW)
        return np.where(lows, self._lows[now.t], self._efficient[messages[:, 0]])

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return what the consumer pays, `(n, 1)`."""
        first = np.asarray(now.memory) == 0
        return np.where(first, self._paid[now.t, messages[:, 0]], self._cost[messages[:, 0]])[:, None]

    def transfer_bound(self) -> float:
        """Return the largest payment."""
        return float(max(np.abs(self._paid).max(), self._cost.max()))
