"""Play a tournament: every profile under every mechanism on every economy of a study.

Cells are played in rounds under the same draws of nature. After a round, a cell whose payoffs are not known to within
the study's `width` is played on, at most as much again, up to `most` episodes; what a round plays follows from what the
rounds before it recorded, so a run that was killed goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agents.base import BaseStrategy
from agents.truthful import Truthful
from experiments.fingerprint import code_hashes, environment_hash, file_hash
from experiments.opening import check_case, open_environment, open_game
from experiments.pool import TRIES, Workers
from experiments.results import save_result
from experiments.running import agent_index
from experiments.shards import Job, make_job, play_jobs, shard_keys
from experiments.simulate import Case, Progress, Sampling, default_folder, silent, slug, versions
from experiments.tally import Tally, properties
from experiments.tournament.empirical import EmpiricalGame
from experiments.tournament.found import Part, Tournament
from experiments.tournament.profiles import Profile, Role, assigned, count, design, label
from experiments.tournament.study import Study
from sim.arrays import FloatArray
from sim.environment import Environment, TableEnvironment
from sim.errors import InputError, PlayError, Refusal
from sim.game import Conduct
from sim.run_folder import RunFolder, configuration_hash
from sim.symmetry import asymmetry

BATCHES = 40
"""Batches that the first round's episodes are cut into."""

ROUNDS = 40
"""Rounds after which a cell is left as it is."""


