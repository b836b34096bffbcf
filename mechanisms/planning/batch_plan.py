"""Many plans over the same law of motion: max_π E Σ_τ δ^τ flow(d_τ, s_τ), for a batch of flows at once.

    Q_t(d, s) = flow_t(d, s) + δ E[V_{t+1}(s′) | d, s],   V_t = max_d Q_t.

With a horizon by backward induction. Without one: where decisions move nothing, (I − δP)^{-1} max_d flow; up to `DENSE`
profiles by Howard's policy iteration, each policy of the batch evaluated by a direct solve; beyond, one plan at a time
by the planner. Ties within `planner.TIE` (relative) go to the lowest decision; a decision whose flow is `FORBIDDEN` is
never taken.

Axes: n plans, D decisions, S profiles of states; lists run over the later periods (a single one without a horizon).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.planning.planner import TIE, plan
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import Economy
from dynmech.sim.economy.stage import Stage

DENSE = 300
"""Profiles up to which policies are evaluated by direct solves."""

CHUNK = 4_000_000
"""Numbers that the systems of a batch of direct solves may hold at a time."""

FORBIDDEN = -1e15
"""The flow of a decision that must not be taken."""

ROUNDS = 200
"""Rounds of policy iteration."""


@dataclass(frozen=True, eq=False)
class Plans:
    """Solved plans: per period `value` and `policy`, `(n, S)`."""

    value: tuple[FloatArray, ...]
    policy: tuple[IntArray, ...]


def solve_plans(economy: Economy, flows: Sequence[FloatArray]) -> Plans:
    """Solve a batch; `flows` per later period, `(n, D, S)`."""
    if economy.endless:
        value, policy = _endless(economy, np.ascontiguousarray(flows[0]))
        return Plans((value,), (policy,))
    values: list[FloatArray] = []
    policies: list[IntArray] = []
    for t in reversed(range(len(flows))):
        quality = flows[t] + (economy.discount * expect(economy, t, values[0]) if values else 0.0)
        policy = lowest_best(quality, economy.scale)
        policies.insert(0, policy)
        values.insert(0, np.take_along_axis(quality, policy[:, None], axis=1)[:, 0])
    return Plans(tuple(values), tuple(policies))


def expect(economy: Economy, t: int, value: FloatArray) -> FloatArray:
    """Return E[value(s′) | d, s] out of the t-th later period, from `(n, S′)` to `(n, D, S)`."""
    factors, count = economy.later[t].kernel, len(value)
    decisions = len(economy.decisions)
    work = np.broadcast_to(value[:, None], (count, decisions, value.shape[1])).reshape(count, decisions, 1, -1)
    for factor in factors:  # contract the leading axis, put the result last
        then = factor.shape[2]
        sheet = work.reshape(count, decisions, then, -1)
        work = np.matmul(sheet.swapaxes(2, 3), factor.transpose(0, 2, 1)[None])
    return work.reshape(count, decisions, -1)


def lowest_best(quality: FloatArray, scale: float) -> IntArray:
    """Return the lowest decision within `TIE` of the best (at least `scale`), from `(n, D, S)` to `(n, S)`."""
    best = quality.max(axis=1, keepdims=True)
    slack = TIE * np.maximum(scale, np.abs(best))
    return np.argmax(quality >= best - slack, axis=1)


def follow(economy: Economy, policy: Sequence[IntArray], flows: Sequence[FloatArray]) -> list[FloatArray]:
    """Return what policies `(n, S)` are worth in flows `(n, D, S)`, `(n, S)` per later period."""
    own = [np.take_along_axis(f, p[:, None], axis=1)[:, 0] for f, p in zip(flows, policy, strict=True)]
    if economy.endless:
        return [_evaluate(economy, policy[0], own[0])]
    values: list[FloatArray] = []
    for t in reversed(range(len(own))):
        ahead = expect(economy, t, values[0]) if values else np.zeros_like(flows[t])
        kept = np.take_along_axis(ahead, policy[t][:, None], axis=1)[:, 0]
        values.insert(0, own[t] + economy.discount * kept)
    return values


def _endless(economy: Economy, flow: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return value and policy of an endless horizon, `(n, S)` each."""
    size = flow.shape[2]
    if not economy.controlled:
        policy = lowest_best(flow, economy.scale)
        best = np.take_along_axis(flow, policy[:, None], axis=1)[:, 0]
        return _evaluate(economy, policy, best), policy
    if size > DENSE:
        solved = [_one(economy, row) for row in flow]
        return np.stack([v for v, _ in solved]), np.stack([p for _, p in solved])
    value, policy = np.empty(flow[:, 0].shape), np.empty(flow[:, 0].shape, np.intp)
    for some in _chunks(len(flow), size):
        value[some], policy[some] = _howard(economy, flow[some])
    return value, policy


