"""A game as a tensor: every player's payoff and its standard error, an axis per player."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from dynmech.experiments.tournament.from_result import make_roles
from dynmech.experiments.tournament.profiles import Role, canonical, label
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError

LARGEST = 10_000_000
"""Payoffs of a tensor at most."""


@dataclass(frozen=True, eq=False)
class PayoffTensor:
    """The payoffs of a game.

    Attributes:
        environment, mechanism: what was played.
        players: names of the agents.
        strategies: names of the strategies, by player.
        payoffs: `(N, K_1, …, K_N)`, the player whose payoff it is first; NaN where a profile was not played.
        errors: their standard errors, infinite where they are not known.
    """

    environment: str
    mechanism: str
    players: tuple[str, ...]
    strategies: tuple[tuple[str, ...], ...]
    payoffs: FloatArray
    errors: FloatArray

    @property
    def title(self) -> str:
        """Mechanism and economy."""
        return f"{self.mechanism} on {self.environment}"

    @property
    def whole(self) -> bool:
        """Whether every profile was played."""
        return not bool(np.isnan(self.payoffs).any())


def payoff_tensor(game: Mapping[str, Any]) -> PayoffTensor:
    """Return the tensor of one mechanism of a tournament, from plain data.

    Raises:
        InputError: it would be too large.
    """
    roles = make_roles(game)
    whose = {agent: role for role in roles for agent in role.agents}
    strategies = tuple(whose[agent].strategies for agent in sorted(whose))
    shape = (len(strategies), *map(len, strategies))
    if prod(shape) > LARGEST:
        raise InputError(
            f"{game['mechanism']} on {game['environment']}: a tensor of {prod(shape):,} payoffs is too large; "
            "gameanalysis keeps symmetric profiles once"
        )
    figures = {(row["profile"], row["role"], row["strategy"]): _figures(row) for row in game["payoffs"]}
    both = np.full((2, *shape), np.nan)
    for place in product(*map(range, shape[1:])):
        played = [names[k] for names, k in zip(strategies, place, strict=True)]
        name = label(tuple(canonical([played[a] for a in role.agents], role) for role in roles), roles)
        for agent, strategy in enumerate(played):
            at: tuple[Any, ...] = (slice(None), agent, *place)
            both[at] = figures.get((name, whose[agent].name, strategy), np.nan)
    return PayoffTensor(game["environment"], game["mechanism"], _players(game, roles), strategies, both[0], both[1])


def _figures(row: Mapping[str, Any]) -> tuple[float, float]:
    """Return payoff and standard error."""
    return row["payoff"], np.inf if row["error"] is None else row["error"]


def _players(game: Mapping[str, Any], roles: tuple[Role, ...]) -> tuple[str, ...]:
    """Return the names of the agents; where a result does not say them, their roles with a number."""
    if game.get("agents"):
        return tuple(game["agents"])
    names = {
        agent: role.name if len(role.agents) == 1 else f"{role.name} {k}"
        for role in roles
        for k, agent in enumerate(role.agents, 1)
    }
    return tuple(names[agent] for agent in sorted(names))
