"""Do an economy's draws occur as often as its law says? Chi-square tests, cell by cell.

A cell is a period, a decision and a profile (or the start): the law of the next profile given those is a row of numbers
that sum to 1, and so are its margins by axis. Rare outcomes are put together; what cannot happen must not.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dynmech.sim.conformance.checked_environment import CheckedEnvironment
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.economy.stage import Stage, labels_text

DRAWS = 8_000
"""Draws per cell."""

CELLS = 24
"""Cells per period, evenly spread over decisions and profiles."""

FALSE_ALARM = 1e-9
"""Chance that a single test of a correct economy fails."""

RARE = 5.0
"""Least number of occurrences expected of an outcome, or of rare ones together."""


class Cell(NamedTuple):
    """Where draws are made: from period t − 1's decision and profile to period t; both are None at the start."""

    t: int
    decision: int | None
    profile: int | None


def check_frequencies(
    asked: CheckedEnvironment, table: TableEnvironment, periods: int, generator: np.random.Generator
) -> None:
    """Hold an economy's draws to the law of a finite one that it should have.

    Raises:
        PlayError: names the period, where the draw starts, and the outcome that is furthest off.
    """
    for cell in _cells(table, periods):
        law = table.prior if cell.profile is None else table.kernel(cell.t - 1).row(_whole(cell.decision), cell.profile)
        state = _draw(asked, table, cell, generator)
        stage = table.stage(cell.t)
        axes = np.concatenate([state.public[None], state.signals.T]) if stage.public else state.signals.T
        _compare(asked, table, cell, law, np.asarray(axes, np.intp))


def _cells(table: TableEnvironment, periods: int) -> Iterator[Cell]:
    """Yield the start, and for each later period some decisions and profiles of the period before."""
    yield Cell(0, None, None)
    for t in range(1, periods):
        stage = table.stage(t - 1)
        count = len(stage.decisions) * stage.size
        for k in np.unique(np.linspace(0, count - 1, CELLS).round().astype(int)).tolist():
            yield Cell(t, *divmod(k, stage.size))


def _whole(value: int | None) -> int:
    assert value is not None, "a cell after the start has a decision"
    return value


def _draw(asked: CheckedEnvironment, table: TableEnvironment, cell: Cell, generator: np.random.Generator) -> State:
    uniforms = generator.random((DRAWS, asked.streams(cell.t)))
    if cell.profile is None:
        return asked.drawn(0, None, None, uniforms)
    before = table.stage(cell.t - 1)
    axes = np.unravel_index(np.full(DRAWS, cell.profile), before.axes)
    public = axes[0] if before.public else np.zeros(DRAWS, np.intp)
    previous = State(public, np.stack(axes[before.offset :], axis=1))
    return asked.drawn(cell.t, previous, np.full(DRAWS, _whole(cell.decision)), uniforms)


def _compare(asked: CheckedEnvironment, table: TableEnvironment, cell: Cell, law: FloatArray, axes: IntArray) -> None:
    """Test the frequencies of whole profiles, then of each axis."""
    stage = table.stage(cell.t)
    flat = np.ravel_multi_index(tuple(axes), stage.axes)
    _test(asked, table, cell, "the profile", stage.labelled_axes, law.reshape(-1), flat)
    for j, labels in enumerate(stage.labelled_axes):
        margin = law.sum(axis=tuple(k for k in range(law.ndim) if k != j))
        agent = j - stage.offset
        what = f"the signal of agent {asked.agents[agent]!r}" if agent >= 0 else "the public state"
        _test(asked, table, cell, what, [labels], margin, axes[j])


def _test(
    asked: CheckedEnvironment,
    table: TableEnvironment,
    cell: Cell,
    what: str,
    labels: list[tuple[str, ...]],
    law: FloatArray,
    drawn: IntArray,
) -> None:
    counts = np.bincount(drawn, minlength=law.size)
    expected = law * len(drawn)
    if not (np.any(counts[law == 0]) or _chance(counts, expected) < FALSE_ALARM):
        return
    off = np.where(
        law == 0, np.where(counts > 0, np.inf, 0.0), np.abs(counts - expected) / np.sqrt(np.maximum(expected, 1))
    )
    worst = int(np.argmax(off))
    raise asked.wrong(
        cell.t,
        f"{what} is {labels_text(labels, worst)!r} in {counts[worst]} of {len(drawn)} draws{_start(table, cell)}; "
        f"the law says {expected[worst]:.6g}",
    )


def _chance(counts: IntArray, expected: FloatArray) -> float:
    """Return the probability of a chi-square statistic as large as this one; rare outcomes are pooled."""
    from scipy.special import chdtrc

    common = expected >= RARE
    seen, due = counts[common].astype(np.float64), expected[common]
    if expected[~common].sum() >= RARE:
        seen, due = np.append(seen, counts[~common].sum()), np.append(due, expected[~common].sum())
    if len(due) < 2:
        return 1.0
    return float(chdtrc(len(due) - 1, ((seen - due) ** 2 / due).sum()))


def _start(table: TableEnvironment, cell: Cell) -> str:
    """Return in words where a draw starts."""
    if cell.profile is None:
        return ""
    stage: Stage = table.stage(cell.t - 1)
    where = labels_text(stage.labelled_axes, cell.profile)
    return f" after decision {stage.decisions[_whole(cell.decision)]!r} at {where!r}"
