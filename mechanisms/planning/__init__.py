"""The planner: efficient decision rules, and what they are worth.

`plan` solves a finite environment, `solve_plans` a batch of plans for a separable economy, `gittins_index` a bandit;
`decisions_without` says what can be decided without an agent.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
