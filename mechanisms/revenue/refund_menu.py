"""Tickets with refunds: the buyer chooses a contract before it knows its value, and later whether to use it.

Timing: the buyer names a contract (fare, refund), or none, and pays the fare; it learns its value, and has the good, or
hands it back for the refund. It is served if its value is at least the refund.

Prescribed: the contract that is worth most, E max(v, refund) − fare given what the buyer knows; of those that are worth
the same the one that earns the seller most, and none if all are worth less than nothing.

Guarantee: nothing is gained by another contract or by a false value, and no buyer expects to lose when it chooses. What
is earned depends on the menu. Courty and Li's example, a fare of 1.5 without refund and one of 1.75 with a refund of 1,
leaves travellers nothing and is efficient, so that no mechanism earns more.

Assumptions: one buyer, two periods, nothing to decide in the first, in the second a good or nothing.

Source: Courty and Li 2000, Sequential Screening, Review of Economic Studies 67.
"""

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.play.roles import Acts, Promises, Situation

NONE, SERVED = 0, 1
"""No contract; the decision to serve."""


class RefundMenu(Mechanism):
    """Contracts with a fare now and a refund later.

    Args:
        menu: contracts as fare/refund, with `+` between.

    Attributes:
        worth: what each contract, none first, is worth to each kind of buyer, `(K, C)`.

    Raises:
        Refusal: the economy is no sale of one good to one buyer in the second of two periods.
    """

    name = "refund-menu"
    source = "Courty and Li 2000"
    promises = Promises(incentive="periodic ex post", participation="at the start")
    environment: TableEnvironment

    def __init__(self, environment: Environment, menu: str = "1.5/0+1.75/1") -> None:
        super().__init__(environment)
        self.contracts = _contracts(menu)
        if not isinstance(environment, TableEnvironment) or not _is_ticket(environment):
            raise self.refuse("it needs one buyer, two periods, nothing to decide in the first, then a good or nothing")
        self.values = environment.stage(1).utility[0, SERVED]
        law = laws(environment, 0)[0]
        fares, refunds = self.contracts.T
        used = self.values[:, None] >= refunds - TIE
        used[:, NONE] = False
        self.worth = law @ np.where(used, self.values[:, None], refunds) - fares
        cost = environment.stage(1).cost_table[SERVED, 0]
        earned = fares - law @ np.where(used, cost, refunds)
        self._best = _choices(self.worth, earned, environment.scale)

    def messages(self, t: int, agent: int) -> Finite:  # noqa: ARG002
        """Return the contracts, then the values."""
        if t > 0:
            return self.environment.signal_space(t, 0)
        return Finite(("none", *(f"{fare:g}, refund {refund:g}" for fare, refund in self.contracts[1:])))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the best contract, then the value, `(n,)`."""
        return self._best[signal] if now.t == 0 else signal

    def memory_size(self, t: int) -> int:
        """Return 1 at first, then the number of contracts."""
        return 1 if t == 0 else len(self.contracts)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the contract, `(n,)`."""
        return messages[:, 0] if now.t == 0 else np.zeros(len(messages), np.intp)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return whether the buyer is served, `(n,)`; nothing in the first period."""
        if now.t == 0:
            return np.zeros(len(messages), np.intp)
        contract = np.asarray(now.memory, np.intp)
        uses = self.values[messages[:, 0]] >= self.contracts[contract, 1] - TIE
        return np.where(uses & (contract != NONE), SERVED, 0)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the fare, then less the refund of a good that was handed back, `(n, 1)`."""
        if now.t == 0:
            return self.contracts[messages[:, 0], 0][:, None]
        return np.where(decision == SERVED, 0.0, -self.contracts[np.asarray(now.memory, np.intp), 1])[:, None]

    def transfer_bound(self) -> float:
        """Return the largest fare or refund."""
        return float(self.contracts.max())


def _contracts(menu: str) -> FloatArray:
    """Return fares and refunds, no contract first, `(C, 2)`."""
    try:
        pairs = [tuple(float(part) for part in text.split("/")) for text in str(menu).split("+")]
    except ValueError:
        pairs = []
    if not pairs or any(len(pair) != 2 or not np.isfinite(pair).all() or min(pair) < 0 for pair in pairs):
        raise InputError(f"menu: {menu!r} is no list of fare/refund with + between, as in 1.5/0+1.75/1")
    return np.array([(0.0, 0.0), *pairs])


def _choices(worth: FloatArray, earned: FloatArray, scale: float) -> IntArray:
    """Return each kind's best contract, the one that earns most of those that are worth the same, `(K,)`."""
    ties = worth >= worth.max(axis=1, keepdims=True) - TIE * scale
    among = np.where(ties, earned, -np.inf)
    return (among >= among.max(axis=1, keepdims=True) - TIE * scale).argmax(axis=1)


def _is_ticket(environment: TableEnvironment) -> bool:
    """Whether one buyer may get one good in the second of two periods."""
    if len(environment.agents) != 1 or len(environment.stages) != 2:
        return False
    first, later = environment.stages
    plain = not (first.public or later.public or first.private_actions or later.private_actions)
    empty = len(first.decisions) == 1 and not first.utility.any() and not first.cost_table.any()
    shape = len(later.decisions) == 2 and not later.utility[0, 0].any() and not later.cost_table[0].any()
    return bool(plain and empty and shape and environment.discount == 1)
