"""The conditions that are asked of every finite environment.

| condition | holds where | value |
| --- | --- | --- |
| private values | u^i does not depend on the others' signals | largest change |
| independent types | next signals are independent, each depends on its own past only | largest change |
| convex independence | no belief about the others' next signals is a mixture of others | least distance |
| spanning | those beliefs are linearly independent | least singular value |
| last period ex post implementable | payments exist for the last period taken by itself | worst cycle of gains |
| single crossing, increasing differences | along the agent's signals, see `flow_order` | worst violation |
"""

from dynmech.mechanisms.conditions.correlation import convex_independence, spanning
from dynmech.mechanisms.conditions.dependence import independent_types, private_values
from dynmech.mechanisms.conditions.flow_order import flow_differences, surplus_crossing
from dynmech.mechanisms.conditions.last_period import ex_post_implementable
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.economy.environment import TableEnvironment


def all_conditions(environment: TableEnvironment) -> list[Condition]:
    """Return the answers of all seven conditions, each with how well it holds and where it is worst."""
    return [
        private_values(environment),
        independent_types(environment),
        convex_independence(environment),
        spanning(environment),
        ex_post_implementable(environment),
        surplus_crossing(environment),
        flow_differences(environment),
    ]
