"""Auctions by sealed bids where values are one's own signal plus γ times everybody else's.

The economy: N bidders, one decision for each of them to get the object, worth

    v^i(θ) = θ^i + γ Σ_{j≠i} θ^j

to the one who gets it and 0 to the others. θ^i and γ are read off the table of utilities. With c = 1 + γ(N − 1), the
value of a profile of equal signals x is c x; unless a mechanism says otherwise that is the prescribed bid at signal x.
All bidders choose from one grid: the prescribed bids of all, and `steps − 1` more between neighbours.
"""

from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import first_largest, scale_of
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.roles import Situation

EXACT = 1e-9
"""How far utilities may be from the formula, relative to the largest."""


@dataclass(frozen=True, eq=False)
class LinearValues:
    """Values v^i = θ^i + γ Σ_{j≠i} θ^j read off a table of utilities.

    Attributes:
        signals: θ^i of each bidder, `(K_i,)` each.
        gamma: γ.
        award: the decision that gives the object to bidder i, `(N,)`.
    """

    signals: tuple[FloatArray, ...]
    gamma: float
    award: IntArray

    @property
    def scale(self) -> float:
        """c = 1 + γ(N − 1)."""
        return 1 + self.gamma * (len(self.signals) - 1)

    def values(self) -> FloatArray:
        """Return v^i(θ), `(N, *K)`."""
        theta = np.array(np.meshgrid(*self.signals, indexing="ij"))
        return (1 - self.gamma) * theta + self.gamma * theta.sum(axis=0)


def linear_values(environment: TableEnvironment) -> LinearValues | str:
    """Return θ^i, γ and who gets the object when; or, in words, why the utilities are not of the form."""
    stage = environment.stage(0)
    count = len(environment.agents)
    gets = np.abs(stage.utility).reshape(count, len(stage.decisions), -1).max(axis=2) > 0
    if count < 2 or stage.public or len(stage.decisions) != count:
        return "every decision must give one object to one bidder, each bidder once, without a public state"
    if (gets.sum(axis=0) != 1).any() or (gets.sum(axis=1) != 1).any():
        return "the object must be worth something to whoever gets it and nothing to the others, for each bidder once"
    award = gets.argmax(axis=1)
    values = np.stack([stage.utility[i, award[i]] for i in range(count)])
    fitted = _fit(values, award)
    scale = scale_of(values)
    off = np.inf if fitted is None else float(np.abs(fitted.values() - values).max())
    if fitted is None or off > EXACT * scale:
        return f"values are not own signals plus one multiple of the others' (off by {off:.3g})"
    return fitted


def _fit(values: FloatArray, award: IntArray) -> LinearValues | None:
    """Return the only candidate: γ from the effect of a signal on another's value, levels from the first profile."""
    count = len(values)
    lowest = values.reshape(count, -1)[:, 0]
    effects: list[FloatArray] = []  # of bidder i's signals on bidder j's value, `(N, K_i)`
    for i in range(count):
        along = np.moveaxis(values, 1 + i, 1).reshape(count, values.shape[1 + i], -1)[:, :, 0]
        effects.append(along - lowest[:, None])
    spread = [float(np.abs(effect[i]).max()) for i, effect in enumerate(effects)]
    i = first_largest(spread)
    if spread[i] == 0:
        return None
    k = first_largest(np.abs(effects[i][i]))
    gamma = float(effects[i][(i + 1) % count, k] / effects[i][i, k])
    scale = 1 + gamma * (count - 1)
    if abs(scale) < EXACT:
        return None
    total = lowest.sum() / scale
    common = abs(gamma - 1) < EXACT  # then only the sum of signals shows
    level = np.full(count, total / count) if common else (lowest - gamma * total) / (1 - gamma)
    return LinearValues(tuple(level[j] + effects[j][j] for j in range(count)), gamma, award)


class BidMechanism(Mechanism):
    """Base class of auctions with bids on a grid.

    Attributes:
        linear: what is for sale.
        own: the levels of all signals, ascending, `(L,)`.
        levels: the level of each bidder's signals, `(K_i,)` each.
        grid: the bids over c, `(B,)`, ascending.

    Raises:
        Refusal: the economy is not of the form.
        InputError: `steps` is below 1.
    """

    environment: TableEnvironment

    def __init__(self, environment: Environment, steps: int = 1) -> None:
        super().__init__(environment)
        if not isinstance(environment, TableEnvironment) or len(environment.stages) > 1:
            raise self.refuse("it needs finitely many signals and the same economy every period")
        if steps < 1:
            raise InputError(f"steps: {steps} is below 1")
        linear = linear_values(environment)
        if isinstance(linear, str):
            raise self.refuse(linear)
        self.linear = linear
        if linear.scale <= 0:
            raise self.refuse(f"γ = {linear.gamma:.6g} makes prescribed bids fall with signals")
        unit = scale_of(*linear.signals)
        own = np.unique((np.concatenate(linear.signals) / unit).round(12))
        self.own, self.levels = own * unit, [np.searchsorted(own, (s / unit).round(12)) for s in linear.signals]
        between = [np.linspace(a, b, steps, endpoint=False) for a, b in pairwise(self.own)]
        self.grid = np.concatenate([*between, self.own[-1:]])
        self.prescribed_bids = [level * steps for level in self.levels]
        self.bids = Finite(tuple(f"{linear.scale * x:.10g}" for x in self.grid))

    @property
    @abstractmethod
    def lowest_wins(self) -> bool:
        """Whether the lowest bid wins, or the highest."""

    def messages(self, t: int, agent: int) -> Finite:  # noqa: ARG002 - the protocol's
        """Return the grid of bids."""
        return self.bids

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the bid c θ^i as an index of the grid, `(n,)`."""
        return self.prescribed_bids[agent][signal]

    def default(self, now: Situation, agent: int) -> Array:  # noqa: ARG002
        """Return the bid that wins last, which counts for a late or missing one."""
        return np.full(len(now.memory), len(self.grid) - 1 if self.lowest_wins else 0)

    def winner(self, messages: Array) -> IntArray:
        """Return who wins, the first of those that tie, `(n,)`."""
        return messages.argmin(axis=1) if self.lowest_wins else messages.argmax(axis=1)

    def next_in_line(self, messages: Array) -> IntArray:
        """Return the index of the bid that would have won without the winner, `(n,)`."""
        ordered = np.sort(messages, axis=1)
        return ordered[:, 1] if self.lowest_wins else ordered[:, -2]

    def decide(self, now: Situation, messages: Array) -> Array:  # noqa: ARG002
        """Return the decision that gives the object to the winner, `(n,)`."""
        return self.linear.award[self.winner(messages)]

    def pays(self, winner: IntArray, amount: FloatArray) -> FloatArray:
        """Return transfers `(n, N)` in which only the winner pays."""
        out = np.zeros((len(winner), len(self.environment.agents)))
        out[np.arange(len(winner)), winner] = amount
        return out
