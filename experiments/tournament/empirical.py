"""The empirical game: what each strategy earned in each profile, and what follows from it.

A cell is the payoff of a strategy in a role and a profile: the mean over episodes and over the agents that play it.
Episodes are kept in batches. All profiles are played under the same draws of nature, so that a difference of two
cells is a paired one; the bootstrap weighs the same batches alike in every cell (Poisson weights of mean 1).

    regret(profile) = max over agents i and strategies s′ of  u_i(s′, s_{−i}) − u_i(s),

0 at a Nash equilibrium of the strategies that take part. The largest of several estimates is biased upwards; so a
regret is shown with its interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import factorial, prod

import numpy as np

from experiments.tournament.profiles import Move, Profile, Role, label, moves
from sim.arrays import FloatArray

DRAWS = 400
"""Bootstrap draws."""

Cells = Mapping[Profile, FloatArray]
"""Per profile, mean payoffs by agent and batch, `(N, B)`."""


@dataclass(frozen=True, eq=False)
class EmpiricalGame:
    """Payoffs of profiles under one mechanism on one economy.

    Attributes:
        roles: who chooses among what.
        cells: payoffs by profile.
        seed: of the bootstrap.
    """

    roles: tuple[Role, ...]
    cells: Cells
    seed: int = 0
    _index: dict[tuple[Profile, int, str], int] = field(default_factory=dict, repr=False)

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

    def label(self, profile: Profile) -> str:
        """A profile's name."""
        return label(profile, self.roles)

    @cached_property
    def batches(self) -> list[FloatArray]:
        """Per cell, its payoffs by batch `(B,)`."""
        out = []
        for profile, r, strategy in self._index:
            agents = [a for a, s in zip(self.roles[r].agents, profile[r], strict=True) if s == strategy]
            out.append(self.cells[profile][agents].mean(axis=0))
        return out

    @cached_property
    def mean(self) -> FloatArray:
        """Payoff of every cell."""
        return np.array([batch.mean() for batch in self.batches])

    @cached_property
    def error(self) -> FloatArray:
        """Standard error of every cell."""
        return np.array(
            [batch.std(ddof=1) / np.sqrt(len(batch)) if len(batch) > 1 else np.inf for batch in self.batches]
        )

    @cached_property
    def resampled(self) -> FloatArray:
        """Payoff of every cell in every bootstrap draw, `(DRAWS, cells)`."""
        longest = max(len(batch) for batch in self.batches)
        weights = np.random.default_rng(self.seed).poisson(1.0, (DRAWS, longest)).astype(np.float64)
        out = np.empty((DRAWS, len(self.batches)))
        for k, batch in enumerate(self.batches):
            mine = weights[:, : len(batch)]
            out[:, k] = mine @ batch / np.maximum(mine.sum(axis=1), 1e-300)
        return out

    def cell(self, profile: Profile, role: int, strategy: str) -> int:
        """Where a cell's payoff stands in `mean`, `error` and `resampled`."""
        return self._index[profile, role, strategy]

    def moves(self, profile: Profile) -> list[Move]:
        """Deviations of one agent that lead to a profile that was played."""
        return [move for move in moves(profile, self.roles) if move.to in self.cells]

    def gain(self, profile: Profile, move: Move, payoffs: FloatArray) -> FloatArray:
        """What a deviation gains; `payoffs` by cell along the last axis."""
        after = payoffs[..., self.cell(move.to, move.role, move.new)]
        gained: FloatArray = after - payoffs[..., self.cell(profile, move.role, move.old)]
        return gained

    def regret(self, profile: Profile) -> "Regret":
        """The most that an agent gains by playing something else."""
        found = self.moves(profile)
        if not found:
            return Regret(profile, None, float("nan"), (float("nan"), float("nan")), known=False)
        point = np.array([self.gain(profile, move, self.mean) for move in found])
        draws = np.max([self.gain(profile, move, self.resampled) for move in found], axis=0)
        best = int(point.argmax())
        low, high = np.quantile(np.maximum(draws, 0.0), [0.025, 0.975])
        known = len(found) == len(list(moves(profile, self.roles)))
        move = found[best] if point[best] > 0 else None
        return Regret(profile, move, max(0.0, float(point[best])), (float(low), float(high)), known)

    @cached_property
    def regrets(self) -> list["Regret"]:
        """Of every profile, smallest first; those of which a deviation was not played last."""
        return sorted((self.regret(p) for p in self.cells), key=lambda r: (not r.known, r.value))

    def truth(self, truth: str) -> Profile | None:
        """The profile in which everybody is truthful, if it was played."""
        profile = tuple((truth,) * len(role.agents) for role in self.roles)
        return profile if profile in self.cells else None

    def dominated(self) -> list["Dominance"]:
        """Strategies that another beats in every profile that was played (two at least), surest first."""
        out = []
        for r, role in enumerate(self.roles):
            for old in role.strategies:
                for new in role.strategies:
                    found = self._compare(r, old, new) if old != new else None
                    if found is not None and found.least > 0:
                        out.append(found)
        return sorted(out, key=lambda one: -one.least)

    def _compare(self, r: int, old: str, new: str) -> "Dominance | None":
        pairs = [
            (profile, move)
            for profile in self.cells
            if old in profile[r]
            for move in self.moves(profile)
            if (move.role, move.old, move.new) == (r, old, new)
        ]
        if len(pairs) < 2:
            return None
        gains = np.array([self.gain(profile, move, self.mean) for profile, move in pairs])
        draws = np.array([self.gain(profile, move, self.resampled) for profile, move in pairs])
        least = float(gains.min())
        low, high = np.quantile(draws.min(axis=0), [0.025, 0.975])
        return Dominance(self.roles[r].name, old, new, least, (float(low), float(high)), len(pairs))

    # Populations

    def fitness(self, shares: Sequence[FloatArray]) -> list[FloatArray]:
        """Per role, the expected payoff of each strategy when everybody else is drawn from the roles' shares.

        Raises:
            ValueError: not every profile was played, or a role is not symmetric.
        """
        if not self.whole or any(not role.symmetric for role in self.roles):
            raise ValueError("populations need every profile, and symmetric roles")
        out = [np.zeros(len(role.strategies)) for role in self.roles]
        for profile in self.cells:
            counts = [
                np.array([way.count(s) for s in role.strategies]) for way, role in zip(profile, self.roles, strict=True)
            ]
            chances = [_multinomial(c, x) for c, x in zip(counts, shares, strict=True)]
            for r, role in enumerate(self.roles):
                others = prod(chance for q, chance in enumerate(chances) if q != r)
                for k in np.flatnonzero(counts[r]):
                    rest = counts[r].copy()
                    rest[k] -= 1
                    weight = others * _multinomial(rest, shares[r])
                    out[r][k] += weight * self.mean[self.cell(profile, r, role.strategies[k])]
        return out


