"""What fits in this machine's memory; what does not is refused before it is begun, with the size that it would need."""

import os
from pathlib import Path

from dynmech.sim.core.errors import Refusal, StorageError

SHARE = 0.75
"""Of the machine's memory that one piece of work may take."""

ADDRESSES = 1_000_000_000
"""Bytes of addresses without which no command is begun."""

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container says how much it may use."""


def room() -> float:
    """Return how many bytes one piece of work may take; infinite if the system does not tell its memory."""
    if not hasattr(os, "sysconf"):  # not on Windows
        return float("inf")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in LIMITS:
        text = path.read_text().strip() if path.is_file() else ""
        if text.isdigit():
            total = min(total, int(text))
    return SHARE * total


def require_addresses() -> None:
    """Refuse to work under a limit on addresses (`ulimit -v`) that is too tight for the libraries of numbers.

    OpenBLAS, which NumPy and SciPy bring along, asks for the same memory for ever while it is loaded and gets none.

    Raises:
        StorageError: says what is needed.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < ADDRESSES:
        limit, needed = size_text(most), size_text(ADDRESSES)
        raise StorageError(f"the machine: not enough memory: `ulimit -v` leaves {limit}, at least {needed} is needed")


def require_room(what: str, numbers: float) -> None:
    """Refuse work on that many numbers of 8 bytes if they do not fit.

    Raises:
        Refusal: says what would need how much.
    """
    most = room()
    if 8 * numbers > most:
        raise Refusal(
            f"{what} would need {size_text(8 * numbers)}, more than the {size_text(most)} that this machine can give it"
        )


def size_text(size: float) -> str:
    """Return a number of bytes in words.

    >>> size_text(999), size_text(12_300_000_000), size_text(3.849e12)
    ('999 B', '12.3 GB', '3.85 TB')
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} PB"
