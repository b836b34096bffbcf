"""The decision rule that transfers are sought for: a decision or a lottery per profile, without memory.

Axes of a period: S profiles of reports (public state first, C order), L decisions that may be drawn (by the
widest lottery).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import RuleTables, tabulate
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment


@dataclass(frozen=True, eq=False)
class DecisionRule:
    """A rule: the same in every period under an infinite horizon, else one table per period.

    Attributes:
        name: what it is called: `efficient`, or the mechanism that it is taken from.
        drawn: decisions, `(S, L)` per period; where fewer are possible, one of them stands in with chance 0.
        chance: how likely they are, `(S, L)` per period.
        twins: per period, the first decision after which the same comes next, `(D,)`; histories do not tell it from
            the others. Empty: they tell all decisions apart.
    """

    name: str
    drawn: tuple[IntArray, ...]
    chance: tuple[FloatArray, ...]
    twins: tuple[IntArray, ...] = ()

    def at(self, t: int) -> int:
        """Return the index of period t in the tables."""
        return t if len(self.drawn) > 1 else 0

    def support(self, t: int) -> BoolArray:
        """Return which draws are possible, `(S, L)`."""
        return self.chance[self.at(t)] > 0

    @property
    def by_history(self) -> bool:
        """Whether what is decided depends on more than the current reports."""
        return False

    def draws(self, e: int, t: int, node: IntArray, x: IntArray) -> tuple[IntArray, FloatArray]:
        """Return what may be drawn at nodes of entry e, period t, and reports x, and how likely it is, `(m, L)`."""
        del e, node
        return self.drawn[self.at(t)][x], self.chance[self.at(t)][x]

    def remembered(self, t: int, decisions: IntArray) -> IntArray:
        """Return the decisions as histories tell them apart."""
        return self.twins[self.at(t)][decisions] if self.twins else decisions

    def tells_apart(self, t: int, decision: int) -> bool:
        """Return whether histories tell a decision apart from all others."""
        return not self.twins or bool((np.delete(self.twins[self.at(t)], decision) != decision).all())

    @cached_property
    def certain(self) -> bool:
        """Whether no decision is drawn by lot."""
        return all(bool(((chance == 0) | (chance == 1)).all()) for chance in self.chance)

    def table(self, t: int, decisions: int) -> FloatArray:
        """Return the chances of all decisions, `(S, D)`."""
        return chances(self.drawn[self.at(t)], self.chance[self.at(t)], decisions)


def chances(drawn: IntArray, chance: FloatArray, decisions: int) -> FloatArray:
    """Return the chances of all decisions, `(m, D)`, of those that may be drawn, `(m, L)`."""
    out = np.zeros((len(drawn), decisions))
    np.add.at(out, (np.arange(len(drawn))[:, None], drawn), chance)
    return out


def efficient_rule(environment: TableEnvironment) -> DecisionRule:
    """Return the planner's rule."""
    tables = [policy.reshape(-1, 1) for policy in plan(environment).policy]
    return DecisionRule("efficient", tuple(tables), tuple(np.ones(table.shape) for table in tables))


def rule_of(mechanism: Mechanism) -> DecisionRule:
    """Return the rule by which a mechanism decides when everybody reports signals.

    Raises:
        Refusal: the mechanism's messages are no signals, or what it decides depends on what it remembers.
    """
    environment = mechanism.environment
    if not isinstance(environment, TableEnvironment):
        raise mechanism.refuse("a design needs a finite environment")
    entries = 2 if environment.horizon is None else environment.horizon
    tables = [_without_memory(mechanism, environment, t) for t in range(entries)]
    if environment.horizon is None:
        if not all(np.array_equal(a, b) for a, b in zip(tables[0], tables[1], strict=True)):
            raise mechanism.refuse("it decides otherwise in the first period than later; such a rule is not offered")
        tables = tables[:1]
    name = mechanism.name
    return DecisionRule(name, tuple(drawn for drawn, _ in tables), tuple(chance for _, chance in tables))


def _without_memory(mechanism: Mechanism, environment: TableEnvironment, t: int) -> tuple[IntArray, FloatArray]:
    """Return decisions and chances `(S, L)` of a period, in terms of all decisions where they are drawn by lot."""
    rules, stage = tabulate(mechanism, t), environment.stage(t)
    signals = tuple(len(labels) for labels in stage.signals)
    truthful = all((sent == np.arange(sent.shape[2])).all() for sent in rules.prescribed)
    if rules.shape[1:] != signals or not truthful:
        raise mechanism.refuse("as a rule it must take signals as messages and prescribe the truth, and it does not")
    chances = _chances(rules, len(stage.decisions))
    if (chances != chances[:1]).any():
        raise Refusal(
            f"rule: mechanism {mechanism.name!r} decides by what it remembers (period {t}), so it is no rule from "
            "reports to decisions; --rule efficient, or a mechanism that decides by the current reports alone, would do"
        )
    width = int((chances[0] > 0).sum(axis=1).max())
    drawn = np.argsort(chances[0] == 0, axis=1, kind="stable")[:, :width]
    chance = np.take_along_axis(chances[0], drawn, axis=1)
    drawn = np.where(chance > 0, drawn, drawn[:, :1])
    return drawn.astype(np.intp), chance / chance.sum(axis=1, keepdims=True)


def _chances(rules: RuleTables, decisions: int) -> FloatArray:
    """Return how likely every decision is, `(M, S, D)`."""
    out = np.zeros((*rules.decide.shape[:2], decisions))
    grid = np.indices(rules.decide.shape[:2])[..., None]
    np.add.at(out, (grid[0], grid[1], rules.decide), rules.chance)
    return out
