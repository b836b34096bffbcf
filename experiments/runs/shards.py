"""Play shards: a job holds all that a worker needs, the worker writes the files, the parent keeps the journal.

A shard of a case is named `mechanism=M/case=C/shard-00000`. What is played together, prescribed play and some cases
under the same draws, is one call; where users' code takes part, every case is a call of its own, so that nothing but
that case can fail with it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.runs.simulation import Advance, Case, Sampling, play, prescribed_case, slug
from dynmech.experiments.runs.tally import Tally
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pieces import Piece, do_pieces
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name
from dynmech.sim.log.run_folder import RunFolder
from dynmech.sim.play.game import Game
from dynmech.sim.play.record import Keep, Record
from dynmech.sim.play.roles import MechanismProtocol

BUNDLE = 8
"""Cases that several workers play in one call at least, prescribed play once for all of them."""

ALONE = 64
"""Cases that one worker plays in one call: what is lost when it is killed."""

LEVELS = {
    "full": ("outcomes", "episodes", "gains", "rounds"),
    "episodes": ("episodes", "gains", "rounds"),
    "summary": (),
}
"""Datasets that are written, by level of the log; `rounds` of cases in which somebody learns."""


@dataclass(frozen=True, eq=False)
class Job:
    """One mechanism's shards.

    Attributes:
        game: what is played.
        mechanism: its name as typed.
        cases: prescribed play first.
        sampling: how much.
        root: the run folder, absolute.
        metadata: of every file.
        log: `full`, `episodes` or `summary`.
        batch: episodes per batch whose mean payoffs are kept for a bootstrap (0: none are).
        orders: shard k is played in order k (modulo their number): agent a plays the strategy of agent `order[a]`.
    """

    game: Game
    mechanism: str
    cases: tuple[Case, ...]
    sampling: Sampling
    root: Path
    metadata: dict[str, str]
    log: str = "full"
    batch: int = 0
    orders: tuple[tuple[int, ...], ...] = ()

    def order(self, case: int, number: int) -> tuple[int, ...]:
        """Whose strategy each agent plays in a shard of a case."""
        free = self.orders and (self.cases[case].made or not self.cases[case].tied)
        return self.orders[number % len(self.orders)] if free else tuple(range(len(self.cases[case].strategies)))

    def placed(self, case: int, number: int) -> Case:
        """A case as it is played in a shard."""
        here = self.cases[case]
        if here.made and self.orders:
            return replace(here, strategies=here.made[number % len(self.orders)])
        return replace(here, strategies=tuple(here.strategies[place] for place in self.order(case, number)))

    def key(self, case: int, number: int) -> str:
        """A shard's name."""
        return f"mechanism={slug(self.mechanism)}/case={self.cases[case].key}/shard-{number:05d}"

    @cached_property
    def parcel(self) -> Parcel:
        """The job for other processes; it lies in the run folder."""
        return Parcel.of(self).kept(self.root / f".{slug(self.mechanism)}.parcel")

    def users(self, case: int) -> list[str]:
        """Return the parts that users wrote, as `users_code`."""
        return users_code(self.game, self.cases[case])


def users_code(game: Game, case: Case | None = None) -> list[str]:
    """Return the parts of a game, and of a case, that users wrote: `mechanism 'mine'`, `strategy 'mine'`."""
    parts = [f"mechanism {rules.name!r}" for rules in _with_bases(game.mechanism) if not is_shipped(rules)]
    if any(callable(value) and not is_shipped(value) for value in vars(game.environment).values()):
        parts.append(f"economy {game.environment.name!r}")
    strategies = case.strategies if case else ()
    return parts + list(
        dict.fromkeys(f"strategy {s.name!r}" for s in strategies if not all(map(is_shipped, s.components())))
    )


def _with_bases(mechanism: MechanismProtocol) -> Iterator[MechanismProtocol]:
    """A mechanism, and those that it builds on."""
    yield mechanism
    base = getattr(mechanism, "base", None)
    if isinstance(base, Mechanism):
        yield from _with_bases(base)


def play_bundle(job: Job, number: int, start: int, count: int, which: Sequence[int]) -> list[dict[str, Any]]:
    """Play and write one shard of some cases: per case `key`, `files` and `summary`."""
    from dynmech.sim.log.shard_files import write_shard

    keep: Keep = "everything" if job.log == "full" else "sums"
    reference = play(job.game, job.cases[0], job.sampling, number, count, keep=keep)
    out = []
    for index in which:
        case = job.placed(index, number)
        record = play(job.game, case, job.sampling, number, count, keep=keep) if index else reference
        key = job.key(index, number)
        tables = _tables(job.log, key, record, reference, case, start)
        summary = Tally.of(record, reference.payoffs).to_data()
        if job.batch:
            by_place = record.payoffs[np.argsort(job.order(index, number))]
            summary["batches"] = batch_means(by_place, job.batch).tolist()
        if record.rounds > 1:
            summary["learning"] = Moments.of(record.learning.transpose(1, 0, 2)).to_data()
        out.append({"key": key, "files": write_shard(job.root, tables, job.metadata), "summary": summary})
    return out


