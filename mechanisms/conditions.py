"""Conditions that mechanisms rest on: each answers whether it holds, how well, and where it is worst. Never a crash.

| condition | holds where | value |
| --- | --- | --- |
| private values | u^i does not depend on the others' signals | largest change |
| independent types | next signals are independent, each depends on its own past only | largest change |
| convex independence | no belief about the others' next signals is a mixture of others | least distance |
| spanning | those beliefs are linearly independent | least singular value |
| last period ex post implementable | payments exist for the last period taken by itself | worst cycle of gains |
| single crossing, increasing differences | along the agent's signals, see the functions | worst violation |
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import nnls

from mechanisms.dependence import Violation, type_violations, value_violations
from mechanisms.ex_post import own_last, utility_by_report
from mechanisms.planner import Plan, plan
from sim.arrays import FloatArray, first
from sim.beliefs import belief_matrices
from sim.environment import TableEnvironment
from sim.stage import labels_text

TOLERANCE = 1e-9
"""How far a condition may be missed and still hold."""


@dataclass(frozen=True)
class Condition:
    """One condition's answer.

    Attributes:
        holds: whether it holds; None where it does not apply (no next period, say).
        value: how well, or how badly; the module's table says what.
        where: agent, period, decision and profile at which it is worst.
        note: anything else worth knowing, in words.
    """

    name: str
    holds: bool | None
    value: float
    where: dict[str, str | int]
    note: str = ""


def all_conditions(environment: TableEnvironment) -> list[Condition]:
    """Every condition."""
    return [
        private_values(environment),
        independent_types(environment),
        convex_independence(environment),
        spanning(environment),
        ex_post_implementable(environment),
        single_crossing(environment),
        increasing_differences(environment),
    ]


def _place(
    environment: TableEnvironment, t: int, agent: int, decision: int | None, others: int | None
) -> dict[str, str | int]:
    stage = environment.stage(t)
    place: dict[str, str | int] = {"period": t, "agent": environment.agents[agent]}
    if decision is not None:
        place["decision"] = stage.decisions[decision]
    if others is not None:
        labels = [stage.public] if stage.public else []
        labels += [own for j, own in enumerate(stage.signals) if j != agent]
        place["others"] = labels_text(labels, others)
    return place


def _stages(environment: TableEnvironment, *, with_next: bool = False) -> range:
    """Distinct periods; with a next period only."""
    count = len(environment.stages)
    if with_next and environment.horizon is not None:
        return range(min(count, environment.horizon - 1))
    return range(count)


def private_values(environment: TableEnvironment) -> Condition:
    """u^i(a, θ) depends on the public decision, i's own action and signal and the public state only."""
    return _judged("private values", value_violations(environment, _stages(environment)))


def independent_types(environment: TableEnvironment) -> Condition:
    """Signals are independent at first; next signals are, given (a, θ), and agent i's depends on θ^i, ω and what was
    decided or done by i only; a public state does not follow from private signals."""
    return _judged("independent types", type_violations(environment, _stages(environment, with_next=True)))


def _judged(name: str, violations: Iterator[Violation]) -> Condition:
    """The worst violation, if any is above the tolerance."""
    worst = max(violations, key=lambda one: one.amount, default=Violation(0.0, {}, ""))
    if worst.amount <= TOLERANCE:
        return Condition(name, True, worst.amount, {})
    return Condition(name, False, worst.amount, worst.where, worst.note)


def spanning(environment: TableEnvironment) -> Condition:
    """rank M^i(a, o) = K_i everywhere; the value is the least singular value, the note the largest ‖M⁺‖."""
    worst, where, ranks = np.inf, {}, ""
    for t in _stages(environment, with_next=True):
        for i in range(len(environment.agents)):
            matrices = belief_matrices(environment, t, i)
            width = matrices.shape[-1]
            if width == 1:
                continue
            values = np.linalg.svd(matrices, compute_uv=False)
            least = values[..., -1] if matrices.shape[-2] >= width else np.zeros(values.shape[:-1])
            if least.min() < worst:
                at = first(least == least.min())
                worst, where = float(least.min()), _place(environment, t, i, at[0], at[1])
                rank = int((values[at] > TOLERANCE).sum())
                norm = f"{1 / worst:.6g}" if worst > TOLERANCE else "infinite"
                ranks = f"rank {rank} of {width}, norm of the pseudo-inverse {norm}"
    return Condition("spanning", _unless_empty(worst), worst if where else 0.0, where, ranks)


def convex_independence(environment: TableEnvironment) -> Condition:
    """No column of M^i(a, o) lies in the convex hull of the others; the value is the least distance."""
    worst, where, weights = np.inf, {}, ""
    for t in _stages(environment, with_next=True):
        for i in range(len(environment.agents)):
            matrices = belief_matrices(environment, t, i)
            if matrices.shape[-1] == 1:
                continue
            for d, o in np.ndindex(*matrices.shape[:2]):
                for k in range(matrices.shape[-1]):
                    distance, hull = hull_distance(matrices[d, o], k)
                    if distance < worst:
                        worst, where = distance, _place(environment, t, i, d, o)
                        labels = environment.stage(t).signals[i]
                        where["signal"] = labels[k]
                        weights = ", ".join(f"{w:.4g} {labels[j]}" for j, w in hull.items() if w > 1e-9)
    note = f"nearest mixture of the other signals: {weights}" if weights else ""
    return Condition("convex independence", _unless_empty(worst), worst if where else 0.0, where, note)


