"""Space in the blocks of a chain: proposers take turns by lot, and users pay for what is included.

A block holds up to twice its target. Gas is counted in targets and in whole units of 1/`units`; the next unit after q
is worth P(q) to users, and P(1) = 1: at a total price of 1 they want exactly the target. The curve is D(p) = p^−ε
(`isoelastic`) or 1 + ε (1 − p) (`linear`), both of elasticity ε at the target.

Each slot's proposer is drawn anew: agent i with its share, or one of the many others, who are no agents, with what is
left. Who proposes is public. Users are one agent without a choice: there so that what they get and pay is counted. A
decision is how much gas is used, and a coin that is worth nothing to anybody: a rule that has to land between two
numbers of a grid needs one (mechanism `base-fee`).

Who would care: whoever designs the fee market of a chain, and whoever holds many of its slots.
"""

from math import isfinite

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

CURVES = ("isoelastic", "linear")


class BaseFeeScenario(Scenario):
    """Proposers, and users with a demand curve.

    Args:
        shares: of the slots, one per proposer that is an agent, with `+` between; the others have the rest.
        curve: of demand, isoelastic or linear.
        elasticity: ε, at the target.
        units: of gas that make a target.
        discount: δ, from slot to slot.
        horizon: number of slots; none means infinitely many.
    """

    name = "base-fee"
    source = "EIP-1559; Azouvi, Goren, Heimbach and Hicks 2023; numbers ours"
    summary = "proposers of blocks who may leave them empty today so that the base fee is lower tomorrow"

    def __init__(
        self,
        shares: str = "0.3+0.2",
        curve: str = "isoelastic",
        elasticity: float = 1.0,
        units: int = 4,
        discount: float = 0.95,
        horizon: int | None = None,
    ) -> None:
        if curve not in CURVES:
            raise InputError(f"curve: {curve!r} is none of {', '.join(CURVES)}")
        if not (isfinite(elasticity) and elasticity > 0):
            raise InputError(f"elasticity: {elasticity:g} is not a positive number")
        if curve == "linear" and elasticity <= 1:
            raise InputError(f"elasticity: {elasticity:g}; a linear curve needs more than 1 for prices above 0")
        if not 1 <= units <= 32:
            raise InputError(f"units: {units} is not in 1..32")
        self.shares, self.curve, self.elasticity, self.units = _shares(shares), curve, elasticity, units
        self.discount, self.horizon = discount, horizon

    def worth(self) -> FloatArray:
        """P(1/u), P(2/u), …, P(2), `(2u,)`."""
        gas = np.arange(1, 2 * self.units + 1) / self.units
        return gas ** (-1 / self.elasticity) if self.curve == "isoelastic" else 1 + (1 - gas) / self.elasticity

    def build(self) -> TableEnvironment:
        """One repeated stage; the public state says whose slot it is, and the users stand last."""
        count, levels = len(self.shares), 2 * self.units + 1
        total = np.concatenate([[0.0], np.cumsum(self.worth())]) / self.units
        utility = np.zeros((count + 1, 2 * levels, count + 1, *(1,) * (count + 1)))
        utility[count] = np.repeat(total, 2).reshape(-1, *(1,) * (count + 2))
        law = np.append(self.shares, max(1 - self.shares.sum(), 0.0))
        still = np.ones((2 * levels, 1, 1))
        gas = [f"{k / self.units:g}" for k in range(levels)]
        stage = Stage(
            signals=(("-",),) * (count + 1),
            decisions=tuple(f"gas {one}, fee rounded {way}" for one in gas for way in ("down", "up")),
            utility=utility,
            kernel=IndependentKernel((np.tile(law, (2 * levels, count + 1, 1)), *(still,) * (count + 1))),
            public=(*(f"slot of proposer {i + 1}" for i in range(count)), "slot of others"),
        )
        agents = (*(f"proposer {i + 1}" for i in range(count)), "users")
        prior = law.reshape(-1, *(1,) * (count + 1))
        return TableEnvironment(self.name, agents, prior, (stage,), self.discount, self.horizon)


def _shares(text: str) -> FloatArray:
    """Return the shares, checked."""
    try:
        shares = np.array([float(part) for part in str(text).split("+")])
    except ValueError:
        raise InputError(f"shares: {text!r} is no list of numbers with + between, as in 0.3+0.2") from None
    if not (np.isfinite(shares).all() and (shares > 0).all() and shares.sum() <= 1 + 1e-12 and len(shares) <= 4):
        raise InputError(f"shares: {text} must be 1 to 4 positive numbers that sum to at most 1")
    return shares
