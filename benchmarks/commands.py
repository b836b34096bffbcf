"""What whole commands cost: a stress test that is played, and the same one repeated, start-up included.

CPU seconds, of user and system together, of processes of their own that begin with nothing loaded, beside a Python that
only imports NumPy: the machine's pace. The stress test is that of all mechanisms on `oil-leases-prior`.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.base import Row
from benchmarks.start import NUMPY, cpu_of_process

STRESS = ("-m", "dynmech", "stress", "oil-leases-prior", "--quiet")

COLD, REPEATED = 40.0, 12.0
"""How many times the CPU time of importing NumPy the command may take at most: 4 s and 1.2 s where that takes 0.1 s."""

RATE = 5e6
"""Agent-periods per CPU second of a whole stress test that logs sums only."""

LONG = ("stress", "repeated-auction:bidders=3", "--mechanism=pivot", "--mechanism=team", "--log=summary", "--quiet")


def measure(pairs: int) -> list[Row]:
    """A stress test, cold and repeated, and how fast a long one plays."""
    with TemporaryDirectory() as folder:
        cold, again = zip(*[_played(Path(folder) / str(k)) for k in range(pairs)], strict=True)
        numpy = [cpu_of_process(NUMPY) for _ in range(pairs)]
        rate = median(_rate(Path(folder) / f"long {k}") for k in range(min(pairs, 3)))
    return [
        row_of("stress oil-leases-prior", cold, numpy, COLD),
        row_of("the same, finished and repeated", again, numpy, REPEATED),
        Row("stress repeated-auction:bidders=3, summary log", rate / 1e6, "million agent-periods/s", "", None, None,
            f"{RATE / 1e6:g}", rate >= RATE),
    ]  # fmt: skip


def _played(out: Path) -> tuple[float, float]:
    """CPU seconds of a stress test in a new folder, and of the same command again."""
    words = (*STRESS, "--out", str(out))
    return cpu_of_process(words), cpu_of_process(words)


def row_of(work: str, ours: Sequence[float], numpy: Sequence[float], most: float) -> Row:
    """The table's row; the aim is held against the median of the ratios of pairs."""
    times = median(a / b for a, b in zip(ours, numpy, strict=True))
    aim = f"at most {most:g} times"
    return Row(work, median(ours), "s", "import numpy", median(numpy), 1 / times, aim, times <= most)


def _rate(out: Path, episodes: int = 20_000) -> float:
    """Agent-periods that a stress test plays per CPU second of the whole command, pilots not counted."""
    from dynmech.experiments.runs.results import read_result
    from dynmech.sim.log.journal import Journal

    seconds = cpu_of_process(("-m", "dynmech", *LONG, "--episodes", str(episodes), "--out", str(out)))
    assert read_result(out)["kind"] == "stress"
    cases = {key.rpartition("/")[0] for key in Journal(out / "shards.jsonl")}
    return len(cases) * episodes * _periods() * 3 / seconds


def _periods() -> int:
    from dynmech import load, make_mechanism
    from dynmech.sim.play.game import make_game

    environment = load(LONG[1])
    return make_game(environment, make_mechanism("pivot", environment)).periods
