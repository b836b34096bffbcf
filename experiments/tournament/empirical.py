"""The empirical game: what each strategy earned in each profile, and what follows from it.

A cell is the payoff of a strategy in a role and a profile: the mean over episodes and over the agents that play it.
Episodes are kept in batches of equal size. All profiles are played under the same draws of nature, so that a difference
of two cells is a paired one.

    regret(profile) = max over agents i and strategies s′ of  u_i(s′, s_{−i}) − u_i(s),  at least 0,

0 at a Nash equilibrium of the strategies that take part. Its interval is `dynmech.experiments.tournament.bootstrap`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np

from dynmech.experiments.runs.verdicts import BREAKS, NOT_REFUTED, UNDECIDED
from dynmech.experiments.tournament.bootstrap import resampled_means, simultaneous_band, standard_error
from dynmech.experiments.tournament.profiles import Move, Profile, Role, label, moves
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import descending, first_largest, scale_of

Cells = Mapping[Profile, FloatArray]
"""Per profile, mean payoffs by agent and batch, `(N, B)`."""

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class EmpiricalGame:
    """Payoffs of profiles under one mechanism on one economy.

    Attributes:
        roles: who chooses among what.
        cells: payoffs by profile; a profile that was played longer has the batches of the others first.
        seed: of the bootstrap.
    """

    roles: tuple[Role, ...]
    cells: Cells
    seed: int = 0
    _index: dict[tuple[Profile, int, str], int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for profile in self.cells:
            for r, way in enumerate(profile):
                for strategy in dict.fromkeys(way):
                    self._index.setdefault((profile, r, strategy), len(self._index))

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that were played."""
        return list(self.cells)

    @property
    def whole(self) -> bool:
        """Whether every profile was played."""
        return len(self.cells) == prod(role.size for role in self.roles)

    @property
    def players(self) -> int:
        """Number of agents."""
        return sum(len(role.agents) for role in self.roles)

    def label(self, profile: Profile) -> str:
        """Return a profile's name."""
        return label(profile, self.roles)

    @cached_property
    def batches(self) -> list[FloatArray]:
        """Per cell, its payoffs by batch `(B,)`."""
        return [cell_batches(self.roles[r], p[r], s, self.cells[p]) for p, r, s in self._index]

    @cached_property
    def mean(self) -> FloatArray:
        """Payoff of every cell."""
        return np.array([batch.mean() for batch in self.batches])

    @cached_property
    def error(self) -> FloatArray:
        """Standard error of every cell (infinite where there is one batch only)."""
        return np.array([standard_error(batch) for batch in self.batches])

    @cached_property
    def resampled(self) -> FloatArray:
        """Payoff of every cell in every bootstrap draw, `(DRAWS, cells)`."""
        return resampled_means(self.batches, self.seed)

    def cell(self, profile: Profile, role: int, strategy: str) -> int:
        """Return the index of a cell's payoff in `mean`, `error` and `resampled`."""
        return self._index[profile, role, strategy]

    @cached_property
    def scale(self) -> float:
        """The largest payoff in size."""
        return scale_of(self.mean)

    # Deviations

    def moves(self, profile: Profile) -> list[Move]:
        """Return the deviations of one agent that lead to a profile that was played."""
        return [move for move in moves(profile, self.roles) if move.to in self.cells]

    def gain(self, profile: Profile, move: Move, payoffs: FloatArray) -> FloatArray:
        """Return the gain of a deviation from payoffs whose last axis is the cell."""
        after = payoffs[..., self.cell(move.to, move.role, move.new)]
        gained: FloatArray = after - payoffs[..., self.cell(profile, move.role, move.old)]
        return gained

    def gains(self, pairs: Sequence[tuple[Profile, Move]]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return estimates of several gains and both ends of a simultaneous 95 % band."""
        point = np.array([self.gain(profile, move, self.mean) for profile, move in pairs])
        draws = np.array([self.gain(profile, move, self.resampled) for profile, move in pairs])
        if any(len(self.cells[q]) == 0 or self.cells[q].shape[1] < 2 for p, move in pairs for q in (p, move.to)):
            return point, np.full(len(point), -np.inf), np.full(len(point), np.inf)  # one batch tells no spread
        band = simultaneous_band(point, draws, scale_of(self.mean))
        return point, point - band, point + band

    def regret(self, profile: Profile) -> "Regret":
        """Return the regret of a profile: the largest gain of any one agent."""
        found = self.moves(profile)
        known = len(found) == sum(1 for _ in moves(profile, self.roles))
        if not found:
            return Regret(profile, None, 0.0, (0.0, 0.0 if known else np.inf), known)
        point, low, high = self.gains([(profile, move) for move in found])
        best = first_largest(point, scale_of(self.mean))
        move = found[best] if point.max() > 0 else None
        interval = max(0.0, float(low.max())), max(0.0, float(high.max()))
        return Regret(profile, move, max(0.0, float(point.max())), interval, known)

    @cached_property
    def regrets(self) -> list["Regret"]:
        """Return the regrets of all profiles, smallest first; those with a deviation that was not played last."""
        found = [self.regret(p) for p in self.cells]
        order = descending([-r.value for r in found], scale_of(self.mean))
        return sorted((found[k] for k in order), key=lambda r: not r.known)

    def truth(self, truth: str) -> Profile | None:
        """Return the profile in which everybody is truthful; None if it was not played."""
        profile = tuple((truth,) * len(role.agents) for role in self.roles)
        return profile if profile in self.cells else None

    def dominated(self) -> list["Dominance"]:
        """Return the strategies that another beats wherever both could be compared, the clearest first.

        Where only a sample was played, in two profiles at least.
        """
        pairs: dict[tuple[int, str, str], list[tuple[Profile, Move]]] = {}
        for profile in self.cells:
            for move in self.moves(profile):
                pairs.setdefault((move.role, move.old, move.new), []).append((profile, move))
        compared = [(who, self.gains(found)) for who, found in pairs.items() if self.whole or len(found) > 1]
        out = [
            Dominance(self.roles[r].name, old, new, float(p.min()), (float(low.min()), float(high.min())), len(p))
            for (r, old, new), (p, low, high) in compared
            if p.min() > 0
        ]
        return [out[k] for k in descending([one.interval[0] for one in out], scale_of(self.mean))]


def cell_batches(role: Role, way: Sequence[str], strategy: str, payoffs: FloatArray) -> FloatArray:
    """Return the mean payoff by batch `(B,)` of those agents of a role that play a strategy."""
    agents = [a for a, s in zip(role.agents, way, strict=True) if s == strategy]
    batches: FloatArray = payoffs[agents].mean(axis=0)
    return batches


@dataclass(frozen=True)
class Regret:
    """Of one profile.

    Attributes:
        move: the most profitable deviation of one agent; None where none gains.
        value: what it gains.
        interval: 95 %, by the bootstrap, allowing for the choice of the best deviation.
        known: whether every deviation was played; else `value` is only a lower bound.
    """

    profile: Profile
    move: Move | None
    value: float
    interval: Interval
    known: bool

    def verdict(self, scale: float) -> str:
        """Return whether a profile is an equilibrium of what was played: `breaks`, `not_refuted` or `undecided`.

        Args:
            scale: the largest payoff in size; a regret below `NEGLIGIBLE` of it is none.
        """
        low, high = self.interval
        if low > 0:
            return BREAKS
        return NOT_REFUTED if self.known and high <= NEGLIGIBLE * scale else UNDECIDED


NEGLIGIBLE = 0.01
"""A regret that is surely below this share of the largest payoff is not refuted to be none."""


@dataclass(frozen=True)
class Dominance:
    """Strategy `new` earns more than `old` wherever both could be compared: at least `least` more."""

    role: str
    old: str
    new: str
    least: float
    interval: Interval
    comparisons: int
