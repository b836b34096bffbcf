"""Conditions on one-dimensional signals, along which efficient decisions must move in order.

Fix period t, agent i and the others' profile o (public state included), and let k = 0, 1, … run along agent i's
signals. Everything here lives on such a *line*:

- *interval order*: every decision a*(k, o) is chosen on an interval of signals; then a¹ ≺ a² ≺ … in the order in which
  they are chosen, which may differ from line to line;
- *single crossing*: W(a″, ·) − W(a′, ·), once 0 or more, stays so, for every pair a′ ≺ a″;
- *increasing differences*: V^i(a″, ·) − V^i(a′, ·) does not fall, for every pair a′ ≺ a″. Agent i's own
  value V^i(a, θ) = u^i(a, θ) + δ E[V^i(θ′) | a, θ] counts the payments that it will make: a condition on a mechanism.

Interval order and increasing differences make the payments of `generalized_vcg` incentive compatible; single crossing
implies interval order, but for ties.

Source: Liu 2014, §3.4, Theorem 3.8.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dynmech.mechanisms.conditions.places import others_text
from dynmech.mechanisms.numerics.ex_post import own_last
from dynmech.mechanisms.planning.planner import Plan
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import TIE, Best, first_largest
from dynmech.sim.economy.environment import TableEnvironment


@dataclass(frozen=True, eq=False)
class SignalLine:
    """The decisions `(K,)` along agent i's signals in period t, the others at o."""

    t: int
    agent: int
    others: int
    decisions: IntArray

    @property
    def order(self) -> list[int]:
        """The decisions in the order in which they are first chosen."""
        return list(dict.fromkeys(self.decisions.tolist()))

    def returning(self) -> int | None:
        """Return the first signal at which a decision is chosen again after another one, or None."""
        changed = np.flatnonzero(np.diff(self.decisions)) + 1
        starts = [int(self.decisions[0]), *self.decisions[changed].tolist()]
        again = [k for k, d in enumerate(starts) if d in starts[:k]]
        return int(changed[again[0] - 1]) if again else None

    def place(self, environment: TableEnvironment, low: int, high: int, signal: int) -> dict[str, str | int]:
        """Return by name where a condition fails: between two decisions, at a signal."""
        stage = environment.stage(self.t)
        return {
            "period": self.t,
            "agent": environment.agents[self.agent],
            "decisions": f"{stage.decisions[low]}, {stage.decisions[high]}",
            "signal": stage.signals[self.agent][signal],
            "others": others_text(stage, self.agent, self.others),
        }


def lines(environment: TableEnvironment, efficient: Plan) -> Iterator[SignalLine]:
    """Yield every line of every distinct period."""
    for t, policy in enumerate(efficient.policy):
        stage = environment.stage(t)
        for i in range(len(environment.agents)):
            for o, decisions in enumerate(own_last(stage, i, policy)):
                yield SignalLine(t, i, o, decisions)


def interval_order(environment: TableEnvironment, efficient: Plan) -> Condition:
    """Check that every decision is chosen on an interval; the value is the number of lines on which one is not."""
    broken = [(line, k) for line in lines(environment, efficient) if (k := line.returning()) is not None]
    where = {}
    if broken:
        line, k = broken[0]
        where = line.place(environment, int(line.decisions[k]), int(line.decisions[k - 1]), k)
    return Condition("interval order", not broken, float(len(broken)), where)


def single_crossing(environment: TableEnvironment, efficient: Plan) -> Condition:
    """Check single crossing; the value is how far below 0 a difference falls after having been 0 or more."""

    def violation(line: SignalLine, low: int, high: int) -> FloatArray:
        table = own_last(environment.stage(line.t), line.agent, efficient.quality[line.t])
        gap = table[high, line.others] - table[low, line.others]
        slack = TIE * efficient.scale
        return np.where(np.maximum.accumulate(gap >= -slack), -gap, 0.0)

    return _worst(environment, efficient, "single crossing of the surplus", violation)


def increasing_differences(
    environment: TableEnvironment, efficient: Plan, own_value: Callable[[int, int], FloatArray]
) -> Condition:
    """Check increasing differences; the value is the largest fall from one signal to the next.

    Args:
        own_value: (t, i) to V^i(a, θ), `(D, *A)`.
    """
    tables = {
        (t, i): own_last(environment.stage(t), i, own_value(t, i))
        for t in range(len(efficient.policy))
        for i in range(len(environment.agents))
    }

    def violation(line: SignalLine, low: int, high: int) -> FloatArray:
        table = tables[line.t, line.agent]
        gap = table[high, line.others] - table[low, line.others]
        return -np.diff(gap, prepend=gap[:1])

    return _worst(environment, efficient, "increasing differences of own values", violation)


def _worst(
    environment: TableEnvironment, efficient: Plan, name: str, violation: Callable[[SignalLine, int, int], FloatArray]
) -> Condition:
    """Return the largest violation `(K,)` over all lines and pairs of decisions chosen on them."""
    scale = efficient.scale
    worst = Best[dict[str, str | int]](scale)
    for line in lines(environment, efficient):
        for low, high in combinations(line.order, 2):
            amount = violation(line, low, high)
            if amount.max() > TOLERANCE * environment.scale:
                k = first_largest(amount, scale)
                worst.offer(float(amount.max()), line.place(environment, low, high, k))
    return Condition(name, worst.named is None, max(worst.value, 0.0), worst.named or {})
