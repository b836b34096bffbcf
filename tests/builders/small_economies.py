"""Economies of one line: a shop, a town, two agents with signals of their own."""

import numpy as np

from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

UNIT = Interval(0, 1)


def shop(horizon: int | None = 1, discount: float = 1.0) -> FunctionEnvironment:
    """A buyer whose value is uniform on [0, 1], anew each period."""
    return FunctionEnvironment(
        name="shop",
        agents=("buyer",),
        discount=discount,
        horizon=horizon,
        signals=(UNIT,),
        decisions=Finite(("keep", "sell")),
        law=lambda _t, _last, _decision, uniforms: uniforms,
        payoff=lambda _t, signals, decision: signals * decision[:, None],
        bound=1.0,
    )


AGENTS = ("Ann", "Bob")
LOW_HIGH = Finite(("low", "high"))
STAY = 0.75
"""Probability that a signal stays as it was."""


def town_table(stay: float = STAY, scale: float = 1.0) -> TableEnvironment:
    """Two agents who like the decision that has the number of their signal; `stay`: a signal's chance of staying."""
    law = np.broadcast_to([[stay, 1 - stay], [1 - stay, stay]], (2, 2, 2)).copy()
    own = np.arange(2)
    utility = np.zeros((2, 2, 2, 2))
    for d in range(2):
        utility[0, d], utility[1, d] = (own == d)[:, None], (own == d)[None, :]
    stage = Stage(
        (LOW_HIGH.labels,) * 2, ("no", "yes"), utility * scale, IndependentKernel((law, law)), cost=np.array([0.0, 1.0])
    )
    return TableEnvironment("town", AGENTS, np.full((2, 2), 0.25), (stage,), 0.9, None)


def independent(keep: tuple[float, float]) -> TableEnvironment:
    """Two agents with signals of their own, kept with some probability."""
    factors = tuple(np.array([[[k, 1 - k], [1 - k, k]]] * 2) for k in keep)
    utility = np.zeros((2, 2, 2, 2))
    utility[0, 0] = [[0, 0], [1, 1]]
    utility[1, 1] = [[0, 1], [0, 1]]
    labels = (("low", "high"),) * 2
    one = Stage(labels, ("first", "second"), utility, IndependentKernel(tuple(factors)))
    return TableEnvironment("planted", ("a", "b"), np.full((2, 2), 0.25), (one,), 0.9, None)
