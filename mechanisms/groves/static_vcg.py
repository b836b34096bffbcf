"""Static VCG with the myopic decision: everybody pays what its presence costs the others in this period.

The formula is that of `static-vcg-efficient`, at a^m(r) = argmax_a Σ_j u^j(a, r) − c(a), the lowest of those that tie.

Guarantee: as there; where decisions move signals it wastes welfare besides.

Assumptions: private values, decisions that do not move signals.

Source: naive comparator (ii) beside Athey–Segal 2007.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.groves.static_vcg_efficient import ASSUMPTIONS, StaticVCGEfficient
from dynmech.mechanisms.planning.planner import TIE
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.ties import scale_of
from dynmech.sim.play.roles import Promises, Situation


class StaticVCG(StaticVCGEfficient):
    """Static VCG: the externality in this period of the myopic decision."""

    name = "static-vcg"
    promises = Promises(incentive="periodic ex post", budget="no deficit", efficient=True, assumptions=ASSUMPTIONS)

    def chosen(self, t: int) -> IntArray:
        """Return the myopic decision, the lowest of those that tie, `(*A)`."""
        return self.myopic[self.plan.at(t)]

    @cached_property
    def myopic(self) -> list[IntArray]:
        """argmax_a Σ_i u^i − c per distinct period, `(*A)`."""
        out = []
        for t in self.distinct_periods:
            welfare = self.environment.stage(t).welfare
            best = welfare.max(axis=0)
            out.append(
                np.argmax(welfare >= best - TIE * scale_of(self.environment.scale, best), axis=0).astype(np.intp)
            )
        return out

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the myopic decision at the reported profile, `(n,)`."""
        if self.alike is not None:
            return super().decide(now, messages)  # decisions do not move signals there
        return self.chosen(now.t).reshape(-1)[self.profile(now, messages)]

    charge_by_counts = StaticVCGEfficient.charge_by_counts
