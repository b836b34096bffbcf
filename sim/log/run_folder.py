"""The log: a run is a folder with `run.json`, a journal of its shards, and Parquet datasets, hive-partitioned.

    run.json                                                    configuration, versions, whether it is complete
    shards.jsonl                                                a line per shard: files with rows and checksums, sums
    outcomes/mechanism=M/case=C/shard-00000.parquet             a row per (episode, period, agent)
    episodes/mechanism=M/case=C/shard-00000.parquet             a row per (episode, agent), discounted
    gains/mechanism=M/case=C/shard-00000.parquet                a row per (episode, agent): against prescribed play

Whoever plays a shard writes its files under temporary names, synced and renamed; only then is it recorded in the
journal, so a run that was killed resumes with nothing lost and nothing twice. What could not be played stands there
too, with its reason. Nothing in a shard depends on the clock, the block size, the number of workers or the machine.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError, PlayError, Refusal, StorageError
from dynmech.sim.core.whole_files import replacing
from dynmech.sim.log.journal import Journal
from dynmech.sim.log.own_files import DATASETS as DATASETS, read_json, require_own

try:
    import fcntl
except ImportError:  # not on this platform: two programs could use one folder
    fcntl = None  # type: ignore[assignment]

SCHEMA = 3
"""Of `run.json` and the shards: a folder of an older one cannot be read or resumed."""

ORDER = ("schema", "configuration", "configuration_hash", "seed", "versions", "chosen", "complete")
"""What stands first in `run.json`."""


class RunFolder:
    """A run's folder, new or to be resumed. As a context manager it is kept from other programs until it is left.

    Where a strategy or a mechanism is found unfit before anything could be played, a folder that this call began is
    taken back. One in which every deviation failed is begun anew by a call that differs.

    Args:
        path: the folder; made if absent.
        configuration: everything that determines the shards' bytes, as plain data.
        versions: of the program and what it rests on.

    Attributes:
        data: the contents of `run.json`.
        written: shards recorded by this call.
        damaged: files that were found damaged, each with what is wrong.

    Raises:
        InputError: the folder holds another run (the first difference is named), something else, or is in use.
        StorageError: it cannot be written.
    """

    def __init__(self, path: Path, configuration: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        self.path = path
        self.configuration = json.loads(json.dumps(configuration))
        self.hash = configuration_hash(self.configuration)
        self.written = 0
        self._lock = -1
        self._made: list[Path] = []
        self._versions = dict(versions)
        self._open()

    def _open(self) -> None:
        """Read what is there, or begin."""
        # Files are Parquet: loaded here, before work is handed to processes that are copies of this one.
        from dynmech.sim.log.shard_files import damage

        self.damaged: list[str] = []
        self._began = not self._resumes()
        if self._began:
            self._begin()
        self.journal = Journal(self.path / "shards.jsonl")
        if count := self.journal.damaged:
            self.damaged.append(f"shards.jsonl: {count} damaged line{'s' * (count > 1)}")
        elif self.data["complete"]:
            wrong = damage(self.path, {"shards.jsonl": {"sha256": self.data.get("journal")}})
            self.damaged += [wrong] if wrong else []
        self._seen = self._stamps()

    def _stamps(self) -> list[tuple[int, int, int]]:
        """Return inode, size and time of `run.json` and of the journal, to detect changes."""
        files = [path.stat() for name in ("run.json", "shards.jsonl") if (path := self.path / name).exists()]
        return [(file.st_ino, file.st_size, file.st_mtime_ns) for file in files]

    def _resumes(self) -> bool:
        """Return whether the folder already holds this run; clear away another one that is void."""
        if not _is_run(self.path):
            return False
        require_own(self.path)
        self.data = read_manifest(self.path)
        different = first_difference(self.data["configuration"], self.configuration)
        if different and self.data.get("void"):
            self._lock_folder()
            self._clear()
            return False
        if different:
            raise InputError(f"{self.path}: holds another run: {different}; choose another --out")
        return True

    def _begin(self) -> None:
        self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        self.data = {
            "schema": SCHEMA,
            "configuration": self.configuration,
            "configuration_hash": self.hash,
            "seed": self.configuration.get("seed"),
            "versions": self._versions,
            "complete": False,
        }
        self._write_manifest()

    def __enter__(self) -> Self:
        self._lock_folder()
        if self._stamps() != self._seen:  # another program has used the folder since
            self._open()
            self._began = False
        if not self._began:
            self.sweep()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.sweep()
        if kind is not None and issubclass(kind, PlayError | Refusal) and self._began:
            self._clear()
            for folder in self._made:
                with suppress(OSError):
                    folder.rmdir()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _lock_folder(self) -> None:
        if fcntl is None or self._lock >= 0:
            return
        try:
            self._lock = os.open(self.path, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = -1
            raise InputError(f"{self.path}: in use by another program; wait for it, or choose another --out") from None
        except OSError as error:
            if self._lock < 0:
                raise InputError(f"{self.path}: cannot be used: {error.strerror or error}") from None
            # else a file system without locks: two programs could use one folder

    def _clear(self) -> None:
        """Remove what a run has written, recorded or not, and the folders that this leaves empty."""
        for kind in DATASETS:
            for path in (self.path / kind).rglob("shard-*.parquet"):
                path.unlink(missing_ok=True)
        self.sweep()
        for name in ("shards.jsonl", "run.json"):
            (self.path / name).unlink(missing_ok=True)
        for folder in sorted((folder for folder in self.path.rglob("*") if folder.is_dir()), reverse=True):
            with suppress(OSError):
                folder.rmdir()

    def sweep(self) -> None:
        """Remove temporary files that a killed program has left."""
        for pattern in (".*.partial", ".*.parcel"):
            for path in self.path.rglob(pattern):
                with suppress(OSError):
                    path.unlink()

    @property
    def resumed(self) -> bool:
        """Whether something was there before this call."""
        return not self._began

    @property
    def metadata(self) -> dict[str, str]:
        """What every Parquet file of the run carries."""
        seed = str(self.configuration.get("seed"))
        return {"dynmech_schema": str(SCHEMA), "configuration_hash": self.hash, "seed": seed}

    # What is there

    def reopen(self, advance: Callable[[int], None] = lambda _: None) -> None:
        """Hold every recorded shard against its checksums; one that is damaged counts as not played, and is named.

        What failed counts as not tried.
        """
        from dynmech.sim.log.shard_files import damage

        for key in self.journal:
            entry = self.journal.read(key)
            wrong = _malformed(entry) or damage(self.path, entry.get("files", {}))
            if wrong:
                self.damaged.append(wrong)
            if wrong or "failed" in entry:
                self.journal.forget(key)
            advance(1)

    def has(self, key: str) -> bool:
        """Return whether a shard is recorded as played."""
        return key in self.journal and "failed" not in self.journal.fields(key)

    def summaries(self, keys: Iterable[str]) -> Iterator[Any]:
        """Yield the summaries of shards, in the order of `keys`."""
        return (self.journal.read(key)["summary"] for key in keys)

    def failures(self) -> list[dict[str, Any]]:
        """Return what could not be played: `key`, `failed` (the reason) and `tries`."""
        return self._with("failed")

    def remarks(self) -> list[dict[str, Any]]:
        """Return the remarks on what was played: `key` and `remark`."""
        return self._with("remark")

    def _with(self, field: str) -> list[dict[str, Any]]:
        return [self.journal.read(key) for key in sorted(self.journal) if field in self.journal.fields(key)]

    # What is recorded

    def record(self, *played: Mapping[str, Any], remark: str = "") -> None:
        """Record shards whose files are written, each as `key`, `files` and `summary`; all of them at once."""
        self.journal.append(*({**shard, **({"remark": remark} if remark else {})} for shard in played))
        self.written += len(played)

    def fail(self, key: str, reason: str, tries: int) -> None:
        """Record something that could not be played."""
        self.journal.append({"key": key, "failed": reason, "tries": tries})
        self.written += 1

    def note(self, **facts: Any) -> None:
        """Record facts about the whole run."""
        self.data.update(json.loads(json.dumps(facts)))
        self._write_manifest()

    def beside(self, **facts: Any) -> None:
        """Keep facts that do not decide what is played, those that say something; written when the run is finished."""
        for name, fact in facts.items():
            if fact:
                self.data.setdefault(name, json.loads(json.dumps(fact)))

    def finish(self, keys: Iterable[str], *, void: bool = False) -> None:
        """Put the journal in order and record whether the run is complete.

        Args:
            keys: of all shards, in order.
            void: whether nothing came of it that would be worth keeping.
        """
        failed = [entry["key"] for entry in self.failures()]
        there = [key for key in keys if key in self.journal]
        if self.data["complete"] and not self.written and not self.damaged:
            return
        self.sweep()
        digest = self.journal.rewrite([*there, *(key for key in failed if key not in set(there))])
        self.note(complete=not failed, void=void, shards=len(there), failures=len(failed), journal=digest)

    def _write_manifest(self) -> None:
        path = self.path / "run.json"
        data = {key: self.data[key] for key in sorted(self.data, key=_rank)}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with replacing(path, sync=True) as file:
                file.write(json.dumps({**data, "seal": _seal(data)}, indent=1).encode())
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written: {error.strerror or error}") from None


def _is_run(path: Path) -> bool:
    """Return whether the folder holds a run; False where it is absent or empty.

    Raises:
        InputError: it is something else.
    """
    try:
        if os.path.lexists(path / "run.json"):
            return True
        if path.is_symlink() and not path.exists():
            raise InputError(f"{path}: a link that leads nowhere; choose another --out")
        if path.exists() and not path.is_dir():
            raise InputError(f"{path}: a file, not a folder; choose another --out")
        if path.exists() and not all(_is_partial_manifest(file) for file in path.iterdir()):
            raise InputError(f"{path}: not empty, and not a run; choose another --out")
    except OSError as error:
        raise InputError(f"{path}: cannot be used as a run folder: {error.strerror or error}") from None
    return False


def _malformed(entry: Mapping[str, Any]) -> str:
    """Return what is wrong with the words of a journal's entry, which may be a stranger's; empty if nothing is."""
    for field in ("failed", "remark"):
        if not isinstance(entry.get(field, ""), str):
            return f"shards.jsonl: {shown(entry['key'])}: {field!r} is no text"
    return ""


def _is_partial_manifest(path: Path) -> bool:
    """Return whether a file is a manifest that a program was killed while it wrote."""
    return path.name.startswith(".run.") and path.name.endswith(".partial")


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the contents of a run folder's `run.json`.

    Raises:
        InputError: the folder is not a run, or `run.json` is damaged.
    """
    manifest = path / "run.json"
    try:
        data = read_json(path, "run.json")
    except FileNotFoundError:
        raise InputError(f"{path}: not a run folder, it has no run.json") from None
    except OSError as error:
        raise InputError(f"{manifest}: cannot be read: {error.strerror or error}") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if isinstance(schema, int) and 0 < schema < SCHEMA:
        raise InputError(
            f"{path}: was written by an older version (schema {schema}); play it again, with another --out, "
            "or delete the folder"
        )
    if schema != SCHEMA:
        raise InputError(f"{manifest}: not a run of schema {SCHEMA}")
    for key, kind in (("configuration", dict), ("configuration_hash", str), ("complete", bool)):
        if not isinstance(data.get(key), kind):
            raise InputError(f"{manifest}: damaged, {key!r} is missing or not what it should be")
    if data.pop("seal", None) != _seal(data):
        raise InputError(f"{manifest}: damaged, not what was written; choose another --out, or delete the folder")
    return data


def _rank(key: str) -> int:
    """Return the place of an entry in `run.json`, which does not depend on when it was recorded."""
    return ORDER.index(key) if key in ORDER else len(ORDER)


def _seal(data: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits of a hash over all other entries of `run.json`."""
    return configuration_hash({key: value for key, value in data.items() if key != "seal"})


def configuration_hash(configuration: Any) -> str:
    """Return 16 hexadecimal digits of a hash of a configuration."""
    return sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:16]


def first_difference(old: Any, new: Any, where: str = "") -> str | None:
    """Return in words the first place where two pieces of plain data differ; None if they are equal."""
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
