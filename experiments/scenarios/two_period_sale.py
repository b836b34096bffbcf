"""A seller meets buyers twice; what the good is worth to them moves in between.

Timing: a buyer learns θ_1, a contract is chosen, the good may be sold; it learns θ_2, the good may be sold again.

Who would care: airlines that sell refundable fares, firms that sell options on capacity, a supplier that renegotiates:
what a customer knows today about tomorrow is worth money today.

Kernels (`dynmech.mechanisms.revenue.two_period_types`): `ar1` θ_2 = ρθ_1 + (1−ρ)ε, `power`, `normal`; θ_1 is Beta(a,
b). On a grid of m first types, the quantiles of the middles of m even parts: `ar1` has the same m quantiles of ε, so
that θ_2 takes all values ρθ_1 + (1−ρ)ε; other kernels have m even cells of [0, 1] with their probabilities.

Source: Yoon 2021, §2.2, with numbers of our own.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.mechanisms.revenue.two_period_types import TwoPeriodSale, TwoPeriodTypes, family
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


class TwoPeriodSaleScenario(Scenario):
    """Continuous types, or a grid.

    Args:
        kernel: how types move: ar1, power or normal.
        rho: its parameter.
        a, b: of the first type's Beta distribution.
        discount: δ.
        grid: number of first types; 0: continuous.
        buyers: how many buyers compete for the good (on a grid).
    """

    name = "two-period-sale"
    source = "Yoon 2021 §2.2"
    summary = "a good sold in each of two periods to a buyer whose value moves; continuous, or on a grid"

    def __init__(
        self,
        kernel: str = "ar1",
        rho: float = 0.5,
        a: float = 1.0,
        b: float = 1.0,
        discount: float = 1.0,
        grid: int = 0,
        buyers: int = 1,
    ) -> None:
        if grid < 0 or grid == 1:
            raise InputError(f"grid: {grid}, expected 0 (continuous) or at least 2")
        if buyers < 1 or (buyers > 1 and not grid):
            raise InputError(f"buyers: {buyers}, expected at least 1, and with several a grid")
        self.kernel, self.rho, self.a, self.b = kernel, rho, a, b
        self.discount, self.grid, self.buyers = discount, grid, buyers

    def build(self) -> Environment:
        """The economy."""
        types = family(self.kernel, self.rho, self.a, self.b)
        if not self.grid:
            options = f"kernel={self.kernel},rho={self.rho:g},a={self.a:g},b={self.b:g},discount={self.discount:g}"
            return TwoPeriodSale.of(types, self.discount, f"{self.name}:{options},grid=11")
        middles = (np.arange(self.grid) + 0.5) / self.grid
        first = np.asarray(types.first.ppf(middles), dtype=np.float64)
        if self.kernel == "ar1":
            second, law = lattice(self.rho * first[:, None] + (1 - self.rho) * middles)
        else:
            second, law = cells(types, first, self.grid)
        return grid_economy(first, second, law, self.discount, self.buyers, self.name)


def lattice(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct second types and their law, from equally likely values `(K_1, m)`."""
    distinct, where = np.unique(values.round(12), return_inverse=True)
    law = np.zeros((len(values), len(distinct)))
    np.add.at(law, (np.arange(len(values))[:, None], where.reshape(values.shape)), 1 / values.shape[1])
    return distinct, law


def cells(types: TwoPeriodTypes, first: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Middles of even cells of all second types, and their probabilities `(K_1, count)`."""
    ends = np.linspace(types.low, types.high, count + 1)
    law = np.diff(np.asarray(types.second(first[:, None]).cdf(ends), dtype=np.float64), axis=1)
    return (ends[1:] + ends[:-1]) / 2, law / law.sum(axis=1, keepdims=True)


def grid_economy(
    first: FloatArray, second: FloatArray, law: FloatArray, discount: float, buyers: int = 1, name: str = "sale"
) -> TableEnvironment:
    """Buyers with first types equally likely, second types by `law` `(K_1, K_2)`; the good goes to one of them or none.

    Decisions "keep" and "sell", or with several buyers "keep", "buyer 1", ….
    """
    names = ("buyer",) if buyers == 1 else tuple(f"buyer {i + 1}" for i in range(buyers))
    decisions = ("keep", "sell") if buyers == 1 else ("keep", *names)
    factor = np.broadcast_to(law, (len(decisions), *law.shape))
    stages = []
    for values, kernel in ((first, IndependentKernel((factor,) * buyers)), (second, None)):
        utility = np.zeros((buyers, len(decisions), *(len(values),) * buyers))
        for i in range(buyers):
            shape = [1] * buyers
            shape[i] = len(values)
            utility[i, 1 + i] = values.reshape(shape)
        labels = tuple(f"{value:.6g}" for value in values)
        stages.append(Stage((labels,) * buyers, decisions, utility, kernel))
    prior = np.full((len(first),) * buyers, 1 / len(first) ** buyers)
    return TableEnvironment(name, names, prior, tuple(stages), discount, 2)
