"""Write a proof that goals clash: the economy, the rule, the goals, and multipliers of rows that are named.

`dynmech.experiments.certificates.verify_infeasible` rebuilds the rows and checks them; it shares no code with this.
"""

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from dynmech.experiments.certificates.certifying import canonical_hash
from dynmech.mechanisms.design.clashes import GoalLattice, PhaseOne
from dynmech.mechanisms.design.farkas import farkas
from dynmech.mechanisms.design.goals import LARGEST
from dynmech.mechanisms.design.history_rule import FREE
from dynmech.mechanisms.design.seeking import Task
from dynmech.sim.economy.files import environment_to_data

SCHEMA = 1

NODES = {"worth", "follows", "acts", "obey", "truth", "stays", "default", "bill", "refuses", "pays"} | {
    "budget",
    "budget period",
}
"""Kinds of rows whose place begins with a node."""

FREE_NODES = NODES | {"lottery", "reach", "bound", "obey last"}
"""The same where decisions are sought as well."""


def infeasibility(asked: Task, lattice: GoalLattice, clashes: Sequence[frozenset[int]]) -> dict[str, Any]:
    """Return a proof of clashes, as plain data; the checker has not seen it yet."""
    environment = environment_to_data(asked.environment)
    economy, rule = asked.problem.environment, asked.problem.rule
    periods = range(1 if economy.horizon is None else economy.horizon)
    tables: list[Any] | str = FREE
    if not lattice.free:
        tables = [rule.table(t, len(economy.stage(t).decisions)).tolist() for t in periods]
    return {
        "schema": SCHEMA,
        "kind": "infeasibility",
        "hashes": {"environment": canonical_hash(environment), "rule": canonical_hash(tables)},
        "goals": asked.goals.to_dict(),
        "largest": asked.goals.largest or LARGEST * asked.unit,
        "clashes": [
            {
                "goals": [lattice.names[k] for k in sorted(clash)],
                "rows": named_rows(lattice.phase_one(clash), FREE_NODES if lattice.free else NODES, asked.unit),
            }
            for clash in clashes
        ],
        "environment": environment,
        "rule": tables,
    }


def named_rows(found: PhaseOne, nodes: Set[str], unit: float) -> list[list[Any]]:
    """Return the rows that count: kind, agent, entry, history, place and multiplier.

    Args:
        nodes: kinds of rows whose place begins with a node.
        unit: what the program's money is worth; rows of chances alone have no money in them.
    """
    multipliers, program = farkas(found), found.program
    out = []
    for row in np.flatnonzero(multipliers):
        kind, agent, e, place = program.rows.name_of(int(row))
        history: list[list[int]] = []
        if kind in nodes:
            node, *rest = place
            history, place = [list(pair) for pair in program.problem.nodes.entries[e].keys[node]], tuple(rest)
        times = unit if kind in ("lottery", "reach") else 1.0
        out.append([kind, agent, e, history, list(place), float(times * multipliers[row])])
    return out
