"""How a benchmark is written: a module of this package with a function `measure(pairs) -> list[Row]`.

Figures are per CPU second of the process (all its threads), so that other programs on the machine disturb them less.
What is compared runs alternately in one process, several pairs of runs, and medians are reported.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


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
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def paired(ours: Callable[[], object], theirs: Callable[[], object], pairs: int) -> tuple[float, float, float]:
    """Median CPU seconds of either, and the median of their ratios `theirs / ours`, over alternating runs."""
    ours(), theirs()  # what is made once is made here
    runs = [(cpu_seconds(ours), cpu_seconds(theirs)) for _ in range(pairs)]
    return median(a for a, _ in runs), median(b for _, b in runs), median(b / a for a, b in runs)
