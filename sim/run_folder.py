"""The log: a run is a folder with `run.json` and Parquet datasets, hive-partitioned.

    run.json                                                    configuration, versions, shards with rows and checksums
    outcomes/mechanism=M/case=C/shard-00000.parquet             a row per (episode, period, agent)
    episodes/mechanism=M/case=C/shard-00000.parquet             a row per (episode, agent), discounted
    gains/mechanism=M/case=C/shard-00000.parquet                a row per (episode, agent): against prescribed play

A file is written under a temporary name, synced, renamed, and only then recorded, so a run that was killed resumes
with nothing lost and nothing twice. Nothing in a shard depends on the clock, the block size or the machine's name.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import InputError, PlayError, Refusal

SCHEMA = 1


class RunFolder:
    """A run's folder, new or to be resumed.

    As a context manager: where play breaks off because a strategy or a mechanism broke the rules, a folder that this
    call began is taken back, so that the corrected call can use the same path.

    Args:
        path: the folder; made if absent.
        configuration: everything that determines the shards' bytes, as plain data.
        versions: of the program and what it rests on.

    Raises:
        InputError: the folder holds another run (the first difference is named), something else, or cannot be written.
    """

    def __init__(self, path: Path, configuration: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        self.path = path
        self.configuration = json.loads(json.dumps(configuration))
        self.hash = configuration_hash(self.configuration)
        self.written = 0
        self._made: list[Path] = []
        self._began = not _is_run(path)
        if not self._began:
            self.data = read_ledger(path)
            different = first_difference(self.data["configuration"], self.configuration)
            if different:
                raise InputError(f"{path}: holds another run: {different}; choose another --out")
        else:
            self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
            self.data = {
                "schema": SCHEMA,
                "configuration": self.configuration,
                "configuration_hash": self.hash,
                "seed": self.configuration.get("seed"),
                "versions": dict(versions),
                "complete": False,
                "shards": {},
            }
            self._write_ledger()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, PlayError | Refusal) and self._began:
            self._take_back()

    def _take_back(self) -> None:
        """Remove what this call wrote, and the folders it made, if nothing else is in them."""
        for entry in self.shards.values():
            for name in entry["files"]:
                (self.path / name).unlink(missing_ok=True)
        (self.path / "run.json").unlink(missing_ok=True)
        below = sorted((folder for folder in self.path.rglob("*") if folder.is_dir()), reverse=True)
        for folder in (*below, *self._made):
            with suppress(OSError):
                folder.rmdir()

    @property
    def shards(self) -> dict[str, Any]:
        """What is recorded, by key."""
        shards: dict[str, Any] = self.data["shards"]
        return shards

    def finished(self, key: str) -> Any | None:
        """The summary recorded under `key` if all its files are there with the right checksums, else None."""
        entry = self.shards.get(key)
        if entry is None:
            return None
        for name, file in entry["files"].items():
            path = self.path / name
            if not path.is_file() or _checksum(path) != file["sha256"]:
                return None
        return entry["summary"]

    def commit(self, key: str, tables: Mapping[str, pa.Table], summary: Any) -> None:
        """Write a shard's files, then record them."""
        files = {}
        for name, table in tables.items():
            path = self.path / name
            self._write_table(table, path)
            files[name] = {"rows": table.num_rows, "sha256": _checksum(path)}
        self.shards[key] = {"files": files, "summary": summary}
        self.written += 1
        self._write_ledger()

    def note(self, **facts: Any) -> None:
        """Record facts about the whole run."""
        self.data.update(json.loads(json.dumps(facts)))
        self._write_ledger()

    def _write_table(self, table: pa.Table, path: Path) -> None:
        metadata = {
            "dynmech_schema": str(SCHEMA),
            "configuration_hash": self.hash,
            "seed": str(self.configuration.get("seed")),
        }
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
        partial = path.with_name(f".{path.stem}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                pq.write_table(table, file, compression="zstd", compression_level=1, row_group_size=1 << 20)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None

    def _write_ledger(self) -> None:
        path = self.path / "run.json"
        partial = self.path / ".run.partial"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with partial.open("w", encoding="utf-8") as file:
                json.dump(self.data, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise InputError(f"{self.path}: cannot be written: {error.strerror or error}") from None


def _is_run(path: Path) -> bool:
    """Whether the folder holds a run; False where it is absent or empty.

    Raises:
        InputError: it is something else.
    """
    try:
        if (path / "run.json").exists():
            return True
        if path.exists() and not path.is_dir():
            raise InputError(f"{path}: a file, not a folder; choose another --out")
        if path.exists() and any(path.iterdir()):
            raise InputError(f"{path}: not empty, and not a run; choose another --out")
    except OSError as error:
        raise InputError(f"{path}: cannot be used as a run folder: {error.strerror or error}") from None
    return False


def read_ledger(path: Path) -> dict[str, Any]:
    """The contents of a run folder's `run.json`.

    Raises:
        InputError: the folder is not a run, or `run.json` is damaged.
    """
    ledger = path / "run.json"
    try:
        data = json.loads(ledger.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: not a run folder, it has no run.json") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{ledger}: cannot be read: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InputError(f"{ledger}: not a run of schema {SCHEMA}")
    for key, kind in (("configuration", dict), ("configuration_hash", str), ("complete", bool), ("shards", dict)):
        if not isinstance(data.get(key), kind):
            raise InputError(f"{ledger}: damaged, {key!r} is missing or not what it should be")
    return data


def configuration_hash(configuration: Any) -> str:
    """16 hexadecimal digits that stand for a configuration."""
    return sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:16]


def first_difference(old: Any, new: Any, where: str = "") -> str | None:
    """The first place in which two pieces of plain data differ, as words, or None."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{where}.{key}" if where else str(key)
            if key not in old or key not in new:
                return f"{place} is only in {'this call' if key in new else 'the folder'}"
            if found := first_difference(old[key], new[key], place):
                return found
        return None
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for k, (a, b) in enumerate(zip(old, new, strict=True)):
            if found := first_difference(a, b, f"{where}[{k}]"):
                return found
        return None
    return None if old == new else f"{where} is {_short(old)} there, {_short(new)} here"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _checksum(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
