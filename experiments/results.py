"""Read a run back: pandas DataFrames from its folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.shards import LEVELS
from experiments.simulate import slug
from sim.errors import InputError
from sim.run_folder import read_ledger


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        folder: its path.
        ledger: the contents of `run.json`.
    """

    folder: Path
    ledger: dict[str, Any]

    def outcomes(self, **only: str) -> pd.DataFrame:
        """A row per (episode, period, agent); `only` picks partitions: `mechanism="linked"`, `case="prescribed"`."""
        return self._read("outcomes", only)

    def episodes(self, **only: str) -> pd.DataFrame:
        """A row per (episode, agent), discounted."""
        return self._read("episodes", only)

    def gains(self, **only: str) -> pd.DataFrame:
        """A row per (episode, agent): against prescribed play."""
        return self._read("gains", only)

    def require(self, dataset: str) -> None:
        """Raise if the run keeps no rows of a dataset."""
        level = self.ledger["configuration"].get("log", "full")
        if dataset not in LEVELS.get(level, LEVELS["full"]):
            raise InputError(f"{self.folder}: was run with --log {level}, which keeps no {dataset}")

    def _read(self, dataset: str, only: dict[str, str]) -> pd.DataFrame:
        for key in only:
            if key not in ("mechanism", "case"):
                raise InputError(f"{self.folder}: {key!r} is no partition; pick by mechanism or case")
        self.require(dataset)
        if not (self.folder / dataset).is_dir():
            raise InputError(f"{self.folder}: nothing has been played yet")
        for key, value in only.items():
            if not any(self.folder.glob(f"{dataset}/**/{key}={slug(value)}")):
                there = sorted({path.name.partition("=")[2] for path in self.folder.glob(f"{dataset}/**/{key}=*")})
                raise InputError(
                    f"{self.folder}: no {key} {value!r} in {dataset}; there are {', '.join(there) or 'none'}"
                )
        filters = [(key, "==", slug(value)) for key, value in only.items()] or None
        return pd.read_parquet(self.folder / dataset, filters=filters)


def read_run(folder: str | Path) -> Run:
    """Open a run folder.

    Raises:
        InputError: it is not one.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path}: no such run folder")
    return Run(path, read_ledger(path))
