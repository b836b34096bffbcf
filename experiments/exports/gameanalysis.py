"""Games as gameanalysis reads them: profiles of roles, symmetric ones once, with payoffs or samples of them.

    {"players": {role: n}, "strategies": {role: [s, …]}, "profiles": [{role: [[s, count, payoff], …]}, …], "type": …}

In a `game.1` a payoff is a mean; in a `samplegame.1` it is a list, here of the means of batches of episodes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.from_result import make_roles
from dynmech.experiments.tournament.profiles import Profile, Role, parse_label


def game_data(game: Mapping[str, Any]) -> dict[str, Any]:
    """Return one mechanism of a tournament, from plain data, as a `game.1`."""
    roles = make_roles(game)
    payoffs = {(row["profile"], row["role"], row["strategy"]): row["payoff"] for row in game["payoffs"]}
    played = {parse_label(row["profile"], roles): row["profile"] for row in game["profiles"]}

    def payoff(profile: Profile, role: int, strategy: str) -> float:
        return float(payoffs[played[profile], roles[role].name, strategy])

    return _data("game.1", roles, list(played), payoff)


def samplegame_data(game: EmpiricalGame) -> dict[str, Any]:
    """Return a game with its payoffs by batch of episodes, as a `samplegame.1`."""

    def payoffs(profile: Profile, role: int, strategy: str) -> list[float]:
        return [float(payoff) for payoff in game.batches[game.cell(profile, role, strategy)]]

    return _data("samplegame.1", game.roles, game.profiles, payoffs)


def _data(
    kind: str, roles: Sequence[Role], profiles: Sequence[Profile], payoff: Callable[[Profile, int, str], Any]
) -> dict[str, Any]:
    listed = [
        {
            role.name: [
                [strategy, way.count(strategy), payoff(profile, r, strategy)] for strategy in dict.fromkeys(way)
            ]
            for r, (role, way) in enumerate(zip(roles, profile, strict=True))
        }
        for profile in profiles
    ]
    return {
        "players": {role.name: len(role.agents) for role in roles},
        "strategies": {role.name: list(role.strategies) for role in roles},
        "profiles": listed,
        "type": kind,
    }
