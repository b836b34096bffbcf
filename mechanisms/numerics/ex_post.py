"""Payments that implement a single period's decision ex post: generalised VCG, or any that do.

*Generalised VCG for one agent.* With a(k) the decision when the agent's signal is k and the others' profile is fixed, Y
the others' flow welfare and D(k) the gain in the agent's own utility from one decision to the next, the payment starts
at 0 and rises where the decision changes from a′ to a″ by

    Y(a′, x) − Y(a″, x), clipped into [max D over the signals of a′, min D over those of a″]:

what the change costs the others, at the signal x of a″ with the least D, kept where the signals of a′ decline it and
those of a″ accept it (the mean, where several signals x tie). The order of decisions knows no labels: they come in the
order of what their signals gain at least, net of the payments midway between all least and all greatest ones (below);
of those that tie, the one that pays less comes first. So the signals that gain least pay nothing, and how signals are
listed changes nothing. Along one-dimensional signals that are worth the more the higher they are it is their order.

*Any payments at all.* Let g(k, r) = u(a(r), k) − u(a(k), k) be what type k gains by the report r before payments. Then
p(r) − p(k) ≥ g(k, r) for all k, r has a solution iff no cycle of types gains, each sending the next one's report; the
least one that is nowhere negative is p(r) = the longest walk that ends in r. With L(s, r) the longest walk from s to r,
L(s, ·) are the least and −L(·, s) the greatest payments under which s pays nothing.

Source: Liu 2014, eq. (4), for one period (the clipping is needed on a grid; the order is ours), Assumption 4; Rochet
1987.
"""

import numpy as np

from dynmech.mechanisms.planning.planner import flow_welfare
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.ties import TIE, first_of, scale_of
from dynmech.sim.economy.stage import Stage

SLACK = 1e-9
"""Largest static gain from a lie, relative to max |u|, that counts as none."""


def own_last(stage: Stage, agent: int, table: Array) -> Array:
    """Reshape a table over profiles `(..., *A)` to `(..., O_i, K_i)`: others' profile, own signal."""
    own = stage.offset + agent
    lead = table.ndim - len(stage.axes)
    return np.moveaxis(table, lead + own, -1).reshape(*table.shape[:lead], -1, stage.axes[own])


def utility_by_report(stage: Stage, agent: int, policy: IntArray) -> FloatArray:
    """Return u^i(a(r, o), (k, o)), `(O_i, K_i, K_i)`: others' profile, true signal k, report r."""
    utility = own_last(stage, agent, stage.utility[agent])
    decision = own_last(stage, agent, policy)
    others = np.arange(decision.shape[0])[:, None]
    return np.swapaxes(utility[decision, others], 1, 2)


def ex_post_payments(stage: Stage, agent: int, policy: IntArray) -> FloatArray | None:
    """Return generalised VCG payments `(O_i, K_i)`, or None where truth is not ex post optimal under them."""
    by_report = utility_by_report(stage, agent, policy)
    truth = np.diagonal(by_report, axis1=1, axis2=2)
    slack = SLACK * scale_of(stage.utility)
    walk = _longest_walks(by_report)
    if float(np.diagonal(walk, axis1=1, axis2=2).max()) > slack:
        return None
    decision = own_last(stage, agent, policy)
    order = _order(decision, truth, walk)
    payment = _along(order, decision, by_report, _others_by_report(stage, agent, policy))
    gain = float((by_report - payment[:, None, :] - (truth - payment)[:, :, None]).max())
    return payment if gain <= slack else None


def _others_by_report(stage: Stage, agent: int, policy: IntArray) -> FloatArray:
    """Return Y(a(r, o), (k, o)), `(O_i, K_i, K_i)`: others' profile, true signal k, report r."""
    welfare, decision = own_last(stage, agent, flow_welfare(stage, agent)), own_last(stage, agent, policy)
    return np.swapaxes(welfare[decision, np.arange(len(decision))[:, None]], 1, 2)


def _order(decision: IntArray, truth: FloatArray, walk: FloatArray) -> IntArray:
    """Return signals in the order of their decisions, `(O, K)`, from decisions and truthful utilities `(O, K)`."""
    middle = (walk.mean(axis=1) - walk.mean(axis=2)) / 2
    net, same = truth - middle, decision[:, :, None] == decision[:, None, :]
    least = np.where(same, net[:, None, :], np.inf).min(axis=2)
    slack = TIE * scale_of(truth, middle)
    pays, gains = _ranks(middle, slack), _ranks(least, slack)
    return np.lexsort((decision, pays, gains), axis=1)


def _ranks(table: FloatArray, slack: float) -> IntArray:
    """Return the rank of each entry in its row, the same for neighbours within `slack`."""
    order = np.argsort(table, axis=1, kind="stable")
    steps = np.diff(np.take_along_axis(table, order, axis=1), axis=1, prepend=-np.inf) > slack
    ranks = np.empty(table.shape, np.intp)
    np.put_along_axis(ranks, order, np.cumsum(steps, axis=1), axis=1)
    return ranks


