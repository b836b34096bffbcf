"""The journal: whatever is done to the file, what is read is what was written, or counts as not written."""

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dynmech.sim.core.errors import InputError, StorageError
from dynmech.sim.log.journal import Journal
from tests.builders.folders import entry, everything
from tests.builders.runs import no_space

NUMBERS = st.floats(allow_nan=False) | st.integers() | st.just(float("inf"))
FACTS = st.dictionaries(st.text(max_size=5), NUMBERS | st.text(max_size=8) | st.lists(NUMBERS, max_size=3), max_size=3)
KEYS = st.sampled_from(["a", "b", "ü/1", 'quote"', "line\nbreak"])


def three(path: Path) -> Journal:
    """A journal of three shards; the second was recorded twice."""
    journal = Journal(path)
    for one in (entry("a", n=1), entry("b", n=2.5), entry("b", n=3), entry("c", n=[None, "ü"])):
        journal.append(one)
    return journal


WHOLE = {"a": entry("a", n=1), "b": entry("b", n=3), "c": entry("c", n=[None, "ü"])}


def test_the_last_line_of_a_key_counts(tmp_path: Path) -> None:
    journal = three(tmp_path / "j")
    assert everything(journal) == everything(Journal(tmp_path / "j")) == WHOLE
    assert (len(journal), "b" in journal, "d" in journal) == (3, True, False)


def test_a_line_says_what_it_says_to_anybody(tmp_path: Path) -> None:
    from hashlib import sha256

    three(tmp_path / "j")
    lines = (tmp_path / "j").read_bytes().splitlines()
    assert len(lines) == 4
    for line in lines:
        data = json.loads(line)
        assert data["seal"] == sha256(json.dumps(data["entry"]).encode()).hexdigest()[:16]


