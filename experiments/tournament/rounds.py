"""The rounds of a tournament: every cell's first episodes, then more of those that are not known well enough."""

from collections.abc import Iterator, Sequence
from functools import reduce
from math import ceil
from weakref import WeakKeyDictionary

import numpy as np

from dynmech.experiments.runs.execution import Desk
from dynmech.experiments.runs.moments import LEVEL
from dynmech.experiments.runs.shards import Job, play_jobs
from dynmech.experiments.runs.tally import Tally
from dynmech.experiments.tournament.bootstrap import standard_error
from dynmech.experiments.tournament.empirical import cell_batches
from dynmech.experiments.tournament.profiles import Profile, Role, label
from dynmech.experiments.tournament.study import Study
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.log.run_folder import RunFolder

ROUNDS = 40
"""Rounds after which a cell is left as it is."""


def play_rounds(
    study: Study,
    jobs: Sequence[Job],
    roles: Sequence[Role],
    profiles: Sequence[Profile],
    desk: Desk,
) -> None:
    """Play every cell's first episodes, then play on those that are not known well enough."""
    targets = [[_turns(study, job)] * len(job.cases) for job in jobs]
    places = {id(job): place for place, job in enumerate(jobs)}
    for number in range(ROUNDS):
        work = sum(turns * len(job.orders) for job, row in zip(jobs, targets, strict=True) for turns in row)
        advance = desk.progress("playing" if number == 0 else f"playing on, round {number + 1}", work)
        play_jobs(
            jobs,
            desk.folder,
            desk.workers,
            advance,
            lambda job, index, shard: shard < targets[places[id(job)]][index] * len(job.orders),
        )
        if study.width is None or not _extend(study.width, jobs, targets, roles, profiles, desk.folder):
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
        for profile, index in cases_of(job, roles, profiles):
            now = row[index]
            if now >= limit or turns_played(job, index, folder) < now:
                continue
            excess = interval_width(roles, profile, batches_of(job, index, now, folder)) / width
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


def cases_of(job: Job, roles: Sequence[Role], profiles: Sequence[Profile]) -> Iterator[tuple[Profile, int]]:
    """Return the profiles that a job plays, and which of its cases each is."""
    keys = {case.key: index for index, case in enumerate(job.cases)}
    for profile in profiles:
        if (index := keys.get(label(profile, roles))) is not None:
            yield profile, index


def turns_played(job: Job, index: int, folder: RunFolder) -> int:
    """Return how often a case was played in all orders, counted from the first shard."""
    shards = 0
    while shards < job.sampling.shard_count(job.game) and folder.has(job.key(index, shards)):
        shards += 1
    return shards // len(job.orders)


def batches_of(job: Job, index: int, turns: int, folder: RunFolder) -> FloatArray:
    """Return payoffs by agent's place and batch `(N, B)`, means over all orders; each shard is read once."""
    ways, known = len(job.orders), _READ.setdefault(job, {}).setdefault(index, [])
    for turn in range(len(known), turns):
        keys = (job.key(index, turn * ways + k) for k in range(ways))
        known.append(np.mean([data["batches"] for data in folder.summaries(keys)], axis=0))
    return np.concatenate(known[:turns], axis=1)


_READ: WeakKeyDictionary[Job, dict[int, list[FloatArray]]] = WeakKeyDictionary()
"""Of each case of a job, payoffs by place and batch, a turn through all orders at a time; as long as the job lives."""


def total_of(job: Job, index: int, turns: int, folder: RunFolder) -> Tally:
    """Return what a case adds up to over so many turns through all orders."""
    keys = [job.key(index, k) for k in range(turns * len(job.orders))]
    return reduce(Tally.merge, (Tally.from_data(data) for data in folder.summaries(keys)))