def _along(order: IntArray, decision: IntArray, by_report: FloatArray, others: FloatArray) -> FloatArray:
    """Return the payments that rise along an order of signals, `(O, K)`.

    Args:
        by_report, others: own utility and the others' welfare by true signal and report, `(O, K, K)`.
    """
    slack = TIE * scale_of(by_report)
    rows, payment = np.arange(len(order)), np.zeros(order.shape)
    for before, after in zip(order.T[:-1], order.T[1:], strict=True):
        gain = by_report[rows, :, after] - by_report[rows, :, before]
        stays = decision == decision[rows, before][:, None]
        comes = decision == decision[rows, after][:, None]
        low = np.where(stays, gain, -np.inf).max(axis=1)
        high = np.where(comes, gain, np.inf).min(axis=1)
        cost = others[rows, :, before] - others[rows, :, after]
        marginal = comes & (gain <= high[:, None] + slack)
        mean = np.where(marginal, cost, 0.0).sum(axis=1) / marginal.sum(axis=1)
        step = np.where(decision[rows, before] == decision[rows, after], 0.0, np.clip(mean, low, np.maximum(low, high)))
        payment[rows, after] = payment[rows, before] + step
    return payment


def _longest_walks(utility: FloatArray) -> FloatArray:
    """Return the largest total gain of a walk from one signal to another, `(O, K, K)`, each sending the next report."""
    walk = utility - np.diagonal(utility, axis1=1, axis2=2)[:, :, None]
    for via in range(walk.shape[1]):
        walk = np.maximum(walk, walk[:, :, [via]] + walk[:, [via], :])
    return walk


def least_payments(utility: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least non-negative payments under which truth is optimal, and the gain of the best closed walk.

    Args:
        utility: u(a(r), k), `(O, K true, K report)`.

    Returns:
        payments `(O, K)` and gains `(O,)`: where a gain is positive the payments mean nothing.

    >>> least_payments(np.array([[[3.0, 5.0], [0.0, 3.0]]]))
    (array([[0., 2.]]), array([0.]))
    """
    walk = _longest_walks(utility)
    return walk.max(axis=1), np.diagonal(walk, axis1=1, axis2=2).max(axis=1)


def implementing_payments(stage: Stage, agent: int, policy: IntArray) -> FloatArray | None:
    """Return payments `(O_i, K_i)` under which truth is ex post optimal: generalised VCG's or others; None: none do.

    They are the same wherever the decision is.
    """
    rule = ex_post_payments(stage, agent, policy)
    if rule is not None:
        return rule
    utility = utility_by_report(stage, agent, policy)
    payments, gains = least_payments(utility)
    return payments if gains.max() <= SLACK * scale_of(stage.utility) else None


def worst_cycle(utility: FloatArray) -> tuple[float, list[int]]:
    """Return a cycle of signals with a large total gain, from utility `(K true, K report)`; (0, []) if none gains.

    Longest closed walks of at most K steps by dynamic programming. A closed walk that gains contains a simple cycle
    that does; the best simple cycle of the longest walks is returned.

    >>> worst_cycle(np.array([[7.0, 0.0], [11.0, 0.0]]))  # wins at 4, loses at 6, but values winning more at 6
    (4.0, [0, 1])
    """
    size = len(utility)
    step = utility - np.diag(utility)[:, None]
    slack, best = TIE * scale_of(step), (0.0, list[int]())
    for start in range(size):
        reach = np.full((size + 1, size), -np.inf)
        came = np.zeros((size + 1, size), np.intp)
        reach[0, start] = 0
        for n in range(1, size + 1):
            through = reach[n - 1][:, None] + step
            reach[n] = through.max(axis=0)
            came[n] = np.argmax(through >= reach[n] - slack, axis=0)
            if reach[n, start] > SLACK * scale_of(utility):
                path = [start]
                for m in range(n, 0, -1):
                    path.append(int(came[m, path[-1]]))
                best = first_of([best, *_simple_cycles(path[::-1], step)], lambda cycle: cycle[0], scale_of(step))
    return best


def _simple_cycles(walk: list[int], step: FloatArray) -> list[tuple[float, list[int]]]:
    """Yield the simple cycles of a closed walk, with their gains."""
    cycles, open_path = [], list[int]()
    for node in walk:
        if node in open_path:
            cycle = open_path[open_path.index(node) :]
            gain = sum(float(step[a, b]) for a, b in zip(cycle, [*cycle[1:], node], strict=True))
            cycles.append((gain, cycle))
            open_path = open_path[: open_path.index(node)]
        open_path.append(node)
    return cycles
