"""Read what lies in a run folder, whoever made it: regular files under names of ours, within stated limits.

A run folder may come from a stranger. Inside it nothing is opened but regular files in plain folders whose names follow
our scheme; no link is followed, no device or pipe is waited for. The folder itself may be reached by a link: its user
has named it.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import size_text

DATASETS = ("outcomes", "episodes", "gains", "rounds")

SINGLE = ("run.json", "shards.jsonl", "result.json")
"""Files at the top of a run folder."""

_PART = re.compile(r"(mechanism|case)=[^/\x00-\x1f\x7f]{1,240}")
_SHARD = re.compile(r"shard-[0-9]{5,12}\.parquet")

LARGEST_JSON = 256 << 20
"""Bytes of `run.json` or `result.json`."""

LARGEST_JOURNAL = 4 << 30
"""Bytes of the journal."""

LONGEST_LINE = 64 << 20
"""Bytes of one of its lines."""

DEEPEST = 64
"""Levels to which objects and lists may lie in each other."""

_CLOSED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""Links are not followed, a pipe without a writer is not waited for."""


def is_own(name: str) -> bool:
    """Return whether a name, relative to a run folder, is one that a run gives to its files.

    >>> is_own("gains/mechanism=pivot/case=prescribed/shard-00000.parquet"), is_own("run.json")
    (True, True)
    >>> is_own("gains/../../x/shard-00000.parquet"), is_own("/dev/zero"), is_own("gains/case=a/../shard-00000.parquet")
    (False, False, False)
    """
    if name in SINGLE:
        return True
    *folders, file = name.split("/")
    dataset, folders = "".join(folders[:1]), folders[1:]
    inside = dataset in DATASETS and len(folders) <= 2 and all(_PART.fullmatch(folder) for folder in folders)
    return bool(inside and _SHARD.fullmatch(file))


def open_own(root: Path, name: str, most: int | None = None, flags: int = os.O_RDONLY) -> BinaryIO:
    """Open a file of a run folder.

    Args:
        most: bytes that it may have.
        flags: as `os.open` takes them; a file may be made, a folder not.

    Raises:
        InputError: the name is none of ours, it is no regular file, a link leads to it, or it is too large.
        OSError: it cannot be opened.
    """
    if not is_own(name):
        raise InputError(f"{root}: {shown(name)} is not the name of a file of a run")
    return open_regular(root, name, most, flags)


def open_regular(root: Path, name: str, most: int | None = None, flags: int = os.O_RDONLY) -> BinaryIO:
    """As `open_own`, whatever the name is."""
    *folders, last = name.split("/")
    if os.open in os.supports_dir_fd:
        handle = os.open(root, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        for step in folders:
            handle = _step(root, name, handle, step, os.O_RDONLY | os.O_DIRECTORY)
        handle = _step(root, name, handle, last, flags)
    else:
        for part in (Path(*folders[:k]) for k in range(1, len(folders) + 1)):
            _refuse_link(root, name, (root / part).lstat().st_mode)
        handle = os.open(root / name, flags | _CLOSED, 0o666)
    return _regular(root, name, handle, most, flags)


def _step(root: Path, name: str, at: int, step: str, flags: int) -> int:
    """Open what lies at one step of a name, below the folder that is open as `at`, which is closed."""
    try:
        return os.open(step, flags | _CLOSED, 0o666, dir_fd=at)
    except OSError:
        try:
            mode = os.stat(step, dir_fd=at, follow_symlinks=False).st_mode
        except OSError:
            mode = stat.S_IFREG
        _refuse_link(root, name, mode)
        raise
    finally:
        os.close(at)


def _refuse_link(root: Path, name: str, mode: int) -> None:
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise _not_regular(root, name)


def _not_regular(root: Path, name: str) -> InputError:
    return InputError(f"{root}: {name} is a link, a pipe or a device, and no file of a run; delete it")


def _regular(root: Path, name: str, handle: int, most: int | None, flags: int) -> BinaryIO:
    """Return an open file if it is a regular one of no more than `most` bytes; else it is closed."""
    try:
        held = os.fstat(handle)
        if stat.S_ISDIR(held.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(held.st_mode):
            raise _not_regular(root, name)
        if most is not None and held.st_size > most:
            raise InputError(f"{root}: {name} has {size_text(held.st_size)}; at most {size_text(most)} are read")
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb" if flags & 0o3 == os.O_RDONLY else "r+b", buffering=-1 if flags == os.O_RDONLY else 0)


def read_json(root: Path, name: str) -> Any:
    """Return what a JSON file of a run folder holds.

    Raises:
        InputError: as `open_own`; it is no JSON, or nested too deeply.
        OSError: it cannot be opened.
    """
    with open_own(root, name, LARGEST_JSON) as file:
        text = file.read(LARGEST_JSON + 1)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{root / name}: cannot be read: {why}") from None
    if too_deep(data):
        raise InputError(f"{root / name}: cannot be read: it is nested too deeply")
    return data


def too_deep(data: Any, most: int = DEEPEST) -> bool:
    """Return whether objects and lists lie in each other more than `most` levels deep.

    >>> too_deep([[1], {"a": []}], 3), too_deep([[1], {"a": [[]]}], 3)
    (False, True)
    """
    level = [data]
    for _ in range(most):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return False
    return True


def _parts(whole: Any) -> list[Any]:
    inside = whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ()
    return [part for part in inside if isinstance(part, dict | list)]


def require_own(root: Path) -> None:
    """Raise where a link, a pipe or a device stands under one of our names: nothing is written through it.

    What else lies in the folder is its user's.

    Raises:
        InputError: the first such place.
    """
    for name in _strange(root):
        raise _not_regular(root, name)


def _strange(root: Path) -> Iterator[str]:
    """Yield names of ours, relative to a run folder, under which something else stands."""
    for name in SINGLE:
        mode = _mode(root / name)
        if mode is not None and not stat.S_ISREG(mode):
            yield name
    for name in DATASETS:
        mode = _mode(root / name)
        if mode is not None and not stat.S_ISDIR(mode):
            yield name
        elif mode is not None:
            for place, folders, files in os.walk(root / name, followlinks=False):
                for part in sorted([*folders, *files]):
                    found = _mode(Path(place, part))
                    if found is not None and not (stat.S_ISDIR(found) or stat.S_ISREG(found)):
                        yield Path(place, part).relative_to(root).as_posix()


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except OSError:
        return None
