"""Tie a child to its parent, and end all processes that descend from one (on Linux)."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DIE_WITH_PARENT, ADOPT = 1, 36
"""Options of `prctl`: PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER."""

ROUNDS = 1000
"""How often descendants are looked for; each round ends a generation."""


def die_with_parent(parent: int) -> None:
    """Ask the system to end this process when `parent`, which has just forked it, ends."""
    _ask(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it has already
        os._exit(1)


@contextmanager
def adopting() -> Iterator[set[int]]:
    """Inside the block, orphaned descendants become children of this process; yields the children it has before."""
    _ask(ADOPT, 1)
    try:
        yield children()
    finally:
        _ask(ADOPT, 0)


def end_descendants(others: set[int]) -> None:
    """Kill all children but `others`, then the descendants that become children by that, and so on."""
    for _ in range(ROUNDS):
        strays = children() - others
        if not strays:
            return
        for pid in strays:
            with suppress(ProcessLookupError, PermissionError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def children() -> set[int]:
    """Return the process ids of this process's children; empty where the system does not list them."""
    pids: set[int] = set()
    for thread in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            pids |= {int(pid) for pid in thread.read_text(encoding="ascii").split()}
    return pids


def living() -> set[int]:
    """Return the process ids of this process's children that have not ended."""
    return {pid for pid in children() if not _ended(pid)}


def _ended(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
            in "ZX"
        )
    except OSError:
        return True


def _ask(what: int, value: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(what, value)
