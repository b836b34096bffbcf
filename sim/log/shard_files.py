"""Files of a shard: written whole or not at all, and known by their checksums."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError, StorageError
from dynmech.sim.core.whole_files import replacing
from dynmech.sim.log.own_files import is_own, open_own
from dynmech.sim.log.tables import write_table


def write_shard(root: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, str]) -> dict[str, Any]:
    """Write tables to files below `root`, each to a temporary name, synced, renamed.

    They are written side by side: the disk then syncs them together, which takes a few times less than one by one.

    Args:
        tables: by path below `root`.
        metadata: put into every file.

    Returns:
        Per file, `rows` and `sha256`.

    Raises:
        StorageError: a file cannot be written.
    """
    written: dict[str, Future[dict[str, Any]]] = {}
    with ThreadPoolExecutor(max(1, len(tables))) as threads, suppress(RuntimeError):  # no room for another thread
        for name, table in tables.items():
            written[name] = threads.submit(_write, table, root / name, metadata)
    return {
        name: written[name].result() if name in written else _write(table, root / name, metadata)
        for name, table in tables.items()
    }


def _write(table: pa.Table, path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    try:
        content = pa.BufferOutputStream()  # in one piece: a file's calls, a column at a time, cost more than the file
        write_table(table, content)
        data = content.getvalue()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, sync=True) as file:
            file.write(data)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from None
    return {"rows": table.num_rows, "sha256": sha256(data).hexdigest()}


def damage(root: Path, files: Mapping[str, Any]) -> str:
    """Return what is wrong with the first missing or changed file of a shard; empty if all are intact.

    What is said of it in the journal may be a stranger's: a name that is none of ours is not opened.
    """
    if not isinstance(files, Mapping):
        return f"{shown(files)}: no list of files"
    for name, file in files.items():
        if not (is_own(name) and isinstance(file, Mapping)):
            return f"{shown(name)}: not the name of a file of a run"
        try:
            with open_own(root, name) as opened:
                if digest_of(opened) != file.get("sha256"):
                    return f"{name}: not what was written"
        except InputError:
            return f"{name}: a link, a pipe or a device"
        except FileNotFoundError:
            return f"{name}: missing"
        except OSError as error:
            return f"{name}: cannot be read: {error.strerror or error}"
    return ""


def checksum(path: Path) -> str:
    """Return the SHA-256 checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return digest_of(file)


def digest_of(file: BinaryIO) -> str:
    """Return the SHA-256 checksum of what is still to be read of an open file."""
    digest = sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()
