"""The run that is exported: its result, where it lies, and what makes it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.runs.rerun_command import checked_command
from dynmech.experiments.runs.results import open_runs, read_whole
from dynmech.experiments.sweeps.sweep_result import SweepResult
from dynmech.sim.core.errors import InputError

KINDS = {
    "run": "a single run",
    "stress": "a stress test",
    "sweep": "a sweep",
    "tournament": "a tournament",
    "robust": "a comparison of estimates",
}
"""What each kind of run is called in messages."""


@dataclass(frozen=True)
class Source:
    """A run folder, open.

    Attributes:
        folder: its path, or that above the folders of a tournament on several economies.
        result: what the run found, as plain data.
        folders: that of each economy, by its name.
        provenance: what makes it again.
        episodes: per case, or per profile.
    """

    folder: Path
    result: Mapping[str, Any]
    folders: Mapping[str, Path]
    provenance: Provenance
    episodes: int

    @property
    def kind(self) -> str:
        """`run`, `stress`, `sweep`, `tournament` or `robust`."""
        return str(self.result["kind"])

    @property
    def swept(self) -> SweepResult:
        """The sweep that the folder holds."""
        names = [one.name for one in fields(SweepResult) if one.name in self.result]
        return SweepResult(folder=self.folder, **{name: self.result[name] for name in names})

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.resolve().name or "run"

    def games(self, mechanism: str | None) -> list[Mapping[str, Any]]:
        """Return the games of a tournament, or those of one mechanism.

        Raises:
            InputError: there is none of that name.
        """
        games: Sequence[Mapping[str, Any]] = self.result["games"]
        found = [game for game in games if mechanism in (None, game["mechanism"])]
        if not found:
            names = ", ".join(dict.fromkeys(game["mechanism"] for game in games))
            raise InputError(f"{self.folder}: no mechanism {mechanism!r}; there are {names}")
        return found

    def game(self, mechanism: str | None) -> Mapping[str, Any]:
        """Return the only game of a tournament, or that of a mechanism.

        Raises:
            InputError: there are several, or there is none of that name.
        """
        found = self.games(mechanism)
        if len(found) == 1:
            return found[0]
        if len(self.folders) > 1:
            names = ", ".join(path.name for path in self.folders.values())
            raise InputError(f"{self.folder}: holds games on several economies; choose one of its folders: {names}")
        names = ", ".join(game["mechanism"] for game in found)
        raise InputError(f"{self.folder}: holds a game for each mechanism; choose one with --mechanism: {names}")


def open_source(run: object) -> Source:
    """Open a run folder, or that of a result.

    Raises:
        InputError: it is none, it is not finished, or it was played in memory.
    """
    folder = folder_of(run)
    result, runs = read_whole(folder), open_runs(folder)
    economies = [one.manifest["configuration"]["environment"] for one in runs]
    texts = [economy if isinstance(economy, str) else economy["name"] for economy in economies]  # a sweep has its text
    configuration = runs[0].manifest["configuration"]
    study = configuration.get("study", {})
    return Source(
        folder=folder,
        result=result,
        folders=dict(zip(texts, (one.folder for one in runs), strict=True)),
        provenance=Provenance.of_manifest(
            runs[0].manifest, checked_command(str(result["kind"]), result.get("command"))
        ),
        episodes=int(configuration.get("episodes", study.get("episodes", 0))),
    )


def folder_of(run: object) -> Path:
    """Return the folder of a run that is given by its path, or by what a call has returned.

    Raises:
        InputError: it has none.
    """
    if isinstance(run, str | Path):
        return Path(run)
    folders = {Path(part.folder) for part in getattr(run, "parts", ())}  # of a tournament
    if len(folders) > 1:
        return next(iter(folders)).parent
    folder = next(iter(folders), getattr(run, "folder", None))
    if folder is None:
        given = type(run).__name__
        raise InputError(
            f"export: {given}: has no run folder; give one, or what run, stress, sweep, tournament or robust returned"
        )
    return Path(folder)
