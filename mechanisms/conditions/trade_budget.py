"""The budget condition of bilateral trade, exactly, for any two finite chains: can fees pay for efficient trade?

A seller and a buyer meet every period; the seller's cost c and the buyer's value v follow Markov chains P_s and P_b
from the laws x and y. The pivot mechanism gives both the gains from trade V_kl = max(v_l − c_k, 0), so it runs a
deficit of as much. Values of types k, l from any date on solve

    G = V + δ P_s G P_bᵀ,     that is     (I − δ P_s ⊗ P_b) vec G = vec V;

the deficit is xᵀGy, a seller of type k expects (Gy)_k and a buyer of type l (xᵀG)_l. Lump-sum fees at the start balance
the budget with everybody willing iff

    (∗)    xᵀGy ≤ min_k (Gy)_k + min_l (xᵀG)_l,

minima over all types, of probability 0 too. Each difference (Gy)_k + (xᵀG)_l − xᵀGy is a rational function of δ; its
zeros are generalised eigenvalues of [[I, vec V], [c, 0]] and [[P_s ⊗ P_b, 0], [0, 0]], so that all discount factors at
which (∗) begins or ceases to hold are found, not one of them.

Fees can pay for efficient trade if types change often enough and both sides are patient enough.

Source: Yoon 2021, §3.3.2, condition (∗), Theorems 5 and 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.checks import check_law, check_shape
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel

DIRECT = 1600
"""Pairs of types up to which the Kronecker system is solved directly; beyond, by doubling."""

PAIRS = 64
"""Pairs of types up to which every pair's zeros are computed; beyond, those of pairs that are worst somewhere."""

SLACK = 1e-11
"""Normalised slack, relative to the largest gain from trade, that counts as none."""


@dataclass(frozen=True, eq=False)
class TradeBudget:
    """Expected discounted deficit of the pivot mechanism, and what each first type could pay at the start.

    Attributes:
        deficit: xᵀGy.
        seller, buyer: (Gy)_k and (xᵀG)_l.
    """

    deficit: float
    seller: FloatArray
    buyer: FloatArray

    @property
    def fees(self) -> tuple[float, float]:
        """The largest fees that every type of seller and of buyer is willing to pay."""
        return float(self.seller.min()), float(self.buyer.min())

    @property
    def slack(self) -> float:
        """What the largest fees leave after the deficit; (∗) holds iff it is not negative."""
        return sum(self.fees) - self.deficit


