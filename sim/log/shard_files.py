"""Files of a shard: written whole or not at all, and known by their checksums."""

import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from dynmech.sim.core.errors import StorageError
from dynmech.sim.log.tables import write_table


def write_shard(root: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, str]) -> dict[str, Any]:
    """Write tables to files below `root`: to a temporary name, synced, renamed.

    Args:
        tables: by path below `root`.
        metadata: put into every file.

    Returns:
        Per file, `rows` and `sha256`.

    Raises:
        StorageError: a file cannot be written.
    """
    return {name: _write(table, root / name, metadata) for name, table in tables.items()}


def _write(table: pa.Table, path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    partial = path.with_name(f".{path.stem}.{uuid4().hex[:8]}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            write_table(table, file)
            file.flush()
            os.fsync(file.fileno())
        digest = checksum(partial)
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from None
    return {"rows": table.num_rows, "sha256": digest}


def damage(root: Path, files: Mapping[str, Any]) -> str:
    """Return what is wrong with the first missing or changed file of a shard; empty if all are intact."""
    for name, file in files.items():
        try:
            if checksum(root / name) != file["sha256"]:
                return f"{name}: not what was written"
        except FileNotFoundError:
            return f"{name}: missing"
        except OSError as error:
            return f"{name}: cannot be read: {error.strerror or error}"
    return ""


def checksum(path: Path) -> str:
    """Return the SHA-256 checksum of a file in hexadecimal digits."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
