"""Decision rules that depend on the whole history, and what a rule that is itself unknown is made of.

Histories tell decisions apart as far as it matters: decisions after which the same comes next, whatever the signals
are, lead to one node. That loses nothing: what is averaged over them satisfies every row that each of them does.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.public_nodes import PublicNodes, next_law
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment

FREE = "free"
"""What a rule is called that is sought together with the transfers."""


@dataclass(frozen=True, eq=False)
class HistoryRule(DecisionRule):
    """A rule with a lottery per node and reports.

    Attributes:
        lots: chances of all decisions, `(n, S, D)` per period.
    """

    lots: tuple[FloatArray, ...] = ()

    @property
    def by_history(self) -> bool:
        """Whether what is decided depends on more than the current reports."""
        return True

    def draws(self, e: int, t: int, node: IntArray, x: IntArray) -> tuple[IntArray, FloatArray]:
        """Return what may be drawn at nodes of entry e, period t, and reports x, and how likely it is, `(m, L)`."""
        return self.drawn[t][x], self.lots[e][node, x]

    @cached_property
    def certain(self) -> bool:
        """Whether no decision is drawn by lot."""
        return all(bool(((lots == 0) | (lots == 1)).all()) for lots in self.lots)


def free_rule(environment: TableEnvironment) -> DecisionRule:
    """Return every decision at every profile, each with chance 1: chances are unknowns of the program.

    The economy lists one stage per period.
    """
    periods = range(environment.horizon or 1)
    drawn = []
    for t in periods:
        stage = environment.stage(t)
        drawn.append(np.tile(np.arange(len(stage.decisions)), (stage.size, 1)))
    ones = tuple(np.ones(table.shape) for table in drawn)
    return DecisionRule(FREE, tuple(drawn), ones, tuple(_twins(environment, t) for t in periods))


def _twins(environment: TableEnvironment, t: int) -> IntArray:
    """Return the first decision after which the same comes next; recommendations are told apart, `(D,)`."""
    count = len(environment.stage(t).decisions)
    if environment.actions(t) or t + 1 == environment.horizon:
        return np.arange(count)
    rows = next_law(environment, t).reshape(count, -1)
    return np.array([np.flatnonzero((rows == row).all(axis=1))[0] for row in rows], np.intp)


def history_welfare(environment: TableEnvironment, rule: DecisionRule, nodes: PublicNodes) -> float:
    """Return the expected discounted welfare under truth, costs deducted, of a rule that depends on the history."""
    total, mass = 0.0, environment.prior.reshape(1, -1)
    for e, entry in enumerate(nodes.entries):
        stage = environment.stage(entry.t)
        welfare = np.broadcast_to(stage.welfare, (len(stage.decisions), *stage.axes)).reshape(len(stage.decisions), -1)
        node, profile = (grid.reshape(-1) for grid in np.indices(mass.shape))
        drawn, chance = rule.draws(e, entry.t, node, profile)
        reach = mass.reshape(-1)[:, None] * chance
        total += environment.discount**e * float((reach * welfare[drawn, profile[:, None]]).sum())
        if entry.after is None:
            break
        ahead = nodes.entries[entry.after]
        before = np.zeros(len(ahead.keys))
        np.add.at(before, entry.following.reshape(len(node), -1), reach)
        mass = before[:, None] * next_law(environment, entry.t)[ahead.decision, ahead.last]
    return total
