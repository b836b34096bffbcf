"""The virtual pivot mechanism for one buyer, as a menu of contracts followed by posted prices.

Timing. t = 0: the buyer picks a contract, or stays out (message 0). Contract k has a scale α_k and a fee M_k, paid at
once. t ≥ 1: it picks a decision d from the price list of its contract,

    p(d) = (c(d) − β(d))/α,

for items at cost γ: the posted price γ/α, the same in every period, whatever was learned. Choosing d to maximise value
less price is maximising the affine welfare α v + β − c; so the buyer that reports x to the virtual pivot mechanism
picks the contract with α = α(x), and fee and payments are those of `virtual-pivot`: M = p_{1,0}. Contracts of nodes
with α ≤ 0 are not offered.

Guarantee: as `virtual-pivot`, `reading=continuum`: the prescribed choices are best responses, staying is never worse
than leaving; profit tends to the relaxed bound as the grid refines.

Assumptions: separable values, monotone virtual values; the buyer can be left out.

Source: Kakade, Lobel and Nazerzadeh 2011, §6.1, Corollary 6.1.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.virtual.separable_mechanism import ASSUMPTIONS, SeparableMechanism
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Acts, Promises, Situation


class OptimalContract(SeparableMechanism):
    """A menu of contracts for one buyer: a fee M(p) now, the prices p later.

    Raises:
        Refusal: there is more than one buyer, or no separable economy.
    """

    name = "optimal-contract"
    source = "Kakade–Lobel–Nazerzadeh 2011 §6.1"
    promises = Promises(incentive="periodic ex post", participation="ex post", assumptions=ASSUMPTIONS)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.count != 1:
            raise self.refuse(f"it is for one buyer, here are {self.count}")
        self.direct = VirtualPivot(environment)

    @cached_property
    def offered(self) -> IntArray:
        """The nodes whose contracts are offered; contract k + 1 is that of the k-th."""
        return np.flatnonzero(self.direct.values[0].included)

    @cached_property
    def fees(self) -> FloatArray:
        """The fee M by contract; 0 for staying out."""
        return np.append(0.0, self.direct.opening.fee[self.offered, 0])

    def prices(self, t: int) -> FloatArray:
        """Return prices by contract and decision in the t-th later period, `(contracts, D)`; 0 after staying out."""
        period, values = self.economy.later[t], self.direct.values[0]
        beta = values.shift[self.offered, None] * period.slope[0][:, 0]
        lists = (period.cost - beta) / values.alpha[self.offered, None]
        return np.concatenate([np.zeros((1, len(period.cost))), lists])

    def messages(self, t: int, agent: int) -> Finite:  # noqa: ARG002
        """Return the contracts in period 0, then the decisions."""
        if t > 0:
            return Finite(self.economy.decisions)
        return Finite(("stay out", *(self._words(k) for k in range(len(self.offered)))))

    def _words(self, k: int) -> str:
        """Return the k-th contract in words."""
        alpha = self.direct.values[0].alpha[self.offered[k]]
        return f"fee {self.fees[k + 1]:.6g}, prices over {alpha:.6g}"

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the contract of the buyer's node; later the decision worth most, price and future included; `(n,)`."""
        node, state = np.divmod(signal, self.width(now.t, 0))
        if now.t == 0:
            number = np.zeros(self.nodes[0], np.intp)
            number[self.offered] = np.arange(1, len(self.offered) + 1)
            return number[node]
        state = np.maximum(state - 1, 0) if self.economy.endless else state
        choice = self._choices[self.at(now.t)]
        return choice[np.asarray(now.memory), node, state]

    @cached_property
    def _choices(self) -> list[IntArray]:
        """The best decisions by contract, true node and state, `(contracts, m, K)` per later period; out: the first."""
        nodes = np.arange(self.nodes[0])
        frozen = np.repeat(self.offered, len(nodes))
        rows = self.direct.known(frozen * len(nodes) + np.tile(nodes, len(self.offered)))
        out = []
        for t, period in enumerate(self.economy.later):
            states = np.tile(np.arange(period.size), len(rows))
            inside = self.direct.policy_at(t, np.repeat(rows, period.size), states)
            inside = inside.reshape(len(self.offered), len(nodes), period.size)
            out.append(np.concatenate([np.zeros((1, *inside.shape[1:]), np.intp), inside]))
        return out

    def default(self, now: Situation, agent: int) -> Array:  # noqa: ARG002
        """Return the message "stay out", or the first decision, `(n,)`."""
        return np.zeros(len(now.memory), np.intp)

    def memory_size(self, t: int) -> int:
        """Return the number of contracts, staying out included; 1 at first."""
        return 1 if t == 0 else len(self.offered) + 1

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return what the buyer picks if it has a contract, else the first decision, `(n,)`."""
        if now.t == 0:
            return np.zeros(len(messages), np.intp)
        return np.where(np.asarray(now.memory) > 0, messages[:, 0], 0)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the fee in period 0, then the price of what is picked, `(n, 1)`."""
        if now.t == 0:
            return self.fees[messages[:, 0]][:, None]
        return self.prices(self.at(now.t))[np.asarray(now.memory), decision][:, None]

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the contract, `(n,)`, kept for good."""
        return messages[:, 0] if now.t == 0 else now.memory

    def transfer_bound(self) -> float:
        """Return the largest fee or price."""
        lists = [float(np.abs(self.prices(t)).max()) for t in range(len(self.economy.later))]
        return max(float(np.abs(self.fees).max()), *lists)
