"""The audit of economies whose signals move independently: four and five agents with eight signals each.

The law of motion is never written out (it would hold 3 × 32,768² numbers), so that time and memory grow with the
profiles, not with their square. Each audit runs in a process of its own.
"""

from dataclasses import dataclass

from benchmarks.base import Row, apart, cpu_seconds, peak_memory
from dynmech import audit, load, make_mechanism

AIMS = {(4, "team"): (10, 1000), (4, "pivot"): (10, 1000), (5, "team"): (60, 2000), (5, "pivot"): (60, 2000)}
"""By agents and mechanism, CPU seconds and MB."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds, imports included, and MB of the whole process at its peak."""

    seconds: float
    peak: float


def measure(pairs: int, aims: dict[tuple[int, str], tuple[float, float]] = AIMS) -> list[Row]:  # type: ignore[assignment] # noqa: ARG001
    """One run each: nothing is compared."""
    rows = []
    for (agents, mechanism), (seconds, megabytes) in aims.items():
        cost = apart(cost_of, agents, 8, mechanism)
        work = f"audit of {mechanism}, independent, {agents} × 8"
        rows.append(Row(work, cost.seconds, "s", "", None, None, f"{seconds} s", cost.seconds <= seconds))
        peak = f"{megabytes / 1000:g} GB"
        rows.append(Row("the same, peak", cost.peak, "MB", "", None, None, peak, cost.peak <= megabytes))
    return rows


def cost_of(agents: int, signals: int, mechanism: str) -> Cost:
    """Measure one audit; planning, mechanism, tables and search are counted, making the economy is not."""
    options = f"agents={agents},signals={signals},decisions=3,correlation=0,independent=true"
    environment = load(f"random:{options}")

    def work() -> None:
        found = audit(environment, make_mechanism(mechanism, environment))
        if found.backend != "exact":
            raise AssertionError(f"{mechanism} was not searched exactly: {found.reason}")

    return Cost(cpu_seconds(work), peak_memory())
