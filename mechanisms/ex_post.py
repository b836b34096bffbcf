"""Payments that implement a period's decision ex post, taken by itself: generalised VCG for one agent.

With a(k) the decision when the agent's signal is k and the others' profile is fixed, Y the others' flow welfare and D
the gain in the agent's own utility from one decision to the next, the payment starts at 0 and rises where the
decision changes, at signal x from a′ to a″, by

    Y(a′, x) − Y(a″, x), clipped into [D(x − 1), D(x)]:

what the change costs the others, kept where the signals below x decline it and those from x on accept it.

Source: Liu 2014, eq. (4), for one period; the clipping is needed on a grid.
"""

import numpy as np

from mechanisms.planner import flow_welfare
from sim.arrays import Array, FloatArray, IntArray
from sim.stage import Stage

SLACK = 1e-9
"""Largest static gain from a lie, relative to max(1, max |u|), that counts as none."""


def own_last(stage: Stage, agent: int, table: Array) -> Array:
    """A table over profiles `(..., *A)` as `(..., O_i, K_i)`."""
    own = stage.offset + agent
    lead = table.ndim - len(stage.axes)
    return np.moveaxis(table, lead + own, -1).reshape(*table.shape[:lead], -1, stage.axes[own])


def utility_by_report(stage: Stage, agent: int, policy: IntArray) -> FloatArray:
    """u^i(a(r, o), (k, o)), `(O_i, K_i, K_i)`: others' profile, true signal k, report r."""
    utility = own_last(stage, agent, stage.utility[agent])
    decision = own_last(stage, agent, policy)
    others = np.arange(decision.shape[0])[:, None]
    return np.swapaxes(utility[decision, others], 1, 2)


def ex_post_payments(stage: Stage, agent: int, policy: IntArray) -> FloatArray | None:
    """Payments `(O_i, K_i)` under which truth is statically ex post optimal, or None where this rule gives none."""
    utility = own_last(stage, agent, stage.utility[agent])
    others = own_last(stage, agent, flow_welfare(stage, agent))
    decision = own_last(stage, agent, policy)
    count, width = decision.shape
    rows = np.arange(count)
    payment = np.zeros((count, width))
    for k in range(1, width):
        before, after = decision[:, k - 1], decision[:, k]
        low = utility[after, rows, k - 1] - utility[before, rows, k - 1]
        high = utility[after, rows, k] - utility[before, rows, k]
        step = np.clip(others[before, rows, k] - others[after, rows, k], low, np.maximum(low, high))
        payment[:, k] = payment[:, k - 1] + np.where(before == after, 0.0, step)
    net = utility_by_report(stage, agent, policy) - payment[:, None, :]
    truth = np.diagonal(net, axis1=1, axis2=2)
    gain = float((net.max(axis=2) - truth).max())
    return payment if gain <= SLACK * max(1.0, float(np.abs(utility).max())) else None
