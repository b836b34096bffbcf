"""Transfers by memory and report, in words."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dynmech.mechanisms.design.public_nodes import Key
from dynmech.mechanisms.design.seeking import Found, Task
from dynmech.sim.economy.stage import labels_text

START = "start"


def transfer_rows(asked: Task, found: Found) -> Iterator[dict[str, Any]]:
    """Yield a row per table and profile of reports: period, memory, reports, decision, a transfer per agent."""
    economy, nodes = asked.problem.environment, asked.nodes
    sizes = [economy.stage(t).size for t in nodes.tables]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    agents = asked.environment.agents
    shown = set[int]()
    for e, entry in enumerate(nodes.entries):
        stage = economy.stage(entry.t)
        for node, key in enumerate(entry.keys):
            table = int(entry.table[node])
            if table in shown:
                continue
            shown.add(table)
            for x in range(stage.size):
                place = int(starts[table]) + x
                if not any(own[place] for own in found.priced):
                    continue
                yield {
                    **period_text(asked, e),
                    "memory": memory_text(asked, e, key),
                    "reports": labels_text(stage.labelled_axes, x),
                    "decision": _decisions(asked, e, node, x),
                    **{agents[i]: float(found.transfers[i][place]) for i in range(len(agents))},
                }


def period_text(asked: Task, e: int) -> dict[str, Any]:
    """Return the period of an entry as a column: a number, or from when on under an infinite horizon."""
    if asked.environment.horizon is not None:
        return {"period": e}
    if asked.goals.memory.kind == "none":
        return {"period": "every"}
    last = e == len(asked.nodes.entries) - 1
    return {"period": f"{e} on" if last else f"{e}"}


def memory_text(asked: Task, e: int, key: Key) -> str:
    """Return what is remembered in words: reports and decisions, the latest first."""
    if asked.goals.memory.kind == "none":
        return "-"
    economy, rule, first = asked.problem.environment, asked.problem.rule, e - len(key)
    parts = []
    for k, (profile, decision) in enumerate(key):
        stage = economy.stage(first + k if economy.horizon is not None else 0)
        known = rule.tells_apart(first + k, decision)
        parts.append(labels_text(stage.labelled_axes, profile) + known * f" → {stage.decisions[decision]}")
    return "; ".join(reversed(parts)) or START


def _decisions(asked: Task, e: int, node: int, x: int) -> str:
    """Return what is decided, with chances where it is drawn by lot."""
    t = asked.nodes.entries[e].t
    draws = asked.problem.rule.draws(e, t, np.array([node]), np.array([x]))
    stage, (drawn, chance) = asked.problem.environment.stage(t), (one[0] for one in draws)
    if chance.max() == 1:
        return stage.decisions[int(drawn[chance.argmax()])]
    return ", ".join(f"{stage.decisions[int(d)]}: {p:.4g}" for d, p in zip(drawn, chance, strict=True) if p > 0)


def free_entries(found: Found) -> int:
    """Return how many transfers no state that matters reads."""
    return int(sum(np.count_nonzero(own == 0) for own in found.priced))
