"""The trading game of Athey and Segal on finite types, and its six variations (2007, §2, Examples 1–6).

A seller and a buyer trade a quantity x_t in two periods. The seller learns θ_1 before the first; producing x costs it
x²/(2 θ_1) in either period (a high θ_1 is a *low* unit cost). A unit is worth θ_2 to the buyer: known to be 1 in period
0 in the plain game, and learnt before period 1. Efficient is x_0 = θ_1, x_1 = θ_1 θ_2; trade in period 0 reveals θ_1,
which is what a contingent deviation of the buyer lives on.

`variant=plain` (Example 1): θ_1 uniform on [0, 1] and θ_2 on [0, 2], each on m midpoints, no discounting. The quantity
comes from the finite set of all those that are efficient for some pair of reports; `clipped` keeps it in [0, 1].

The others have θ_1 ∈ {½, 1}, quantities 0, ½, 1, 1½, 2, values 1 (low) and 2 (high), all evenly distributed at first,
and a second period of weight 0.9:

| variant | example | what moves the buyer's second value | numbers |
| --- | --- | --- | --- |
| correlated-values | 2 | P(high) is `low` after a low first value, `high` after a high one | .3, .8 |
| decisions-move-values | 3 | the same, plus `rate` times x_0 | .1, .4; .25 |
| decisions-move-information | 4 | `rate` x_0: chance to learn whether it is 0 or 2; else 1 is expected | .4 |
| hidden-investment | 5 | P(high) is `low`, or `high` with a private investment, at a `cost` | .3, .8; .5 |
| hidden-information | 6 | chance to learn as in 4: `low`, or `high` with a private look, at a `cost` | .2, .8; .2 |

A variant is asked for by its name or by the number of its example. The paper prints no numbers for Examples 2 to 6;
those above are ours, and free.

Who would care: a buyer of made-to-order parts under a framework contract, whose own demand is learnt, or made, on the
way.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

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


@dataclass(frozen=True)
class Numbers:
    """The free numbers of Examples 2–6; None: the variant has no such number."""

    low: float | None = None
    high: float | None = None
    rate: float | None = None
    cost: float | None = None


NUMBERS = {
    "correlated-values": Numbers(low=0.3, high=0.8),
    "decisions-move-values": Numbers(low=0.1, high=0.4, rate=0.25),
    "decisions-move-information": Numbers(rate=0.4),
    "hidden-investment": Numbers(low=0.3, high=0.8, cost=0.5),
    "hidden-information": Numbers(low=0.2, high=0.8, cost=0.2),
}
"""Examples 2 to 6, in this order, with the numbers they have unless told otherwise."""

VARIANTS = ("plain", *NUMBERS)
"""Examples 1 to 6 by name."""


class TradingGame(Scenario):
    """Two periods of trade.

    Args:
        variant: which example, by name or number; `plain` is the first.
        points: midpoints per type in the plain game.
        clipped: whether the plain game keeps the quantity in [0, 1].
        low, high: the probability of a high value (Example 6: of learning it) after a low and after a high first value,
            or without and with the private action; none: as in the table.
        rate: what a unit of x_0 adds to it (Example 4: the probability, per unit, of learning the value).
        cost: of the private action.
        discount: weight of the second period; none: 1 in the plain game, 0.9 in the others.
    """

    name = "trading-game"
    source = "Athey–Segal 2007 §2, Examples 1–6"
    summary = "a seller's cost is revealed by the first trade; the buyer then knows what it would pay for lying"

    def __init__(
        self,
        variant: str = "plain",
        points: int = 5,
        clipped: bool = False,
        low: float | None = None,
        high: float | None = None,
        rate: float | None = None,
        cost: float | None = None,
        discount: float | None = None,
    ) -> None:
        self.variant = _variant(variant)
        if not 1 <= points <= 50:
            raise InputError(f"points: {points} is not in 1..50")
        if self.variant != "plain" and (points, clipped) != (5, False):
            raise InputError(f"points and clipped are for variant=plain, not for {self.variant!r}")
        self.points, self.clipped = points, clipped
        self.numbers = _numbers(self.variant, Numbers(low, high, rate, cost))
        self.discount = (1.0 if self.variant == "plain" else 0.9) if discount is None else discount

    def build(self) -> TableEnvironment:
        """Two periods; the seller's signal stays what it is."""
        return self._plain() if self.variant == "plain" else self._varied(variation(self.variant, self.numbers))

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
        return TableEnvironment(name, AGENTS, np.full((m, 1), 1 / m), (first, last), self.discount, 2)

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
        return TableEnvironment(f"{self.name} {self.variant}", AGENTS, prior, (first, last), self.discount, 2)

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


def _variant(text: str) -> str:
    """Return the name of a variant that is given by name or by the number of its example."""
    known = dict(zip(map(str, range(1, len(VARIANTS) + 1)), VARIANTS, strict=True))
    name = known.get(text, text)
    if name not in VARIANTS:
        raise InputError(f"variant: {text!r} is none of {', '.join(VARIANTS)}, nor a number from 1 to {len(VARIANTS)}")
    return name


def _numbers(variant: str, given: Numbers) -> Numbers:
    """Return a variant's numbers, those that are given in place of its own."""
    own = NUMBERS.get(variant, Numbers())
    named = {
        field.name: getattr(given, field.name) for field in fields(given) if getattr(given, field.name) is not None
    }
    for name in named:
        if getattr(own, name) is None:
            free = [field.name for field in fields(own) if getattr(own, field.name) is not None]
            raise InputError(f"{name}: variant {variant!r} has no such number; it has {', '.join(free) or 'none'}")
    if not np.isfinite(named.get("cost", 0.0)):
        raise InputError(f"cost: {named['cost']:g} is not a finite number")
    numbers = replace(own, **named)
    for name in ("low", "high"):
        value = getattr(numbers, name)
        if value is not None:
            _check_chance(name, value, value + QUANTITIES.max() * (numbers.rate or 0.0))
    if numbers.low is None and numbers.rate is not None:
        _check_chance("rate", 0.0, QUANTITIES.max() * numbers.rate)
    return numbers


def _check_chance(name: str, *chances: float) -> None:
    """Raise InputError at a probability, at the least or at the largest quantity, outside [0, 1]."""
    for chance in chances:
        if not 0 <= chance <= 1 + 1e-12:
            raise InputError(f"{name}: it makes a probability of {chance:g}, which is not in [0, 1]")


def variation(variant: str, numbers: Numbers | None = None) -> Variation:
    """Return the buyer's side of one of Examples 2–6, with its own numbers unless others are given."""
    free = numbers or NUMBERS[variant]
    low, high, rate, cost = (value or 0.0 for value in (free.low, free.high, free.rate, free.cost))
    pair, served = np.array([low, high]), rate * QUANTITIES[:, None, None]
    if variant == "decisions-move-information":
        return Variation((1,), (0, 1, 2), {"-": 0}, _revealed(np.minimum(served, 1.0)))
    if variant == "hidden-investment":
        return Variation((1,), (1, 2), {"idle": 0, "invest": cost}, _everywhere(_high(pair[:, None]), 2, 1))
    if variant == "hidden-information":
        return Variation((1,), (0, 1, 2), {"idle": 0, "look": cost}, _everywhere(_revealed(pair[:, None]), 2, 1))
    return Variation((1, 2), (1, 2), {"-": 0}, _high(np.minimum(pair + served, 1.0)))