def _chunks(count: int, size: int) -> Iterator[slice]:
    """Yield slices of the batch that fit into `CHUNK` numbers."""
    step = max(1, CHUNK // size**2)
    return (slice(a, min(a + step, count)) for a in range(0, count, step))


def _howard(economy: Economy, flow: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return value and policy by policy iteration; a decision changes only if it gains more than rounding."""
    policy = lowest_best(flow, economy.scale)
    for _ in range(ROUNDS):
        own = np.take_along_axis(flow, policy[:, None], axis=1)[:, 0]
        value = _evaluate(economy, policy, own)
        quality = flow + economy.discount * expect(economy, 0, value)
        kept = np.take_along_axis(quality, policy[:, None], axis=1)[:, 0]
        better = quality.max(axis=1) > kept + 1e-13 * np.maximum(economy.scale, np.abs(kept))
        if not better.any():
            return value, lowest_best(quality, economy.scale)
        policy = np.where(better, np.argmax(quality, axis=1), policy)
    raise Refusal(f"environment {economy.name!r}: policy iteration did not end in {ROUNDS} rounds")


def _evaluate(economy: Economy, policy: IntArray, own: FloatArray) -> FloatArray:
    """Solve V = own + δ P_π V, `(n, S)`."""
    size = own.shape[1]
    if size > DENSE:
        return np.stack([_evaluate_one(economy, p, v) for p, v in zip(policy, own, strict=True)])
    rows, every = economy.law(0).rows(), np.arange(size)
    if not economy.controlled:
        return np.linalg.solve(np.eye(size) - economy.discount * rows[0], own.T).T
    out = np.empty_like(own)
    for some in _chunks(len(own), size):
        systems = np.eye(size) - economy.discount * rows[policy[some], every]
        out[some] = np.linalg.solve(systems, own[some][..., None])[..., 0]
    return out


def _table(economy: Economy, flow: FloatArray) -> TableEnvironment:
    """Return an environment of the states alone, with `flow` `(D, S)` as the first agent's utility."""
    period = economy.later[0]
    utility = np.zeros((len(economy.agents), len(flow), *period.axes))
    utility[0] = flow.reshape(len(flow), *period.axes)
    stage = Stage(period.states, economy.decisions, utility, economy.law(0))
    start = np.zeros(period.axes)
    start.reshape(-1)[0] = 1.0
    return TableEnvironment(economy.name, economy.agents, start, (stage,), economy.discount, None)


def _one(economy: Economy, flow: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return value and policy of one large plan, by the planner; forbidden decisions get a prohibitive cost."""
    allowed = flow > FORBIDDEN / 2
    largest = scale_of(economy.scale, flow[allowed])
    worst = -2 * largest / (1 - economy.discount) - largest
    require_room("a plan", 6.0 * flow.size)
    solved = plan(_table(economy, np.where(allowed, flow, worst)))
    return solved.value[0].reshape(-1), solved.policy[0].reshape(-1)


def _evaluate_one(economy: Economy, policy: IntArray, own: FloatArray) -> FloatArray:
    """Return the worth of one large policy: that of the plan in which every other decision is forbidden."""
    flow = np.full((len(economy.decisions), own.size), FORBIDDEN)
    flow[policy, np.arange(own.size)] = own
    return _one(economy, flow)[0]
