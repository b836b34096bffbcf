"""Hand-made empirical games: payoffs by formula, with or without noise that is common to all profiles."""

from collections.abc import Callable, Sequence

import numpy as np

from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.profiles import Profile, Role, all_profiles, assigned
from dynmech.sim.core.arrays import FloatArray

Payoffs = Callable[[list[str]], Sequence[float]]
"""Strategies by agent to payoffs by agent."""


def game_of(
    roles: Sequence[Role], payoffs: Payoffs, noise: Callable[[Profile], FloatArray] | None = None, batches: int = 40
) -> EmpiricalGame:
    """Every profile; `noise` `(N, B)` of a profile is added to its payoffs."""
    agents = sum(len(role.agents) for role in roles)
    cells = {}
    for profile in all_profiles(roles):
        mean = np.array(payoffs(assigned(profile, roles, agents)), float)
        cells[profile] = np.repeat(mean[:, None], batches, axis=1) + (0.0 if noise is None else noise(profile))
    return EmpiricalGame(tuple(roles), cells)


def bimatrix_payoffs(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> Payoffs:
    """Of two players whose strategies are called s0, s1, …"""

    def payoffs(played: list[str]) -> list[float]:
        i, j = (int(name[1:]) for name in played)
        return [first[i][j], second[i][j]]

    return payoffs


def players(strategies: int) -> list[Role]:
    """Two roles of one agent each."""
    names = tuple(f"s{k}" for k in range(strategies))
    return [Role("row", (0,), names), Role("column", (1,), names)]
