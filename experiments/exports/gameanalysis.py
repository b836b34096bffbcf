"""Games as gameanalysis reads them: profiles of roles, symmetric ones once, with payoffs or samples of them.

    {"players": {role: n}, "strategies": {role: [s, …]}, "profiles": [{role: [[s, count, payoff], …]}, …], "type": …}

In a `game.1` a payoff is a mean; in a `samplegame.1` it is a list, here of the means of batches of episodes.
"""

from collections.abc import Callable
from typing import Any

from dynmech.experiments.tournament.empirical import EmpiricalGame


def game_data(game: EmpiricalGame) -> dict[str, Any]:
    """Return a game with its mean payoffs, as a `game.1`."""
    return _data(game, "game.1", lambda cell: float(game.mean[cell]))


def samplegame_data(game: EmpiricalGame) -> dict[str, Any]:
    """Return a game with its payoffs by batch of episodes, as a `samplegame.1`."""
    return _data(game, "samplegame.1", lambda cell: game.batches[cell].tolist())


def _data(game: EmpiricalGame, kind: str, payoff: Callable[[int], Any]) -> dict[str, Any]:
    profiles = [
        {
            role.name: [[s, way.count(s), payoff(game.cell(profile, r, s))] for s in dict.fromkeys(way)]
            for r, (role, way) in enumerate(zip(game.roles, profile, strict=True))
        }
        for profile in game.profiles
    ]
    return {
        "players": {role.name: len(role.agents) for role in game.roles},
        "strategies": {role.name: list(role.strategies) for role in game.roles},
        "profiles": profiles,
        "type": kind,
    }
