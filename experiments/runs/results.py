"""Read a run back: pandas DataFrames from its folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.runs.foreign_folders import reading
from dynmech.experiments.runs.shards import LEVELS
from dynmech.experiments.runs.simulation import slug
from dynmech.experiments.runs.to_json import plain
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, StorageError
from dynmech.sim.core.whole_files import replacing
from dynmech.sim.log.own_files import open_own, read_json, require_own
from dynmech.sim.log.run_folder import configuration_hash, read_manifest

if TYPE_CHECKING:
    import pandas as pd

    from dynmech.sim.log.shard_tables import Named

KINDS = ("run", "stress", "sweep", "tournament", "robust")
"""Commands that leave a result."""


COMPARISON = (
    "is a comparison of estimates, which keeps figures, no episodes; see `dynmech export`, or `robust --plot FILE`"
)

SCHEMA = 2
"""Of `result.json`: one of another version is made anew by the command that made it, from its shards."""

PASSING = ("folder", "reused", "damaged")
"""What is true of a call, not of its run: a folder can be moved, and is the same however it came about."""


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes
    ----------
    folder
        Its path.
    manifest
        The contents of `run.json`.
    """

    folder: Path
    manifest: dict[str, Any]

    @checked_arguments
    def outcomes(self, **only: str) -> "pd.DataFrame":
        """Read a row per (episode, period, agent); `only` picks partitions: `mechanism="linked"`, `case="x"`."""
        return self._read("outcomes", only)

    @checked_arguments
    def episodes(self, **only: str) -> "pd.DataFrame":
        """Read a row per (episode, agent): discounted utility, transfer and payoff."""
        return self._read("episodes", only)

    @checked_arguments
    def gains(self, **only: str) -> "pd.DataFrame":
        """Read a row per (episode, agent): discounted payoff, that of prescribed play, and their difference."""
        return self._read("gains", only)

    @checked_arguments
    def require(self, dataset: str) -> None:
        """Raise if the run keeps no rows of a dataset."""
        configuration = self.manifest["configuration"]
        with reading(self.folder):
            level = configuration.get("log") or configuration.get("study", {}).get("log", "full")
            kept = dataset in LEVELS.get(level, LEVELS["full"])
        if not kept:
            raise InputError(f"{self.folder}: was run with log {level!r}, which keeps no {dataset}")

    @checked_arguments
    def rounds(self, **only: str) -> "pd.DataFrame":
        """Read a row per (episode, stretch of rounds, agent): mean discounted payoff while strategies learned."""
        return self._read("rounds", only)

    def _read(self, dataset: str, only: dict[str, str]) -> "pd.DataFrame":
        for key in only:
            if key not in ("mechanism", "case"):
                raise InputError(f"{self.folder}: {key!r} is no partition; pick by mechanism or case")
        self.require(dataset)
        from dynmech.sim.log.shard_tables import partition, read_files

        with reading(self.folder):
            files = self._recorded(dataset)
            if not files:
                raise InputError(f"{self.folder}: nothing has been played yet")
            wanted = {key: slug(value) for key, value in only.items()}
            for key, value in wanted.items():
                there = sorted({partition(name)[key] for name in files})
                if value not in there:
                    raise InputError(
                        f"{self.folder}: no {key} {only[key]!r} in {dataset}; there are {', '.join(there) or 'none'}"
                    )
            chosen = {name: said for name, said in files.items() if wanted.items() <= partition(name).items()}
            return read_files(self.folder, chosen)

    @checked_arguments
    def places(self, dataset: str) -> list[tuple[str, str]]:
        """Return mechanism and case, as the folders of the log are called, of what a dataset holds."""
        from dynmech.sim.log.shard_tables import partition

        with reading(self.folder):
            parts = [partition(name) for name in self._recorded(dataset)]
            return sorted({(part["mechanism"], part["case"]) for part in parts})

    def _recorded(self, dataset: str) -> "Named":
        """Return the files of a dataset that the journal has recorded."""
        from dynmech.sim.log.shard_tables import recorded_files

        require_own(self.folder)
        return recorded_files(self.folder, dataset)


