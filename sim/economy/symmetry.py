"""Whether agents of an environment are exchangeable; then only the numbers that play each strategy matter."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import TableEnvironment

CLOSE = 1e-9
"""Tables that differ by no more are equal, relative to the largest entry (at least 1)."""


def asymmetry(environment: TableEnvironment, agents: Sequence[int]) -> str:
    """Where exchanging two of some agents changes the economy, in words; nothing if they are alike.

    Exchanging agents i and j exchanges their signals and utilities, and may rename decisions. Kernels are compared by
    the expectations of two random functions of the next profile, which tell different kernels apart with probability 1.
    """
    names = environment.agents
    for i, j in pairwise(agents):
        who = f"{names[i]!r} and {names[j]!r}"
        first = environment.stage(0)
        if first.signals[i] != first.signals[j]:
            return f"{who} have other signals"
        if not _close(_swap(environment.prior, first.offset + i, first.offset + j), environment.prior):
            return f"the prior tells {who} apart"
        for t in environment.table_stages:
            if wrong := _stage_asymmetry(environment, t, i, j):
                return f"period {t}: {wrong} {who} apart"
    return ""


def _stage_asymmetry(environment: TableEnvironment, t: int, i: int, j: int) -> str:
    stage = environment.stage(t)
    if stage.signals[i] != stage.signals[j] or stage.private_actions:
        return "signals or private actions tell"
    a, b = stage.offset + i, stage.offset + j
    here = [stage.utility[k] for k in range(len(stage.signals))]
    there = [stage.utility[{i: j, j: i}.get(k, k)] for k in range(len(stage.signals))]
    cost = np.broadcast_to(stage.spread_cost, here[0].shape)
    left, right = [*here, cost], [*there, cost]
    if stage.kernel is not None:
        following = environment.stage(t + 1)
        if following.signals[i] != following.signals[j]:
            return "the next signals tell"
        rng = np.random.default_rng(0)
        for value in rng.standard_normal((2, *following.axes)):
            left.append(stage.kernel.expect(value))
            right.append(stage.kernel.expect(_swap(value, following.offset + i, following.offset + j)))
    moved = [_swap(table, 1 + a, 1 + b) for table in right]
    return "" if _same_rows(_rows(left), _rows(moved)) else "utilities or kernel tell"


def _rows(tables: Sequence[FloatArray]) -> FloatArray:
    """One row per decision."""
    return np.concatenate([table.reshape(len(table), -1) for table in tables], axis=1)


def _same_rows(one: FloatArray, two: FloatArray) -> bool:
    """Whether the rows of `two` are those of `one` in some order."""
    free = list(range(len(two)))
    for row in one:
        match = next((k for k in free if _close(row, two[k])), None)
        if match is None:
            return False
        free.remove(match)
    return True


def _close(one: FloatArray, two: FloatArray) -> bool:
    scale = scale_of(one)
    return bool(np.abs(one - two).max(initial=0.0) <= CLOSE * scale)


def _swap(table: FloatArray, a: int, b: int) -> FloatArray:
    return np.swapaxes(table, a, b)
