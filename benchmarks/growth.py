"""How cost grows with agents, signals, episodes and workers: planner, audit, event loop, runs; beside what is expected.

A series varies one thing. Its growth is the exponent b of seconds ≈ a × sizeᵇ, fitted to the larger half of its sizes
(the smaller ones are mostly overhead). What is expected is the same fit to the operations that the algorithm needs:

- planner: D Σ_j S K_j multiplications a sweep, S profiles of N agents with K signals each: N K S for equal ones;
- audit of `contingent-spanning`, which remembers the last reports: its rules have M S cases, M = 1 + S memories, and
  every agent's problem has K times as many; of the law of motion, D S² numbers, every row is asked for once;
- event loop: episodes × agents; signals cost nothing, they are looked up;
- runs: by the wall clock, a share for each worker, up to the number of cores.

`draw` makes a picture of it: `python -m benchmarks growth --out growth.png`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from benchmarks import runs
from benchmarks.base import Row, median_seconds
from benchmarks.planner import planned, sticky_economy
from dynmech import audit, load, make_mechanism
from dynmech.agents.strategies.truthful import Truthful
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.loop import play_shard

SLACK = 0.3
"""By how much an exponent may exceed what is expected."""

COLOURS, MARKERS = ("C0", "C1"), ("o", "s")

PERIODS = 20
"""Periods of the event loop's games."""


