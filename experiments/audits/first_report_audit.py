"""The audit of a mechanism that freezes weights at the first report, where the plain search does not fit.

It covers any deviation at all, as the best response of the exact audit does, over *all* profiles of states.
Information: ex post. A gain knowing less is no larger, so what holds ex post holds for the other kinds too; at the
start it is also worked out ex ante. Between these two lie the interim gains, and those of fewer lies are at most as
large. See `dynmech.agents.oracle.frozen_search`.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from typing import Any

import numpy as np

from dynmech.agents.oracle.frozen_search import FrozenSearch, search_frozen
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, AuditedGain, Truth
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.runs.simulation import Progress
from dynmech.experiments.runs.verdicts import NOT_PROMISED, Verdict, excused, status, violated
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.rules.tabulation import LARGEST
from dynmech.mechanisms.rules.values_of_truth import Least
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.ties import TIE, figure, first_largest, first_smallest, largest_place, rounded_up, scale_of

SEARCHED = 30_000_000
"""Cases (memories × profiles × own messages) up to which the plain search is used."""

LAWS = 4_000_000
"""Numbers in the law of motion up to which the plain search is used."""

BOUND = 1e-10
"""What residuals of plans and searches leave open, relative to the largest payoff (at least 1)."""

METHOD = "Searched first report by first report: any deviation at all, knowing the others' signals, over all states."


def too_large(mechanism: VirtualPivot) -> bool:
    """Return whether the plain search would not do."""
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


@dataclass(frozen=True, eq=False)
class FirstReports:
    """What the search of every agent alone has found."""

    mechanism: VirtualPivot
    searches: list[FrozenSearch]

    @cached_property
    def scale(self) -> float:
        """The largest payoff."""
        return scale_of(*(search.best for search in self.searches))

    @property
    def bound(self) -> float:
        """On every figure."""
        return rounded_up(BOUND * self.scale, self.scale)

    @property
    def worst(self) -> tuple[FrozenSearch, float]:
        """Who gains most, and how much."""
        gains = [gain_of(search) for search in self.searches]
        return self.searches[first_largest(gains, self.scale)], max(gains)

    @cached_property
    def revenue(self) -> float:
        """Expected discounted payments, before first signals are known."""
        weights = reduce(np.multiply.outer, [grid.masses for grid in self.mechanism.environment.grids], np.ones(()))
        return float(weights.reshape(-1) @ self.mechanism.rents.expected_payment.sum(axis=1))

    def place(self, search: FrozenSearch) -> dict[str, Any]:
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

    def verdicts(self, tolerance: float) -> list[Verdict]:
        """Return each promise of the mechanism against the figure that decides it."""
        return [self._incentive(tolerance), *self._participation(tolerance)]

    def _incentive(self, tolerance: float) -> Verdict:
        promised, (worst, gain) = self.mechanism.promises.incentive, self.worst
        where = {"agent": self.mechanism.environment.agents[worst.agent], **self.place(worst)}
        if promised == "none":
            return Verdict("incentive", NOT_PROMISED, gain, self.bound, where)
        return Verdict(f"incentive: {promised}", status(gain, self.bound, tolerance), gain, self.bound, where)

    def _participation(self, tolerance: float) -> list[Verdict]:
        promised = self.mechanism.promises.participation
        if promised == "none":
            return []
        stays = [search.least_stay for search in self.searches]
        least, missed = self.searches[first_smallest(stays, self.scale)], -min(stays)
        place = {"agent": self.mechanism.environment.agents[least.agent]}
        answer = status(missed, self.bound, tolerance)
        return [Verdict(f"participation: {promised}", answer, missed, self.bound, place)]

    def sentence(self, tolerance: float) -> str:
        """Return who lies, when, and what it earns; or that nobody gains; or what is undecided."""
        worst, gain = self.worst
        name = self.mechanism.environment.agents[worst.agent]
        promised = self.mechanism.promises.incentive != "none"
        if gain + self.bound <= tolerance:
            return f"{'' if promised else 'truth is not promised to be best. '}No deviation of anybody gains anything."
        if gain - self.bound <= tolerance:
            return f"{name} may gain {gain:.3g} ± {self.bound:.1g} ex post."
        at = self.place(worst)
        others = f", others {at['others']}" if at["others"] else ""
        beyond = "" if promised else "truth is not promised to be best, and "
        return (
            f"{beyond}{name} gains {figure(gain, scale=self.scale)} (± {self.bound:.1g}): in period {at['period']}, "
            f"with first signal {at['signal']}, having reported {at['first report']} first{others}."
        )


def gain_of(search: FrozenSearch) -> float:
    """Return an agent's largest gain, ex post, at any date."""
    return max(search.first_gain, search.later_gain)


def audit_by_first_report(request: AuditRequest, progress: Progress) -> Audit:
    """Search every agent alone, first report by first report."""
    mechanism = request.mechanism
    assert isinstance(mechanism, VirtualPivot)
    advance = progress("searching", mechanism.count)
    searches = []
    for i in range(mechanism.count):
        searches.append(search_frozen(mechanism, i))
        advance(1)
    found = FirstReports(mechanism, searches)
    tolerance = request.relative_tolerance * request.scale
    own = first_report_conditions(mechanism, searches)
    conditions = [*separable_conditions(mechanism.economy), *own]
    return Audit(
        request=request,
        backend="first reports",
        method=METHOD,
        reason="",
        figures=[gain for search in searches for gain in _gains(request, search, found.bound)],
        truth=Truth(payoff=[search.payoff for search in searches], revenue=found.revenue, net_revenue=mechanism.profit),
        verdicts=excused(found.verdicts(tolerance), violated(mechanism.promises.assumptions, conditions)),
        conditions=conditions,
        own=[condition.name for condition in own],
        said=found.sentence(tolerance),
        participation={
            "ex_ante": [Least(search.payoff, {}) for search in searches],
            "interim": [Least(search.least_interim, {"agent": request.name((search.agent,))}) for search in searches],
            "ex_post": [Least(search.least_stay, {"agent": request.name((search.agent,))}) for search in searches],
        },
        verified="first report by first report",
        details={
            "first_reports": [
                {
                    "agent": request.name((search.agent,)),
                    "first_report": search.first_gain,
                    "later": search.later_gain,
                }
                for search in searches
            ]
        },
    )


def _gains(request: AuditRequest, search: FrozenSearch, bound: float) -> list[AuditedGain]:
    """Return an agent's gains: exact before anything is known and knowing all, bounds between."""
    name, ante, post = request.name((search.agent,)), search.ex_ante_gain, gain_of(search)
    best, upper = Family.BEST_RESPONSE, gain_of(search) + bound
    fewer = [
        AuditedGain.between(name, family, kind, 0.0, ante + bound if kind == "ex_ante" else upper, "all")
        for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION)
        for kind in ("ex_ante", "on_path", "interim", "ex_post")
    ]
    lower = max(0.0, ante - bound)
    return [
        *fewer,
        AuditedGain.exact(name, best, "ex_ante", ante, bound, "all"),
        AuditedGain.between(name, best, "on_path", lower, upper, "all"),
        AuditedGain.between(name, best, "interim", lower, upper, "all"),
        AuditedGain.exact(name, best, "ex_post", post, bound, "all"),
    ]
