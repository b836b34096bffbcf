"""Private values and independent types: how far an economy is from them, and the pair of profiles that shows it.

Private values: agent i's utility depends on the public part of the decision, its own action, its own signal and the
public state only.

Independent types: with ν(θ′ | x, θ) the law of the next profile and ν_i its marginals, (1) ν = Π ν_i, and (2) each
ν_i depends on the public part of the decision, i's own action, its own signal and the public state only; a public state
moves by itself. The first alone is not enough: marginals may be moved by the others' signals and still multiply.

The public part of a decision is what the designer carries out, and of agents' own actions as much as the mechanism
sees (`Mechanism.sees`): what is seen can be contracted upon, whoever carries it out. So an economy in which agents come
to the market in public has private values for a mechanism that sees them come, and for one that does not see it, it has
not. With no mechanism in mind nothing is seen of actions.

Source: Athey–Segal 2007, Definitions 1 and 3.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from dynmech.mechanisms.conditions.places import distinct_periods
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import Best, first_largest, first_smallest, largest_place, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import FactoredLaw, LawOfMotion, WrittenLaw, law_of_motion
from dynmech.sim.economy.stage import Stage, labels_text

FIRST = "the first signals are correlated"

Where = dict[str, str | int]

Sees = Callable[[int, int], IntArray | None]
"""By period and agent, what is seen of each of the agent's actions, `(actions,)`; None: nothing."""


def unseen(t: int, agent: int) -> None:
    """Return None: no action is seen."""


class Violation(NamedTuple):
    """By how much a condition is missed, where, and in which way."""

    amount: float
    where: Where
    note: str


def private_values(environment: TableEnvironment, sees: Sees = unseen) -> Condition:
    """Check that u^i(a, θ) depends on the public decision, i's own action and signal and the public state only.

    The value is the largest change of utility that others cause. What is seen of actions is public.
    """
    violations = value_violations(environment, distinct_periods(environment), sees)
    return _worst_violation("private values", violations, environment.scale)


def independent_types(environment: TableEnvironment, sees: Sees = unseen) -> Condition:
    """Check that first signals are independent, and that next ones are and move by themselves.

    Given (a, θ), agent i's next signal may depend on θ^i, the public state ω and what was decided or done by i only; a
    public state does not follow from private signals. The value is the largest change of a probability. What is seen of
    actions is public.
    """
    periods = distinct_periods(environment, with_next=True)
    return _worst_violation("independent types", type_violations(environment, periods, sees), 1.0)


def _worst_violation(name: str, violations: Iterator[Violation], scale: float) -> Condition:
    """Return the worst violation as the condition's answer; it holds if none is above the tolerance times `scale`."""
    worst = Best[Violation](scale)
    for violation in violations:
        worst.offer(violation.amount, violation)
    named, amount = worst.named, max(worst.value, 0.0)
    if named is None or amount <= TOLERANCE * scale:
        return Condition(name, True, amount, {})
    return Condition(name, False, amount, named.where, named.note)


def value_violations(environment: TableEnvironment, periods: Sequence[int], sees: Sees = unseen) -> Iterator[Violation]:
    """Yield how much the others' signals and private actions change an agent's utility."""
    for t in periods:
        stage = environment.stage(t)
        for i, name in enumerate(environment.agents):
            for change in _influences(stage, stage.utility[i], i, _alike(stage, t, sees)):
                yield Violation(change.amount, {"period": t, "agent": name, **change.where}, f"moved by {change.note}")


def type_violations(environment: TableEnvironment, periods: Sequence[int], sees: Sees = unseen) -> Iterator[Violation]:
    """Yield the correlation of first signals; then, by period, that of next signals, and what moves each."""
    yield Violation(float(np.abs(environment.prior - _product(environment.prior, 0)).max()), {"period": 0}, FIRST)
    for t in periods:
        stage = environment.stage(t)
        after = environment.stage(t if environment.horizon is None else t + 1)
        law = law_of_motion(environment, t)
        if isinstance(law, WrittenLaw):
            yield _correlation(stage, after, t, law)
        for axis, width in enumerate(after.axes):
            i = axis - after.offset  # −1: the public state
            for influence in _influences(stage, _marginal(law, stage, after, axis), i, _alike(stage, t, sees), width):
                whose = "the next public state" if i < 0 else "an agent's next signal"
                place: Where = {"period": t, **({"agent": environment.agents[i]} if i >= 0 else {}), **influence.where}
                yield Violation(influence.amount, place, f"{whose} is moved by {influence.note}")


