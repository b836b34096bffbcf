"""Virtual values of one buyer's finite types over two periods, the optimum that they give, and its prices.

With first types θ_1(k), second types θ_2(j) ascending, laws f_1, f_2(·|k) and distribution functions F,

    ψ_1(k)    = θ_1(k) − [θ_1(k+1) − θ_1(k)] (1 − F_1(k))/f_1(k),
    ψ_2(k, j) = θ_2(j) − [θ_2(j+1) − θ_2(j)] (1 − F_1(k))/f_1(k) · [F_2(j|k) − F_2(j|k+1)]/f_2(j|k),

no mechanism earns more than Σ f_1 (ψ_1)⁺ + δ Σ f_1 f_2 (ψ_2)⁺ where higher first types make higher second types
likelier: the bound drops all constraints but those against the next lower first type. It is attained if the decisions
that it picks are incentive compatible, which `dynmech.mechanisms.revenue.revenue_lp` tells without dropping any.

Source: Yoon 2021, §2.2, on a grid.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment


@dataclass(frozen=True, eq=False)
class DiscreteVirtual:
    """Virtual values times their probabilities (so that unreachable second types need no division).

    Attributes:
        first: f_1 ψ_1, `(K_1,)`.
        second: f_1 f_2 ψ_2, `(K_1, K_2)`.
        discount: δ.
    """

    first: FloatArray
    second: FloatArray
    discount: float

    @property
    def bound(self) -> float:
        """The bound on revenue: the discounted sum of positive parts."""
        return float(np.maximum(self.first, 0).sum() + self.discount * np.maximum(self.second, 0).sum())


def discrete_virtual_values(environment: TableEnvironment) -> DiscreteVirtual:
    """Return the virtual values of a sale to one buyer in two periods ("keep" or "sell", utility θ when sold).

    Raises:
        Refusal: it is no such economy.
    """
    one, two = _values(environment, 0), _values(environment, 1)
    prior, rows = environment.prior, environment.kernel(0).rows()
    if not np.array_equal(rows[0], rows[1]):
        raise Refusal(f"environment {environment.name!r}: selling moves the second type; virtual values do not apply")
    above = 1 - np.cumsum(prior)
    below = np.cumsum(rows[0], axis=1)
    gained = np.vstack([below[:-1] - below[1:], np.zeros((1, len(two)))])
    step = np.append(np.diff(two), 0.0)
    return DiscreteVirtual(
        prior * one - np.append(np.diff(one), 0.0) * above,
        prior[:, None] * rows[0] * two - above[:, None] * gained * step,
        environment.discount,
    )


def _values(environment: TableEnvironment, t: int) -> FloatArray:
    """Return the buyer's values in period t, ascending."""
    where = f"environment {environment.name!r}"
    if environment.horizon != 2 or len(environment.agents) != 1:
        raise Refusal(f"{where}: virtual values are for one buyer and two periods")
    stage = environment.stage(t)
    if (
        stage.public
        or len(stage.decisions) != 2
        or stage.utility[0, 0].any()
        or (np.diff(stage.utility[0, 1]) <= 0).any()
    ):
        raise Refusal(
            f"{where}: period {t} is no sale: two decisions, the first worth 0, the second more to higher types"
        )
    return stage.utility[0, 1]
