"""Parquet that others made: what is asked for is seen before it is made room for, and what is a lie is one line."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynmech.sim.core.errors import DynmechError, InputError, Refusal
from dynmech.sim.log import parquet_pages
from dynmech.sim.log.parquet_pages import read_parquet
from tests.builders.parquet_lies import chunk, page, whole, with_first_page

ROWS = 4000


def read(data: bytes) -> pa.Table:
    return read_parquet(io.BytesIO(data), "log.parquet")


def saved(table: pa.Table, path: Path, **how: object) -> bytes:
    pq.write_table(table, path, **how)
    return path.read_bytes()


def test_what_is_sound_is_read(tmp_path: Path) -> None:
    table = pa.table(
        {
            "n": np.arange(5000),
            "x": np.linspace(0, 1, 5000),
            "yes": np.arange(5000) % 2 == 0,
            "word": [f"w{k % 7}" for k in range(5000)],
            "label": pa.array([f"l{k % 3}" for k in range(5000)]).dictionary_encode(),
            "gap": [None if k % 5 else k for k in range(5000)],
            "day": pa.array(np.arange(5000, dtype=np.int32)).cast(pa.date32()),
        }
    )
    expected = table.to_pandas().astype(str)
    for how in (
        {},
        {"compression": "gzip"},
        {"compression": "none", "data_page_size": 100},
        {"data_page_version": "2.0", "row_group_size": 700},
        {"use_dictionary": False, "write_statistics": False, "compression": "snappy"},
        {"use_dictionary": False, "column_encoding": {"n": "DELTA_BINARY_PACKED", "x": "BYTE_STREAM_SPLIT"}},
        {"write_page_index": True, "write_page_checksum": True},
    ):
        found = read(saved(table, tmp_path / "t.parquet", **how)).to_pandas()
        assert found.astype(str).equals(expected), how


@pytest.mark.parametrize("compression", ["zstd", "gzip", "snappy", "lz4", "brotli", "none"])
def test_a_page_that_lies_about_its_size_is_one_line(compression: str, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    data = whole(path, ROWS, compression)
    start, length = chunk(path)
    sound = parquet_pages._page(data[start : start + 200])
    contents = data[start + sound[1] : start + length]
    assert (sound[0].unpacked, sound[0].packed, sound[0].values) == (8 * ROWS, len(contents), ROWS)
    assert read(with_first_page(data, start, length, data[start : start + sound[1]], contents)).num_rows == ROWS

    def told(unpacked: int, packed: int, values: int, encoding: int = 0) -> str:
        with pytest.raises(InputError) as raised:
            read(with_first_page(data, start, length, page(unpacked, packed, values, encoding), contents))
        assert "\n" not in str(raised.value)
        return str(raised.value)

    said = told(2**31 - 1, len(contents), ROWS)
    assert said == "log.parquet: a page unpacks to 2.15 GB; at most 268 MB are read"
    assert told(64, len(contents), ROWS)  # and holds 32,000 bytes
    if compression != "none":  # else nothing is unpacked
        assert told(200_000_000, len(contents), ROWS)  # the other way
    assert told(8 * ROWS, len(contents), 2**31 - 1) == "log.parquet: its pages are not what it says of them"
    assert told(8 * ROWS, len(contents), ROWS, 7) == "log.parquet: a page is written in encoding 7, which is not read"
    assert told(8 * ROWS, 2**31 - 1, ROWS)


def test_what_is_too_much_is_refused_by_its_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.parquet"
    wide = saved(pa.table({f"c{k}": [1] for k in range(65)}), path)
    with pytest.raises(InputError, match="has 65 columns; at most 64 are read"):
        read(wide)
    for column in ([[1]], [{"a": 1}]):
        with pytest.raises(InputError, match="column 'x': lists or tables stand in it"):
            read(saved(pa.table({"x": pa.array(column)}), path))
    with pytest.raises(InputError, match=r"column 'x' holds fixed_size_binary.*, neither texts nor numbers"):
        read(saved(pa.table({"x": pa.array([b"1234"], pa.binary(4))}), path))
    with pytest.raises(InputError, match="two columns have the same name"):
        read(saved(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), path))
    same = saved(pa.table({"x": np.zeros(1 << 20, np.int64)}), path)
    assert len(same) < 10_000
    monkeypatch.setattr("dynmech.sim.core.memory_budget.room", lambda: 2e7)
    with pytest.raises(Refusal, match=r"a table of 1,048,576 rows would need 2[0-9.]+ MB"):
        read(same)
    monkeypatch.setattr(parquet_pages, "ROWS", 10_000)
    with pytest.raises(InputError, match="has 1,048,576 rows; at most 10,000 are read"):
        read(same)
    for limit, said in (("PAGES", "more than 0 pages"), ("FOOTER", "its description has .*; at most 0 B are read")):
        monkeypatch.setattr(parquet_pages, limit, 0)
        with pytest.raises(InputError, match=said):
            read(whole(path))


def test_a_column_s_name_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    data = saved(pa.table({"name": pa.array([1.0])}), tmp_path / "t.parquet", store_schema=False)
    with pytest.raises(InputError, match=r"^log\.parquet: is not Parquet that can be read: "):
        read(data.replace(b"name", b"nam\xe4"))


def test_pages_are_counted_over_all_columns_and_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"x": pa.array([1.0, 2.0, 3.0, 4.0]), "y": pa.array([1.0, 2.0, 3.0, 4.0])})
    data = saved(table, tmp_path / "t.parquet", use_dictionary=False, row_group_size=2)
    monkeypatch.setattr(parquet_pages, "PAGES", 4)
    assert read(data).num_rows == 4
    monkeypatch.setattr(parquet_pages, "PAGES", 3)
    with pytest.raises(InputError, match="has more than 3 pages"):
        read(data)


def test_a_word_that_is_repeated_is_held_once(tmp_path: Path) -> None:
    """A megabyte said a hundred thousand times would be 100 GB."""
    word = "x" * (1 << 20)
    table = pa.table({"word": pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int32)), [word])})
    plain = table.cast(pa.schema({"word": pa.dictionary(pa.int32(), pa.string())}))
    data = saved(plain, tmp_path / "t.parquet", store_schema=False, compression="zstd")
    assert len(data) < 10_000
    assert read(data).nbytes < 5_000_000


def mutated(data: bytes, luck: random.Random) -> bytes:
    """A file with some bytes changed, gone, or said twice."""
    changed = bytearray(data)
    for _ in range(luck.choice((1, 1, 2, 5, 30))):
        place = luck.randrange(len(changed))
        how = luck.randrange(4)
        if how == 0:
            changed[place] = luck.choice((0, 1, 127, 128, 255, luck.randrange(256)))
        elif how == 1:
            changed[place] ^= 1 << luck.randrange(8)
        elif how == 2:
            del changed[place : place + luck.choice((1, 2, 10))]
        else:
            changed[place:place] = changed[place : place + luck.choice((1, 4, 100))]
    return bytes(changed)


@contextmanager
def suppress_ours() -> Iterator[list[str]]:
    """Take an error of ours, see that it is one short line, and hand it out."""
    said: list[str] = []
    try:
        yield said
    except DynmechError as error:
        said.append(str(error))
    assert not any("\n" in text or len(text) > 400 for text in said)


@pytest.mark.parametrize("count", [60, pytest.param(6000, marks=pytest.mark.slow)])
def test_a_damaged_file_is_a_table_or_one_line(count: int, tmp_path: Path) -> None:
    luck, told = random.Random(count), 0
    table = pa.table({"n": np.arange(300), "word": [f"w{k % 7}" for k in range(300)], "gap": [None, 1.5, 2.5] * 100})
    files = [
        saved(table, tmp_path / "t.parquet", **how)
        for how in (
            {},
            {"data_page_version": "2.0", "compression": "zstd"},
            {"use_dictionary": False, "compression": "none", "row_group_size": 100},
        )
    ]
    for k in range(count):
        with suppress_ours() as said:
            read(mutated(files[k % len(files)], luck))
        told += len(said)
    assert told > count / 4
