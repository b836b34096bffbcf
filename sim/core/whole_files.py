"""Write a file whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dynmech.sim.core.errors import InputError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name that nobody can guess, then put it in place of what stood there.

    What is no regular file (a device, a pipe) is written to directly.

    Raises:
        InputError: the file cannot be written; nothing is left behind.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def require_place(*paths: str | Path | None) -> None:
    """Before long work: raise `InputError` where a file cannot be written later, its folder being no folder."""
    for path in paths:
        if path is not None and not Path(path).parent.is_dir():
            raise InputError(f"{path}: cannot be written: no such folder; make it first")
        if path is not None and Path(path).is_dir():
            raise InputError(f"{path}: cannot be written: it is a folder; give the name of a file")


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[BinaryIO]:
    """Open a new file beside `path`, `.NAME.RANDOM.partial`; it takes the place of `path` when the block has ended.

    The name is made anew, so nothing that lies there already is written to, and a link at `path` is replaced, not
    followed. Where the block fails, the file is gone and `path` as it was.

    Args:
        sync: whether the file is on the disk before it has its name.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
