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
from functools import partial
from itertools import pairwise

import numpy as np

from dynmech.mechanisms.conditions.dependence import Violation, type_violations, value_violations
from dynmech.mechanisms.numerics.ex_post import (
    ex_post_payments,
    least_payments,
    own_last,
    utility_by_report,
    worst_cycle,
)
from dynmech.mechanisms.numerics.hulls import nearest_mixtures
from dynmech.mechanisms.numerics.solvers import mixture_text
from dynmech.mechanisms.planning.planner import Plan, plan
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import TIE, Best, figure, null_vector, rank, scale_of
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import labels_text

Named = tuple[dict[str, str | int], str]
"""A place and a note."""


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
    worst = Best[Violation](1.0)
    for one in violations:
        worst.offer(one.amount, one)
    named, amount = worst.named, max(worst.value, 0.0)
    if named is None or amount <= TOLERANCE:
        return Condition(name, True, amount, {})
    return Condition(name, False, amount, named.where, named.note)


def spanning(environment: TableEnvironment) -> Condition:
    """rank M^i(a, o) = K_i everywhere; the value is the least singular value σ, the norm of M⁺ is 1/σ.

    Where it fails, the note has signals' weights (not all 0) with which what the others may say next adds up to 0.
    """
    worst, by_period = Best[Named](1.0), dict[int, float]()
    for t in _stages(environment, with_next=True):
        for i in range(len(environment.agents)):
            matrices = belief_matrices(environment, t, i)
            width = matrices.shape[-1]
            if width == 1:
                continue
            values = np.linalg.svd(matrices, compute_uv=False)
            least = values[..., -1] if matrices.shape[-2] >= width else np.zeros(values.shape[:-1])
            by_period[t] = min(by_period.get(t, np.inf), float(least.min()))
            worst.offer_all(-least, partial(_spanned, environment, t, i, matrices))
    where, note = worst.named or ({}, "")
    value = 0.0 - worst.value
    return Condition("spanning", _unless_empty(value), value if where else 0.0, where, note + _periods(by_period))


def _spanned(environment: TableEnvironment, t: int, agent: int, matrices: FloatArray, k: int) -> Named:
    """The k-th belief matrix in words."""
    at = tuple(int(x) for x in np.unravel_index(k, matrices.shape[:2]))
    return _place(environment, t, agent, *at), _span(matrices[at], environment.stage(t).signals[agent])


def _span(matrix: FloatArray, labels: tuple[str, ...]) -> str:
    """Rank and norm of the pseudo-inverse, or the weights that make the columns vanish."""
    _, values, right = np.linalg.svd(matrix)
    known = rank(values)
    if known == len(labels):
        return f"rank {known} of {len(labels)}, norm of the pseudo-inverse {1 / values[-1]:.6g}"
    shown = mixture_text(null_vector(right[known:]), labels)
    return f"rank {known} of {len(labels)}, norm of the pseudo-inverse infinite: {shown} cancel"


def _periods(by_period: dict[int, float]) -> str:
    """The worst value of each period, where there are several."""
    if len(by_period) < 2:
        return ""
    return "; " + ", ".join(f"period {t}: {figure(value, 4)}" for t, value in by_period.items())


def convex_independence(environment: TableEnvironment) -> Condition:
    """No column of M^i(a, o) lies in the convex hull of the others; the value is the least distance ε.

    The note has the nearest mixture of other columns: where the condition fails, one that is the column itself.
    """
    worst, by_period = Best[Named](1.0), dict[int, float]()
    for t in _stages(environment, with_next=True):
        for i in range(len(environment.agents)):
            distance, mixtures = hull_distances(environment, t, i)
            by_period[t] = min(by_period.get(t, np.inf), float(distance.min()))
            worst.offer_all(-distance, partial(_mixed, environment, t, i, mixtures))
    where, note = worst.named or ({}, "")
    value = 0.0 - worst.value
    note += _periods({t: value for t, value in by_period.items() if value < np.inf})
    return Condition("convex independence", _unless_empty(value), value if where else 0.0, where, note)