def _correlation(stage: Stage, after: Stage, t: int, written: WrittenLaw) -> Violation:
    """Return the most by which next signals miss the product of their laws; those held as factors are that product."""
    law = written.rows.reshape(len(stage.decisions), *stage.axes, *after.axes)
    change = np.abs(law - _product(law, 1 + len(stage.axes))).reshape(*law.shape[: 1 + len(stage.axes)], -1)
    worst = change.max(axis=-1)
    decision, *profile = largest_place(worst, 1.0)
    where: Where = {"period": t, "decision": stage.decisions[decision], "profile": _profile(stage, profile)}
    return Violation(float(worst.max()), where, "next signals are correlated given decision and profile")


def _marginal(law: LawOfMotion, stage: Stage, after: Stage, axis: int) -> FloatArray:
    """Return the law of one axis of the next profile, `(D, *A, A'_axis)`."""
    shape = (len(stage.decisions), *stage.axes)
    if isinstance(law, FactoredLaw):
        factor = law.kernel.factors[axis]
        apart = (len(factor), *(factor.shape[1] if a == axis else 1 for a in range(len(stage.axes))), factor.shape[2])
        return np.broadcast_to(factor.reshape(apart), (*shape, factor.shape[2]))
    assert isinstance(law, WrittenLaw)
    rest = tuple(len(shape) + a for a in range(len(after.axes)) if a != axis)
    out: FloatArray = law.rows.reshape(*shape, *after.axes).sum(axis=rest)
    return out


def _product(law: FloatArray, leading: int) -> FloatArray:
    """Return the product of a law's marginals over the axes behind the first `leading` ones."""
    axes = tuple(range(leading, law.ndim))
    out = np.ones((1,) * law.ndim)
    for axis in axes:
        out = out * law.sum(axis=tuple(a for a in axes if a != axis), keepdims=True)
    return out


def _alike(stage: Stage, t: int, sees: Sees) -> list[list[IntArray]]:
    """Return by agent its actions in classes that look alike to the mechanism."""
    out = []
    for i, labels in enumerate(stage.private_actions):
        seen = sees(t, i)
        parts = np.zeros(len(labels), np.intp) if seen is None else np.asarray(seen)
        out.append([np.flatnonzero(parts == part) for part in np.unique(parts)])
    return out


def _influences(
    stage: Stage, table: FloatArray, agent: int, alike: list[list[IntArray]], values: int = 1
) -> Iterator[Violation]:
    """Yield how others change agent i's table `(D, *A)` or `(D, *A, values)`: by signals, by what they do unseen."""
    table = table.reshape(len(stage.decisions), *stage.axes, values)
    others = tuple(1 + stage.offset + j for j in range(len(stage.signals)) if j != agent)
    if others:
        high, low = _extremes(table, others)
        place: Where = {
            "decision": stage.decisions[high[0]],
            "profiles": f"{_profile(stage, high[1:-1])} and {_profile(stage, low[1:-1])}",
        }
        yield Violation(float(table[high] - table[low]), place, "the others' signals" if agent >= 0 else "signals")
    if not stage.private_actions:
        return
    sizes = tuple(len(labels) for labels in stage.private_actions)
    split = table.reshape(-1, *sizes, *table.shape[1:])
    acting = tuple(1 + j for j in range(len(sizes)) if j != agent)
    for seen in product(*alike) if acting else ():  # what is seen, by agent, and the actions that look so
        part = split[np.ix_(np.arange(len(split)), *seen)]
        high, low = (
            (at[0], *(int(seen[j][k]) for j, k in enumerate(at[1 : 1 + len(sizes)])), *at[1 + len(sizes) :])
            for at in _extremes(part, acting)
        )
        shape = (len(stage.decisions) // prod(sizes), *sizes)
        names = [stage.decisions[np.ravel_multi_index(at[: len(shape)], shape)] for at in (high, low)]
        place = {"decisions": " and ".join(names), "profile": _profile(stage, high[len(shape) : -1])}
        yield Violation(float(split[high] - split[low]), place, "another agent's private action")


def _extremes(table: FloatArray, axes: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return two indices that differ along `axes` only and between which the table falls most."""
    fall = table.max(axis=axes, keepdims=True) - table.min(axis=axes, keepdims=True)
    scale = scale_of(table)
    at = largest_place(fall, scale)
    line = tuple(slice(None) if k in axes else at[k] for k in range(table.ndim))
    values = table[line]
    ends = [np.unravel_index(k, values.shape) for k in (first_largest(values, scale), first_smallest(values, scale))]
    out = []
    for end in ends:
        place = dict(zip(axes, end, strict=True))
        out.append(tuple(int(place.get(k, at[k])) for k in range(table.ndim)))
    return out[0], out[1]


def _profile(stage: Stage, coordinates: Sequence[int]) -> str:
    """Return a profile in words."""
    return labels_text(stage.labelled_axes, int(np.ravel_multi_index(tuple(coordinates), stage.axes)))
