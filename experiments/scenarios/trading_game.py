"""The trading game of Athey and Segal on finite types, and its six variations (2007, §2, Examples 1–6).

A seller and a buyer trade a quantity x_t in two periods. The seller learns θ_1 before the first; producing x costs it
x²/(2 θ_1) in either period (a high θ_1 is a *low* unit cost). A unit is worth θ_2 to the buyer: known to be 1 in period
0 in the plain game, and learnt before period 1. Efficient is x_0 = θ_1, x_1 = θ_1 θ_2; trade in period 0 reveals θ_1,
which is what a contingent deviation of the buyer lives on.

`variant=plain` (Example 1): θ_1 uniform on [0, 1] and θ_2 on [0, 2], each on m midpoints, no discounting. The quantity
comes from the finite set of all those that are efficient for some pair of reports; `clipped` keeps it in [0, 1].

The others have θ_1 ∈ {½, 1}, quantities 0, ½, 1, 1½, 2, values 1 (low) and 2 (high), all evenly distributed at first,
and a second period of weight 0.9:

| variant | example | what moves the buyer's second value |
| --- | --- | --- |
| correlated-values | 2 | the first: P(high) = .3 after low, .8 after high |
| decisions-move-values | 3 | the first and consumption: P(high) = .1 + .3 [first is high] + .25 x_0 |
| decisions-move-information | 4 | x_0 reveals with probability .4 x_0 whether it is 0 or 2; else 1 is expected |
| hidden-investment | 5 | a private investment at a cost of ½: P(high) = .3 without, .8 with it |
| hidden-information | 6 | a private look at a cost of .2: as in Example 4, probability .2 without, .8 with it |

Who would care: a buyer of made-to-order parts under a framework contract, whose own demand is learnt, or made, on the
way.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

Variant = Literal[
    "plain",
    "correlated-values",
    "decisions-move-values",
    "decisions-move-information",
    "hidden-investment",
    "hidden-information",
]

QUANTITIES = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
COSTS = np.array([0.5, 1.0])


@dataclass(frozen=True, eq=False)
class Variation:
    """The buyer's side of Examples 2–6.

    Attributes:
        first, second: values in the two periods, `(K_0,)` and `(K_1,)`.
        actions: the buyer's private actions in period 0, and what each costs it.
        law: P(second | x_0, action, first), `(5, actions, K_0, K_1)`.
    """

    first: tuple[float, ...]
    second: tuple[float, ...]
    actions: dict[str, float]
    law: FloatArray


class TradingGame(Scenario):
    """Two periods of trade.

    Args:
        variant: which example; `plain` is the first.
        points: midpoints per type in the plain game.
        clipped: whether the plain game keeps the quantity in [0, 1].
    """

    name = "trading-game"
    source = "Athey–Segal 2007 §2, Examples 1–6"
    summary = "a seller's cost is revealed by the first trade; the buyer then knows what it would pay for lying"

    def __init__(self, variant: Variant = "plain", points: int = 5, clipped: bool = False) -> None:
        if variant not in get_args(Variant):
            raise InputError(f"variant: {variant!r} is none of {', '.join(get_args(Variant))}")
        if not 1 <= points <= 50:
            raise InputError(f"points: {points} is not in 1..50")
        if variant != "plain" and (points, clipped) != (5, False):
            raise InputError(f"points and clipped are for variant=plain, not for {variant!r}")
        self.variant, self.points, self.clipped = variant, points, clipped

    def build(self) -> TableEnvironment:
        """Two periods; the seller's signal stays what it is."""
        return self._plain() if self.variant == "plain" else self._varied(VARIATIONS[self.variant])

    def _plain(self) -> TableEnvironment:
        m = self.points
        one, two = (2 * np.arange(m) + 1) / (2 * m), (2 * np.arange(m) + 1) / m
        products = np.unique(np.outer(2 * np.arange(m) + 1, 2 * np.arange(m) + 1)) / (2 * m * m)
        second = np.unique(np.minimum(products, 1.0)) if self.clipped else products
        first = Stage(
            signals=(_labels(one), ("1",)),
            decisions=_labels(one),
            utility=trade(one, one, np.ones(1)),
            kernel=IndependentKernel((np.stack([np.eye(m)] * m), np.full((m, 1, m), 1 / m))),
        )
        last = Stage(signals=(_labels(one), _labels(two)), decisions=_labels(second), utility=trade(second, one, two))
        name = f"{self.name}{' clipped' if self.clipped else ''}"
        return TableEnvironment(name, AGENTS, np.full((m, 1), 1 / m), (first, last), 1.0, 2)

    def _varied(self, buyer: Variation) -> TableEnvironment:
        acts, spent = tuple(buyer.actions), np.array(list(buyer.actions.values()))
        x, act = self._decisions(len(acts))
        utility = trade(QUANTITIES[x], COSTS, np.array(buyer.first))
        utility[1] -= spent[act][:, None, None]
        labels = _labels(QUANTITIES)
        first = Stage(
            signals=(_labels(COSTS), _labels(np.array(buyer.first))),
            decisions=labels
            if len(acts) == 1
            else tuple(f"{quantity}/{label}" for quantity in labels for label in acts),
            utility=utility,
            kernel=IndependentKernel((np.stack([np.eye(2)] * len(x)), buyer.law[x, act])),
            private_actions=(("-",), acts) if len(acts) > 1 else (),
        )
        second = np.array(buyer.second)
        last = Stage((_labels(COSTS), _labels(second)), labels, trade(QUANTITIES, COSTS, second))
        prior = np.full((2, len(buyer.first)), 0.5 / len(buyer.first))
        return TableEnvironment(f"{self.name} {self.variant}", AGENTS, prior, (first, last), 0.9, 2)

    def _decisions(self, actions: int) -> tuple[IntArray, IntArray]:
        """Quantity and action of each decision of period 0, the quantity slowest."""
        return np.divmod(np.arange(len(QUANTITIES) * actions), actions)