def _mixed(environment: TableEnvironment, t: int, agent: int, mixtures: FloatArray, n: int) -> Named:
    """The n-th belief and the nearest mixture of others in words."""
    d, o, k = (int(x) for x in np.unravel_index(n, mixtures.shape[:3]))
    labels = environment.stage(t).signals[agent]
    place = {**_place(environment, t, agent, d, o), "signal": labels[k]}
    return place, f"nearest mixture of the other signals: {mixture_text(mixtures[d, o, k], labels)}"


def hull_distances(environment: TableEnvironment, t: int, agent: int) -> tuple[FloatArray, FloatArray]:
    """How far every belief about the others' next signals is from the mixtures of those after other own signals.

    Returns:
        distances `(D, O_i, K_i)` (∞ where there is one signal only) and the nearest mixtures' weights `(D, O_i, K, K)`.
    """
    matrices = belief_matrices(environment, t, agent)
    width = matrices.shape[-1]
    flat = np.repeat(matrices.reshape(-1, *matrices.shape[-2:]), width, axis=0)
    distance, weights = nearest_mixtures(flat, np.tile(np.arange(width), len(flat) // width))
    shape = (*matrices.shape[:2], width)
    return distance.reshape(shape), weights.reshape(*shape, width)


def _unless_empty(worst: float) -> bool | None:
    """None where there was nothing to look at."""
    return None if worst == np.inf else bool(worst > TOLERANCE)


def ex_post_implementable(environment: TableEnvironment) -> Condition:
    """Last period: payments p with u^i(a(k), k) − p(k) ≥ u^i(a(r), k) − p(r) exist for every agent and others' profile.

    They do iff no cycle of signals gains, each taking the next one's decision; the value is a cycle's largest gain. The
    payments themselves: `dynmech.mechanisms.numerics.ex_post.implementing_payments`.
    """
    if environment.horizon is None:
        return Condition("last period ex post implementable", None, 0.0, {}, "there is no last period")
    t = environment.horizon - 1
    stage, policy = environment.stage(t), plan(environment).policy[t]
    worst, largest = Best[Named](scale_of(stage.utility)), 0.0
    for i in range(len(environment.agents)):
        utility = utility_by_report(stage, i, policy)
        payments, gains = least_payments(utility)
        if gains.max() <= TOLERANCE:
            found = ex_post_payments(stage, i, policy)
            largest = max(largest, float(np.abs(payments if found is None else found).max()))
            continue
        for o in np.flatnonzero(gains > TOLERANCE):
            gain, cycle = worst_cycle(utility[o])
            if gain > TOLERANCE:
                labels = stage.signals[i]
                note = "cycle " + " → ".join(labels[k] for k in [*cycle, cycle[0]])
                worst.offer(gain, (_place(environment, t, i, None, int(o)), note))
    where, note = worst.named or ({}, f"by payments of at most {figure(largest)}")
    return Condition("last period ex post implementable", not where, max(worst.value, 0.0), where, note)


def single_crossing(environment: TableEnvironment) -> Condition:
    """Along agent i's signals W(a″, ·) − W(a′, ·), once 0 or more, stays so, for a′ chosen before a″."""
    return _along_signals(environment, "single crossing", _crossing)


def increasing_differences(environment: TableEnvironment) -> Condition:
    """u^i(a″, ·) − u^i(a′, ·) does not fall along agent i's signals, for a′ before a″ (flow utility only)."""
    return _along_signals(environment, "increasing differences of flow utility", _falling)


def _crossing(welfare: FloatArray, _own: FloatArray) -> float:
    """How far welfare differences `(K,)` fall below 0 after having been 0 or more."""
    seen = np.maximum.accumulate(welfare >= -TIE * scale_of(welfare))
    return float(np.where(seen, -welfare, 0).max(initial=0.0))


def _falling(_welfare: FloatArray, own: FloatArray) -> float:
    return float((-np.diff(own)).max(initial=0.0))


def _along_signals(environment: TableEnvironment, name: str, violation) -> Condition:  # type: ignore[no-untyped-def]
    efficient: Plan = plan(environment)
    worst = Best[dict[str, str | int]](scale_of(*efficient.quality))
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
                    if amount > TOLERANCE:
                        worst.offer(amount, _place(environment, t, i, high, o))
    where = worst.named or {}
    return Condition(name, not where, max(worst.value, 0.0), where)
