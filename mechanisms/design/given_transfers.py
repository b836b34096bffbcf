"""What a mechanism of somebody's own pays, by transfer table and reports: where a repair starts."""

from dataclasses import replace

import numpy as np

from dynmech.mechanisms.design.public_nodes import PublicNodes
from dynmech.mechanisms.design.seeking import Task
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import RuleTables, acts_matter, tabulate
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal


def repairing(asked: Task, mechanism: Mechanism) -> Task:
    """Return the task of changing a mechanism's transfers as little as possible.

    Raises:
        Refusal: its transfers are no tables of this memory.
    """
    given = tuple(given_transfers(asked, mechanism))
    return replace(asked, problem=replace(asked.problem, given=given), repaired=mechanism.name)


def given_transfers(asked: Task, mechanism: Mechanism) -> list[FloatArray]:
    """Return what every agent pays, tables one after the other, in units of the scale.

    Raises:
        Refusal: what it pays depends on more than the memory that is asked for, on what is drawn, or on acts.
    """
    nodes, horizon = asked.nodes, asked.environment.horizon
    count = len(asked.environment.agents)
    rules = [tabulate(mechanism, t) for t in range(2 if horizon is None else horizon)]
    if any(acts_matter(mechanism, t) for t in range(len(rules))):
        raise Refusal(f"near: mechanism {mechanism.name!r} pays by what agents do after the decision; not offered")
    sizes = [asked.problem.environment.stage(t).size for t in nodes.tables]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    paid = [np.full(int(starts[-1]), np.nan) for _ in range(count)]
    for e, node, memory in _visited(asked, nodes, rules):
        entry, table = nodes.entries[e], rules[e if horizon is not None else min(e, 1)]
        where = slice(int(starts[entry.table[node]]), int(starts[entry.table[node]]) + sizes[entry.table[node]])
        for i in range(count):
            now = table.charge[i, memory] + table.due[i, memory][:, None]
            possible = np.where(table.chance[memory] > 0, now, np.nan)
            low, high = np.nanmin(possible, axis=1), np.nanmax(possible, axis=1)
            before = paid[i][where]
            known = ~np.isnan(before)
            if (high - low > 1e-12 * asked.unit).any() or (np.abs(before - low)[known] > 1e-12 * asked.unit).any():
                raise Refusal(
                    f"near: what mechanism {mechanism.name!r} charges depends on more than the current reports and "
                    f"memory {asked.goals.memory.name!r}; a longer --memory would do, unless it is what is drawn"
                )
            paid[i][where] = low
    return [np.nan_to_num(own) / asked.unit for own in paid]


def _visited(asked: Task, nodes: PublicNodes, rules: list[RuleTables]) -> list[tuple[int, int, int]]:
    """Return every entry and node with every memory of the mechanism that some reports lead to."""
    endless, rule = asked.environment.horizon is None, asked.problem.rule
    todo = [(0, 0, 0)]
    found = set(todo)
    while todo:
        e, node, memory = todo.pop()
        entry, table = nodes.entries[e], rules[min(e, 1) if endless else e]
        if entry.after is None:
            continue
        drawn = rule.drawn[rule.at(entry.t)]
        for x, k in np.argwhere(table.chance[memory] > 0):
            decision, then = table.decide[memory, x, k], int(table.remember[memory, x, k])
            place = int(np.flatnonzero(drawn[x] == decision)[0])
            new = (entry.after, int(entry.following[node, x, place]), then)
            if new not in found:
                found.add(new)
                todo.append(new)
    return sorted(found)
