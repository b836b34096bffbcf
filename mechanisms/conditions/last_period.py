"""Whether the last period's efficient decision can be implemented by itself, ex post.

Source: Liu 2014, Assumption 4; Rochet 1987.
"""

import numpy as np

from dynmech.mechanisms.conditions.places import NamedPlace, place_of
from dynmech.mechanisms.numerics.ex_post import ex_post_payments, least_payments, utility_by_report, worst_cycle
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.sim.core.ties import Best, figure, scale_of
from dynmech.sim.economy.environment import TableEnvironment


def ex_post_implementable(environment: TableEnvironment) -> Condition:
    """Check that payments p exist for every agent and others' profile with u^i(a(k), k) − p(k) ≥ u^i(a(r), k) − p(r).

    They do iff no cycle of signals gains, each taking the next one's decision; the value is a cycle's largest gain. The
    payments themselves: `dynmech.mechanisms.numerics.ex_post.implementing_payments`.
    """
    if environment.horizon is None:
        return Condition("last period ex post implementable", None, 0.0, {}, "there is no last period")
    t = environment.horizon - 1
    stage, policy = environment.stage(t), plan(environment).policy[t]
    worst, largest = Best[NamedPlace](scale_of(stage.utility)), 0.0
    slack = TOLERANCE * environment.scale
    for i in range(len(environment.agents)):
        utility = utility_by_report(stage, i, policy)
        payments, gains = least_payments(utility)
        if gains.max() <= slack:
            rule = ex_post_payments(stage, i, policy)
            largest = max(largest, float(np.abs(payments if rule is None else rule).max()))
            continue
        for o in np.flatnonzero(gains > slack):
            gain, cycle = worst_cycle(utility[o])
            if gain > slack:
                labels = stage.signals[i]
                note = "cycle " + " → ".join(labels[k] for k in [*cycle, cycle[0]])
                worst.offer(gain, (place_of(environment, t, i, None, int(o)), note))
    where, note = worst.named or ({}, f"by payments of at most {figure(largest)}")
    return Condition("last period ex post implementable", not where, max(worst.value, 0.0), where, note)
