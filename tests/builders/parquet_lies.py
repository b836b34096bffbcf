"""Parquet files whose pages are not what they say, byte by byte; what stands at the end of the file stays as it was."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def whole(path: Path, rows: int = 4000, compression: str = "zstd") -> bytes:
    """Write one column of numbers in one page; return the file."""
    schema = pa.schema([pa.field("x", pa.float64(), nullable=False)])
    table = pa.table({"x": pa.array([float(k % 97) for k in range(rows)])}, schema)
    pq.write_table(table, path, compression=compression, use_dictionary=False, write_statistics=False)
    return path.read_bytes()


def varint(number: int) -> bytes:
    """A number of 0 or more as Thrift writes it."""
    number, said = number << 1, bytearray()
    while number or not said:
        said.append(number & 127)
        number >>= 7
    return bytes([*(byte | 128 for byte in said[:-1]), said[-1]])


def page(unpacked: int, packed: int, values: int, encoding: int = 0) -> bytes:
    """The header of a page of data."""
    inner = b"\x15" + varint(values) + b"\x15" + varint(encoding) + b"\x15" + varint(3) + b"\x15" + varint(3) + b"\x00"
    return b"\x15" + varint(0) + b"\x15" + varint(unpacked) + b"\x15" + varint(packed) + b"\x2c" + inner + b"\x00"


def with_first_page(data: bytes, start: int, length: int, header: bytes, contents: bytes | None = None) -> bytes:
    """Put another header, and other contents, where a column of `length` bytes has its only page; filled with zeros."""
    inside = header + (data[start : start + length] if contents is None else contents)
    return data[:start] + inside[:length].ljust(length, b"\0") + data[start + length :]


def chunk(path: Path) -> Sequence[int]:
    """Where the first column of a file begins, and its bytes."""
    column = pq.read_metadata(path).row_group(0).column(0)
    return column.data_page_offset, column.total_compressed_size
