"""Play a tournament: every profile under every mechanism on every economy of a study.

Cells are played in rounds under the same draws of nature. After a round, a cell whose payoffs are not known to within
the study's `width` is played on, at most as much again, up to `most` episodes; what a round plays follows from what the
rounds before it recorded, so a run that was killed goes on where it stopped.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.fingerprint import code_hashes, mechanism_files, plugin_hash, profile_files
from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.runs.execution import Desk, Outcome, Planner, RunSpec, execute
from dynmech.experiments.runs.loading import check_case, open_environment, open_game, require_fit
from dynmech.experiments.runs.results import kept_result
from dynmech.experiments.runs.shards import Job, make_job, shard_keys
from dynmech.experiments.runs.simulation import (
    Case,
    Progress,
    made_for,
    silent,
    slug,
)
from dynmech.experiments.runs.tally import Tally, properties
from dynmech.experiments.runs.verdicts import HOLDS
from dynmech.experiments.tournament.beside import coalition_rows, may_leave, truth_rows
from dynmech.experiments.tournament.coalitions import CoalitionGain, Plot, coalition_gain, find_plots
from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.found import Part, Tournament, kept_data
from dynmech.experiments.tournament.loading import StudyLike, opened
from dynmech.experiments.tournament.profiles import Profile, Role, assigned, count, design, label, orders
from dynmech.experiments.tournament.roles import make_roles
from dynmech.experiments.tournament.rounds import (
    batches_of,
    cases_of,
    interval_width,
    play_rounds,
    total_of,
    turns_played,
)
from dynmech.experiments.tournament.sizes import run_folder, sampling_of
from dynmech.experiments.tournament.study import Study
from dynmech.experiments.tournament.truth import TruthSearch, search_all
from dynmech.experiments.workers.pool import TRIES, Workers
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.log.run_folder import RunFolder, configuration_hash
from dynmech.sim.play.game import Game, ProtocolOptions


@checked_arguments
def tournament(
    study: StudyLike,
    *,
    workers: Workers | int | None = None,
    progress: Progress = silent,
    typed: Sequence[str] = (),
) -> Tournament:
    """Play a study; the same call resumes it.

    Parameters
    ----------
    study : Study, Path or str
        What is played: a TOML file, or what `load_tournament` has read from one.
    workers : Workers or int, optional
        Processes, and limits of users' code; or how many processes.
    progress : Progress
        Is told of phases and of finished work.
    typed : sequence of str
        The file that a `Study` was read from, and what was put in place of its values, as words of the command line.

    Returns
    -------
    Tournament
        Per economy and mechanism the empirical game with its regrets, discounted, in units of utility.

    Raises
    ------
    InputError
        Something in the study does not fit the economy.
    PlayError
        No mechanism could be played.
    StorageError
        The run folder cannot be written; the same call resumes.
    """
    words = typed if isinstance(study, Study) else [str(study)]
    command = shlex.join(["dynmech", "tournament", *words]) if words else None
    study, workers = opened(study, workers)
    strategies = study.build_strategies()
    found = [_on_economy(study, text, strategies, workers, progress, command) for text in study.environment.texts()]
    parts = [part for one in found for part in one.parts]
    if not parts:
        failures = [failure for one in found for failure in one.failures]
        raise PlayError(failures[0]["failed"] if failures else next(iter(found[0].refusals.values())))
    return replace(
        found[0],
        parts=parts,
        assumed=sorted({name for one in found for name in one.assumed}),
        refusals={key: text for one in found for key, text in one.refusals.items()},
        failures=[failure for one in found for failure in one.failures],
        reused=all(one.reused for one in found),
    )


def _on_economy(
    study: Study,
    text: str,
    strategies: Mapping[str, Strategy],
    workers: Workers,
    progress: Progress,
    command: str | None,
) -> Tournament:
    environment = open_environment(text, workers)
    roles, assumed = make_roles(study, environment)
    profiles, sampled = design(roles, study.truth, study.profiles, study.seed)
    cases = [_case(profile, roles, environment, strategies) for profile in profiles]
    games, refusals, broken = _games(study, text, environment, may_leave(strategies.values()), workers)
    _require_fit(text, games, roles, strategies)
    configuration = _configuration(study, text, environment, games, strategies)
    planner = _Planner(study, text, environment, strategies, roles, profiles, cases, games, refusals, assumed, sampled)
    spec = RunSpec(
        kind="tournament",
        name=text,
        configuration=configuration,
        out=run_folder(study, text, configuration_hash(configuration)),
        broken={f"mechanism={slug(mechanism)}": reason for mechanism, reason in broken.items()},
        command=command,
    )
    return execute(spec, planner, workers, progress)


@dataclass(frozen=True)
class _Work:
    """What is played on one economy: a job per mechanism, with its coalitions and what is known of truth by all."""

    jobs: list[Job]
    plots: Mapping[str, Sequence[Plot]]
    searches: Mapping[str, TruthSearch]


@dataclass(frozen=True, eq=False)
class _Planner(Planner[_Work, list[Part], Tournament]):
    """A study on one economy, before it is played.

    Attributes
    ----------
        text: the economy as it is typed.
        cases: a case per profile.
        refusals: why mechanisms do not fit.
        assumed: roles whose symmetry was not checked.
        sampled: whether the profiles are a sample.
    """

    study: Study
    text: str
    environment: Environment
    strategies: Mapping[str, Strategy]
    roles: tuple[Role, ...]
    profiles: Sequence[Profile]
    cases: Sequence[Case]
    games: Mapping[str, Game]
    refusals: dict[str, str]
    assumed: list[str]
    sampled: bool

    def plan(self, desk: Desk) -> _Work:
        """Return a job per mechanism; a profile whose strategy breaks its declarations is recorded."""
        truth, kept = self.strategies[self.study.truth], kept_result(desk.folder.path, "games")
        searches = search_all(self.games, truth, kept, desk.workers, desk.progress)
        ways = orders(self.roles, len(self.environment.agents), self.study.seed)
        sampling, batch = sampling_of(self.study, self.games.values(), len(ways))
        jobs, plots = [], {}
        for mechanism, game in self.games.items():
            unfit = _unfit(game, mechanism, self.cases, desk.folder, desk.workers)
            try:
                fit = [made_for(game, case, ways) for case in self.cases if case.key not in unfit]
            except Refusal as error:
                self.refusals[f"{mechanism} on {self.text}"] = str(error)
                continue
            plots[mechanism] = find_plots(self.study.coalitions, game, desk.workers)
            together = (plot.case(len(self.environment.agents)) for plot in plots[mechanism])
            fit += [case for case in together if case is not None]
            job = make_job(game, mechanism, fit, sampling, desk.folder, self.study.log)
            jobs.append(replace(job, batch=batch, orders=ways))
        return _Work(jobs, plots, searches)

    def play(self, work: _Work, desk: Desk) -> None:
        """Play every cell until it is known well enough."""
        play_rounds(self.study, work.jobs, self.roles, self.profiles, desk)

    def keys(self, work: _Work, folder: RunFolder) -> Iterator[str]:
        """Return the names of the shards that were played."""
        return (key for key in shard_keys(work.jobs) if folder.has(key))

    def sum_up(self, work: _Work, folder: RunFolder) -> list[Part]:
        """Return the empirical game of every mechanism of which something could be played."""
        parts = (_part(self, job, work.plots[job.mechanism], work.searches[job.mechanism], folder) for job in work.jobs)
        return [part for part in parts if part is not None]

    def tell(self, found: list[Part], outcome: Outcome) -> Tournament:
        """Return the result."""
        return Tournament(
            self.study,
            found,
            self.sampled,
            len(self.profiles),
            count(self.roles),
            self.assumed,
            self.refusals,
            outcome.failures,
            outcome.reused,
            outcome.command,
        )

    def kept(self, result: Tournament) -> Mapping[str, Any] | None:
        """Return what is kept; nothing where nothing could be played."""
        return kept_data(result) if result.parts else None


def _configuration(
    study: Study,
    text: str,
    environment: Environment,
    games: Mapping[str, Game],
    strategies: Mapping[str, Strategy],
) -> dict[str, Any]:
    """Return what makes two tournaments on one economy the same."""
    everything = [part for strategy in strategies.values() for part in strategy.components()]
    return {
        "command": "tournament",
        "study": study.data(out=False),
        "environment": {"name": text, "hash": environment_hash(environment)},
        "seed": study.seed,
        "plugins": [plugin_hash(Path(path)) for path in study.plugins],
        "code": code_hashes([*(game.mechanism for game in games.values()), *everything]),
        **mechanism_files(games),
        **profile_files(everything),
    }


def _games(
    study: Study, text: str, environment: Environment, leaving: bool, workers: Workers
) -> tuple[dict[str, Game], dict[str, str], dict[str, str]]:
    """Return a game per mechanism, why others do not fit, and why users' own cannot be opened.

    Args:
        leaving: whether a strategy of the study may leave; then exact searches let deviators leave as well.
    """
    games, refusals, broken = {}, {}, {}
    for mechanism in study.mechanisms:
        try:
            protocol = ProtocolOptions(payments=study.terms, exit=leaving)
            games[mechanism] = open_game(environment, mechanism, protocol, study.tail, workers)
        except Refusal as error:
            refusals[f"{mechanism} on {text}"] = str(error).partition(": ")[2]
        except PlayError as error:
            broken[mechanism] = str(error)
    return games, refusals, broken


def _require_fit(
    text: str, games: Mapping[str, Game], roles: Sequence[Role], strategies: Mapping[str, Strategy]
) -> None:
    """Raise if a strategy's options mean nothing in a game, naming all such; users' own are asked apart (`_unfit`)."""
    wrong: dict[str, str] = {}
    for (mechanism, game), role in product(games.items(), roles):
        for agent, name in product(role.agents, role.strategies):
            try:
                if all(map(is_shipped, strategies[name].components())):
                    require_fit(game, agent, strategies[name])
            except InputError as error:
                wrong.setdefault(name, f"strategies.{name}: under {mechanism}, {error}")
    if wrong:
        raise InputError(f"{text}: {'; '.join(wrong.values())}")


def _case(
    profile: Profile, roles: Sequence[Role], environment: Environment, strategies: Mapping[str, Strategy]
) -> Case:
    return Case(
        label(profile, roles), tuple(strategies[name] for name in assigned(profile, roles, len(environment.agents)))
    )


def _unfit(game: Game, mechanism: str, cases: Sequence[Case], folder: RunFolder, workers: Workers) -> set[str]:
    """Return the keys of cases with a user's strategy that breaks its declarations; each strategy is tried once."""
    tried: dict[int, bool] = {}
    for case in cases:
        for agent, strategy in enumerate(case.strategies):
            if id(strategy) not in tried:
                alone: list[Strategy] = [Truthful()] * len(case.strategies)
                alone[agent] = strategy
                tried[id(strategy)] = _keeps_word(game, mechanism, Case(case.key, tuple(alone)), folder, workers)
    return {case.key for case in cases if not all(tried[id(strategy)] for strategy in case.strategies)}