@checked_arguments
def read_run(folder: str | Path) -> Run:
    """Open a run folder.

    Parameters
    ----------
    folder : str or Path
        The folder of a run, a stress test or a tournament on one economy.

    Returns
    -------
    Run
        Its manifest, and its datasets as DataFrames.

    Raises
    ------
    InputError
        It is not one.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import dynmech as dm
    >>> with TemporaryDirectory() as folder:
    ...     result = dm.run("oil-leases", "linked", episodes=50, out=f"{folder}/oil")
    ...     episodes = dm.read_run(result.folder).episodes(case="prescribed")
    >>> len(episodes)
    100
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path}: no such run folder")
    return Run(path, read_manifest(path))


def save_result(folder: Path, kind: str, data: Mapping[str, Any]) -> None:
    """Leave what was found in the run folder, as `result.json`; not what concerns this call only.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    path = folder / "result.json"
    try:
        told = {key: value for key, value in data.items() if key not in PASSING}
        kept = json.loads(json.dumps(plain({"kind": kind, "schema": SCHEMA, **told}), allow_nan=False))
        sealed = {**kept, "seal": configuration_hash(kept)}
        content = json.dumps(sealed, indent=1).encode()
        if _holds(path, content):
            return  # a finished run can be repeated where nothing can be written
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from None


def _holds(path: Path, content: bytes) -> bool:
    """Return whether a file is there already, as it should be."""
    try:
        with open_own(path.parent, path.name, len(content)) as file:
            return file.read() == content
    except (OSError, InputError):
        return False


def kept_result(folder: Path, key: str) -> Any:
    """One entry of the result that an earlier call has left; None if there is none."""
    try:
        return read_result(folder).get(key)
    except InputError:
        return None


def read_result(folder: Path) -> dict[str, Any]:
    """Read what a command left in its run folder.

    Raises
    ------
    InputError
        There is nothing, or it is damaged.
    """
    path = folder / "result.json"
    try:
        data = read_json(folder, "result.json")
    except FileNotFoundError:
        raise InputError(f"{folder}: the run has not been finished; repeat the command that began it") from None
    except (OSError, InputError) as error:
        why = getattr(error, "strerror", None) or str(error).removeprefix(f"{path}: cannot be read: ")
        raise InputError(f"{path}: cannot be read: {why}; repeat the command that began the run") from None
    if not isinstance(data, dict) or data.get("kind") not in KINDS:
        raise InputError(f"{path}: not the result of a run, a stress test, a sweep or a tournament")
    seal = data.pop("seal", None)
    if data.get("schema") != SCHEMA or seal != configuration_hash(data):
        what = "damaged" if data.get("schema") == SCHEMA else "of another version of dynmech"
        raise InputError(f"{path}: {what}; repeat the command that began the run, what was played is kept")
    return data


def read_whole(folder: Path | str) -> dict[str, Any]:
    """Return the result of a run folder, or of a tournament on several economies, together.

    Raises
    ------
    InputError
        It is no such folder, or a run has not been finished.
    """
    return _joined([read_result(run.folder) for run in open_runs(folder)])


def open_runs(folder: Path | str) -> list[Run]:
    """Return the run of a folder, or those of a tournament that lie in it, one per economy.

    Raises
    ------
    InputError
        There is neither.
    """
    folder = Path(folder)
    if not (folder / "run.json").exists() and folder.is_dir():
        there = (path.parent for path in sorted(folder.glob("*/run.json")))
        inside = [read_run(path) for path in there if not path.is_symlink()]
        same = [run for run in inside if run.manifest["configuration"].get("command") == "tournament"]
        studies = [run.manifest["configuration"].get("study") for run in same]
        if same and len(same) == len(inside) and all(study == studies[0] for study in studies):
            return same
        if inside:
            names = ", ".join(run.folder.name for run in inside[:5])
            raise InputError(f"{folder}: holds several runs, not one; choose one of them: {names}")
    return [read_run(folder)]


def refuse_sweep(run: Run, instead: str) -> None:
    """Raise if a folder is that of a sweep, which keeps figures and no play; `instead`: what would be right.

    Raises
    ------
    InputError
        It is.
    """
    command = run.manifest["configuration"].get("command")
    if command == "sweep":
        raise InputError(f"{run.folder}: is a sweep, which keeps figures, no episodes; {instead}")
    if command == "robust":
        raise InputError(f"{run.folder}: {COMPARISON}")


def _joined(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of one tournament on several economies as one."""
    if len(results) == 1:
        return results[0]
    return {
        **results[0],
        "games": [game for result in results for game in result["games"]],
        "refusals": {key: reason for result in results for key, reason in result["refusals"].items()},
        "failures": [failure for result in results for failure in result["failures"]],
        "assumed": sorted({role for result in results for role in result["assumed"]}),
    }
