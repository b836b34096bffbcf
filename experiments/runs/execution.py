"""One execution for every command: from a frozen specification to a result.

`execute` opens the folder, or resumes it, holds what is there against its checksums, lets the planner say what is to be
played and play it, records what failed, closes the folder, and keeps the result in it. What differs between `run`,
`stress`, `sweep` and `tournament` is their planner.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from dynmech.experiments.catalog.fingerprint import plugin_hash
from dynmech.experiments.runs.foreign_folders import reading
from dynmech.experiments.runs.rerun_command import command_line
from dynmech.experiments.runs.results import save_result
from dynmech.experiments.runs.shards import known_level
from dynmech.experiments.runs.simulation import Progress, Sampling, default_folder, versions
from dynmech.experiments.workers.pool import TRIES, Workers
from dynmech.sim.log.run_folder import RunFolder, configuration_hash
from dynmech.sim.play.game import ProtocolOptions

Work = TypeVar("Work")
Found = TypeVar("Found")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Settings:
    """How something is played, whatever it is.

    Attributes:
        sampling: episodes, seed, shards and blocks.
        protocol: deadline, latency, disclosure; None: the default.
        tail: share of all discounted weight that is left out of an infinite horizon.
        log: what is kept of play.
        plugins: files that users' classes come from.
    """

    sampling: Sampling
    protocol: ProtocolOptions | None = None
    tail: float = 1e-4
    log: str = "full"
    plugins: tuple[Path, ...] = ()

    def configuration(self, beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what of it makes two runs the same; `beside` stands with the numbers of episodes."""
        return {
            "episodes": self.sampling.episodes,
            "seed": self.sampling.seed,
            "shard": self.sampling.shard,
            "log": known_level(self.log),
            **(beside or {}),
            "tail": self.tail,
            "protocol": (self.protocol or ProtocolOptions()).data(),
            "plugins": [plugin_hash(path) for path in self.plugins],
        }

    def command(self, kind: str, what: Sequence[str], agents: Sequence[str]) -> str:
        """Return the line that plays the same again; `what` are the words after the command."""
        return command_line(
            kind,
            what,
            self.sampling,
            agents=agents,
            protocol=self.protocol,
            options={"--tail": self.tail, "--log": self.log},
            plugins=self.plugins,
        )


@dataclass(frozen=True, eq=False)
class RunSpec:
    """What a run is, frozen: its folder and every byte in it follow from this.

    Attributes:
        kind: the command: `run`, `stress`, `sweep` or `tournament`.
        name: what the folder is called after, where none is given.
        configuration: everything that decides the bytes, as plain data.
        out: the folder, if one is given.
        broken: users' code that cannot be opened: by its key in the folder, with the reason.
        command: the line that makes the run again; None where something was given as an object.
        engine: who plays, as `engines_of`; it changes no byte of what is played.
        request: a hash of what was asked for, where the same call can be told by it before the run is opened.
    """

    kind: str
    name: str
    configuration: Mapping[str, Any]
    out: Path | None = None
    broken: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None
    request: str = ""
    engine: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.out or default_folder(self.kind, self.name, configuration_hash(self.configuration))


@dataclass(frozen=True, eq=False)
class Desk:
    """Where a planner works: the open folder, who does the work, who is told."""

    folder: RunFolder
    workers: Workers
    progress: Progress


@dataclass(frozen=True, eq=False)
class Outcome:
    """What every result tells of its run.

    Attributes:
        folder: the run folder.
        reused: whether the run was complete already.
        failures: what could not be played: `key`, `failed`, `tries`.
        remarks: what wrote where it should not: `key`, `remark`.
        damaged: files that were found damaged and made again.
        command: the line that makes the run again.
    """

    folder: Path
    reused: bool
    failures: list[dict[str, Any]]
    remarks: list[dict[str, Any]]
    damaged: list[str]
    command: str | None


class Planner(ABC, Generic[Work, Found, Result]):
    """What a command plays, and what it makes of it; the methods are called in their order."""

    @abstractmethod
    def plan(self, desk: Desk) -> Work:
        """Return what is to be played; what cannot be is recorded."""

    @abstractmethod
    def play(self, work: Work, desk: Desk) -> None:
        """Play what the folder lacks."""

    @abstractmethod
    def keys(self, work: Work, folder: RunFolder) -> Iterable[str]:
        """Return the names of all shards, in the order of the journal."""

    @abstractmethod
    def sum_up(self, work: Work, folder: RunFolder) -> Found:
        """Return what the shards add up to.

        Raises:
            PlayError: nothing could be played; a folder that this call began is taken back.
        """

    @abstractmethod
    def tell(self, found: Found, outcome: Outcome) -> Result:
        """Return the result."""

    def void(self, work: Work, folder: RunFolder) -> bool:  # noqa: ARG002 - for those that override it
        """Return whether nothing came of it that would be worth keeping."""
        return False

    @abstractmethod
    def kept(self, result: Result) -> Mapping[str, Any] | None:
        """Return what of the result is kept in the folder; None: nothing."""


def execute(spec: RunSpec, planner: Planner[Work, Found, Result], workers: Workers, progress: Progress) -> Result:
    """Play what a specification says, and return the result; what is there already is not played again.

    Raises:
        InputError: the folder holds another run, or something else.
        PlayError: nothing could be played.
        StorageError: the folder cannot be written; the same call resumes.
    """
    with RunFolder(spec.path, spec.configuration, versions()) as folder:
        folder.reopen(progress("checking", len(folder.journal)) if len(folder.journal) else lambda _: None)
        for key, reason in spec.broken.items():
            folder.fail(key, reason, TRIES)
        desk = Desk(folder, workers, progress)
        work = planner.plan(desk)
        planner.play(work, desk)
        folder.beside(request=spec.request, engine=spec.engine)
        folder.finish(planner.keys(work, folder), void=planner.void(work, folder))
        with reading(spec.path) if folder.resumed else nullcontext():
            found = planner.sum_up(work, folder)
    outcome = Outcome(
        folder=spec.path,
        reused=bool(folder.data["complete"]) and not folder.written,
        failures=folder.failures(),
        remarks=folder.remarks(),
        damaged=folder.damaged,
        command=spec.command,
    )
    result = planner.tell(found, outcome)
    kept = planner.kept(result)
    if kept is not None:
        save_result(spec.path, spec.kind, kept)
    return result
