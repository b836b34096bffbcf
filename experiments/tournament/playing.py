"""Play a tournament: every profile under every mechanism on every economy of a study.

Cells are played in rounds under the same draws of nature. After a round, a cell whose payoffs are not known to within
the study's `width` is played on, at most as much again, up to `most` episodes; what a round plays follows from what the
rounds before it recorded, so a run that was killed goes on where it stopped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.runs.fingerprint import code_hashes, file_hash
from dynmech.experiments.runs.loading import check_case, open_environment, open_game, require_fit
from dynmech.experiments.runs.moments import LEVEL
from dynmech.experiments.runs.results import kept_result, save_result
from dynmech.experiments.runs.shards import Job, make_job, play_jobs, shard_keys
from dynmech.experiments.runs.simulation import (
    Case,
    Progress,
    made_for,
    silent,
    slug,
    versions,
)
from dynmech.experiments.runs.tally import Tally, properties
from dynmech.experiments.runs.verdicts import HOLDS
from dynmech.experiments.tournament.beside import coalition_rows, truth_rows
from dynmech.experiments.tournament.coalitions import CoalitionGain, Plot, coalition_gain, find_plots
from dynmech.experiments.tournament.empirical import EmpiricalGame, cell_batches, standard_error
from dynmech.experiments.tournament.found import Part, Tournament, kept_data
from dynmech.experiments.tournament.loading import StudyLike, opened
from dynmech.experiments.tournament.profiles import Profile, Role, assigned, count, design, label, orders
from dynmech.experiments.tournament.roles import make_roles
from dynmech.experiments.tournament.sizes import run_folder, sampling_of
from dynmech.experiments.tournament.study import Study
from dynmech.experiments.tournament.truth import TruthSearch, search_all
from dynmech.experiments.workers.pool import TRIES, Workers
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.log.run_folder import RunFolder, configuration_hash
from dynmech.sim.play.game import Game, ProtocolOptions

ROUNDS = 40  # after which a cell is left as it is


def tournament(study: StudyLike, *, workers: Workers | int | None = None, progress: Progress = silent) -> Tournament:
    """Play a study; the same call resumes it.

    Parameters
    ----------
    study : Study, Path or str
        What is played: a TOML file, or what `load_tournament` has read from one.
    workers : Workers or int, optional
        Processes, and limits of users' code; or how many processes.
    progress : Progress
        Is told of phases and of finished work.

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
    study, workers = opened(study, workers)
    strategies = study.build_strategies()
    found = [_on_economy(study, text, strategies, workers, progress) for text in study.environment.texts()]
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
    study: Study, text: str, strategies: Mapping[str, Strategy], workers: Workers, progress: Progress
) -> Tournament:
    environment = open_environment(text, workers)
    roles, assumed = make_roles(study, environment)
    profiles, sampled = design(roles, study.truth, study.profiles, study.seed)
    cases = [_case(profile, roles, environment, strategies) for profile in profiles]
    games, refusals, broken = _games(study, text, environment, workers)
    _require_fit(text, games, roles, strategies)
    configuration = _configuration(study, text, environment, games, strategies)
    folder_path = run_folder(study, text, configuration_hash(configuration))
    ways = orders(roles, len(environment.agents), study.seed)
    sampling, batch = sampling_of(study, games.values(), len(ways))
    with RunFolder(folder_path, configuration, versions()) as folder:
        folder.reopen(progress("checking", len(folder.journal)) if len(folder.journal) else lambda _: None)
        for mechanism, reason in broken.items():
            folder.fail(f"mechanism={slug(mechanism)}", reason, TRIES)
        searches = search_all(games, strategies[study.truth], kept_result(folder_path, "games"), workers, progress)
        jobs, plots = [], {}
        for mechanism, game in games.items():
            unfit = _unfit(game, mechanism, cases, folder, workers)
            try:
                fit = [made_for(game, case) for case in cases if case.key not in unfit]
            except Refusal as error:
                refusals[f"{mechanism} on {text}"] = str(error)
                continue
            plots[mechanism] = find_plots(study.coalitions, game, workers)
            together = (plot.case(len(environment.agents)) for plot in plots[mechanism])
            fit += [case for case in together if case is not None]
            job = make_job(game, mechanism, fit, sampling, folder, study.log)
            jobs.append(replace(job, batch=batch, orders=ways))
        _rounds(study, jobs, roles, profiles, folder, workers, progress)
        folder.finish(key for key in shard_keys(jobs) if folder.has(key))
        mine = (
            _part(study, text, job, roles, profiles, plots[job.mechanism], searches[job.mechanism], strategies, folder)
            for job in jobs
        )
        parts = [part for part in mine if part is not None]
    reused = bool(folder.data["complete"]) and not folder.written
    failures = folder.failures()
    found = Tournament(study, parts, sampled, len(profiles), count(roles), assumed, refusals, failures, reused)
    if parts:
        save_result(folder_path, "tournament", kept_data(found))
    return found


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
        "study": study.model_dump(exclude={"out"}),
        "environment": {"name": text, "hash": environment_hash(environment)},
        "seed": study.seed,
        "plugins": [file_hash(Path(path)) for path in study.plugins],
        "code": code_hashes([*(game.mechanism for game in games.values()), *everything]),
    }


