"""The audit of a mechanism that remembers one period: every family of deviations, exactly, and every promise.

Two larger economies are held to 5.5 s and 0.55 GB, and 12.5 s and 1.5 GB, on a machine that imports NumPy in 0.1 s:
time is counted in imports of NumPy.
"""

from dataclasses import dataclass
from statistics import median

from benchmarks.base import Row, apart, cpu_seconds, memory_of, peak_memory
from benchmarks.start import NUMPY, cpu_of_process
from dynmech import audit, load, make_mechanism

ECONOMY, MECHANISM = "random:agents=3,signals=6,decisions=4", "contingent-spanning"

LARGER = {
    "random:agents=3,signals=8,decisions=4": (55.0, 550.0),
    "random:agents=6,signals=3,decisions=4": (125.0, 1500.0),
}
"""By economy, how many imports of NumPy its audit may take, and how many MB it may add."""


@dataclass(frozen=True)
class Cost:
    """Return CPU seconds and MB: memory added by the audit, and the peak of the whole process."""

    seconds: float
    extra: float
    peak: float


def measure(pairs: int) -> list[Row]:
    """Make the mechanism and audit it, once each, in processes of their own."""
    cost = apart(cost_of, ECONOMY, MECHANISM)
    work = f"audit of {MECHANISM} on {ECONOMY}"
    return [
        Row(work, cost.seconds, "s", "", None, None, "10 s", cost.seconds <= 10),
        Row("the same, extra memory", cost.extra, "MB", "", None, None, "–", True),
        Row("the same, all of the process at its peak", cost.peak, "MB", "", None, None, "2 GB", cost.peak <= 2000),
        *(row for economy in LARGER for row in larger(economy, pairs)),
    ]


def larger(economy: str, pairs: int) -> list[Row]:
    """Return the rows of one of the larger economies."""
    most, megabytes = LARGER[economy]
    cost, numpy = apart(cost_of, economy, MECHANISM), median(cpu_of_process(NUMPY) for _ in range(pairs))
    times = cost.seconds / numpy
    work = f"audit of {MECHANISM} on {economy}"
    return [
        Row(work, cost.seconds, "s", "import numpy", numpy, 1 / times, f"at most {most:g} times", times <= most),
        Row("the same, extra memory", cost.extra, "MB", "", None, None, f"{megabytes:g} MB", cost.extra <= megabytes),
    ]


def cost_of(economy: str, mechanism: str) -> Cost:
    """Measure one audit; planning, mechanism, tables and search are counted, making the economy is not."""
    environment = load(economy)

    def work() -> None:
        found = audit(environment, make_mechanism(mechanism, environment))
        if found.verdict != "holds":
            raise AssertionError(f"{mechanism} must hold on {economy}")

    seconds, extra = memory_of(lambda: cpu_seconds(work))
    return Cost(seconds, extra, peak_memory())
