"""The audit of a mechanism that remembers one period: every family of deviations, exactly, and every promise."""

from dataclasses import dataclass

from benchmarks.base import Row, apart, cpu_seconds, memory_of, peak_memory
from dynmech import audit, load, make_mechanism

ECONOMY, MECHANISM = "random:agents=3,signals=6,decisions=4", "contingent-spanning"


@dataclass(frozen=True)
class Cost:
    """Return CPU seconds and MB: memory added by the audit, and the peak of the whole process."""

    seconds: float
    extra: float
    peak: float


def measure(pairs: int) -> list[Row]:  # noqa: ARG001 - one run: nothing is compared, and each is a process of its own
    """Make the mechanism and audit it."""
    cost = apart(cost_of, ECONOMY, MECHANISM)
    work = f"audit of {MECHANISM} on {ECONOMY}"
    return [
        Row(work, cost.seconds, "s", "", None, None, "10 s", cost.seconds <= 10),
        Row("the same, extra memory", cost.extra, "MB", "", None, None, "–", True),
        Row("the same, all of the process at its peak", cost.peak, "MB", "", None, None, "2 GB", cost.peak <= 2000),
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