def _keeps_word(game: Game, mechanism: str, case: Case, folder: RunFolder, workers: Workers) -> bool:
    try:
        check_case(game, case, workers)
    except PlayError as error:
        folder.fail(f"mechanism={slug(mechanism)}/case={case.key}", str(error), TRIES)
        return False
    return True


# Results


def _part(plan: _Planner, job: Job, plots: Sequence[Plot], search: TruthSearch, folder: RunFolder) -> Part | None:
    """Return the empirical game of one mechanism; None if nothing of it could be played."""
    cells: dict[Profile, FloatArray] = {}
    tallies: dict[Profile, Tally] = {}
    for profile, index in cases_of(job, plan.roles, plan.profiles):
        if turns := turns_played(job, index, folder):
            cells[profile] = batches_of(job, index, turns, folder)
            tallies[profile] = total_of(job, index, turns, folder)
    if not cells:
        return None
    game = EmpiricalGame(plan.roles, cells, plan.study.seed)
    coalitions = [_coalition(job, plot, folder) for plot in plots]
    table, agents = _table(job, game, tallies), job.game.environment.agents
    if search.found == HOLDS and (honest := game.truth(plan.study.truth)) is not None:
        table.loc[table["profile"] == game.label(honest), "verdict"] = HOLDS
    rows = [*truth_rows(game, plan.study.truth, search, agents, plan.strategies), *coalition_rows(coalitions)]
    return Part(
        environment=plan.text,
        mechanism=job.mechanism,
        game=game,
        table=table,
        folder=folder.path,
        search=search,
        truth=plan.study.truth,
        coalitions=coalitions,
        comparisons=rows,
        agents=agents,
    )


