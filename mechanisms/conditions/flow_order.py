"""Single crossing and increasing differences along an agent's signals, asked of every finite environment.

Both look at decisions that are chosen one after the other along agent i's signals, the others' profile fixed. The
conditions that a mechanism rests on, for all pairs and for values that count later payments, are in `one_dimensional`.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from dynmech.mechanisms.conditions.places import place_of
from dynmech.mechanisms.numerics.ex_post import own_last
from dynmech.mechanisms.planning.planner import Plan, plan
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import TIE, Best, scale_of
from dynmech.sim.economy.environment import TableEnvironment

Measure = Callable[[FloatArray, FloatArray], float]
"""Differences of welfare and of own utility along an agent's signals, `(K,)` each, to the amount of a violation."""


def surplus_crossing(environment: TableEnvironment) -> Condition:
    """Check that W(a″, ·) − W(a′, ·), once 0 or more along agent i's signals, stays so, for a′ chosen before a″."""
    return _along_signals(environment, "single crossing", _crossing)


def flow_differences(environment: TableEnvironment) -> Condition:
    """Check that flow utility u^i(a″, ·) − u^i(a′, ·) does not fall along agent i's signals, for a′ before a″."""
    return _along_signals(environment, "increasing differences of flow utility", _falling)


def _crossing(welfare: FloatArray, _own: FloatArray) -> float:
    """Return how far welfare differences `(K,)` fall below 0 after having been 0 or more."""
    seen = np.maximum.accumulate(welfare >= -TIE * scale_of(welfare))
    return float(np.where(seen, -welfare, 0).max(initial=0.0))


def _falling(_welfare: FloatArray, own: FloatArray) -> float:
    """Return the largest fall from one signal to the next."""
    return float((-np.diff(own)).max(initial=0.0))


def _along_signals(environment: TableEnvironment, name: str, violation: Measure) -> Condition:
    """Return the worst violation over all periods, agents, others' profiles and successive decisions."""
    efficient = plan(environment)
    worst = Best[dict[str, str | int]](efficient.scale)
    for t in range(len(efficient.policy)):
        for i in range(len(environment.agents)):
            if len(environment.stage(t).signals[i]) > 1:
                _offer_violations(environment, efficient, t, i, violation, worst)
    where = worst.named or {}
    return Condition(name, not where, max(worst.value, 0.0), where)


def _offer_violations(
    environment: TableEnvironment,
    efficient: Plan,
    t: int,
    agent: int,
    violation: Measure,
    worst: Best[dict[str, str | int]],
) -> None:
    """Offer every violation of agent i in period t to `worst`."""
    stage = environment.stage(t)
    welfare = own_last(stage, agent, efficient.quality[t])
    utility = own_last(stage, agent, stage.utility[agent])
    for o, chosen in enumerate(own_last(stage, agent, efficient.policy[t])):
        order = list(dict.fromkeys(chosen.tolist()))
        for low, high in pairwise(order):
            amount = violation(welfare[high, o] - welfare[low, o], utility[high, o] - utility[low, o])
            if amount > TOLERANCE * environment.scale:
                worst.offer(amount, place_of(environment, t, agent, high, o))