@dataclass(frozen=True, eq=False)
class Trade:
    """Bilateral trade between a seller and a buyer whose types follow finite Markov chains.

    Args:
        costs, values: by type of seller and buyer.
        seller, buyer: transition matrices P_s, P_b.
        first_seller, first_buyer: laws of the first types x, y.

    Raises:
        InputError: shapes do not match, or rows are no laws.
    """

    costs: FloatArray
    values: FloatArray
    seller: FloatArray
    buyer: FloatArray
    first_seller: FloatArray
    first_buyer: FloatArray

    def __post_init__(self) -> None:
        for side, chain, law, types in (
            ("seller", self.seller, self.first_seller, self.costs),
            ("buyer", self.buyer, self.first_buyer, self.values),
        ):
            check_shape(chain, (len(types), len(types)), f"{side}'s chain")
            check_shape(law, (len(types),), f"{side}'s first law")
            check_law(chain, f"{side}'s chain", 1)
            check_law(law, f"{side}'s first law", 1)

    @cached_property
    def gains(self) -> FloatArray:
        """Gains from trade V, `(K_s, K_b)`."""
        return np.maximum(self.values[None, :] - self.costs[:, None], 0.0)

    def present_value(self, discount: float, horizon: int | None = None) -> FloatArray:
        """Return G, `(K_s, K_b)`: expected discounted gains from trade by first types.

        Raises:
            InputError: an infinite horizon needs a discount factor below 1.
        """
        if horizon is not None:
            value = np.zeros_like(self.gains)
            for _ in range(horizon):
                value = np.asarray(self.gains + discount * self.seller @ value @ self.buyer.T, dtype=np.float64)
            return value
        if not 0 <= discount < 1:
            raise InputError(f"discount: {discount:g} is not in [0, 1), as an infinite horizon needs")
        if self.gains.size <= DIRECT:
            system = np.eye(self.gains.size) - discount * np.kron(self.seller, self.buyer)
            solved = np.linalg.solve(system, self.gains.reshape(-1))
            return np.asarray(solved, dtype=np.float64).reshape(self.gains.shape)
        return self._doubled(discount)

    def _doubled(self, discount: float) -> FloatArray:
        """Return G by Σ_{t<2n} = Σ_{t<n} + δ^n P_s^n (Σ_{t<n}) (P_bᵀ)^n, until δ^n is rounding."""
        value, seller, buyer, weight = self.gains, self.seller, self.buyer, discount
        while weight > 1e-18 * (1 - discount):
            value = value + weight * seller @ value @ buyer.T
            seller, buyer, weight = seller @ seller, buyer @ buyer, weight * weight
        return value

    def budget(self, discount: float, horizon: int | None = None) -> TradeBudget:
        """Return the deficit and what each type could pay."""
        value = self.present_value(discount, horizon)
        seller, buyer = value @ self.first_buyer, self.first_seller @ value
        return TradeBudget(float(self.first_seller @ seller), seller, buyer)

    def balances(self, discount: float) -> bool:
        """Return whether (∗) holds under an infinite horizon."""
        return self._normalised(discount) >= -SLACK * scale_of(self.gains)

    def _normalised(self, discount: float) -> float:
        """Return the slack per period, (1 − δ) times that of all play."""
        return (1 - discount) * self.budget(discount).slack

    def switches(self) -> list[tuple[float, bool]]:
        """Return all discount factors in (0, 1) at which (∗) begins (True) or ceases (False) to hold, ascending.

        >>> half = np.array([0.5, 0.5])
        >>> stay = np.array([[0.75, 0.25], [0.25, 0.75]])
        >>> [(d, on)] = Trade(np.array([0.0, 1.0]), np.array([0.0, 1.0]), stay, stay, half, half).switches()
        >>> on, abs(d - 1 / (3 - 2 * 0.75)) < 1e-12
        (True, True)
        """
        from scipy.optimize import brentq

        candidates = self._zeros()
        inner = [(a + b) / 2 for a, b in zip([0.0, *candidates], [*candidates, 1.0], strict=True)]
        verdicts = [self.balances(discount) for discount in inner]
        out = []
        for k, zero in enumerate(candidates):
            if verdicts[k] == verdicts[k + 1]:
                continue
            if self._normalised(inner[k]) * self._normalised(inner[k + 1]) < 0:
                zero = float(brentq(self._normalised, inner[k], inner[k + 1], xtol=1e-15, rtol=1e-15))
            out.append((zero, verdicts[k + 1]))
        return out

    def threshold(self) -> float | None:
        """Return the least discount factor from which on (∗) holds; 0: always; None: not for patient agents."""
        switches = self.switches()
        if not switches:
            return 0.0 if self.balances(0.5) else None
        last, holds = switches[-1]
        return last if holds else None

    def _zeros(self) -> list[float]:
        """Return the zeros in (0, 1) of the slack of every pair of types, apart by more than rounding."""
        from scipy.linalg import eigvals

        size = self.gains.size
        left, right = np.zeros((size + 1, size + 1)), np.zeros((size + 1, size + 1))
        left[:size, :size], left[:size, size] = np.eye(size), self.gains.reshape(-1) / scale_of(self.gains)
        right[:size, :size] = np.kron(self.seller, self.buyer)
        both = np.outer(self.first_seller, self.first_buyer)
        roots_inside: list[float] = []
        for seller, buyer in self._pairs():
            row = -both
            row[seller] += self.first_buyer
            row[:, buyer] += self.first_seller
            left[size, :size] = row.reshape(-1)
            roots = eigvals(left, right, homogeneous_eigvals=True)
            finite = np.abs(roots[1]) > 1e-13 * np.abs(roots).max()
            zeros = roots[0][finite] / roots[1][finite]
            roots_inside += [float(z.real) for z in zeros if abs(z.imag) < 1e-5 and 1e-9 < z.real < 1 - 1e-9]
        apart: list[float] = []
        for zero in sorted(roots_inside):
            if not apart or zero - apart[-1] > 1e-9:
                apart.append(zero)
        return apart

    def _pairs(self) -> Sequence[tuple[int, int]]:
        """Return the pairs of types whose slack may be the least."""
        if self.gains.size <= PAIRS:
            return list(np.ndindex(*self.gains.shape))
        budgets = [self.budget(float(d)) for d in 1 - np.geomspace(1, 1e-4, 400)]
        return sorted({(int(b.seller.argmin()), int(b.buyer.argmin())) for b in budgets})


def trade_in(environment: TableEnvironment) -> Trade | None:
    """Return the two chains of an endless economy in which two agents trade or do not; None: it is another economy."""
    if environment.horizon is not None or len(environment.agents) != 2:
        return None
    stage, kernel = environment.stage(0), environment.kernel(0)
    if not isinstance(kernel, IndependentKernel) or stage.public or stage.private_actions or stage.cost_table.any():
        return None
    costs, values = -stage.utility[0, -1][:, 0], stage.utility[1, -1][0]
    first = environment.prior.sum(axis=1), environment.prior.sum(axis=0)
    trades = np.stack([np.broadcast_to(-costs[:, None], stage.axes), np.broadcast_to(values, stage.axes)])
    alike = len(stage.decisions) == 2 and not stage.utility[:, 0].any() and _same(stage.utility[:, 1], trades)
    still = all(_same(table, np.broadcast_to(table[:1], table.shape)) for table in kernel.factors)
    if not (alike and still and _same(np.outer(*first), environment.prior)):
        return None
    return Trade(costs, values, kernel.factors[0][0], kernel.factors[1][0], *first)


def _same(one: FloatArray, other: FloatArray) -> bool:
    """Return whether two tables are equal up to rounding."""
    return bool((np.abs(one - other) <= SLACK * scale_of(one)).all())
