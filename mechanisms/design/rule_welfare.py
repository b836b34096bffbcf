"""What a decision rule is worth under truth: expected discounted welfare, costs deducted."""

import numpy as np

from dynmech.mechanisms.design.goal_rows import moves
from dynmech.mechanisms.design.history_rule import history_welfare
from dynmech.mechanisms.design.program import Problem
from dynmech.sim.core.arrays import FloatArray


def flow(problem: Problem, t: int) -> FloatArray:
    """Return the expected welfare of a period by profile, `(S,)`."""
    stage, k = problem.environment.stage(t), problem.rule.at(t)
    welfare = np.broadcast_to(stage.welfare, (len(stage.decisions), *stage.axes)).reshape(len(stage.decisions), -1)
    drawn, chance = problem.rule.drawn[k], problem.rule.chance[k]
    out: FloatArray = (np.take_along_axis(welfare.T, drawn, axis=1) * chance).sum(axis=1)
    return out


def expected_welfare(problem: Problem) -> float:
    """Return the prior's expectation of W, in units of the scale."""
    environment, rule = problem.environment, problem.rule
    if rule.by_history:
        return history_welfare(environment, rule, problem.nodes)
    prior = environment.prior.reshape(-1)
    if environment.horizon is None:
        matrix = np.eye(len(prior)) - environment.discount * moves(environment, rule, 0)
        return float(prior @ np.linalg.solve(matrix, flow(problem, 0)))
    ahead = np.zeros(0)
    for t in reversed(range(environment.horizon)):
        value = flow(problem, t)
        if t < environment.horizon - 1:
            value = value + environment.discount * moves(environment, rule, t) @ ahead
        ahead = value
    return float(prior @ ahead)
