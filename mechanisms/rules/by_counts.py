"""Efficient rules for agents who are alike, written by counts: how many of the others report each signal.

What is decided and what an agent pays then depend on its own report and on how many others report what, and on nothing
else but this: among agents whose reports make them equally good to serve, the one that comes first is served, as the
planner's rule has it (lowest decision). So no exchange of two agents that come before a given one, or of two that come
after it, changes what that one gets or pays: a property of how rules are written, for any number of agents.

Signals are not moved by decisions here, so that the efficient decision is the one that is best in the period.
"""

from typing import NamedTuple

import numpy as np

from dynmech.mechanisms.planning.planner import TIE
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.chains import count_vectors
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment


class CountedCase(NamedTuple):
    """What an anonymous rule may look at, in m cases.

    Attributes:
        report: the agent's own report, `(m,)`.
        others: how many of the others report each signal, `(m, K)`.
        decision: what is decided, `(m,)`: one of the C common decisions, C where the agent itself is served, C + 1
            where another one is.
        served: the report of the agent that is served, −1 where none is, `(m,)`.
    """

    report: IntArray
    others: IntArray
    decision: IntArray
    served: IntArray


def others_welfare(environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:
    """Return what the decision is worth to the others, `(m,)`."""
    role = np.minimum(case.decision, len(environment.flow) - 1)
    role = np.where(role == environment.common, environment.common + 1, role)  # the agent is served, the others are not
    least = (case.others * environment.flow[role]).sum(axis=1)
    other = case.decision == environment.common + 1
    return least + np.where(other, environment.worth[np.maximum(case.served, 0)], 0.0)


def best_for_others(environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:
    """Return the most that any decision is worth to the others, `(m,)`."""
    served = case.others @ environment.flow[-1]
    more = np.where(case.others > 0, environment.worth, -np.inf).max(axis=1)
    best = served + np.maximum(more, 0.0)  # 0: the agent itself is served
    for common in environment.flow[: environment.common]:
        best = np.maximum(best, case.others @ common)
    return best


def good_to_serve(environment: ExchangeableEnvironment, totals: IntArray) -> tuple[IntArray, BoolArray]:
    """Return the common decision that is taken (−1: one agent is served), and from whom it is: by signals, `(m, K)`.

    Args:
        totals: how many agents report each signal, `(m, K)`.
    """
    served = (totals @ environment.flow[-1])[:, None] + np.where(totals > 0, environment.worth, -np.inf)
    common = totals @ environment.flow[: environment.common].T
    best = np.concatenate([common, served], axis=1).max(axis=1, keepdims=True)
    slack = TIE * scale_of(environment.scale, best)
    taken = common >= best - slack
    first = np.where(taken.any(axis=1), taken.argmax(axis=1), -1) if environment.common else np.full(len(totals), -1)
    return first, (served >= best - slack) & (first < 0)[:, None]


def decide_by_counts(environment: ExchangeableEnvironment, messages: Array) -> IntArray:
    """Return the efficient decision, the lowest of those that tie, `(n,)`, from everybody's reports `(n, N)`."""
    common, good = good_to_serve(environment, counted(messages, len(environment.prior)))
    who = np.take_along_axis(good, messages, axis=1).argmax(axis=1)
    return np.where(common >= 0, common, environment.common + who)


def counted(messages: Array, signals: int) -> IntArray:
    """Return how many agents report each signal, `(n, K)`.

    >>> counted(np.array([[0, 2, 2]]), 3).tolist()
    [[1, 0, 2]]
    """
    return (messages[:, :, None] == np.arange(signals)).sum(axis=1)


def cases_of(environment: ExchangeableEnvironment, messages: Array, decision: Array) -> list[CountedCase]:
    """Return the cases of every agent, from everybody's reports `(n, N)` and the decision `(n,)`."""
    totals, common = counted(messages, len(environment.prior)), environment.common
    who = decision - common
    served = np.where(who >= 0, np.take_along_axis(messages, np.maximum(who, 0)[:, None], axis=1)[:, 0], -1)
    own = np.eye(len(environment.prior), dtype=np.intp)
    return [
        CountedCase(
            messages[:, i],
            totals - own[messages[:, i]],
            np.where(who < 0, decision, np.where(who == i, common, common + 1)),
            served,
        )
        for i in range(messages.shape[1])
    ]


def every_case(environment: ExchangeableEnvironment) -> CountedCase:
    """Return every case that can arise for an agent that comes first, last or between."""
    count, size, common = len(environment.agents), len(environment.prior), environment.common
    others = count_vectors(count - 1, size)
    parts = [_cases_at(environment, np.full(len(others), r), others) for r in range(size)]
    whole = CountedCase(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    possible = (whole.decision != common + 1) | (
        np.take_along_axis(whole.others, np.maximum(whole.served, 0)[:, None], axis=1)[:, 0] > 0
    )
    return CountedCase(*(column[possible] for column in whole))


def _cases_at(environment: ExchangeableEnvironment, report: IntArray, others: IntArray) -> CountedCase:
    """Return the cases at reports `(m,)` and numbers `(m, K)`: the agent is served, and another one of each report."""
    size, own = len(environment.prior), np.eye(len(environment.prior), dtype=np.intp)
    common, good = good_to_serve(environment, others + own[report])
    parts = [
        CountedCase(
            report, others, np.where(common >= 0, common, environment.common), np.where(common >= 0, -1, report)
        )
    ]
    parts[0] = CountedCase(*(column[(common >= 0) | good[np.arange(len(report)), report]] for column in parts[0]))
    for w in range(size):
        keep = good[:, w]
        served = np.full(keep.sum(), w)
        parts.append(CountedCase(report[keep], others[keep], np.full(keep.sum(), environment.common + 1), served))
    return CountedCase(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