def tournament(study: Study, *, workers: Workers | None = None, progress: Progress = silent) -> Tournament:
    """Play a study; the same call resumes it.

    Raises:
        InputError: something in the study does not fit the economy.
        PlayError: no mechanism could be played.
        StorageError: the run folder cannot be written; the same call resumes.
    """
    workers = workers or Workers()
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
    study: Study, text: str, strategies: Mapping[str, BaseStrategy], workers: Workers, progress: Progress
) -> Tournament:
    environment = open_environment(text, workers)
    roles, assumed = make_roles(study, environment)
    profiles, sampled = design(roles, study.truth, study.profiles, study.seed)
    cases = [_case(profile, roles, environment, strategies) for profile in profiles]
    games, refusals, broken = {}, {}, {}
    for mechanism in study.mechanisms:
        try:
            games[mechanism] = open_game(environment, mechanism, Conduct(), study.tail, workers)
        except Refusal as error:
            refusals[f"{mechanism} on {text}"] = str(error).partition(": ")[2]
        except PlayError as error:
            broken[mechanism] = str(error)
    configuration = {
        "command": "tournament",
        "study": study.model_dump(exclude={"out"}),
        "environment": {"name": text, "hash": environment_hash(environment)},
        "seed": study.seed,
        "plugins": [file_hash(Path(path)) for path in study.plugins],
        "code": code_hashes([*(game.mechanism for game in games.values()), *strategies.values()]),
    }
    folder_path = _folder(study, text, configuration_hash(configuration))
    size = min([study.episodes, *(Sampling(study.episodes).shard_size(game) for game in games.values())])
    sampling = Sampling(max(study.episodes, study.most if study.width else 0), study.seed, shard=size)
    with RunFolder(folder_path, configuration, versions()) as folder:
        folder.reopen(progress("checking", len(folder.journal)) if len(folder.journal) else lambda _: None)
        for mechanism, reason in broken.items():
            folder.fail(f"mechanism={slug(mechanism)}", reason, TRIES)
        unfit = _unfit(games, cases, folder, workers)
        batch = max(1, size // max(1, BATCHES * size // study.episodes))
        jobs = [
            replace(
                make_job(game, m, [c for c in cases if c.key not in unfit], sampling, folder, study.log), batch=batch
            )
            for m, game in games.items()
        ]
        _rounds(study, jobs, size, folder, workers, progress)
        folder.finish(key for key in shard_keys(jobs) if folder.has(key))
        parts = [
            part for job in jobs if (part := _part(study, text, job, roles, profiles, folder, folder_path)) is not None
        ]
    reused = bool(folder.data["complete"]) and not folder.written
    failures = folder.failures()
    found = Tournament(study, parts, sampled, len(profiles), count(roles), assumed, refusals, failures, reused)
    if parts:
        save_result(folder_path, "tournament", found.data())
    return found


def _folder(study: Study, text: str, digest: str) -> Path:
    if study.out is None:
        return default_folder("tournament", text, digest)
    alone = len(study.environment.texts()) == 1
    return Path(study.out) if alone else Path(study.out) / slug(text)


def make_roles(study: Study, environment: Environment) -> tuple[tuple[Role, ...], list[str]]:
    """The study's roles on an economy, and those that are taken as symmetric without proof.

    Raises:
        InputError: an agent in no role or in two, or agents of a symmetric role that are not alike.
    """
    names = environment.agents
    if not study.roles:
        roles = [Role("agent", tuple(range(len(names))), tuple(study.strategies))]
    else:
        roles = [
            Role(
                name,
                tuple(agent_index(names, who) for who in entry.agents),
                tuple(entry.strategies or study.strategies),
                entry.symmetric and len(entry.agents) > 1,
            )
            for name, entry in study.roles.items()
        ]
    _check_cover(roles, names)
    assumed = []
    for role in roles:
        if not role.symmetric:
            continue
        if not isinstance(environment, TableEnvironment):
            assumed.append(role.name)
        elif wrong := asymmetry(environment, role.agents):
            raise InputError(
                f"roles.{role.name}: not symmetric, {wrong}; give them roles of their own, or symmetric = false"
            )
    return tuple(roles), assumed


def _check_cover(roles: Sequence[Role], names: Sequence[str]) -> None:
    seen = [agent for role in roles for agent in role.agents]
    for agent, name in enumerate(names):
        if seen.count(agent) != 1:
            where = "in no role" if agent not in seen else "in more than one place"
            raise InputError(f"roles: agent {name!r} is {where}; each agent has one")


def _case(
    profile: Profile, roles: Sequence[Role], environment: Environment, strategies: Mapping[str, BaseStrategy]
) -> Case:
    return Case(
        label(profile, roles), tuple(strategies[name] for name in assigned(profile, roles, len(environment.agents)))
    )


def _unfit(games: Mapping[str, Any], cases: Sequence[Case], folder: RunFolder, workers: Workers) -> set[str]:
    """Keys of cases with a user's strategy that does not keep its word; each strategy is tried once per game."""
    unfit: set[str] = set()
    for mechanism, game in games.items():
        tried: dict[int, bool] = {}
        for case in cases:
            for agent, strategy in enumerate(case.strategies):
                if id(strategy) not in tried:
                    alone = [Truthful()] * len(case.strategies)
                    alone[agent] = strategy  # type: ignore[call-overload]
                    tried[id(strategy)] = _keeps_word(game, mechanism, Case(case.key, tuple(alone)), folder, workers)
            if not all(tried[id(strategy)] for strategy in case.strategies):
                unfit.add(case.key)
    return unfit


def _keeps_word(game: Any, mechanism: str, case: Case, folder: RunFolder, workers: Workers) -> bool:
    try:
        check_case(game, case, workers)
    except PlayError as error:
        folder.fail(f"mechanism={slug(mechanism)}/case={case.key}", str(error), TRIES)
        return False
    return True


# Rounds


def _rounds(
    study: Study, jobs: Sequence[Job], size: int, folder: RunFolder, workers: Workers, progress: Progress
) -> None:
    """Play every cell's first episodes, then play on those that are not known well enough."""
    first = ceil(study.episodes / size)
    targets = {(id(job), index): first for job in jobs for index in range(len(job.cases))}
    for number in range(ROUNDS):
        work = sum(targets[id(job), index] for job in jobs for index in range(len(job.cases)))
        name = "playing" if number == 0 else f"playing on, round {number + 1}"
        play_jobs(
            jobs, folder, workers, progress(name, work), lambda job, index, shard: shard < targets[id(job), index]
        )
        if study.width is None or not _extend(study, jobs, targets, folder):
            return


def _extend(study: Study, jobs: Sequence[Job], targets: dict[tuple[int, int], int], folder: RunFolder) -> bool:
    """Raise the targets of cells that are too wide; False if there are none."""
    assert study.width is not None
    again = False
    for job in jobs:
        limit = job.sampling.shard_count(job.game)
        for index in range(len(job.cases)):
            now = targets[id(job), index]
            if now >= limit or not all(folder.has(job.key(index, k)) for k in range(now)):
                continue
            wide = float(_total(job, index, now, folder).payoff.half().max()) / study.width
            if wide > 1:
                targets[id(job), index] = min(limit, 2 * now, max(now + 1, ceil(now * wide**2)))
                again = True
    return again


def _total(job: Job, index: int, shards: int, folder: RunFolder) -> Tally:
    tallies = (Tally.from_data(data) for data in folder.summaries(job.key(index, k) for k in range(shards)))
    total = next(tallies)
    for tally in tallies:
        total = total.merge(tally)
    return total


# Results


def _part(
    study: Study,
    text: str,
    job: Job,
    roles: tuple[Role, ...],
    profiles: Sequence[Profile],
    folder: RunFolder,
    path: Path,
) -> Part | None:
    """The empirical game of one mechanism; None if nothing of it could be played."""
    keys = {case.key: index for index, case in enumerate(job.cases)}
    cells: dict[Profile, FloatArray] = {}
    tallies: dict[Profile, Tally] = {}
    truth = _played(job, 0, folder)
    for profile in profiles:
        index = keys.get(label(profile, roles), -1)
        shards = _played(job, index, folder) if index >= 0 else 0
        if shards:
            names = [job.key(index, k) for k in range(shards)]
            cells[profile] = np.concatenate([np.array(data["batches"]) for data in folder.summaries(names)], axis=1)
            tallies[profile] = _total(job, index, shards, folder)
    if not cells or not truth:
        return None
    game = EmpiricalGame(roles, cells, study.seed)
    prescribed = _total(job, 0, truth, folder)
    regrets = {regret.profile: regret for regret in game.regrets}
    rows = [
        {
            "profile": game.label(profile),
            "regret": regrets[profile].value,
            "regret_low": regrets[profile].interval[0],
            "regret_high": regrets[profile].interval[1],
            "regret_known": regrets[profile].known,
            "episodes": int(tally.payoff.count.flat[0]),
            "half_width": float(tally.payoff.half().max()),
            **properties(job.game.environment, tally, prescribed),
        }
        for profile, tally in tallies.items()
    ]
    return Part(text, job.mechanism, game, pd.DataFrame(rows), path)


def _played(job: Job, index: int, folder: RunFolder) -> int:
    """How many shards of a case were played, from the first on."""
    shards = 0
    while shards < job.sampling.shard_count(job.game) and folder.has(job.key(index, shards)):
        shards += 1
    return shards
