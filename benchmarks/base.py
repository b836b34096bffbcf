"""How a benchmark is written: a module of this package with a function `measure(pairs) -> list[Row]`.

Figures are per CPU second of the process (all its threads), so that other programs on the machine disturb them less.
What is compared runs alternately in one process, several pairs of runs, and medians are reported. Where memory is
measured, that process is one of its own.
"""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ParamSpec, TypeVar

PAGE = 0.004096
"""MB."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        work: what is done.
        ours, theirs: medians, in `unit` (rates: larger is better; seconds and bytes: smaller is).
        beside: what it is measured beside; "" if nothing.
        ratio: how many times better ours is.
        aim: in words.
        met: whether the aim is reached.
    """

    work: str
    ours: float
    unit: str
    beside: str
    theirs: float | None
    ratio: float | None
    aim: str
    met: bool


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Return the median CPU seconds of a call, after a first one that is not counted and fills caches."""
    work()
    return median(cpu_seconds(work) for _ in range(runs))


def paired(ours: Callable[[], object], theirs: Callable[[], object], pairs: int) -> tuple[float, float, float]:
    """Return the median CPU seconds of both calls and the median ratio `theirs / ours`, over alternating runs."""
    ours(), theirs()  # what is made once is made here
    runs = [(cpu_seconds(ours), cpu_seconds(theirs)) for _ in range(pairs)]
    return median(a for a, _ in runs), median(b for _, b in runs), median(b / a for a, b in runs)


def apart(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Call a module's function in a new process and return its result; its memory is freed with the process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


def memory_of(work: Callable[[], Result]) -> tuple[Result, float]:
    """The result of a call, and by how many MB (a page at least) the process was larger at its peak than before it."""
    _forget_peak()
    before = _status("VmRSS") or peak_memory()
    result = work()
    return result, max(peak_memory() - before, PAGE)


def peak_memory() -> float:
    """The process's largest size so far (on Linux: since the last `memory_of`), in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _forget_peak() -> None:
    """Reset the recorded peak of memory (on Linux)."""
    path = Path("/proc/self/clear_refs")
    if path.exists() and os.access(path, os.W_OK):
        path.write_text("5")


def _status(field: str) -> float | None:
    """Return one of the sizes in `/proc/self/status`, in MB."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    found = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(found[0]) * 1024 / 1e6 if found else None
