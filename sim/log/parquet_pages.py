"""Read a Parquet file that somebody else made: held against stated limits, page by page, before anything is unpacked.

A file states at its end how many rows and columns it has; every page of a column states, in its own header, what it
unpacks to, and that is what a reader makes room for. So a few bytes can ask for gigabytes, whatever the end of the file
says. Here each header is read first (`PageHeader` of the Parquet format, in Thrift's compact protocol): no page may
unpack to more than `PAGE` bytes, all together must fit in memory, and the pages of a column must hold as many values as
there are rows. What a page then unpacks to in truth can differ from its header in one way only: the reader says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room, size_text
from dynmech.sim.core.plain_text import harmless

COLUMNS = 64
"""Columns that a file may have."""

ROWS = 2_000_000_000
"""Rows that the files of a dataset may have together."""

FOOTER = 64 << 20
"""Bytes that the description at the end of a file may have."""

PAGE = 256 << 20
"""Bytes that a page may unpack to."""

HEADER = 1 << 16
"""Bytes that the header of a page may have."""

PAGES = 1_000_000
"""Pages that a file may have, of all columns and groups of rows together: all of them may name the same pages."""

COPIES = 3
"""How often a table is in memory while it is read: as pages, as Arrow's arrays, as pandas' columns."""

ENCODINGS = {0: "PLAIN", 2: "PLAIN_DICTIONARY", 3: "RLE", 5: "DELTA_BINARY_PACKED", 6: "DELTA_LENGTH_BYTE_ARRAY"} | {
    8: "RLE_DICTIONARY",
    9: "BYTE_STREAM_SPLIT",
}
"""How values may be written; DELTA_BYTE_ARRAY is left out: each value repeats the start of the last one for nothing."""

DATA, DICTIONARY, DATA_2 = 0, 2, 3
"""Types of pages that are read."""


def read_parquet(file: BinaryIO, what: str, most_columns: int = COLUMNS) -> pa.Table:
    """Return the table that a Parquet file holds; words are dictionaries, so that one that is repeated is held once.

    Args:
        what: the file, for messages.

    Raises:
        InputError: it is no Parquet, more than the limits, or its pages are not what they say.
        Refusal: it does not fit in memory.
    """
    try:
        held = _metadata(file, what)
        schema = held.schema.to_arrow_schema()
        _require_plain(held, schema, what, most_columns)
        left, columns = _Left(PAGES), _columns(file, held, what)
        unpacked = sum(_unpacked(file, part, rows, left, what) for part, rows in columns)
        width = sum(_width(kind) for kind in schema.types)
        require_room(f"{what}: a table of {held.num_rows:,} rows", COPIES * (unpacked + held.num_rows * width) / 8)
        words = [field.name for field in schema if _is_text(field.type)]
        file.seek(0)
        table = pq.ParquetFile(file, read_dictionary=words).read(use_threads=False)
    except MemoryError:
        raise InputError(f"{what}: needs more memory than there is") from None
    except (pa.ArrowException, OSError, UnicodeError) as error:  # a name may be no text
        raise InputError(f"{what}: is not Parquet that can be read: {first_line(error)}") from None
    return table.replace_schema_metadata(None)


def first_line(error: Exception) -> str:
    """Return what an error says, as one short line."""
    return harmless((getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__)[:200])


def _metadata(file: BinaryIO, what: str) -> Any:
    """Return the description of a file, unless that is too long."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 8))
    end = file.read(8)
    length = int.from_bytes(end[:4], "little")
    if len(end) == 8 and end[4:] == b"PAR1" and length > FOOTER:
        raise InputError(f"{what}: its description has {size_text(length)}; at most {size_text(FOOTER)} are read")
    file.seek(0)
    return pq.read_metadata(file)


def _require_plain(held: Any, schema: pa.Schema, what: str, most: int) -> None:
    if not 0 <= held.num_rows <= ROWS:
        raise InputError(f"{what}: has {held.num_rows:,} rows; at most {ROWS:,} are read")
    if held.num_columns > most:
        raise InputError(f"{what}: has {held.num_columns:,} columns; at most {most} are read")
    if len(set(schema.names)) < len(schema.names):
        raise InputError(f"{what}: two columns have the same name")
    for field in schema:
        if pa.types.is_nested(field.type):
            raise InputError(
                f"{what}: column {shown(field.name)}: lists or tables stand in it, expected texts or numbers"
            )
        if not _width(field.type):
            raise InputError(
                f"{what}: column {shown(field.name)} holds {str(field.type)[:60]}, neither texts nor numbers"
            )
    groups = [held.row_group(k) for k in range(held.num_row_groups)]
    if sum(group.num_rows for group in groups) != held.num_rows or any(group.num_rows < 0 for group in groups):
        raise InputError(f"{what}: its parts have other numbers of rows than the whole")


def _is_text(kind: pa.DataType) -> bool:
    """Whether a column holds words, as such or as a dictionary."""
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _width(kind: pa.DataType) -> int:
    """Return the bytes of a value in memory, of a word those of its number; 0: a kind of column that is not read."""
    if _is_text(kind) or pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return 8
    if pa.types.is_dictionary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_nested(kind):
        return 0
    return max(8, kind.byte_width) if pa.types.is_primitive(kind) or pa.types.is_decimal(kind) else 0


# Pages