def _multinomial(counts: "np.ndarray[tuple[int], np.dtype[np.intp]]", shares: FloatArray) -> float:
    ways = factorial(int(counts.sum())) / prod(factorial(int(c)) for c in counts)
    return float(ways * np.prod(shares**counts))


@dataclass(frozen=True)
class Regret:
    """Of one profile.

    Attributes:
        move: the most profitable deviation of one agent; None where none gains.
        value: what it gains.
        interval: 95 %, by the bootstrap.
        known: whether every deviation was played; else `value` is only a lower bound.
    """

    profile: Profile
    move: Move | None
    value: float
    interval: tuple[float, float]
    known: bool

    @property
    def stable(self) -> bool:
        """Whether 0 lies within the interval: no deviation is seen to gain."""
        return self.known and self.interval[0] <= 0.0


@dataclass(frozen=True)
class Dominance:
    """Strategy `new` earns more than `old` wherever both could be compared: at least `least` more."""

    role: str
    old: str
    new: str
    least: float
    interval: tuple[float, float]
    comparisons: int


def replicator(
    game: EmpiricalGame, start: Sequence[FloatArray], steps: int = 2000, rate: float = 0.1
) -> list[list[FloatArray]]:
    """Shares of strategies over time, per step and role: those that earn more than their role's mean grow.

        x_k ← x_k exp(rate · f_k) / Σ_l x_l exp(rate · f_l),   f scaled by the spread of all payoffs.

    Stops when nothing moves any more.
    """
    spread = float(np.ptp(game.mean)) or 1.0
    path = [[np.asarray(x, float) for x in start]]
    for _ in range(steps):
        now = path[-1]
        grown = [x * np.exp(rate * (f - f.max()) / spread * 10) for x, f in zip(now, game.fitness(now), strict=True)]
        after = [x / x.sum() for x in grown]
        path.append(after)
        if max(float(np.abs(a - b).max()) for a, b in zip(after, now, strict=True)) < 1e-9:
            break
    return path
