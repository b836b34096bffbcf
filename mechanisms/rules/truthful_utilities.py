"""Expected discounted utilities of a decision rule from every profile, when reports are true."""

from collections.abc import Callable

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import laws


def expected_utilities(environment: TableEnvironment, policy: Callable[[int], IntArray]) -> FloatArray:
    """Return U^i(θ_0) = E[Σ_t δ^t u^i(a_t, θ_t) | θ_0], `(N, S)`, for a_t = policy(t)[θ_t].

    Backward, or under an infinite horizon by one linear solve for all agents.
    """
    if environment.horizon is None:
        flow, law = _followed(environment, 0, policy(0))
        system = np.eye(flow.shape[1]) - environment.discount * law
        return np.asarray(np.linalg.solve(system, flow.T).T, dtype=np.float64)
    value, _ = _followed(environment, environment.horizon - 1, policy(environment.horizon - 1))
    for t in reversed(range(environment.horizon - 1)):
        flow, law = _followed(environment, t, policy(t))
        value = flow + environment.discount * value @ law.T
    return value


def _followed(environment: TableEnvironment, t: int, policy: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return flow utilities `(N, S)` and the law of the next profile `(S, S')` (empty in the last period)."""
    stage = environment.stage(t)
    profiles = np.arange(stage.size)
    flow = stage.utility.reshape(len(environment.agents), len(stage.decisions), -1)[:, policy, profiles]
    last = environment.horizon is not None and t == environment.horizon - 1
    return flow, np.zeros((stage.size, 0)) if last else laws(environment, t)[policy, profiles]