def _coalition(job: Job, plot: Plot, folder: RunFolder) -> CoalitionGain:
    """Return what a coalition gained; prescribed play is the job's first case."""
    index = {case.key: k for k, case in enumerate(job.cases)}.get(plot.key)
    turns = min(turns_played(job, index, folder), turns_played(job, 0, folder)) if index is not None else 0
    if index is None or not turns:
        return coalition_gain(plot, job.game, None, None, None)
    payoffs, honest = (batches_of(job, k, turns, folder) for k in (index, 0))
    return coalition_gain(plot, job.game, payoffs, honest, total_of(job, index, turns, folder))


def _table(job: Job, game: EmpiricalGame, tallies: Mapping[Profile, Tally]) -> pd.DataFrame:
    """Return a row per profile."""
    regrets = {regret.profile: regret for regret in game.regrets}
    return pd.DataFrame(
        {
            "profile": game.label(profile),
            "regret": regrets[profile].value,
            "regret_low": regrets[profile].interval[0],
            "regret_high": regrets[profile].interval[1],
            "regret_known": regrets[profile].known,
            "verdict": regrets[profile].verdict(game.scale),
            "best_deviation": f"{move.old} → {move.new}" if (move := regrets[profile].move) else "",
            "episodes": int(tally.payoff.count.flat[0]),
            "width": interval_width(game.roles, profile, game.cells[profile]),
            **properties(job.game.environment, tally, tally),
        }
        for profile, tally in tallies.items()
    )
