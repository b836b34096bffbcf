"""Read a log as a table: a run folder of ours, a Parquet file, or CSV."""

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from dynmech.experiments.runs.results import read_run
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import DynmechError, InputError
from dynmech.sim.core.memory_budget import require_room, size_text
from dynmech.sim.log.parquet_pages import first_line, read_parquet

CSV = (".csv", ".csv.gz", ".csv.xz", ".csv.bz2")

PARQUET = (".parquet", ".pq")

COLUMNS = 1000
"""Columns that a table may have."""

LARGEST = 4 << 30
"""Bytes of text that are read from a CSV file, unpacked."""

PIECE = 1 << 20
"""Bytes that are unpacked at a time."""

MEMORY = 256 << 20
"""Bytes that unpacking may take."""


def read_log(path: Path, only: Mapping[str, str]) -> pd.DataFrame:
    """Return a log's rows; of `only` columns with those values.

    Raises:
        InputError: it cannot be read, is no such file, or has no such column or no such row.
    """
    table = _table(path)
    if not table.columns.is_unique:
        raise InputError(f"{path}: two columns have the same name")
    for column, value in only.items():
        if column not in table.columns:
            raise InputError(f"{path}: no column {shown(column)}; there are {columns_text(table)}")
        table = table[table[column].astype(str) == value]
        if table.empty:
            raise InputError(f"{path}: no row has {shown(value)} in column {shown(column)}")
    if table.empty:
        raise InputError(f"{path}: holds no rows")
    return table.reset_index(drop=True)


def columns_text(table: pd.DataFrame) -> str:
    """Return the names of a table's columns, the first of many."""
    names = [shown(str(name)) for name in table.columns]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _table(path: Path) -> pd.DataFrame:
    if path.is_dir():
        return read_run(path).outcomes()
    name = path.name.lower()
    if not path.exists():
        raise InputError(f"{path}: no such file or run folder")
    if not path.is_file() or not name.endswith((*CSV, *PARQUET)):
        raise InputError(f"{path}: neither a run folder, nor a file that ends in .parquet or .csv")
    try:
        if name.endswith(PARQUET):
            with path.open("rb") as file:
                return _plain(read_parquet(file, str(path), COLUMNS))
        return pd.read_csv(
            io.BytesIO(text(path)), dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig"
        )
    except (MemoryError, DynmechError):
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {first_line(error)}") from None
    except Exception as error:  # whatever a hostile file leads to
        kind = "Parquet" if name.endswith(PARQUET) else "CSV"
        raise InputError(f"{path}: is not {kind} that can be read: {first_line(error)}") from None


def _plain(table: pa.Table) -> pd.DataFrame:
    """Return a table with words as they are, not as categories."""
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas()
    words = [name for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(words, object))


def text(path: Path) -> bytes:
    """Return what a CSV file says, unpacked, as long as it is within the limits.

    Raises:
        InputError: it has more bytes or columns than are read.
        Refusal: as a table it does not fit in memory.
    """
    said = bytearray()
    with path.open("rb") as file:
        for piece in _unpacked(file, path.suffix.lower()):
            said += piece
            if len(said) > LARGEST:
                raise InputError(f"{path}: has more than {size_text(LARGEST)}; write it as Parquet")
    first = said[: end if (end := said.find(b"\n")) >= 0 else len(said)]
    if first.count(b",") >= COLUMNS:
        raise InputError(f"{path}: has more than {COLUMNS:,} columns")
    require_room(f"{path}: its table", 8.0 * (said.count(b",") + said.count(b"\n")) + len(said) / 4)
    return bytes(said)


def _unpacked(file: BinaryIO, ending: str) -> Iterator[bytes]:
    """Yield a file's text, piece by piece."""
    if ending == ".xz":
        yield from _unpacked_xz(file)
        return
    stream: Any = file
    if ending == ".gz":
        stream = gzip.GzipFile(fileobj=file)
    elif ending == ".bz2":
        stream = bz2.BZ2File(file)
    while piece := stream.read(PIECE):
        yield piece


def _unpacked_xz(file: BinaryIO) -> Iterator[bytes]:
    """Yield the text of a file whose head may ask for gigabytes before the first of it is unpacked."""
    stream, begun = lzma.LZMADecompressor(memlimit=MEMORY), False
    packed = file.read(PIECE)
    while packed:
        begun = True
        piece = stream.decompress(packed, PIECE)
        while piece or not (stream.eof or stream.needs_input):
            yield piece
            piece = b"" if stream.eof or stream.needs_input else stream.decompress(b"", PIECE)
        packed = stream.unused_data
        if stream.eof:
            stream, begun = lzma.LZMADecompressor(memlimit=MEMORY), False
        packed = packed or file.read(PIECE)
    if begun:
        raise EOFError("it ends early")
