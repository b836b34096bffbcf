"""The audit of a mechanism that freezes weights at the first report, where the plain search does not fit.

It covers any deviation at all, as the best response of the plain audit does, over *all* profiles of states.
Information: ex post. A gain knowing less is no larger, so what holds ex post holds for the other kinds too; at the
start it is also worked out interim and ex ante. See `dynmech.agents.oracle.frozen_search`.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from typing import Any

import numpy as np

from dynmech.agents.oracle.frozen_search import FrozenSearch, search_frozen
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_json import condition_data
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.experiments.runs.verdicts import (
    NOT_PROMISED,
    OPEN,
    Verdict,
    excused,
    status,
    together,
    verdict_data,
    violated,
)
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

    @cached_property
    def revenue(self) -> float:
        """Expected discounted payments, before first signals are known."""
        weights = reduce(np.multiply.outer, [grid.masses for grid in self.mechanism.environment.grids], np.ones(()))
        return float(weights.reshape(-1) @ self.mechanism.rents.expected_payment.sum(axis=1))

    @property
    def net_revenue(self) -> float:
        """Expected discounted payments less the designer's costs."""
        return self.mechanism.profit

    @cached_property
    def promises(self) -> list[Verdict]:
        """Each promise of the mechanism against the figure that decides it."""
        return excused([self._incentive(), *self._participation()], self.violated)

    def _incentive(self) -> Verdict:
        promised, (worst, gain) = self.mechanism.promises.incentive, self.worst
        where = {"agent": self.mechanism.environment.agents[worst.agent], **self.where(worst)}
        if promised == "none":
            return Verdict("incentive", NOT_PROMISED, gain, self.bound, where)
        return Verdict(f"incentive: {promised}", status(gain, self.bound, self.tolerance), gain, self.bound, where)

    def _participation(self) -> list[Verdict]:
        promised = self.mechanism.promises.participation
        if promised == "none":
            return []
        stays = [search.least_stay for search in self.searches]
        least, missed = self.searches[first_smallest(stays, self.scale)], -min(stays)
        place = {"agent": self.mechanism.environment.agents[least.agent]}
        answer = status(missed, self.bound, self.tolerance)
        return [Verdict(f"participation: {promised}", answer, missed, self.bound, place)]

    @property
    def violated(self) -> list[str]:
        """The assumptions of the mechanism that are shown not to hold on this environment."""
        return violated(self.mechanism.promises.assumptions, self.conditions)

    @cached_property
    def conditions(self) -> list[Condition]:
        """Those of the optimal mechanism, and what first reports must satisfy."""
        economy = self.mechanism.economy
        return [*separable_conditions(economy), *first_report_conditions(self.mechanism, self.searches)]

    @property
    def verdict(self) -> str:
        """The most serious status of all promises."""
        return together(verdict.status for verdict in self.promises)

    @property
    def holds(self) -> bool:
        """Whether no promise breaks or is open."""
        return self.verdict not in OPEN

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
        promised = self.mechanism.promises.incentive != "none"
        if gain <= self.tolerance + self.bound:
            return f"{'' if promised else 'truth is not promised to be best. '}No deviation of anybody gains anything."
        at = self.where(worst)
        others = f", others {at['others']}" if at["others"] else ""
        beyond = "" if promised else "truth is not promised to be best, and "
        return (
            f"{beyond}{name[worst.agent]} gains {figure(gain)} (± {self.bound:.1g}): in period {at['period']}, "
            f"with first signal {at['signal']}, having reported {at['first report']} first{others}."
        )

    def data(self) -> dict[str, Any]:
        """One JSON object, with the keys of the plain audit."""
        environment = self.mechanism.environment
        return {
            "schema": 1,
            "environment": environment.name,
            "mechanism": self.mechanism.name,
            "agents": list(environment.agents),
            "discount": environment.discount,
            "horizon": environment.horizon,
            "tolerance": self.tolerance,
            "all_states": True,
            "verdict": self.verdict,
            "sentence": self.sentence(),
            "error_bound": self.bound,
            "truth": {
                "payoff": [search.payoff for search in self.searches],
                "revenue": self.revenue,
                "net_revenue": self.net_revenue,
            },
            "gains": {Family.BEST_RESPONSE.value: self._gains()},
            "participation": {
                "ex_ante": [search.payoff for search in self.searches],
                "interim": [search.least_interim for search in self.searches],
                "ex_post": [search.least_stay for search in self.searches],
            },
            "promises": [verdict_data(verdict) for verdict in self.promises],
            "assumptions": list(self.mechanism.promises.assumptions),
            "violated_assumptions": self.violated,
            "conditions": condition_data(self.conditions),
            "verified": "first report by first report",
        }

    def _gains(self) -> dict[str, Any]:
        """Gains by kind and agent; None where the search does not say."""
        unknown = [None] * len(self.searches)
        return {
            "ex_ante": [search.ex_ante_gain for search in self.searches],
            "interim": unknown,
            "on_path": unknown,
            "ex_post": [max(search.first_gain, search.later_gain) for search in self.searches],
            "first_report": [search.first_gain for search in self.searches],
            "later": [search.later_gain for search in self.searches],
            "kind": "exact",
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
