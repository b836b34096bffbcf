"""Who descends from whom: a child that ends with its parent, and descendants that are all ended (on Linux)."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DIE_WITH_PARENT, ADOPT = 1, 36
"""What `prctl` calls them."""

ROUNDS = 1000
"""How often descendants are looked for; each round ends a generation."""


def die_with_parent(parent: int) -> None:
    """Ask the system to end this process when `parent`, which has just forked it, ends."""
    _ask(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it has already
        os._exit(1)


@contextmanager
def adopting() -> Iterator[set[int]]:
    """Meanwhile whoever descends from this process and loses its parent becomes its child; gives those it has."""
    _ask(ADOPT, 1)
    try:
        yield children()
    finally:
        _ask(ADOPT, 0)


def end_descendants(others: set[int]) -> None:
    """End all children but `others`, and what then becomes one."""
    for _ in range(ROUNDS):
        strays = children() - others
        if not strays:
            return
        for pid in strays:
            with suppress(ProcessLookupError, PermissionError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def children() -> set[int]:
    """Processes whose parent this one is; none where the system does not say."""
    found: set[int] = set()
    for thread in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found |= {int(pid) for pid in thread.read_text(encoding="ascii").split()}
    return found


def _ask(what: int, value: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(what, value)
