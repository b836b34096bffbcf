"""What a tournament found, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from dynmech.experiments.runs.moments import ZERO, amount
from dynmech.experiments.tournament.coalitions import CoalitionGain
from dynmech.experiments.tournament.empirical import EmpiricalGame, Regret
from dynmech.experiments.tournament.equilibria import pure
from dynmech.experiments.tournament.population import Population
from dynmech.experiments.tournament.study import Study
from dynmech.sim.core.ties import first_of


@dataclass(frozen=True, eq=False)
class Part:
    """One mechanism on one economy.

    Attributes:
        environment, mechanism: as typed.
        game: the empirical game.
        table: a row per profile: regret, episodes, and what it does to the mechanism (welfare, revenue, worst deficit,
            how many (agent, date, own signal) would rather leave).
        folder: where the run lies.
        coalitions: what each coalition of the study gains.
        agents: names of the agents.
    """

    environment: str
    mechanism: str
    game: EmpiricalGame
    table: pd.DataFrame
    folder: Path
    coalitions: Sequence[CoalitionGain] = ()
    agents: Sequence[str] = ()

    @cached_property
    def population(self) -> list[dict[str, Any]]:
        """Where replicator dynamics lead from equal shares, by role."""
        return population_data(self.game)


@dataclass(frozen=True, eq=False)
class Tournament:
    """What a tournament found.

    Attributes:
        study: as it was resolved.
        parts: one per economy and mechanism.
        sampled: whether only a sample of the profiles was played; `profiles` of `possible`.
        assumed: roles that were taken as symmetric without proof.
        refusals, failures: mechanisms that do not fit, and what could not be played, with reasons.
        reused: whether everything was there already.
    """

    study: Study
    parts: list[Part]
    sampled: bool
    profiles: int
    possible: int
    assumed: list[str]
    refusals: dict[str, str]
    failures: list[dict[str, Any]]
    reused: bool

    @property
    def sentence(self) -> str:
        """How many profiles, and under which mechanisms truth is seen to lose."""
        return headline(self)

    def data(self) -> dict[str, Any]:
        """Return the tournament as plain data, for `--json`."""
        return tournament_data(self)


def headline(found: Tournament) -> str:
    """Return in words the number of profiles and the mechanisms under which truth loses."""
    size = (
        f"{found.profiles} profiles"
        if not found.sampled
        else f"a sample of {found.profiles} of {found.possible} profiles"
    )
    under: dict[str, list[str]] = {"not_refuted": [], "breaks": [], "undecided": []}
    for part in found.parts:
        if (regret := truth_regret(part.game, found.study.truth)) is not None:
            under[regret.verdict(part.game.scale)].append(_where(part, found))
    words = {
        "not_refuted": "is not refuted",
        "breaks": "breaks",
        "undecided": "is undecided",
    }
    told = [f"{words[verdict]} under {', '.join(names)}" for verdict, names in under.items() if names]
    said = f"truth by all {'; it '.join(told)}" if told else "truth by all was not among the profiles"
    return f"{size[0].upper()}{size[1:]}: {said}.{_colluding(found)}"


def _colluding(found: Tournament) -> str:
    """Return in words the coalition that gains most; empty if none gains."""
    gains = [(one.exact, one, part) for part in found.parts for one in part.coalitions if one.exact is not None]
    exact, one, part = first_of(gains, lambda entry: entry[0]) if gains else (0.0, None, None)
    if one is None or part is None or exact <= (one.exact_bound or 0.0) + ZERO:
        return ""
    return f" Together {' and '.join(one.members)} gain {amount(exact)} under {_where(part, found)} (exact)."


def _where(part: Part, found: Tournament) -> str:
    several = len({one.environment for one in found.parts}) > 1
    return f"{part.mechanism} ({part.environment})" if several else part.mechanism


def truth_regret(game: EmpiricalGame, truth: str) -> Regret | None:
    """Return the regret of the truthful profile; None if it was not played."""
    profile = game.truth(truth)
    return None if profile is None else game.regret(profile)


def payoff_table(part: Part) -> pd.DataFrame:
    """Return a row per profile, role and strategy: payoff and its standard error."""
    game = part.game
    rows = []
    for profile in game.profiles:
        for r, way in enumerate(profile):
            for strategy in dict.fromkeys(way):
                k = game.cell(profile, r, strategy)
                rows.append(
                    {
                        "environment": part.environment,
                        "mechanism": part.mechanism,
                        "profile": game.label(profile),
                        "role": game.roles[r].name,
                        "strategy": strategy,
                        "players": way.count(strategy),
                        "payoff": float(game.mean[k]),
                        "error": float(game.error[k]),
                    }
                )
    return pd.DataFrame(rows)


def tournament_data(found: Tournament) -> dict[str, Any]:
    """Return a tournament as plain data."""
    return {
        "sentence": headline(found),
        "study": found.study.model_dump(),
        "profiles": found.profiles,
        "possible": found.possible,
        "sampled": found.sampled,
        "assumed": found.assumed,
        "reused": found.reused,
        "refusals": found.refusals,
        "failures": found.failures,
        "games": [game_data(part, found.study.truth) | {"folder": str(part.folder)} for part in found.parts],
    }


def kept_data(found: Tournament) -> dict[str, Any]:
    """Return the plain data of `result.json`, without what concerns this call only."""
    data = tournament_data(found)
    games = [{key: value for key, value in game.items() if key != "folder"} for game in data["games"]]
    study = {key: value for key, value in data["study"].items() if key != "out"}
    return {**data, "study": study, "games": games}


def game_data(part: Part, truth: str) -> dict[str, Any]:
    """Return one mechanism on one economy as plain data."""
    game = part.game
    regret = truth_regret(game, truth)
    return {
        "environment": part.environment,
        "mechanism": part.mechanism,
        "agents": list(part.agents),
        "roles": [
            {"name": role.name, "agents": list(role.agents), "strategies": list(role.strategies)} for role in game.roles
        ],
        "truth": None if regret is None else _regret_data(game, regret),
        "payoffs": payoff_table(part).to_dict("records"),
        "profiles": part.table.to_dict("records"),
        "stable": [game.label(regret.profile) for regret in pure(game)],
        "dominated": [vars(one) | {"interval": list(one.interval)} for one in game.dominated()],
        "population": part.population,
        "coalitions": [one.data() for one in part.coalitions],
    }


def _regret_data(game: EmpiricalGame, regret: Regret) -> dict[str, Any]:
    move = regret.move
    return {
        "value": regret.value,
        "interval": list(regret.interval),
        "known": regret.known,
        "stable": regret.stable,
        "verdict": regret.verdict(game.scale),
        "deviation": None
        if move is None
        else {"role": game.roles[move.role].name, "old": move.old, "new": move.new, "to": game.label(move.to)},
    }


def population_data(game: EmpiricalGame) -> list[dict[str, Any]]:
    """Return the limits of replicator dynamics from equal shares, by role; empty if only a sample was played."""
    if not game.whole:
        return []
    population = Population(game)
    rest = population.replicator(population.even())[-1]
    return [
        {"role": role.name, "shares": dict(zip(role.strategies, map(float, shares), strict=True))}
        for role, shares in zip(game.roles, rest, strict=True)
    ]
