"""The conditions that are asked of every finite environment.

| condition | holds where | value |
| --- | --- | --- |
| private values | u^i does not depend on the others' signals, nor on what they do unseen | largest change |
| independent types | next signals are independent, each depends on its own past only | largest change |
| convex independence | no belief about the others' next signals is a mixture of others | least distance |
| spanning | those beliefs are linearly independent | least singular value |
| last period ex post implementable | payments exist for the last period taken by itself | worst cycle of gains |
| single crossing, increasing differences | along the agent's signals, see `flow_order` | worst violation |
"""

from dynmech.mechanisms.conditions.correlation import convex_independence, spanning
from dynmech.mechanisms.conditions.dependence import Sees, independent_types, private_values, unseen
from dynmech.mechanisms.conditions.flow_order import flow_differences, surplus_crossing
from dynmech.mechanisms.conditions.last_period import ex_post_implementable
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.economy.environment import TableEnvironment


def all_conditions(environment: TableEnvironment, sees: Sees = unseen) -> list[Condition]:
    """Return the answers of all seven conditions, each with how well it holds and where it is worst.

    `sees` is what the mechanism at hand observes of private actions, `Mechanism.sees`; the first two look at it.
    """
    return [
        private_values(environment, sees),
        independent_types(environment, sees),
        convex_independence(environment),
        spanning(environment),
        ex_post_implementable(environment),
        surplus_crossing(environment),
        flow_differences(environment),
    ]