AGENTS = ("seller", "buyer")


def trade(quantities: FloatArray, costs: FloatArray, values: FloatArray) -> FloatArray:
    """−x²/(2 θ_1) for the seller and θ_2 x for the buyer, `(2, X, K_1, K_2)`."""
    x, one, two = quantities[:, None, None], costs[None, :, None], values[None, None, :]
    return np.stack(np.broadcast_arrays(-x * x / (2 * one), two * x))


def _labels(values: FloatArray) -> tuple[str, ...]:
    return tuple(f"{value:g}" for value in values)


def _high(chance: FloatArray) -> FloatArray:
    """P(low), P(high) from P(high), one axis more."""
    return np.stack([1 - chance, chance], axis=-1)


def _revealed(chance: FloatArray) -> FloatArray:
    """P(0), P(1), P(2) when the truth, 0 or 2, is revealed with some probability."""
    return np.stack([chance / 2, 1 - chance, chance / 2], axis=-1)


def _everywhere(law: FloatArray, actions: int, first: int) -> FloatArray:
    return np.array(np.broadcast_to(law, (len(QUANTITIES), actions, first, law.shape[-1])))


VARIATIONS = {
    "correlated-values": Variation((1, 2), (1, 2), {"-": 0}, _everywhere(_high(np.array([0.3, 0.8])), 1, 2)),
    "decisions-move-values": Variation(
        (1, 2), (1, 2), {"-": 0},
        _high(0.1 + 0.3 * np.arange(2)[None, None, :] + 0.25 * QUANTITIES[:, None, None]),
    ),
    "decisions-move-information": Variation(
        (1,), (0, 1, 2), {"-": 0}, _revealed(0.4 * QUANTITIES[:, None, None])
    ),
    "hidden-investment": Variation(
        (1,), (1, 2), {"idle": 0, "invest": 0.5}, _everywhere(_high(np.array([[0.3], [0.8]])), 2, 1)
    ),
    "hidden-information": Variation(
        (1,), (0, 1, 2), {"idle": 0, "look": 0.2}, _everywhere(_revealed(np.array([[0.2], [0.8]])), 2, 1)
    ),
}  # fmt: skip
"""Examples 2 to 6."""
