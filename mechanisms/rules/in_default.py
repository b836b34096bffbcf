"""A mechanism as it is towards an agent that is in default: one that reads who pays sees that it does not.

Where bills are paid voluntarily and a default is ignored, a mechanism may still take note of it (`reads_payments`). Its
rules from then on are the same rules with `acts.paid` false for that agent.
"""

from copy import copy

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.play.roles import Acts, Situation


def in_default(mechanism: Mechanism, agent: int) -> Mechanism:
    """Return the same mechanism to which an agent is not in good standing, and all others are."""

    def told(acts: Acts) -> Acts:
        return acts._replace(paid=np.broadcast_to(np.arange(acts.seen.shape[1]) != agent, acts.seen.shape))

    def charge(now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return mechanism.charge(now, messages, decision, told(acts))

    def remember(now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return mechanism.remember(now, messages, decision, told(acts))

    other = copy(mechanism)
    vars(other).update(charge=charge, remember=remember)
    return other
