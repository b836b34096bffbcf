"""What a tournament found, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dynmech.experiments.figures.comparisons import Farthest, farthest
from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.runs.shown_result import DrawnResult
from dynmech.experiments.runs.verdicts import HOLDS, NOT_REFUTED, UNDECIDED
from dynmech.experiments.tournament.beside import NAMES
from dynmech.experiments.tournament.coalitions import CoalitionGain
from dynmech.experiments.tournament.empirical import NEGLIGIBLE, EmpiricalGame, Regret
from dynmech.experiments.tournament.population import Population
from dynmech.experiments.tournament.sentence import headline, truth_text
from dynmech.experiments.tournament.study import Study
from dynmech.experiments.tournament.truth import TruthSearch
from dynmech.experiments.tournament.unequal import unequal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Part:
    """One mechanism on one economy.

    Attributes:
        environment, mechanism: as typed.
        game: the empirical game.
        table: a row per profile: regret, episodes, and what it does to the mechanism (welfare, revenue, worst deficit,
            how many (agent, date, own signal) would rather leave). Its `verdict` is whether the profile is an
            equilibrium of what was played; of truth by all *holds*, where the exact search says that nothing gains.
        folder: where the run lies.
        search: the exact search of deviations from truth by all, and what is promised.
        truth: the name of the strategy that is truth.
        coalitions: what each coalition of the study gains.
        comparisons: simulated gains beside exact ones, see `dynmech.experiments.tournament.beside`.
        agents: names of the agents.
    """

    environment: str
    mechanism: str
    game: EmpiricalGame
    table: pd.DataFrame
    folder: Path
    search: TruthSearch
    truth: str
    coalitions: Sequence[CoalitionGain] = ()
    comparisons: Sequence[dict[str, Any]] = ()
    agents: Sequence[str] = ()

    @cached_property
    def regret(self) -> Regret | None:
        """The regret of truth by all among the strategies that were played; None if it was not played."""
        return truth_regret(self.game, self.truth)

    @property
    def not_refuted(self) -> list[str]:
        """The profiles whose regret is surely small; of truth by all, those too where it is known to be none."""
        return self._of_status(HOLDS, NOT_REFUTED)

    @property
    def undecided(self) -> list[str]:
        """The profiles whose regret is not known well enough."""
        return self._of_status(UNDECIDED)

    def _of_status(self, *statuses: str) -> list[str]:
        """The profiles with one of some statuses, smallest regret first."""
        status = dict(zip(self.table["profile"], self.table["verdict"], strict=True))
        names = (self.game.label(regret.profile) for regret in self.game.regrets)
        return [name for name in names if status[name] in statuses]

    @property
    def verdict(self) -> str:
        """The status of truth by all, in the words of every command; empty where nothing is known of it."""
        return self.search.verdict(self.regret, self.game.scale)

    @cached_property
    def population(self) -> list[dict[str, Any]]:
        """Where replicator dynamics lead from equal shares, by role."""
        return population_data(self.game)


@dataclass(frozen=True, eq=False, repr=False)
class Tournament(DrawnResult):
    """What a tournament found.

    Attributes:
        study: as it was resolved.
        parts: one per economy and mechanism.
        sampled: whether only a sample of the profiles was played; `profiles` of `possible`.
        assumed: roles that were taken as symmetric without proof.
        refusals, failures: mechanisms that do not fit, and what could not be played, with reasons.
        reused: whether everything was there already.
        command: the line that plays it again; None where the study was not read from a file.
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
    command: str | None = None

    @property
    def sentence(self) -> str:
        """How many profiles, and what truth by all is under each mechanism."""
        return headline(self)

    @property
    def complete(self) -> bool:
        """Whether everything that the study names was played."""
        untold = [one for part in self.parts for one in part.coalitions if one.gain is None]
        return not (self.refusals or self.failures or untold)

    @property
    def farthest(self) -> Farthest | None:
        """Where a simulated gain lies farthest from its exact one; None where there is no exact figure."""
        several = len({part.environment for part in self.parts}) > 1
        rows = [row for part in self.parts for row in comparison_rows(part)]
        return farthest(rows, NAMES if several else NAMES[1:])

    def data(self) -> dict[str, Any]:
        """Return the tournament as plain data, for `--json`."""
        return tournament_data(self)

    def lines(self) -> list[str]:
        """Return the sentence, and where the logs are."""
        return [self.sentence, *(f"run: {folder}" for folder in dict.fromkeys(part.folder for part in self.parts))]

    @cached_property
    def payoffs(self) -> pd.DataFrame:
        """A row per economy, mechanism, profile, role and strategy: players, payoff and its standard error."""
        return pd.concat([payoff_table(part) for part in self.parts], ignore_index=True)

    @cached_property
    def profiles_table(self) -> pd.DataFrame:
        """A row per economy, mechanism and profile: regret with its interval, welfare, revenue, budget."""
        tables = [part.table.assign(environment=part.environment, mechanism=part.mechanism) for part in self.parts]
        whole = pd.concat(tables, ignore_index=True)
        first = ["environment", "mechanism"]
        return whole[[*first, *(column for column in whole.columns if column not in first)]]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables of profiles and of payoffs."""
        return {"profiles": self.profiles_table, "payoffs": self.payoffs}

    def draw(self) -> "Figure":
        """Return what one agent gains by leaving truth, by mechanism and strategy, as a figure of matplotlib."""
        from dynmech.experiments.figures.heat_map import draw_leaving

        several = len({part.environment for part in self.parts}) > 1
        names = [_under(part, several) for part in self.parts]
        gains = {name: _leaving(part.game, self.study.truth) for name, part in zip(names, self.parts, strict=True)}
        exact = {name: part.search.largest for name, part in zip(names, self.parts, strict=True)}
        return draw_leaving(gains, exact, self.study.truth)

    @property
    def provenance(self) -> Provenance:
        """What makes it again."""
        return Provenance.of_folder(self.parts[0].folder, self.command)


def comparison_rows(part: Part) -> list[dict[str, Any]]:
    """Return the comparisons of a part with what tells them from those of others."""
    return [{"environment": part.environment, "mechanism": part.mechanism, **row} for row in part.comparisons]


def _under(part: Part, several: bool) -> str:
    """Return the mechanism of a part, with its economy where there are several."""
    return f"{part.mechanism} ({part.environment})" if several else part.mechanism


def _leaving(game: EmpiricalGame, truth: str) -> dict[str, float]:
    """Return what one agent gains by each strategy while all others are truthful, as far as it was played."""
    profile = game.truth(truth)
    several = len(game.roles) > 1
    return {
        f"{game.roles[move.role].name}: {move.new}" if several else move.new: float(game.gain(profile, move, game.mean))
        for move in (game.moves(profile) if profile is not None else ())
        if profile is not None
    }


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
        "study": found.study.data(),
        "profiles": found.profiles,
        "possible": found.possible,
        "sampled": found.sampled,
        "assumed": found.assumed,
        "reused": found.reused,
        "refusals": found.refusals,
        "failures": found.failures,
        "farthest": None if (apart := found.farthest) is None else apart.data(),
        "games": [game_data(part) | {"folder": str(part.folder)} for part in found.parts],
    }


def kept_data(found: Tournament) -> dict[str, Any]:
    """Return the plain data of `result.json`, without what concerns this call only."""
    data = tournament_data(found)
    games = [{key: value for key, value in game.items() if key != "folder"} for game in data["games"]]
    study = {key: value for key, value in data["study"].items() if key != "out"}
    return {**data, "study": study, "games": games, "command": found.command}


def game_data(part: Part) -> dict[str, Any]:
    """Return one mechanism on one economy as plain data."""
    game, regret = part.game, part.regret
    return {
        "environment": part.environment,
        "mechanism": part.mechanism,
        "agents": list(part.agents),
        "roles": [
            {"name": role.name, "agents": list(role.agents), "strategies": list(role.strategies)} for role in game.roles
        ],
        "verdict": part.verdict,
        "sentence": truth_text(part),
        "exact": part.search.data(),
        "truth": None if regret is None else _regret_data(game, regret),
        "payoffs": payoff_table(part).to_dict("records"),
        "profiles": part.table.to_dict("records"),
        "not_refuted": part.not_refuted,
        "undecided": part.undecided,
        "negligible": NEGLIGIBLE * game.scale,
        "dominated": [vars(one) | {"interval": list(one.interval)} for one in game.dominated()],
        "population": part.population,
        "coalitions": [one.data() for one in part.coalitions],
        "comparisons": list(part.comparisons),
        "unequal": [one.data() for one in unequal(game)],
    }


def _regret_data(game: EmpiricalGame, regret: Regret) -> dict[str, Any]:
    move = regret.move
    return {
        "value": regret.value,
        "interval": list(regret.interval),
        "known": regret.known,
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
