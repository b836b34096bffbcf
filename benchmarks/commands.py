"""What whole commands cost: a stress test and a tournament that are played, and the same repeated, start-up included.

CPU seconds, of user and system together, of processes of their own that begin with nothing loaded, beside a Python that
only imports NumPy: the machine's pace. The stress test is that of all mechanisms on `oil-leases-prior`;
the tournament that of `docs/auction.toml`.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.base import Row
from benchmarks.start import NUMPY, cpu_of_process

STRESS = ("-m", "dynmech", "stress", "oil-leases-prior", "--quiet")

TOURNAMENT = ("-m", "dynmech", "tournament", str(Path(__file__).parents[1] / "docs" / "auction.toml"), "--quiet")

COLD, REPEATED = 40.0, 12.0
"""How many times the CPU time of importing NumPy the command may take at most: 4 s and 1.2 s where that takes 0.1 s."""

BY_TWO = 1.7
"""How many times as fast two workers make a stress test on an idle machine."""

RATE = 5e6
"""Agent-periods per CPU second of a whole stress test that logs sums only."""

LONG = ("stress", "repeated-auction:bidders=3", "--mechanism=pivot", "--mechanism=team", "--log=summary", "--quiet")


HEAVY = ("stress", "repeated-auction:bidders=3", "--mechanism=pivot", "--quiet", "--episodes=20000", "--engine=loop")
"""A stress test that plays much."""


def measure(pairs: int) -> list[Row]:
    """A stress test, cold and repeated, and how fast a long one plays."""
    with TemporaryDirectory() as folder:
        cold, again = zip(*[_played(Path(folder) / str(k)) for k in range(pairs)], strict=True)
        games = [_played(Path(folder) / f"tournament {k}", TOURNAMENT) for k in range(min(pairs, 3))]
        numpy = [cpu_of_process(NUMPY) for _ in range(pairs)]
        rate = median(_rate(Path(folder) / f"long {k}") for k in range(min(pairs, 3)))
    return [
        row_of("stress oil-leases-prior", cold, numpy, COLD),
        row_of("the same, finished and repeated", again, numpy, REPEATED),
        Row("tournament docs/auction.toml", median(c for c, _ in games), "s", "the same, repeated",
            median(a for _, a in games), median(a / c for c, a in games), "–", True),
        Row("stress repeated-auction:bidders=3, summary log", rate / 1e6, "million agent-periods/s", "", None, None,
            f"{RATE / 1e6:g}", rate >= RATE),
        by_two_workers(pairs),
    ]  # fmt: skip


def _played(out: Path, command: Sequence[str] = STRESS) -> tuple[float, float]:
    """CPU seconds of a command in a new folder, and of the same command again."""
    words = (*command, "--out", str(out))
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


def by_two_workers(pairs: int, words: Sequence[str] = HEAVY) -> Row:
    """What two workers bring, from CPU seconds alone, so that others on the machine do not count.

    With two workers on idle cores, a command takes what its own process takes, which they wait for, and half of what
    they take: at most as much as it takes on the wall, as the two overlap in part.
    """
    with TemporaryDirectory() as folder:
        runs = [
            tuple(_by_process([*words, f"--out={folder}/{k} {count}", f"--workers={count}"]) for count in (1, 2))
            for k in range(pairs)
        ]
    one = median(sum(alone) for alone, _ in runs)
    two = median(parent + children / 2 for _, (parent, children) in runs)
    ratio = median(sum(alone) / (both[0] + both[1] / 2) for alone, both in runs)
    work = f"{' '.join(words[:2])}, 2 workers: its own CPU seconds and half of theirs"
    return Row(work, two, "s", "1 worker", one, ratio, f"{BY_TWO:g} times", ratio >= BY_TWO)


def _by_process(words: Sequence[str]) -> tuple[float, float]:
    """CPU seconds of the process that runs a command of dynmech, and of those that it starts."""
    done = subprocess.run([sys.executable, "-c", APART, *words], capture_output=True, text=True, check=True)
    parent, children = done.stdout.split()[-2:]
    return float(parent), float(children)


APART = """
import os, sys
from dynmech.experiments.cli.app import main
try:
    main()
except SystemExit:
    pass
from dynmech.experiments.workers.pool import Loky
Loky(2).end()
spent = os.times()
print(spent.user + spent.system, spent.children_user + spent.children_system)
"""
"""A command, then what it took: workers count once they have ended."""