@dataclass(frozen=True)
class Series:
    """One line of the picture.

    Attributes:
        work: what is done: the panel it belongs to.
        varied: what is varied.
        axis: what size means.
        sizes, seconds, operations: by point; the operations up to a factor.
        wall: whether seconds are those of the clock on the wall; then other programs count, and there is no aim.
    """

    work: str
    varied: str
    axis: str
    sizes: tuple[float, ...]
    seconds: tuple[float, ...]
    operations: tuple[float, ...]
    wall: bool = False

    @property
    def panel(self) -> tuple[str, str]:
        """Title and axis of the panel that it is drawn in."""
        return self.work, self.axis

    @property
    def exponent(self) -> float:
        """Return the exponent that is fitted to seconds."""
        return slope(self.sizes, self.seconds)

    @property
    def expected(self) -> float:
        """Return the exponent that is fitted to counted operations."""
        return slope(self.sizes, self.operations)


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The exponent fitted to the larger half of the sizes (three points at least).

    >>> round(slope([1, 2, 4, 8, 16], [9, 9, 16, 64, 256]), 3)
    2.0
    """
    used = fitted(sizes)
    return float(np.polyfit(np.log(sizes[used]), np.log(values[used]), 1)[0])


def fitted(sizes: Sequence[float]) -> slice:
    """The points that exponents are fitted to."""
    return slice(-max(3, len(sizes) // 2), None)


@dataclass(frozen=True)
class Sizes:
    """Return the series to measure; small ones for a test."""

    planner_agents: tuple[int, ...] = (4, 5, 6, 7, 8, 9)
    planner_signals: tuple[int, ...] = (4, 6, 8, 11, 16, 22)
    audit_agents: tuple[int, ...] = (2, 3, 4, 5)
    audit_signals: tuple[int, ...] = (3, 4, 5, 6, 7)
    loop_episodes: tuple[int, ...] = (1_000, 3_000, 10_000, 30_000, 100_000)
    loop_agents: tuple[int, ...] = (2, 3, 4, 6, 8, 10)  # 2 signals each: tables of up to 1024 profiles
    loop_signals: tuple[int, ...] = (2, 4, 8, 16, 32)
    episodes: int = 10_000
    workers: tuple[int, ...] = (1, 2, 4)
    run_episodes: int = 65_536


SIZES = Sizes()


def measure(pairs: int, sizes: Sizes = SIZES) -> list[Row]:
    """Return fitted and expected exponents, a row per series."""
    return [
        Row(
            f"{one.work}, by {one.varied}",
            one.exponent,
            f"exponent of {one.axis if one.axis == 'profiles' else one.varied}",
            "operations",
            one.expected,
            None,
            "–" if one.wall else f"at most {SLACK:g} above",
            one.wall or one.exponent <= one.expected + SLACK,
        )
        for one in measured(pairs, sizes)
    ]


@cache
def measured(times: int, sizes: Sizes) -> tuple[Series, ...]:
    """Measure all series; each point is the median of several runs."""
    return (
        planner(sizes.planner_agents, (4,) * len(sizes.planner_agents), "agents", times),
        planner((4,) * len(sizes.planner_signals), sizes.planner_signals, "signals", times),
        audits(sizes.audit_agents, (3,) * len(sizes.audit_agents), "agents", times),
        audits((3,) * len(sizes.audit_signals), sizes.audit_signals, "signals", times),
        *loops(sizes, times),
        workers(sizes, times),
    )


def planner(agents: Sequence[int], signals: Sequence[int], varied: str, runs: int) -> Series:
    """Measure planning with three decisions."""
    seconds, operations = [], []
    for count, width in zip(agents, signals, strict=True):
        environment = sticky_economy(count, width, 3)
        seconds.append(median_seconds(lambda: planned(environment), runs))  # noqa: B023 - it is called at once
        operations.append(float(count * width * width**count))
    profiles = tuple(float(k**n) for n, k in zip(agents, signals, strict=True))
    return Series("planner", varied, "profiles", profiles, tuple(seconds), tuple(operations))


def audits(agents: Sequence[int], signals: Sequence[int], varied: str, runs: int) -> Series:
    """Contingent transfers, two decisions; the mechanism is made anew each time, as its tables are kept with it."""
    seconds, operations = [], []
    for count, width in zip(agents, signals, strict=True):
        environment = load(f"random:agents={count},signals={width},decisions=2")
        seconds.append(
            median_seconds(lambda: audit(environment, make_mechanism("contingent-spanning", environment)), min(runs, 2))  # noqa: B023
        )
        size = width**count
        operations.append(float((1 + size) * size * count * width))
    profiles = tuple(float(k**n) for n, k in zip(agents, signals, strict=True))
    return Series("audit", varied, "profiles", profiles, tuple(seconds), tuple(operations))


def loops(sizes: Sizes, runs: int) -> Iterator[Series]:
    """Everybody truthful under the team mechanism, payoffs kept only."""

    def seconds(agents: int, signals: int, episodes: int) -> float:
        game = _game(agents, signals)
        return median_seconds(lambda: _play(game, episodes), runs)

    def series(varied: str, points: Sequence[int], cost: Callable[[int], float], linear: bool) -> Series:
        counts = tuple(map(float, points))
        operations = counts if linear else (1.0,) * len(points)
        axis = "episodes" if varied == "episodes" else "agents or signals"
        return Series("event loop", varied, axis, counts, tuple(map(cost, points)), operations)

    yield series("episodes", sizes.loop_episodes, lambda count: seconds(3, 3, count), linear=True)
    yield series("agents", sizes.loop_agents, lambda count: seconds(count, 2, sizes.episodes), linear=True)
    yield series("signals", sizes.loop_signals, lambda count: seconds(2, count, sizes.episodes), linear=False)


def workers(sizes: Sizes, times: int) -> Series:
    """A whole run by the wall clock, its pool warm; work is shared by as many workers as there are cores."""
    cores = os.cpu_count() or 1
    with TemporaryDirectory() as folder:
        seconds = []
        for count in sizes.workers:
            runs.whole(Path(folder), "full", count, sizes.run_episodes)
            seconds.append(median(runs.wall(Path(folder), count, sizes.run_episodes) for _ in range(min(times, 3))))
    counts = tuple(map(float, sizes.workers))
    shares = tuple(1 / min(count, cores) for count in sizes.workers)
    return Series("run", "workers", "workers", counts, tuple(seconds), shares, wall=True)


def _game(agents: int, signals: int) -> Game:
    options = f"agents={agents},signals={signals},horizon={PERIODS},correlation=0,independent=true"
    environment = load(f"random:{options}")
    return make_game(environment, make_mechanism("team", environment))


def _play(game: Game, episodes: int) -> None:
    agents = len(game.environment.agents)
    play_shard(game, [Truthful()] * agents, Streams(0, "benchmark", 0, episodes, game.periods), keep="payoffs")


def draw(runs: int, out: Path, sizes: Sizes = SIZES) -> None:
    """Draw a panel for each kind of work and size."""
    series = measured(runs, sizes)
    panels = list(dict.fromkeys(one.panel for one in series))
    figure = Figure(figsize=(9, 3.6 * -(-len(panels) // 2)), layout="constrained", dpi=150)
    for k, name in enumerate(panels):
        axes = figure.add_subplot(-(-len(panels) // 2), 2, k + 1)
        mine = [one for one in series if one.panel == name]
        for colour, marker, one in zip(COLOURS, MARKERS, mine, strict=False):
            _draw_one(axes, one, colour, marker)
        _finish(axes, mine)
    figure.supxlabel("full points: fitted; dashed: growth of the operations, through the largest point", fontsize=9)
    figure.savefig(out)


def _finish(axes: Axes, mine: list[Series]) -> None:
    """Titles, and room for the legend."""
    title, size = mine[0].panel
    axes.set(title=title, xlabel=size, ylabel="seconds" if mine[0].wall else "CPU seconds")
    seconds = [s for one in mine for s in one.seconds]
    axes.set_ylim(min(seconds) / 2, max(seconds) * 5)
    sizes = sorted({s for one in mine for s in one.sizes})
    if sizes[-1] < 100 and size != "profiles":
        axes.set_xticks(sizes, [f"{s:g}" for s in sizes], minor=False)
        axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(alpha=0.25)
    axes.legend(title="exponent, measured (expected)", fontsize=9, title_fontsize=9, loc="upper left", frameon=False)


def _draw_one(axes: Axes, one: Series, colour: str, marker: str) -> None:
    label = f"by {one.varied}: {one.exponent:.2f} ({one.expected:.2f})"
    few = fitted(one.sizes)
    axes.loglog(one.sizes, one.seconds, color=colour, marker=marker, markerfacecolor="white", markersize=5)
    axes.loglog(one.sizes[few], one.seconds[few], color=colour, marker=marker, markersize=5, linewidth=2, label=label)
    operations = np.array(one.operations[few])
    axes.loglog(one.sizes[few], operations / operations[-1] * one.seconds[-1], "--", color=colour, linewidth=1)
