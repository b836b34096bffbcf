"""An append-only file of sealed lines: what a run has recorded, readable whatever moment it was killed at.

A line is `{"seal": S, "entry": {"key": K, …}}`, S the first 16 hexadecimal digits of the SHA-256 of the entry's JSON.
The last line of a key counts. A line that is torn or damaged counts as not written. In memory are keys, places and the
names of fields only.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from dynmech.sim.core.errors import InputError, StorageError
from dynmech.sim.core.whole_files import replacing
from dynmech.sim.log.own_files import LARGEST_JOURNAL, LONGEST_LINE, open_regular


class Journal:
    """The journal at a path, or an empty one.

    Attributes:
        damaged: how many lines were passed over.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.damaged = path, 0
        self._places: dict[str, int] = {}
        self._fields: dict[str, frozenset[str]] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}  # each set of names once
        self._end = 0
        try:
            with open_regular(path.parent, path.name, LARGEST_JOURNAL) as file:
                for line in _lines(file):
                    self._take(line)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None

    def _take(self, line: bytes) -> None:
        entry = _unsealed(line)
        if entry is None:
            self.damaged += 1
        else:
            self._note(entry, self._end)
        self._end += len(line)

    def _note(self, entry: dict[str, Any], place: int) -> None:
        names = frozenset(entry)
        self._places[entry["key"]] = place
        self._fields[entry["key"]] = self._sets.setdefault(names, names)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._places))

    def __len__(self) -> int:
        return len(self._places)

    def forget(self, key: str) -> None:
        """Count a key as not recorded."""
        self._places.pop(key, None)
        self._fields.pop(key, None)

    def fields(self, key: str) -> frozenset[str]:
        """Return the field names of a key's entry, without reading the journal."""
        return self._fields[key]

    def read(self, key: str) -> dict[str, Any]:
        """Return the entry recorded under a key."""
        with open_regular(self.path.parent, self.path.name) as file:
            file.seek(self._places[key])
            entry = _unsealed(file.readline(LONGEST_LINE + 1))
        if entry is None:
            raise InputError(f"{self.path}: changed while it was in use")
        return entry

    def append(self, *entries: dict[str, Any]) -> None:
        """Record entries, each under its key; they are on the disk when this returns.

        Raises:
            StorageError: they cannot be written; the file is as it was, without any of them.
        """
        lines = [_sealed(entry) for entry in entries]
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
            with open_regular(
                self.path.parent, self.path.name, flags=flags
            ) as file:  # unbuffered: nothing is kept back
                start = file.seek(0, os.SEEK_END)
                first = b"\n" if start and not _ends_clean(file, start) else b""
                try:
                    rest = memoryview(first + b"".join(lines))
                    while rest:
                        rest = rest[file.write(rest) :]
                    os.fsync(file.fileno())
                except OSError:
                    with suppress(OSError):
                        os.ftruncate(file.fileno(), start)
                    raise
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written: {error.strerror or error}") from None
        self._end = start + len(first)
        for entry, line in zip(entries, lines, strict=True):
            self._note(entry, self._end)
            self._end += len(line)

    def rewrite(self, keys: Iterable[str]) -> str:
        """Keep one line for each of `keys`, in their order; returns the file's checksum.

        Raises:
            StorageError: it cannot be written; the file is as it was.
        """
        digest, places, end = sha256(), {}, 0
        try:
            with replacing(self.path, sync=True) as file:
                for key in keys:
                    line = _sealed(self.read(key))
                    file.write(line)
                    digest.update(line)
                    places[key] = end
                    end += len(line)
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written: {error.strerror or error}") from None
        self._places, self._end, self.damaged = places, end, 0
        self._fields = {key: self._fields[key] for key in places}
        return digest.hexdigest()


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of an open file, one that is too long in pieces, none of which is whole."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line


def _ends_clean(file: BinaryIO, size: int) -> bool:
    """Return whether an open file of some bytes ends with a line's end."""
    file.seek(size - 1)
    return file.read(1) == b"\n"


def _sealed(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry)
    return f'{{"seal": "{_seal(text)}", "entry": {text}}}\n'.encode()


def _unsealed(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a line, or None if the line is not exactly what `_sealed` writes for it."""
    try:
        entry: dict[str, Any] = json.loads(line)["entry"]
        whole = isinstance(entry["key"], str) and line.rstrip(b"\n") == _sealed(entry).rstrip(b"\n")
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entry if whole else None


def _seal(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
