"""Public nodes: what everybody knows when a period opens, and which transfer table is in force there.

A node is the last reports and decisions, oldest first: of the last period, of the last L, or of all. Transfers without
memory read one table per period (one for all under an infinite horizon), but what an agent knows, and so its node, is
the last reports and the decision all the same. Periods of an infinite horizon are *entries*: 0, 1, …, L − 1 for short
histories, then L, which repeats.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.goals import Memory
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment

Key = tuple[tuple[int, int], ...]
"""Reported profile and decision, period by period, oldest first."""

MOST = 2_000_000
"""Nodes times reports that a program may have."""


@dataclass(frozen=True, eq=False)
class Entry:
    """The nodes of one period, n of them.

    Attributes:
        t: the stage that is played.
        keys: what is remembered at every node.
        last, decision: the last reported profile and decision, `(n,)`; -1 when play begins.
        table: the number of the transfer table in force, `(n,)`.
        following: the node of the next entry that reports and draw lead to, `(n, S, L)`; -1 at the end.
        after: the entry that follows; None at the end.
    """

    t: int
    keys: tuple[Key, ...]
    last: IntArray
    decision: IntArray
    table: IntArray
    following: IntArray
    after: int | None


@dataclass(frozen=True, eq=False)
class PublicNodes:
    """All entries.

    Attributes:
        tables: the stage of every transfer table.
    """

    entries: tuple[Entry, ...]
    tables: tuple[int, ...]

    def before(self, e: int) -> int:
        """Return the stage that was played before the nodes of entry e >= 1."""
        t = self.entries[e].t
        return t - 1 if t > 0 else 0


def public_nodes(environment: TableEnvironment, rule: DecisionRule, memory: Memory) -> PublicNodes:
    """Return the nodes that some reports lead to.

    Raises:
        Refusal: the whole history of an infinite horizon; or too many nodes, with their number.
    """
    if memory.kind == "history" and environment.horizon is None:
        raise Refusal(
            f"environment {environment.name!r}: an endless history is no memory; --memory last or lags=L would do"
        )
    keep = environment.horizon if memory.lags is None else max(memory.lags, 1)
    assert keep is not None
    _require_few(environment, rule, keep)
    keys = _keys(environment, rule, keep)
    numbers = [{key: k for k, key in enumerate(level)} for level in keys]
    entries, tables = [], list[int]()
    for e, level in enumerate(keys):
        t = e if environment.horizon is not None else 0
        after = e + 1 if e + 1 < len(keys) else (e if environment.horizon is None else None)
        if memory.kind == "none":
            new = environment.horizon is not None or e == 0
            tables += [t] * new
            table = np.full(len(level), len(tables) - 1)
        else:
            table = len(tables) + np.arange(len(level))
            tables += [t] * len(level)
        following = _following(rule, t, level, keep, None if after is None else numbers[after])
        ends = np.array([key[-1] if key else (-1, -1) for key in level], np.intp)
        entries.append(Entry(t, tuple(level), ends[:, 0], ends[:, 1], table, following, after))
    return PublicNodes(tuple(entries), tuple(tables))


def _require_few(environment: TableEnvironment, rule: DecisionRule, keep: int) -> None:
    """Refuse a program with too many nodes before any is made."""
    ends = environment.horizon
    periods = keep + 1 if ends is None else ends
    nodes, cases = 1.0, 0.0
    for e in range(periods):
        t = e if ends is not None else 0
        size = environment.stage(t).size
        cases += nodes * size
        ways = float(len(_pairs(rule, t)))
        nodes = nodes * ways if e < keep else ways**keep
    if cases > MOST:
        raise Refusal(
            f"environment {environment.name!r}: this memory has about {cases:.3g} pairs of history and reports, more "
            f"than {MOST:,}; a shorter memory, fewer signals or fewer periods would do"
        )


def _pairs(rule: DecisionRule, t: int) -> list[tuple[int, int]]:
    """Return the reports and decisions that go together, in order."""
    drawn, support = rule.remembered(t, rule.drawn[rule.at(t)]), rule.support(t)
    return sorted({(int(x), int(drawn[x, k])) for x, k in np.argwhere(support)})


def _keys(environment: TableEnvironment, rule: DecisionRule, keep: int) -> list[list[Key]]:
    """Return the nodes of every entry, in order."""
    levels: list[list[Key]] = [[()]]
    count = environment.horizon or keep + 1
    while len(levels) < count:
        pairs = _pairs(rule, len(levels) - 1 if environment.horizon else 0)
        levels.append(sorted({(*key, pair)[-keep:] for key in levels[-1] for pair in pairs}))
    return levels


def _following(rule: DecisionRule, t: int, level: list[Key], keep: int, numbers: dict[Key, int] | None) -> IntArray:
    """Return the next node by node, reports and draw, `(n, S, L)`."""
    drawn = rule.remembered(t, rule.drawn[rule.at(t)])
    out = np.full((len(level), *drawn.shape), -1, np.intp)
    if numbers is None:
        return out
    steps = list(_steps(drawn))
    for n, key in enumerate(level):
        short = key[1:] if len(key) == keep else key
        out[n] = np.array([numbers[(*short, pair)] for pair in steps], np.intp).reshape(drawn.shape)
    return out


def _steps(drawn: IntArray) -> Iterator[tuple[int, int]]:
    for x, row in enumerate(drawn):
        yield from ((x, int(d)) for d in row)


def next_law(environment: TableEnvironment, t: int) -> FloatArray:
    """Return the law of the next profile out of period t, `(D, S, S')`."""
    return environment.kernel(t).rows()
