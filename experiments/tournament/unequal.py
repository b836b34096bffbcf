"""Agents of one role that play alike and yet earn differently, as the mechanism tells them apart."""

from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from scipy.special import ndtri

from dynmech.experiments.runs.moments import LEVEL, amount
from dynmech.experiments.tournament.bootstrap import standard_error
from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.sim.core.ties import first_largest

NOTHING = 1e-9
"""Of the largest payoff: a difference below is rounding."""


@dataclass(frozen=True)
class Unequal:
    """The two agents of a role that differ most where all of the role play the same.

    Attributes:
        role: its name.
        agents: their indices; the first earns more.
        difference: of their mean payoffs.
        half_width: of its interval, allowing for all pairs and profiles that were compared.
    """

    role: str
    agents: tuple[int, int]
    difference: float
    half_width: float

    def data(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "agents": list(self.agents)}


def unequal(game: EmpiricalGame) -> list[Unequal]:
    """Return per role the pair that surely differs most; payoffs of a role are means over such agents."""
    compared: list[Unequal] = []
    count = sum(len(list(combinations(role.agents, 2))) for role in game.roles) * len(game.cells)
    wide = float(ndtri(1 - (1 - LEVEL) / 2 / max(count, 1)))
    for r, role in enumerate(game.roles):
        for profile, payoffs in game.cells.items():
            if len(set(profile[r])) > 1 or payoffs.shape[1] < 2:
                continue
            for one, other in combinations(role.agents, 2):
                apart = payoffs[one] - payoffs[other]
                pair = (one, other) if apart.mean() >= 0 else (other, one)
                compared.append(Unequal(role.name, pair, abs(float(apart.mean())), wide * standard_error(apart)))
    out = []
    for role in game.roles:
        sure = [one for one in compared if one.role == role.name and _surely(one, game.scale)]
        if sure:
            out.append(sure[first_largest([one.difference for one in sure], game.scale)])
    return out


def unequal_text(found: Unequal, names: tuple[str, ...]) -> str:
    """Return what it means for the payoffs that are shown.

    >>> unequal_text(Unequal("bid", (0, 1), 0.5, 0.1), ("Ann", "Bob"))
    'bid: payoffs are means over the role, but playing alike Ann earns 0.50 ± 0.10 more than Bob; see symmetric = false'
    """
    first, second = (names[k] if k < len(names) else f"agent {k}" for k in found.agents)
    more = f"{amount(found.difference)} ± {amount(found.half_width)} more"
    means = f"{found.role}: payoffs are means over the role, but playing alike"
    return f"{means} {first} earns {more} than {second}; see symmetric = false"


def _surely(found: Unequal, scale: float) -> bool:
    return found.difference - found.half_width > NOTHING * scale
