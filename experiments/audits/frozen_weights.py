"""The audit of a mechanism that freezes weights at the first report, where the plain search does not fit.

It covers any deviation at all, as the plain audit's best response does, over *all* profiles of states. Information:
ex post. A gain knowing less is no larger, so what holds ex post holds for the other kinds too; at the start it is also
worked out interim and ex ante. See `dynmech.agents.oracle.frozen_search`.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from dynmech.agents.oracle.frozen_search import FrozenSearch, search_frozen
from dynmech.experiments.audits.auditing import Verdict, status
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.tabulation import LARGEST
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.ties import TIE, figure, first_largest, first_smallest, largest_place, rounded_up, scale_of

SEARCHED = 30_000_000
"""Cases (memories × profiles × own messages) up to which the plain search is used."""

LAWS = 4_000_000
"""Numbers in the law of motion up to which the plain search is used."""

BOUND = 1e-10
"""What residuals of plans and searches leave open, relative to the largest payoff (at least 1)."""


@dataclass(frozen=True, eq=False)
class FrozenAudit:
    """Exact verdicts, first report by first report."""

    mechanism: VirtualPivot
    tolerance: float
    searches: list[FrozenSearch]

    @property
    def bound(self) -> float:
        """On every figure."""
        return rounded_up(BOUND * max(1.0, self.scale), self.scale)

    @cached_property
    def scale(self) -> float:
        """The largest payoff."""
        return scale_of(*(search.best for search in self.searches))

    @property
    def worst(self) -> tuple[FrozenSearch, float]:
        """Who gains most, and how much."""
        gains = [max(search.first_gain, search.later_gain) for search in self.searches]
        return self.searches[first_largest(gains, self.scale)], max(gains)

    @property
    def revenue(self) -> float:
        """Expected discounted payments less costs."""
        return self.mechanism.profit

    @property
    def promises(self) -> list[Verdict]:
        """Each promise of the mechanism against the figure that decides it."""
        claims, out = self.mechanism.promises, []
        names = self.mechanism.environment.agents
        if claims.incentive != "none":
            worst, gain = self.worst
            where = {"agent": names[worst.agent], **self.where(worst)}
            verdict = status(gain, self.bound, self.tolerance)
            out.append(Verdict(f"incentive: {claims.incentive}", verdict, gain, self.bound, where))
        if claims.participation != "none":
            stays = [search.least_stay for search in self.searches]
            least, missed = self.searches[first_smallest(stays, self.scale)], -min(stays)
            verdict = status(missed, self.bound, self.tolerance)
            place = {"agent": names[least.agent]}
            out.append(Verdict(f"participation: {claims.participation}", verdict, missed, self.bound, place))
        return out

    @cached_property
    def conditions(self) -> list[Condition]:
        """Those of the optimal mechanism, and what first reports must satisfy."""
        economy = self.mechanism.economy
        return [*separable_conditions(economy), *first_report_conditions(self.mechanism, self.searches)]

    @property
    def holds(self) -> bool:
        """Whether every promise is seen to hold."""
        return all(verdict.status == "holds" for verdict in self.promises)

    def where(self, search: FrozenSearch) -> dict[str, Any]:
        """At which first signals, and with which first report, the agent gains most."""
        points = self.mechanism.environment.grids[search.agent].points
        later = search.later_gain >= search.first_gain - TIE * self.scale
        table = search.later if later else search.best - search.truth[:, None]
        others, said, true = largest_place(table, self.scale)
        profile = self.mechanism.with_others(search.agent, np.array([others]))
        shown = [
            f"{self.mechanism.economy.agents[j]} {figure(self.mechanism.environment.grids[j].points[k])}"
            for j in range(self.mechanism.count)
            if j != search.agent
            for k in [int(self.mechanism.node_of(profile, j)[0])]
        ]
        place = {"period": "1 or later" if later else 0, "signal": f"{figure(points[true])}"}
        return {**place, "first report": f"{figure(points[said])}", "others": ", ".join(shown)}

    def sentence(self) -> str:
        """Who lies, when, and what it earns; or that nobody gains."""
        name = self.mechanism.environment.agents
        worst, gain = self.worst
        if gain <= self.tolerance + self.bound:
            return "No deviation of anybody gains anything."
        at = self.where(worst)
        others = f", others {at['others']}" if at["others"] else ""
        beyond = "truth is not promised to be best, and " if self.holds else ""
        return (
            f"{beyond}{name[worst.agent]} gains {figure(gain)} (± {self.bound:.1g}): in period {at['period']}, "
            f"with first signal {at['signal']}, having reported {at['first report']} first{others}."
        )

    def data(self) -> dict[str, Any]:
        """One JSON object, in the plain audit's words."""
        environment, nothing = self.mechanism.environment, [None] * len(self.searches)
        worst = [max(s.first_gain, s.later_gain) for s in self.searches]
        return {
            "schema": 1,
            "environment": environment.name,
            "mechanism": self.mechanism.name,
            "agents": list(environment.agents),
            "discount": environment.discount,
            "horizon": environment.horizon,
            "tolerance": self.tolerance,
            "all_states": True,
            "sentence": self.sentence(),
            "error_bound": self.bound,
            "truth": {"payoff": [s.payoff for s in self.searches], "revenue": self.revenue},
            "gains": {
                "best_response": {
                    "ex_ante": [s.ex_ante_gain for s in self.searches],
                    "interim": nothing,
                    "on_path": nothing,
                    "ex_post": worst,
                    "first_report": [s.first_gain for s in self.searches],
                    "later": [s.later_gain for s in self.searches],
                    "kind": "exact",
                }
            },
            "participation": {
                "ex_ante": [s.payoff for s in self.searches],
                "interim": [s.least_interim for s in self.searches],
                "ex_post": [s.least_stay for s in self.searches],
            },
            "promises": [
                {"promise": v.promise, "status": v.status, "worst": v.worst, "bound": v.bound, "where": v.where}
                for v in self.promises
            ],
            "conditions": {
                c.name: {"holds": c.holds, "value": c.value, "where": c.where, "note": c.note} for c in self.conditions
            },
            "verified": "first report by first report",
        }


def too_large(mechanism: Mechanism) -> bool:
    """Whether the mechanism freezes weights and the plain search would not do."""
    if not isinstance(mechanism, VirtualPivot):
        return False
    environment, cases, laws = mechanism.environment, 0, 0
    for t in range(environment.horizon or 2):
        stage = environment.stage(t)
        memories = mechanism.memory_size(t)
        if memories * stage.size > LARGEST:
            return True
        cases = max(cases, memories * stage.size * max(len(labels) for labels in stage.signals))
        following = environment.stage(t if environment.horizon is None else min(t + 1, environment.horizon - 1))
        laws = max(laws, prod((len(stage.decisions), stage.size, following.size)))
    return cases > SEARCHED or laws > LAWS


def frozen_audit(mechanism: VirtualPivot, *, tolerance: float = 1e-6, progress: Progress = silent) -> FrozenAudit:
    """Audit every agent alone."""
    advance = progress("searching", mechanism.count)
    searches = []
    for i in range(mechanism.count):
        searches.append(search_frozen(mechanism, i))
        advance(1)
    return FrozenAudit(mechanism, tolerance, searches)
