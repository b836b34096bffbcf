"""Where a population goes: strategies that earn more than their role's mean grow (replicator dynamics)."""

from collections.abc import Sequence
from math import factorial, prod

import numpy as np

from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.sim.core.arrays import FloatArray, IntArray

STILL = 1e-9
"""A population in which no share moves by more in one step has come to rest."""


class Population:
    """Expected payoffs in large populations, one per role, out of which the agents are drawn.

    Raises:
        ValueError: not every profile was played.
    """

    def __init__(self, game: EmpiricalGame) -> None:
        if not game.whole:
            raise ValueError("populations need every profile")
        self.game = game
        self._counts = [
            np.array([[profile[r].count(s) for s in role.strategies] for profile in game.cells], dtype=np.intp)
            for r, role in enumerate(game.roles)
        ]
        self._payoffs = [np.zeros(counts.shape) for counts in self._counts]
        self._draws = [_Draws(counts) for counts in self._counts]
        self._others = [
            [_Draws(counts[counts[:, k] > 0] - unit) for k, unit in enumerate(np.eye(counts.shape[1], dtype=np.intp))]
            for counts in self._counts
        ]
        for p, profile in enumerate(game.cells):
            for r, role in enumerate(game.roles):
                for k in np.flatnonzero(self._counts[r][p]):
                    self._payoffs[r][p, k] = game.mean[game.cell(profile, r, role.strategies[k])]

    def fitness(self, shares: Sequence[FloatArray]) -> list[FloatArray]:
        """Return per role the expected payoff of each strategy when all others are drawn from the roles' shares.

        f_k = Σ_profiles P(the others play the rest of the profile) · u(k, profile).
        """
        chances = [draws.chances(x) for draws, x in zip(self._draws, shares, strict=True)]
        out = []
        for r, (counts, payoffs) in enumerate(zip(self._counts, self._payoffs, strict=True)):
            others = np.prod([chance for q, chance in enumerate(chances) if q != r], axis=0)
            fit = np.zeros(counts.shape[1])
            for k, rest in enumerate(self._others[r]):
                there = counts[:, k] > 0
                weight = np.broadcast_to(others, there.shape)[there] * rest.chances(shares[r])
                fit[k] = (weight * payoffs[there, k]).sum()
            out.append(fit)
        return out

    def even(self) -> list[FloatArray]:
        """Return equal shares per role."""
        return [np.full(len(role.strategies), 1 / len(role.strategies)) for role in self.game.roles]

    def replicator(self, start: Sequence[FloatArray], steps: int = 2000, rate: float = 1.0) -> list[list[FloatArray]]:
        """Return the shares of strategies by step and role until they settle.

            x_k ← x_k exp(rate · f_k / spread) / Σ_l x_l exp(rate · f_l / spread),

        the replicator equation in discrete time; `spread` is the largest payoff of any cell less the smallest.
        """
        spread = float(np.ptp(self.game.mean)) or 1.0
        path = [[np.asarray(x, float) for x in start]]
        for _ in range(steps):
            now = path[-1]
            grown = [x * np.exp(rate * (f - f.max()) / spread) for x, f in zip(now, self.fitness(now), strict=True)]
            path.append([x / x.sum() for x in grown])
            if max(float(np.abs(a - b).max()) for a, b in zip(path[-1], now, strict=True)) < STILL:
                break
        return path


class _Draws:
    """How often each strategy comes up in independent draws: rows of counts `(P, K)`, weighed as a multinomial."""

    def __init__(self, counts: IntArray) -> None:
        self._counts = counts
        self._ways = np.array([factorial(int(row.sum())) / prod(factorial(int(c)) for c in row) for row in counts])

    def chances(self, shares: FloatArray) -> FloatArray:
        """Return the probability of each row when a draw gives strategy k with probability `shares[k]`."""
        found: FloatArray = self._ways * np.prod(shares**self._counts, axis=1)
        return found
