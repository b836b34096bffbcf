"""What a design costs: the least largest transfer under which truth is best and leaving never pays, audited.

The last size asks for truth alone. Measured on the same programs, and none of it is used: HiGHS 1.16 through `highspy`,
interior point without crossover, takes 0.7 of the CPU seconds of SciPy's HiGHS 1.12 with it; lies added on demand, each
round solved anew, take 9 times as long at 2 x 7 x 3 (7 rounds, of which the second costs as much as everything at once;
that most lies do not bind does not make a round cheap); the simplex method does not end there; transfers put in terms
of values by hand change nothing, since the solver does it itself.
"""

from statistics import median

from benchmarks.base import Row, apart, cpu_seconds
from dynmech import design, load

SIZES = (
    ("random:agents=2,signals=3,decisions=3,correlation=1", "exit", 0.2),
    ("random:agents=3,signals=3,decisions=3,correlation=1", "exit", 3.0),
    ("random:agents=2,signals=7,decisions=3,correlation=1", "exit", 8.0),
    ("random:agents=4,signals=3,decisions=3,correlation=1", "none", 30.0),
    ("random:agents=2,signals=10,decisions=3,correlation=1", "exit", 60.0),
)
"""Economies, the participation that is asked for, and the CPU seconds aimed at; the larger ones take minutes."""

LONG = 5.0
"""Seconds aimed at from which one run is enough."""


def measure(pairs: int) -> list[Row]:
    """Design for every size in a process of its own; the first design there is not counted."""
    out = []
    for economy, participation, aim in SIZES:
        seconds = apart(seconds_of, economy, 1 if aim >= LONG else max(1, pairs // 2), participation)
        out.append(Row(f"design {economy}", seconds, "s", "", None, None, f"{aim:g} s", seconds <= aim))
    return out


def seconds_of(economy: str, runs: int, participation: str = "exit") -> float:
    """Return the median CPU seconds of a design with its audit."""
    environment = load(economy)
    design("oil-leases", participation="exit")  # what is imported once
    return median(cpu_seconds(lambda: design(environment, participation=participation)) for _ in range(runs))
