"""Read shards back: held against the checksums of the journal first, then as tables, within stated limits."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.log.journal import Journal
from dynmech.sim.log.own_files import is_own, open_own
from dynmech.sim.log.parquet_pages import ROWS, first_line, read_parquet
from dynmech.sim.log.shard_files import digest_of

if TYPE_CHECKING:
    import pandas as pd

Named = dict[str, Mapping[str, Any]]
"""What the journal says of files, by their names."""


def recorded_files(root: Path, dataset: str) -> Named:
    """Return the files of a dataset that the journal of a run folder has recorded, in the order of their names."""
    journal, found = Journal(root / "shards.jsonl"), Named()
    for key in journal:
        files = journal.read(key).get("files", {})
        found |= {name: said for name, said in files.items() if name.startswith(f"{dataset}/")}
    if bad := next((name for name, said in found.items() if not (is_own(name) and isinstance(said, Mapping))), None):
        raise InputError(f"{root}: its journal names a file {bad[:60]!r}, which no run has")
    return dict(sorted(found.items()))


def partition(name: str) -> dict[str, str]:
    """Return what the folders of a file's name say.

    >>> partition("gains/mechanism=pivot/case=prescribed/shard-00000.parquet")
    {'mechanism': 'pivot', 'case': 'prescribed'}
    """
    parts = [part.partition("=") for part in name.split("/")[1:-1]]
    return {key: value for key, _, value in parts}


def read_files(root: Path, files: Named) -> "pd.DataFrame":
    """Return the rows of files, with what the folders of their names say as further columns.

    Raises:
        InputError: one is missing, not what was written, no table, or has more than a run writes.
        Refusal: they do not fit in memory.
    """
    rows = sum(int(said["rows"]) for said in files.values())
    if not 0 <= rows <= ROWS:
        raise InputError(f"{root}: its journal speaks of {rows:,} rows; at most {ROWS:,} are read")
    require_room(f"{root}: a table of {rows:,} rows", 8.0 * rows)
    try:
        whole = pa.concat_tables(_tables(root, files)).unify_dictionaries()
        return whole.to_pandas()
    except pa.ArrowException as error:
        raise InputError(f"{root}: a file is not the table that a run writes: {first_line(error)}") from None


def _tables(root: Path, files: Named) -> Iterator[pa.Table]:
    """Yield the tables of files, each after its checksum has been held against the journal's."""
    for name, said in files.items():
        try:
            with open_own(root, name) as file:
                if digest_of(file) != said["sha256"]:
                    raise InputError(f"{root}: {name} is not what was written; repeat the command that began the run")
                file.seek(0)
                table = _table(file, root, name, int(said["rows"]))
        except OSError as error:
            raise InputError(f"{root}: {name} cannot be read: {error.strerror or first_line(error)}") from None
        columns = {column: table[column] for column in table.column_names}
        for key, value in partition(name).items():
            columns[key] = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), table.num_rows), [value])
        yield pa.table(columns)


def _table(file: BinaryIO, root: Path, name: str, rows: int) -> pa.Table:
    """Return a file's table.

    Raises:
        InputError: it does not have as many rows as were recorded, or is not as `read_parquet` asks.
    """
    table = read_parquet(file, f"{root}: {name}")
    if table.num_rows != rows:
        raise InputError(f"{root}: {name} has {table.num_rows:,} rows, and not what was recorded")
    return table