def _games(
    study: Study, text: str, environment: Environment, workers: Workers
) -> tuple[dict[str, Game], dict[str, str], dict[str, str]]:
    """Return a game per mechanism, why others do not fit, and why users' own cannot be opened."""
    games, refusals, broken = {}, {}, {}
    for mechanism in study.mechanisms:
        try:
            games[mechanism] = open_game(environment, mechanism, ProtocolOptions(), study.tail, workers)
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


# Rounds


def _rounds(
    study: Study,
    jobs: Sequence[Job],
    roles: Sequence[Role],
    profiles: Sequence[Profile],
    folder: RunFolder,
    workers: Workers,
    progress: Progress,
) -> None:
    """Play every cell's first episodes, then play on those that are not known well enough."""
    targets = [[_turns(study, job)] * len(job.cases) for job in jobs]
    places = {id(job): place for place, job in enumerate(jobs)}
    for number in range(ROUNDS):
        work = sum(turns * len(job.orders) for job, row in zip(jobs, targets, strict=True) for turns in row)
        advance = progress("playing" if number == 0 else f"playing on, round {number + 1}", work)
        play_jobs(
            jobs,
            folder,
            workers,
            advance,
            lambda job, index, shard: shard < targets[places[id(job)]][index] * len(job.orders),
        )
        if study.width is None or not _extend(study.width, jobs, targets, roles, profiles, folder):
            return


def _turns(study: Study, job: Job) -> int:
    """Return how often the first round goes through all orders."""
    return ceil(study.episodes / (len(job.orders) * job.sampling.shard))


def _extend(
    width: float,
    jobs: Sequence[Job],
    targets: Sequence[list[int]],
    roles: Sequence[Role],
    profiles: Sequence[Profile],
    folder: RunFolder,
) -> bool:
    """Raise the targets of profiles with a payoff whose interval is too wide; False if there are none."""
    again = False
    for job, row in zip(jobs, targets, strict=True):
        limit = job.sampling.shard_count(job.game) // len(job.orders)
        for profile, index in _indices(job, roles, profiles):
            now = row[index]
            if now >= limit or _played(job, index, folder) < now:
                continue
            excess = interval_width(roles, profile, _batches(job, index, now, folder)) / width
            if excess > 1:
                row[index] = int(min(limit, 2 * now, max(now + 1, ceil(now * excess**2))))
                again = True
    return again


def interval_width(roles: Sequence[Role], profile: Profile, payoffs: FloatArray) -> float:
    """Return the widest 95 % interval of any strategy's payoff in a profile; `payoffs` by agent and batch."""
    from scipy.special import ndtri

    errors = [
        standard_error(cell_batches(role, way, strategy, payoffs))
        for role, way in zip(roles, profile, strict=True)
        for strategy in dict.fromkeys(way)
    ]
    return 2 * float(ndtri((1 + LEVEL) / 2)) * max(errors)


