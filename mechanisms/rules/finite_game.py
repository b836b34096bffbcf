"""A finite game: an economy and a mechanism, written out once and handed on.

It holds the two, and builds what exact figures are made of when it is first asked for: the rules as tables, the laws of
motion, the efficient plan, the values of prescribed play. The rules are asked for their answers here and nowhere else,
but for what depends on acts (`dynmech.mechanisms.rules.actions`). Searches, budgets and verdicts read the game.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dynmech.mechanisms.planning.planner import Plan, plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import RuleTables, tabulate
from dynmech.mechanisms.rules.values_of_truth import TruthfulValues, truthful_values
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import LawOfMotion, law_of_motion


@dataclass(frozen=True, eq=False)
class FiniteGame:
    """An economy and a mechanism for it, with one entry per distinct period.

    Entries are the periods of a finite horizon, or the first and the one that repeats. Everything that is built raises
    a Refusal where the mechanism is not finite, or something is too large; the size is given.
    """

    environment: TableEnvironment
    mechanism: Mechanism

    def __getstate__(self) -> dict[str, Any]:
        """Return the economy and the mechanism only: what is built from them is built again."""
        return {"environment": self.environment, "mechanism": self.mechanism}

    @property
    def entries(self) -> int:
        """Number of distinct periods."""
        return 2 if self.environment.horizon is None else self.environment.horizon

    @cached_property
    def _written_out(self) -> list[tuple[RuleTables, LawOfMotion | None]]:
        """Tables and laws of every entry; no laws out of a last period."""
        last = None if self.environment.horizon is None else self.environment.horizon - 1
        written: list[tuple[RuleTables, LawOfMotion | None]] = []
        for t in range(self.entries):
            bound = written[0][0].bound if written else None  # asked once: it may look at every period
            rules = tabulate(self.mechanism, t, bound)
            written.append((rules, None if t == last else law_of_motion(self.environment, t)))
        return written

    @cached_property
    def tables(self) -> tuple[RuleTables, ...]:
        """The mechanism's rules, per entry."""
        return tuple(tables for tables, _ in self._written_out)

    @cached_property
    def laws(self) -> tuple[LawOfMotion | None, ...]:
        """Laws of the next profile per entry; None in a last period."""
        return tuple(law for _, law in self._written_out)

    @cached_property
    def truthful(self) -> TruthfulValues:
        """The values of prescribed play in every state."""
        return truthful_values(self.environment, self.mechanism, self.tables, self.laws)

    @cached_property
    def plan(self) -> Plan:
        """The efficient decisions, whatever the mechanism decides."""
        return plan(self.environment)

    @cached_property
    def first_best(self) -> float:
        """The largest expected discounted welfare that any decisions reach."""
        return float((self.plan.value[0] * self.environment.prior).sum())

    @cached_property
    def silences(self) -> tuple[tuple[int, str], ...]:
        """Agents whose prescribed messages do not reveal their signals where it matters later, each with a sentence."""
        out = []
        for t, rules in enumerate(self.tables if self.environment.horizon is None else self.tables[:-1]):
            for j, sent in enumerate(rules.prescribed):
                ordered = np.sort(sent, axis=2)
                if (ordered[..., 1:] == ordered[..., :-1]).any():
                    name = self.environment.agents[j]
                    out.append((j, f"the messages prescribed to agent {name!r} in period {t} do not reveal its signal"))
        return tuple(out)

    @property
    def silence(self) -> str:
        """The sentence of the first of them; empty if there is none."""
        return self.silences[0][1] if self.silences else ""