def batch_means(payoffs: FloatArray, batch: int) -> FloatArray:
    """Means of `(N, E)` over batches of episodes, `(N, B)`; a last, shorter batch is left out if there is another."""
    count = max(1, payoffs.shape[1] // batch)
    size = min(batch, payoffs.shape[1])
    means: FloatArray = payoffs[:, : count * size].reshape(len(payoffs), count, size).mean(axis=2)
    return means


def _tables(log: str, key: str, record: Record, reference: Record, case: Case, start: int) -> dict[str, Any]:
    from dynmech.sim.log.tables import episodes_table, gains_table, outcomes_table, rounds_table

    names = [strategy.key() for strategy in case.strategies]
    makers = {
        "outcomes": lambda: outcomes_table(record, start, names),
        "episodes": lambda: episodes_table(record, start, names),
        "gains": lambda: gains_table(record, reference.payoffs, start, names, case.deviates),
    }
    if record.rounds > 1:
        makers["rounds"] = lambda: rounds_table(record, start, names)
    return {f"{dataset}/{key}.parquet": makers[dataset]() for dataset in LEVELS[log] if dataset in makers}


def play_jobs(
    jobs: Sequence[Job],
    folder: RunFolder,
    workers: Workers,
    advance: Advance,
    wanted: Callable[[Job, int, int], bool] = lambda *_: True,
) -> None:
    """Play what is not recorded yet and record it; what fails twice is recorded with its reason.

    Args:
        wanted: which shards are played: of a job, the case by its index, and the shard's number.

    A case that was ended from outside the rules (too slow, its process gone) is not tried on further shards.

    Raises:
        PlayError: a strategy or mechanism of ours breaks the rules with the options that it was given.
        StorageError: nothing more can be written.
    """
    do_pieces(_pieces(jobs, folder, workers.many, advance, wanted), folder, workers, advance)


def _pieces(
    jobs: Sequence[Job],
    folder: RunFolder,
    many: bool,
    advance: Advance,
    wanted: Callable[[Job, int, int], bool],
) -> Iterator[Piece]:
    """What is left to do, shard by shard; made only as workers become free."""
    for job in jobs:
        users = [tuple(job.users(index)) for index in range(len(job.cases))]
        parcel = partial(getattr, job, "parcel")
        for number, (start, count) in enumerate(job.sampling.shards(job.game)):
            asked = [index for index in range(len(job.cases)) if wanted(job, index, number)]
            left = [index for index in asked if not folder.has(job.key(index, number))]
            advance(len(asked) - len(left))
            for which in _bundles(left, users, many):
                keys = tuple(job.key(index, number) for index in which)
                theirs = users[which[0]]
                kind = keys[0].rpartition("/")[0] if theirs else ""
                yield Piece(keys, theirs, play_bundle, job, parcel, (number, start, count, which), kind)


def _bundles(left: Sequence[int], users: Sequence[tuple[str, ...]], many: bool) -> Iterator[tuple[int, ...]]:
    """Yield cases that one call plays: users' one by one, ours in bundles (larger ones for a single worker)."""
    for index in left:
        if users[index]:
            yield (index,)
    ours = iter([index for index in left if not users[index]])
    size = max(BUNDLE, min(ALONE, len(left)) // 4) if many else ALONE
    while bundle := tuple(islice(ours, size)):
        yield bundle


def totals(job: Job, folder: RunFolder) -> dict[str, Tally]:
    """What each case's shards add up to, in their order; a case that lacks one is left out."""
    out = {}
    for index, case in enumerate(job.cases):
        keys = [job.key(index, number) for number in range(job.sampling.shard_count(job.game))]
        if all(folder.has(key) for key in keys):
            tallies = (Tally.from_data(summary) for summary in folder.summaries(keys))
            total = next(tallies)
            for tally in tallies:
                total = total.merge(tally)
            out[case.key] = total
    return out


def learned(job: Job, case: Case, folder: RunFolder) -> Moments | None:
    """Payoffs while it was learned, by agent and stretch of rounds `(N, L)`; None where nobody learns."""
    index = [played.key for played in job.cases].index(case.key)
    keys = [job.key(index, number) for number in range(job.sampling.shard_count(job.game))]
    shards = [Moments.from_data(data["learning"]) for data in folder.summaries(keys) if "learning" in data]
    return reduce(Moments.merge, shards) if shards else None


def shard_keys(jobs: Sequence[Job]) -> Iterator[str]:
    """Names of all shards, in order."""
    for job in jobs:
        for number in range(job.sampling.shard_count(job.game)):
            for index in range(len(job.cases)):
                yield job.key(index, number)


def make_job(game: Game, mechanism: str, cases: Sequence[Case], sampling: Sampling, folder: RunFolder, log: str) -> Job:
    """A job in a run folder; prescribed play goes first."""
    base = prescribed_case(game)
    everything = (base, *(case for case in cases if case.key != base.key))
    require_apart([case.key for case in everything], "case")
    return Job(game, mechanism, everything, sampling, folder.path.resolve(), folder.metadata, log)


def require_apart(names: Sequence[str], what: str) -> None:
    """Names of things that have files of their own.

    Raises:
        InputError: two are alike as parts of paths.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(slug(name).casefold(), name)
        if other is not name:
            raise InputError(f"{what} {name!r} and {what} {other!r} would have the same files; run them apart")


def known_level(log: str) -> str:
    """A level of the log.

    Raises:
        InputError: there is no such level.
    """
    if log not in LEVELS:
        raise InputError(f"log: {log!r} is none of {', '.join(LEVELS)}{near_name(log, LEVELS)}")
    return log