def _indices(job: Job, roles: Sequence[Role], profiles: Sequence[Profile]) -> Iterator[tuple[Profile, int]]:
    """Return the profiles that a job plays, and which of its cases each is."""
    keys = {case.key: index for index, case in enumerate(job.cases)}
    for profile in profiles:
        if (index := keys.get(label(profile, roles))) is not None:
            yield profile, index


def _played(job: Job, index: int, folder: RunFolder) -> int:
    """Return how often a case was played in all orders, counted from the first shard."""
    shards = 0
    while shards < job.sampling.shard_count(job.game) and folder.has(job.key(index, shards)):
        shards += 1
    return shards // len(job.orders)


def _batches(job: Job, index: int, turns: int, folder: RunFolder) -> FloatArray:
    """Return payoffs by agent's place and batch `(N, B)`, means over all orders; each shard is read once."""
    ways, known = len(job.orders), _READ.setdefault(job, {}).setdefault(index, [])
    for turn in range(len(known), turns):
        keys = (job.key(index, turn * ways + k) for k in range(ways))
        known.append(np.mean([data["batches"] for data in folder.summaries(keys)], axis=0))
    return np.concatenate(known[:turns], axis=1)


_READ: WeakKeyDictionary[Job, dict[int, list[FloatArray]]] = WeakKeyDictionary()
"""Of each case of a job, payoffs by place and batch, a turn through all orders at a time; as long as the job lives."""


def _total(job: Job, index: int, turns: int, folder: RunFolder) -> Tally:
    keys = [job.key(index, k) for k in range(turns * len(job.orders))]
    return reduce(Tally.merge, (Tally.from_data(data) for data in folder.summaries(keys)))


# Results


def _part(
    study: Study,
    text: str,
    job: Job,
    roles: tuple[Role, ...],
    profiles: Sequence[Profile],
    plots: Sequence[Plot],
    search: TruthSearch,
    strategies: Mapping[str, Strategy],
    folder: RunFolder,
) -> Part | None:
    """Return the empirical game of one mechanism; None if nothing of it could be played."""
    cells: dict[Profile, FloatArray] = {}
    tallies: dict[Profile, Tally] = {}
    for profile, index in _indices(job, roles, profiles):
        if turns := _played(job, index, folder):
            cells[profile] = _batches(job, index, turns, folder)
            tallies[profile] = _total(job, index, turns, folder)
    if not cells:
        return None
    game = EmpiricalGame(roles, cells, study.seed)
    coalitions = [_coalition(job, plot, folder) for plot in plots]
    table, agents = _table(job, game, tallies), job.game.environment.agents
    if search.found == HOLDS and (honest := game.truth(study.truth)) is not None:
        table.loc[table["profile"] == game.label(honest), "verdict"] = HOLDS
    rows = [*truth_rows(game, study.truth, search, agents, strategies), *coalition_rows(coalitions)]
    return Part(
        environment=text,
        mechanism=job.mechanism,
        game=game,
        table=table,
        folder=folder.path,
        search=search,
        truth=study.truth,
        coalitions=coalitions,
        comparisons=rows,
        agents=agents,
    )


def _coalition(job: Job, plot: Plot, folder: RunFolder) -> CoalitionGain:
    """Return what a coalition gained; prescribed play is the job's first case."""
    index = {case.key: k for k, case in enumerate(job.cases)}.get(plot.key)
    turns = min(_played(job, index, folder), _played(job, 0, folder)) if index is not None else 0
    if index is None or not turns:
        return coalition_gain(plot, job.game, None, None, None)
    payoffs, honest = (_batches(job, k, turns, folder) for k in (index, 0))
    return coalition_gain(plot, job.game, payoffs, honest, _total(job, index, turns, folder))


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
