"""Write a file whole or not at all."""

import os
import tempfile
from pathlib import Path

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
        _replace(path, data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _replace(path: Path, data: bytes) -> None:
    """Write beside the file, then rename."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