def hull_distance(matrix: FloatArray, column: int) -> tuple[float, dict[int, float]]:
    """Distance of a column to the convex hull of the others, and the weights of the nearest point.

    Non-negative least squares, the weights' sum held to 1 by a heavy row; then measured with weights that sum to 1.

    >>> hull_distance(np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]), 2)[0] < 1e-9
    True
    """
    rest = [j for j in range(matrix.shape[1]) if j != column]
    heavy = 1e4
    stacked = np.vstack([matrix[:, rest], np.full((1, len(rest)), heavy)])
    weights, _ = nnls(stacked, np.append(matrix[:, column], heavy))
    weights = weights / weights.sum()
    return float(np.linalg.norm(matrix[:, column] - matrix[:, rest] @ weights)), dict(
        zip(rest, weights.tolist(), strict=True)
    )


def _unless_empty(worst: float) -> bool | None:
    """None where there was nothing to look at."""
    return None if worst == np.inf else bool(worst > TOLERANCE)


def ex_post_implementable(environment: TableEnvironment) -> Condition:
    """Last period: payments p with u^i(a(k), k) − p(k) ≥ u^i(a(r), k) − p(r) exist for every agent and others' profile.

    They do iff no cycle of signals gains, each taking the next one's decision; the value is a cycle's largest gain.
    """
    if environment.horizon is None:
        return Condition("last period ex post implementable", None, 0.0, {}, "there is no last period")
    t = environment.horizon - 1
    policy = plan(environment).policy[t]
    worst, where, note = 0.0, {}, ""
    for i in range(len(environment.agents)):
        utility = utility_by_report(environment.stage(t), i, policy)
        for o, table in enumerate(utility):
            gain, cycle = worst_cycle(table)
            if gain > max(worst, TOLERANCE):
                labels = environment.stage(t).signals[i]
                worst, where = gain, _place(environment, t, i, None, o)
                note = "cycle " + " → ".join(labels[k] for k in [*cycle, cycle[0]])
    return Condition("last period ex post implementable", worst <= TOLERANCE, worst, where, note)


def worst_cycle(utility: FloatArray) -> tuple[float, list[int]]:
    """A cycle of signals with a large total gain, utility `(K true, K report)`; 0 and no cycle if none gains.

    Longest closed walks of at most K steps by dynamic programming. A closed walk that gains contains a simple cycle
    that does; the best simple cycle of the longest walks is returned.

    >>> worst_cycle(np.array([[7.0, 0.0], [11.0, 0.0]]))  # wins at 4, loses at 6, but values winning more at 6
    (4.0, [0, 1])
    """
    size = len(utility)
    step = utility - np.diag(utility)[:, None]
    best: tuple[float, list[int]] = (0.0, [])
    for start in range(size):
        reach = np.full((size + 1, size), -np.inf)
        came = np.zeros((size + 1, size), np.intp)
        reach[0, start] = 0
        for n in range(1, size + 1):
            through = reach[n - 1][:, None] + step
            came[n], reach[n] = np.argmax(through, axis=0), through.max(axis=0)
            if reach[n, start] > TOLERANCE:
                path = [start]
                for m in range(n, 0, -1):
                    path.append(int(came[m, path[-1]]))
                best = max([best, *_simple_cycles(path[::-1], step)], key=lambda cycle: cycle[0])
    return best


def _simple_cycles(walk: list[int], step: FloatArray) -> list[tuple[float, list[int]]]:
    """The simple cycles of a closed walk, with their gains."""
    found, open_path = [], list[int]()
    for node in walk:
        if node in open_path:
            cycle = open_path[open_path.index(node) :]
            gain = sum(float(step[a, b]) for a, b in zip(cycle, [*cycle[1:], node], strict=True))
            found.append((gain, cycle))
            open_path = open_path[: open_path.index(node)]
        open_path.append(node)
    return found


def single_crossing(environment: TableEnvironment) -> Condition:
    """Along agent i's signals W(a″, ·) − W(a′, ·), once 0 or more, stays so, for a′ chosen before a″."""
    return _along_signals(environment, "single crossing", _crossing)


def increasing_differences(environment: TableEnvironment) -> Condition:
    """u^i(a″, ·) − u^i(a′, ·) does not fall along agent i's signals, for a′ before a″ (flow utility only)."""
    return _along_signals(environment, "increasing differences of flow utility", _falling)


def _crossing(welfare: FloatArray, _own: FloatArray) -> float:
    """How far welfare differences `(K,)` fall below 0 after having been 0 or more."""
    seen = np.maximum.accumulate(welfare >= 0)
    return float(np.where(seen, -welfare, 0).max(initial=0.0))


def _falling(_welfare: FloatArray, own: FloatArray) -> float:
    return float((-np.diff(own)).max(initial=0.0))


def _along_signals(environment: TableEnvironment, name: str, violation) -> Condition:  # type: ignore[no-untyped-def]
    efficient: Plan = plan(environment)
    worst, where = 0.0, {}
    for t in range(len(efficient.policy)):
        stage = environment.stage(t)
        for i in range(len(environment.agents)):
            if len(stage.signals[i]) == 1:
                continue
            welfare = own_last(stage, i, efficient.quality[t])
            utility = own_last(stage, i, stage.utility[i])
            decisions = own_last(stage, i, efficient.policy[t])
            for o, chosen in enumerate(decisions):
                order = list(dict.fromkeys(chosen.tolist()))
                for low, high in pairwise(order):
                    amount = violation(welfare[high, o] - welfare[low, o], utility[high, o] - utility[low, o])
                    if amount > max(worst, TOLERANCE):
                        worst, where = amount, _place(environment, t, i, high, o)
    return Condition(name, worst <= TOLERANCE, worst, where)
