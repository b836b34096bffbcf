"""What it costs to start: the help, and the audit of a small game, beside a Python that only imports NumPy.

CPU seconds, of user and system together, of processes of their own that begin with nothing loaded.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from benchmarks.base import Row

NUMPY = ("-c", "import numpy")
STARTS = {
    "dynmech --help": (("-m", "dynmech", "--help"), 4.0),
    "dynmech audit oil-leases-prior linked": (("-m", "dynmech", "audit", "oil-leases-prior", "linked"), 10.0),
}
"""What is started, and how many times the CPU time of importing NumPy it may take at most."""


def measure(pairs: int) -> list[Row]:
    """CPU seconds of a process, beside that of a process that imports NumPy."""
    return [row_of(work, most, started_beside_numpy(words, pairs)) for work, (words, most) in STARTS.items()]


def started_beside_numpy(words: Sequence[str], pairs: int) -> list[tuple[float, float]]:
    """CPU seconds of ours and of NumPy's import, in turns, after a first pair that is not counted."""
    return [(cpu_of_process(words), cpu_of_process(NUMPY)) for _ in range(pairs + 1)][1:]


def cpu_of_process(words: Sequence[str]) -> float:
    """CPU seconds, user and system, of a Python that is started with these words, and of what it starts.

    Raises:
        RuntimeError: it does not end with exit code 0.
    """
    before = os.times()
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode:
        raise RuntimeError(f"python {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return after.children_user + after.children_system - before.children_user - before.children_system


def row_of(work: str, most: float, seconds: Sequence[tuple[float, float]]) -> Row:
    """The table's row of pairs of seconds; the aim is held against the median of their ratios."""
    ours, theirs = (median(side) for side in zip(*seconds, strict=True))
    times = median(a / b for a, b in seconds)
    return Row(work, ours, "s", "import numpy", theirs, 1 / times, f"at most {most:g} times", times <= most)