@dataclass(frozen=True)
class _Page:
    kind: int
    unpacked: int
    packed: int
    values: int
    encoding: int


@dataclass
class _Left:
    """How many more pages a file may have."""

    pages: int


def _columns(file: BinaryIO, held: Any, what: str) -> list[tuple[list[Any], int]]:
    """Return what the end of a file says of the columns, by group of rows, and how many rows each group has.

    Read here, as pyarrow ends the process where a column's statistics have another number of levels than they should.
    """
    size = file.seek(0, 2)
    file.seek(size - 8 - held.serialized_size)
    try:
        groups = _struct(file.read(held.serialized_size), 0, 0)[0].get(4) or []
        parts = [([chunk[3] for chunk in group[1]], _number(group, 3)) for group in groups]
    except (IndexError, KeyError, TypeError, ValueError):
        raise _false(what) from None
    if len(parts) != held.num_row_groups or any(len(part) != held.num_columns for part, _ in parts):
        raise _false(what)
    return parts


def _unpacked(file: BinaryIO, part: list[Any], rows: int, left: _Left, what: str) -> int:
    """Return how many bytes the pages of a group of rows unpack to, by their headers."""
    total = 0
    for column in part:
        values = 0
        for page in _pages(file, column, left, what):
            if page.unpacked > PAGE:
                raise InputError(
                    f"{what}: a page unpacks to {size_text(page.unpacked)}; at most {size_text(PAGE)} are read"
                )
            if page.encoding not in ENCODINGS:
                raise InputError(f"{what}: a page is written in encoding {page.encoding}, which is not read")
            total += page.unpacked
            if page.kind != DICTIONARY:
                values += page.values
            elif page.values > page.unpacked:
                raise _false(what)
        if values != rows:
            raise _false(what)
    return total


def _false(what: str) -> InputError:
    return InputError(f"{what}: its pages are not what it says of them")


def _pages(file: BinaryIO, column: dict[int, Any], left: _Left, what: str) -> Iterator[_Page]:
    """Yield the headers of a column's pages, in the order in which a reader meets them."""
    try:
        place, first, packed = _number(column, 9), column.get(11), _number(column, 7)
    except ValueError:
        raise _false(what) from None
    if isinstance(first, int) and 0 < first < place:
        place = first
    end = place + packed
    if place < 0:
        raise _false(what)
    while place < end:
        left.pages -= 1
        file.seek(place)
        header = file.read(HEADER)
        try:
            page, length = _page(header)
        except (IndexError, ValueError):
            raise _false(what) from None
        if page.packed < 0 or page.unpacked < 0 or page.values < 0:
            raise _false(what)
        if left.pages < 0:
            raise InputError(f"{what}: has more than {PAGES:,} pages")
        if page.kind in (DATA, DICTIONARY, DATA_2):
            yield page
        place += length + page.packed


def _page(header: bytes) -> tuple[_Page, int]:
    """Return a page's header, and how many bytes it has."""
    fields, place = _struct(header, 0, 0)
    kind = _number(fields, 1)
    inner: Any = fields.get({DATA: 5, DICTIONARY: 7, DATA_2: 8}.get(kind, -1), {})
    values, encoding = (_number(inner, 1), _number(inner, 4 if kind == DATA_2 else 2)) if inner else (0, 0)
    return _Page(kind, _number(fields, 2), _number(fields, 3), values, encoding), place


def _number(fields: Any, key: int) -> int:
    value = fields.get(key) if isinstance(fields, dict) else None
    if not isinstance(value, int):
        raise ValueError(key)
    return value


def _struct(data: bytes, place: int, depth: int) -> tuple[dict[int, Any], int]:
    """Return the numbers and structures of a structure by their keys; what else is in it is passed over."""
    if depth > 8:
        raise ValueError("nested too deeply")
    fields: dict[int, Any] = {}
    key = 0
    while head := data[place]:
        place += 1
        if head >> 4:
            key += head >> 4
        else:
            number, place = _varint(data, place)
            key = _signed(number)
        fields[key], place = _value(data, place, head & 15, depth)
    return fields, place + 1


def _value(data: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    """Return a value of a kind (numbers, structures and lists; None for others), and where it ends."""
    if kind in (1, 2):  # true and false lie in the head
        return None, place
    if kind == 3:
        return data[place], place + 1
    if kind in (4, 5, 6):
        number, place = _varint(data, place)
        return _signed(number), place
    if kind == 7:
        return None, place + 8
    if kind == 8:
        length, place = _varint(data, place)
        return None, place + length
    if kind == 12:
        return _struct(data, place, depth + 1)
    if kind in (9, 10):
        return _list(data, place, depth)
    raise ValueError(kind)


def _list(data: bytes, place: int, depth: int) -> tuple[list[Any], int]:
    """Return a list, and where it ends."""
    head = data[place]
    count, place = _varint(data, place + 1) if head >> 4 == 15 else (head >> 4, place + 1)
    if count > len(data):
        raise ValueError("more than there is")
    values = []
    for _ in range(count):
        value, place = (data[place], place + 1) if head & 15 in (1, 2) else _value(data, place, head & 15, depth + 1)
        values.append(value)
    return values, place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[place]
        number |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return number, place
        shift += 7
        if shift > 63:
            raise ValueError("too long a number")


def _signed(number: int) -> int:
    return number >> 1 ^ -(number & 1)