@given(st.lists(st.tuples(st.sampled_from(["append", "forget", "reopen", "rewrite"]), KEYS, FACTS), max_size=12))
def test_it_is_a_dictionary_that_survives_its_process(steps: list[tuple[str, str, dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        journal = Journal(path)
        here: dict[str, dict[str, Any]] = {}  # what it holds
        there: dict[str, dict[str, Any]] = {}  # what the file holds
        for step, key, facts in steps:
            if step == "append":
                here[key] = there[key] = {**facts, "key": key}
                journal.append(here[key])
            elif step == "forget":
                journal.forget(key)
                here.pop(key, None)
            elif step == "reopen":
                journal, here = Journal(path), dict(there)
            else:
                journal.rewrite(sorted(here))
                there = dict(here)
                assert list(Journal(path)) == sorted(here)
            assert everything(journal) == here
            assert journal.damaged == 0


def test_every_single_bit_that_flips_is_found(tmp_path: Path) -> None:
    path = tmp_path / "j"
    three(path)
    content = path.read_bytes()
    firsts = {"a": 1, "b": 2.5}  # what may stand behind the line that was damaged
    for place in range(len(content)):
        for bit in range(8):
            broken = bytearray(content)
            broken[place] ^= 1 << bit
            path.write_bytes(bytes(broken))
            journal = Journal(path)
            assert journal.damaged in (1, 2), "a line, or the two lines that it parted"
            for key, found in everything(journal).items():
                assert found == WHOLE[key] or found == entry(key, n=firsts.get(key)), (place, bit)
            assert len(journal) >= 1


@pytest.mark.parametrize("append", [False, True])
def test_a_line_torn_anywhere_counts_as_not_written(append: bool, tmp_path: Path) -> None:
    path = tmp_path / "j"
    three(path)
    content = path.read_bytes()
    last = content[:-1].rindex(b"\n") + 1
    for size in range(last, len(content)):
        path.write_bytes(content[:size])
        journal = Journal(path)
        whole = size == len(content) - 1  # only the line break is missing
        assert journal.damaged == (0 if whole or size == last else 1)
        expected = WHOLE if whole else {key: WHOLE[key] for key in ("a", "b")}
        assert everything(journal) == expected
        if append:
            journal.append(entry("d", n=4))
            assert everything(journal) == everything(Journal(path)) == {**expected, "d": entry("d", n=4)}


FOREIGN = '{"seal": "0000000000000000", "entry": {"key": "a", "n": 9}}\n'


@pytest.mark.parametrize(
    ("change", "damaged", "lost"),
    [
        (lambda lines: lines[1:], 0, {"a"}),
        (lambda lines: [*lines, lines[0], lines[3]], 0, set()),
        (lambda lines: [b"garbage\n", *lines], 1, set()),
        (lambda lines: [b"\0" * 4096, *lines], 1, {"a"}),
        (lambda lines: [*lines, b"\xff\xfe\x00{" * 40 + b"\n"], 1, set()),
        (lambda lines: [*lines, b"[" * 100_000 + b"\n"], 1, set()),
        (lambda lines: [*lines, b'{"seal": 1, "entry": []}\n', b"[]\n", b"7\n", b'"x"\n', b"null\n"], 5, set()),
        (lambda lines: [*lines, FOREIGN.encode()], 1, set()),
        (lambda lines: [lines[3], lines[1], lines[2], lines[0]], 0, set()),
        (lambda lines: [b"\n", *lines, b"\n\n"], 3, set()),
        (lambda lines: [line.replace(b"\n", b"\r\n") for line in lines], 4, {"a", "b", "c"}),
        (lambda lines: [line.replace(b'{"seal"', b'{ "seal"') for line in lines], 4, {"a", "b", "c"}),
        (lambda _: [], 0, {"a", "b", "c"}),
    ],
    ids=[
        "deleted", "twice", "garbage", "a hole", "not text", "too deep", "other data", "a false seal", "other order",
        "empty lines", "other line ends", "other spaces", "all deleted",
    ],
)  # fmt: skip
def test_lines_that_somebody_has_meddled_with(change: Any, damaged: int, lost: set[str], tmp_path: Path) -> None:
    path = tmp_path / "j"
    three(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))
    journal = Journal(path)
    assert journal.damaged == damaged
    assert everything(journal) == {key: value for key, value in WHOLE.items() if key not in lost}
    journal.append(entry("z"))
    assert set(everything(Journal(path))) == set(WHOLE) - lost | {"z"}


def test_in_order_it_has_one_line_for_each_key(tmp_path: Path) -> None:
    from hashlib import sha256

    path = tmp_path / "j"
    journal = three(path)
    digest = journal.rewrite(["c", "b"])
    assert list(journal) == list(Journal(path)) == ["c", "b"]
    assert digest == sha256(path.read_bytes()).hexdigest()
    assert everything(journal) == {key: WHOLE[key] for key in ("c", "b")}
    journal.append(entry("e"))
    assert list(Journal(path)) == ["c", "b", "e"]
    assert [name.name for name in tmp_path.iterdir()] == ["j"]


def test_what_changes_under_it_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = three(path)
    path.write_bytes(path.read_bytes()[3:])
    with pytest.raises(InputError, match="j: changed while it was in use"):
        journal.read("b")


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        Journal(tmp_path)


@pytest.mark.parametrize("what", ["os.fsync", "os.replace"])
def test_what_cannot_be_written_leaves_the_file_as_it_was(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    journal = three(path)
    before = path.read_bytes()
    monkeypatch.setattr(what, no_space)
    writes: dict[str, Callable[[], object]] = {"rewrite": lambda: journal.rewrite(["a"])}
    if what == "os.fsync":
        writes["append"] = lambda: journal.append(entry("d"))
    for write in writes.values():
        with pytest.raises(StorageError, match="j: cannot be written: No space left on device"):
            write()
        assert path.read_bytes() == before
        assert everything(journal) == everything(Journal(path)) == WHOLE
    assert [name.name for name in tmp_path.iterdir()] == ["j"]
    monkeypatch.undo()
    journal.append(entry("d"))
    assert everything(journal) == everything(Journal(path)) == {**WHOLE, "d": entry("d")}


def test_a_torn_tail_and_a_full_disk_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j"
    three(path)
    os.truncate(path, path.stat().st_size - 5)
    before = path.read_bytes()
    journal = Journal(path)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", no_space)
        with pytest.raises(StorageError):
            journal.append(entry("d"))
    assert path.read_bytes() == before
    journal.append(entry("d"))
    assert set(everything(Journal(path))) == {"a", "b", "d"}


def test_its_memory_is_keys_and_places(tmp_path: Path) -> None:
    """Two hundred lines of 20 kB each: what is held is far from 4 MB."""
    path = tmp_path / "j"
    journal = Journal(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        for k in range(200):
            journal.append(entry(f"shard-{k}", text="x" * 20_000))
    assert path.stat().st_size > 4e6
    tracemalloc.start()
    again = Journal(path)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(again) == 200
    assert held < 1e5
    assert most < 1e6


def test_several_entries_are_recorded_at_once_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shards.jsonl"
    journal = Journal(path)
    journal.append(entry("a"), entry("b", n=2))
    before = path.read_bytes()
    assert (
        [Journal(path).read(key) for key in "ab"]
        == [entry("a"), entry("b", n=2)]
        == [journal.read("a"), journal.read("b")]
    )

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(StorageError, match="No space left"):
        journal.append(entry("c"), entry("d"))
    assert path.read_bytes() == before, "both are gone"
    assert "c" not in journal
    assert "d" not in journal
