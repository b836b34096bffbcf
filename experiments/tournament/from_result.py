"""Empirical games from what a tournament has left: the payoffs of its result, or the batches of its journal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynmech.experiments.runs.simulation import slug
from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.profiles import (
    Profile,
    Role,
    all_profiles,
    assigned,
    count,
    label,
    orders,
    parse_label,
)
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.log.journal import Journal

NEAR = 1e-9
"""Share of the largest payoff up to which the means of batches must be the payoffs of the result."""


def make_roles(game: Mapping[str, Any]) -> tuple[Role, ...]:
    """Return the roles of a game from plain data."""
    return tuple(Role(one["name"], tuple(one["agents"]), tuple(one["strategies"])) for one in game["roles"])


def empirical_game(game: Mapping[str, Any]) -> EmpiricalGame | None:
    """Return the game from plain data, one batch (the mean) per cell; None if some profile was not played."""
    roles = make_roles(game)
    return played_game(game) if len(game["profiles"]) >= count(roles) else None


def played_game(game: Mapping[str, Any]) -> EmpiricalGame:
    """Return the game of the profiles that were played, from plain data, one batch (the mean) per cell."""
    roles = make_roles(game)
    payoffs = {(row["profile"], row["role"], row["strategy"]): row["payoff"] for row in game["payoffs"]}
    return EmpiricalGame(roles, {profile: _column(profile, roles, payoffs) for profile in _played(game, roles)})


def sampled_game(game: Mapping[str, Any], folder: Path, seed: int) -> EmpiricalGame:
    """Return the game of the profiles that were played with the batches that the journal of a run folder keeps.

    Args:
        game: plain data of one mechanism.
        folder: where it was played.
        seed: of the study.

    Raises:
        InputError: the journal lacks some, or they are not those of the result.
    """
    roles = make_roles(game)
    agents = sum(len(role.agents) for role in roles)
    ways, journal = len(orders(roles, agents, seed)), Journal(folder / "shards.jsonl")
    place = f"mechanism={slug(game['mechanism'])}"
    cells = {}
    for profile in _played(game, roles):
        turns = _turns(journal, f"{place}/case={label(profile, roles)}", ways)
        if not turns:
            raise _damaged(folder)
        cells[profile] = np.concatenate(turns, axis=1)
    found, kept = EmpiricalGame(roles, cells, seed), played_game(game)
    if not np.allclose(found.mean, kept.mean, rtol=0, atol=NEAR * kept.scale):
        raise _damaged(folder)
    return found


def _damaged(folder: Path) -> InputError:
    return InputError(f"{folder}: its journal does not hold what its result was made of; repeat the command")


def _turns(journal: Journal, case: str, ways: int) -> list[FloatArray]:
    """Return payoffs by agent's place and batch `(N, B)`, a turn through all orders at a time; each is their mean."""
    turns: list[FloatArray] = []
    while True:
        keys = [f"{case}/shard-{len(turns) * ways + k:05d}" for k in range(ways)]
        if not all(key in journal and "summary" in journal.fields(key) for key in keys):
            return turns
        turns.append(np.mean([journal.read(key)["summary"]["batches"] for key in keys], axis=0))


def _played(game: Mapping[str, Any], roles: Sequence[Role]) -> list[Profile]:
    """Return the profiles that were played: in the order of all profiles where these are all."""
    if len(game["profiles"]) >= count(roles):
        return list(all_profiles(roles))
    return [parse_label(row["profile"], roles) for row in game["profiles"]]


def _column(profile: Profile, roles: Sequence[Role], payoffs: Mapping[tuple[str, str, str], float]) -> FloatArray:
    """Return every agent's payoff in a profile, `(N, 1)`."""
    agents = sum(len(role.agents) for role in roles)
    whose = {agent: role.name for role in roles for agent in role.agents}
    name = label(profile, roles)
    plays = assigned(profile, roles, agents)
    return np.array([[payoffs[name, whose[a], plays[a]]] for a in range(agents)])
