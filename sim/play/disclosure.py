"""What agents are told of a period once it is over.

| policy | decision | reports | transfers | memory |
| --- | --- | --- | --- | --- |
| `everything` | yes | all | all | yes |
| `announced` | yes | what the mechanism announces of them: unless it says otherwise, the winning bid | own | no |
| `decisions` | yes | no | own | no |
| `own` | the class of decisions that are alike for the agent | no | own | no |
"""

from dynmech.sim.core.arrays import Array
from dynmech.sim.economy.environment import Environment

POLICIES = ("everything", "announced", "decisions", "own")

ANNOUNCED = "announced"


def shown_decision(policy: str, environment: Environment, t: int, decision: Array, agent: int) -> Array | None:
    """The decision as agent i is told it: `(n,)`, or None where its own outcome cannot be told apart from the rest."""
    if policy != "own":
        return decision
    classes = environment.outcome_classes(t)
    return None if classes is None else classes[agent][decision]
