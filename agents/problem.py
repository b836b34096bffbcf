"""The decision problem of a deviator against prescribed play by everybody else.

A deviator is an agent, or a coalition with pooled signals, product messages and summed payoffs. In period t it faces a
state (memory m, profile θ) and chooses messages r and, where there are any, private actions α:

    flow(m, θ, r, α) = Σ_{i∈C} [u^i(a, θ) − charge^i(m, x)] − δ E[due^C(m′, θ′) | a, θ],   m′ = remember(m, x),

with x the message profile (r, prescribed messages of the others) and a the decision with the actions actually taken.
What falls due next period is counted here, where it is caused, whenever the deviator's own next message cannot change
it; then memories that differ only in what is due are *the same state*. Two memories are merged if for every (θ, r) they
lead to exactly the same decision, charges, dues and merged next memory (partition refinement, as finite automata are
minimised). So a mechanism without memory is searched over θ alone, contingent transfers too, and nothing is declared.

Axes: C merged memories, S profiles, R own messages, B own actions, D decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from mechanisms.base import BaseMechanism
from mechanisms.tabulate import laws, tabulate
from sim.arrays import Array, BoolArray, FloatArray, IntArray
from sim.environment import TableEnvironment
from sim.stage import Stage


@dataclass(frozen=True, eq=False)
class Period:
    """One period of a deviator's problem.

    Attributes:
        merged: the state of each memory, `(M,)`.
        members: a memory of each state, `(C,)`.
        flow: `(C, S, R, B)`, see the module.
        decision: what is done, `(C, S, R, B)`.
        following: next period's state, `(C, S, R)`.
        truth: the prescribed own messages, `(C, S)`.
        obey: the recommended own actions, `(C, S, R)`.
        own: what the deviator knows of the profile, `(S,)`: index of public state and own signals, below W.
        width: W.
        rows: laws of the next profile, `(D, S, S')`, or None in the last period.
    """

    merged: IntArray
    members: IntArray
    flow: FloatArray
    decision: IntArray
    following: IntArray
    truth: IntArray
    obey: IntArray
    own: IntArray
    width: int
    rows: FloatArray | None

    @property
    def states(self) -> int:
        """C."""
        return len(self.members)


@dataclass(frozen=True, eq=False)
class Problem:
    """All periods; `stationary` problems have an opening period and one that repeats.

    Attributes:
        deviator: indices of its members.
        exit: whether it may leave when it reports, what it owes unpaid and its payoff 0 from then on.
        periods: one per period (finite), or the first and the repeated one.
        prior: law of the first profile, `(S,)`.
    """

    environment: TableEnvironment
    mechanism: BaseMechanism
    deviator: tuple[int, ...]
    periods: tuple[Period, ...]
    prior: FloatArray
    stationary: bool
    exit: bool = False

    @property
    def discount(self) -> float:
        """δ."""
        return self.environment.discount


@dataclass(frozen=True, eq=False)
class _Raw:
    """A period before merging: everything by memory; axes `(M, S, R)` unless said otherwise."""

    decide: IntArray
    charge: FloatArray
    remember: IntArray
    truth: IntArray
    due: FloatArray
    """Due of the deviator under its prescribed message, `(M, S)`; zero where it is not sunk (then in `charge`)."""


def build_problem(
    environment: TableEnvironment,
    mechanism: BaseMechanism,
    deviator: Sequence[int],
    *,
    merge: bool = True,
    exit: bool = False,
) -> Problem:
    """Tabulate the mechanism's rules and merge memories (or, for checks and for payoff levels, keep them apart).

    With `exit`, what is due is counted when it falls due: whoever leaves does not pay it, so it is part of the state.

    Raises:
        Refusal: the mechanism is not finite, or too large; the size is given.
    """
    who = tuple(deviator)
    if environment.horizon is None:
        first, repeated = (_raw(environment, mechanism, t, who, defer=not exit) for t in (0, 1))
        labels = _fixed_point(repeated) if merge else np.arange(len(repeated.decide))
        later = _merge(environment, 1, who, repeated, labels, repeated, labels)
        opening = _merge(environment, 0, who, first, np.zeros(len(first.decide), np.intp), repeated, labels)
        periods: tuple[Period, ...] = (opening, later)
    else:
        raws = [_raw(environment, mechanism, t, who, defer=not exit) for t in range(environment.horizon)]
        labels_of: list[IntArray] = [np.zeros(0, np.intp)] * len(raws)
        for t in reversed(range(len(raws))):
            after = (raws[t + 1], labels_of[t + 1]) if t + 1 < len(raws) else None
            labels_of[t] = _labels(raws[t], after) if merge else np.arange(len(raws[t].decide))
        periods = tuple(
            _merge(
                environment,
                t,
                who,
                raw,
                labels_of[t],
                raws[t + 1] if t + 1 < len(raws) else None,
                labels_of[t + 1] if t + 1 < len(raws) else None,
            )
            for t, raw in enumerate(raws)
        )
    return Problem(
        environment, mechanism, who, periods, environment.prior.reshape(-1), environment.horizon is None, exit
    )


def _raw(environment: TableEnvironment, mechanism: BaseMechanism, t: int, who: tuple[int, ...], *, defer: bool) -> _Raw:
    stage, tables = environment.stage(t), tabulate(mechanism, t)
    strides = np.array([prod(tables.shape[k + 1 :]) for k in range(len(tables.shape))])
    profile = np.array(np.unravel_index(np.arange(stage.size), stage.axes))
    public = profile[0] if stage.public else np.zeros(stage.size, np.intp)
    signals = profile[stage.offset :]
    sent = [tables.prescribed[j][:, public, signals[j]] for j in range(len(signals))]
    others = public * strides[0] + sum(
        (sent[j] * strides[j + 1] for j in range(len(sent)) if j not in who), np.zeros_like(sent[0])
    )
    own_shape = tuple(tables.shape[i + 1] for i in who)
    own = np.array(np.unravel_index(np.arange(prod(own_shape)), own_shape)).T @ strides[[i + 1 for i in who]]
    x = others[:, :, None] + own
    memory = np.arange(tables.memories)[:, None, None]
    truth = np.ravel_multi_index([sent[i] for i in who], own_shape)
    charge, due = (sum(table[i][memory, x] for i in who) for table in (tables.charge, tables.due))
    sunk = defer and _is_sunk(due)
    return _Raw(
        decide=tables.decide[memory, x],
        charge=charge if sunk else charge + due,
        remember=tables.remember[memory, x],
        truth=truth,
        due=due[:, :, 0] if sunk else np.zeros(due.shape[:2]),
    )


def _is_sunk(due: FloatArray) -> bool:
    """Whether what is due to the deviator is out of its hands when it falls due."""
    return bool((due == due[:, :, :1]).all())


def _codes(rows: Array) -> IntArray:
    """One number per distinct row of `(M, …)`."""
    _, codes = np.unique(rows.reshape(len(rows), -1), axis=0, return_inverse=True)
    return codes.reshape(-1).astype(np.intp)


def _labels(raw: _Raw, after: tuple[_Raw, IntArray] | None) -> IntArray:
    """Which memories are the same state, given which are next period, `(M,)`."""
    parts = [_codes(raw.decide), _codes(raw.charge), _codes(raw.truth)]
    if after is not None:
        following, labels = after
        parts += [_codes(labels[raw.remember]), _codes(_codes(following.due)[raw.remember])]
    return _codes(np.stack(parts, axis=1))


def _fixed_point(raw: _Raw) -> IntArray:
    """The coarsest merging of a repeated period's memories that is consistent with itself."""
    labels = np.zeros(len(raw.decide), np.intp)
    while True:
        finer = _labels(raw, (raw, labels))
        if finer.max() == labels.max():
            return finer
        labels = finer


def _merge(
    environment: TableEnvironment,
    t: int,
    who: tuple[int, ...],
    raw: _Raw,
    labels: IntArray,
    after: _Raw | None,
    next_labels: IntArray | None,
) -> Period:
    """The period over merged memories."""
    stage = environment.stage(t)
    members = np.unique(labels, return_index=True)[1]
    recommended, done = _actions(stage, who, raw.decide[members])
    states = np.arange(stage.size)[:, None, None]
    utility = sum(stage.utility[i].reshape(len(stage.decisions), -1) for i in who)
    flow = utility[done, states] - raw.charge[members][..., None]
    rows = None
    if after is not None and next_labels is not None:
        rows = laws(environment, t)
        flow = flow - environment.discount * _expected_due(rows, after.due, raw.remember[members], done)
        following = next_labels[raw.remember[members]]
    else:
        following = np.zeros(raw.remember[members].shape, np.intp)
    own, width = _own_information(stage, who)
    return Period(labels, members, flow, done, following, raw.truth[members], recommended, own, width, rows)


def _expected_due(rows: FloatArray, due: FloatArray, remember: IntArray, done: IntArray) -> FloatArray:
    """E[due(m′, θ′) | a, θ], `(C, S, R, B)`, for the next memories `(C, S, R)` and what is done `(C, S, R, B)`."""
    if not due.any():
        return np.zeros(done.shape)
    distinct, codes = np.unique(due, axis=0, return_inverse=True)
    expected = rows @ distinct.T
    states = np.arange(rows.shape[1])[:, None, None]
    return expected[done, states, codes.reshape(-1)[remember][..., None]]


def _actions(stage: Stage, who: tuple[int, ...], decide: IntArray) -> tuple[IntArray, IntArray]:
    """Recommended own actions `(C, S, R)` and what is done for each own action `(C, S, R, B)`."""
    if not stage.private_actions:
        return np.zeros(decide.shape, np.intp), decide[..., None]
    sizes = [len(labels) for labels in stage.private_actions]
    parts = list(np.unravel_index(decide, (len(stage.decisions) // prod(sizes), *sizes)))
    own_sizes = [sizes[i] for i in who]
    recommended = np.ravel_multi_index([parts[1 + i] for i in who], own_sizes)
    choices = np.unravel_index(np.arange(prod(own_sizes)), own_sizes)
    spread = [np.broadcast_to(part[..., None], (*part.shape, prod(own_sizes))) for part in parts]
    for k, i in enumerate(who):
        spread[1 + i] = np.broadcast_to(choices[k], spread[0].shape)
    done = np.ravel_multi_index(spread, (len(stage.decisions) // prod(sizes), *sizes))
    return recommended.astype(np.intp), done.astype(np.intp)


def _own_information(stage: Stage, who: tuple[int, ...]) -> tuple[IntArray, int]:
    """Index of public state and own signals of every profile, and how many there are."""
    axes = [*range(stage.offset), *(stage.offset + i for i in who)]
    profile = np.unravel_index(np.arange(stage.size), stage.axes)
    if not axes:
        return np.zeros(stage.size, np.intp), 1
    sizes = [stage.axes[k] for k in axes]
    return np.ravel_multi_index([profile[k] for k in axes], sizes).astype(np.intp), prod(sizes)


def reachable(problem: Problem, *, on_path: bool = False) -> list[tuple[BoolArray, BoolArray | None]]:
    """States of positive probability under some play (or under prescribed play) of the deviator, per period.

    Returns:
        per period: profiles `(C, S)` that can occur, and what can have led there, `(C, D, S_before)`: None at first.
        In a stationary problem the second entry is the union over all later dates.
    """
    first = problem.periods[0]
    start = np.zeros((first.states, len(problem.prior)), np.bool_)
    start[first.merged[0]] = problem.prior > 0
    out: list[tuple[BoolArray, BoolArray | None]] = [(start, None)]
    if not problem.stationary:
        for period, after in zip(problem.periods, problem.periods[1:], strict=False):
            out.append(_step(period, out[-1][0], after.states, on_path))
        return out
    repeated = problem.periods[1]
    here, led = _step(first, start, repeated.states, on_path)
    while True:
        more, via = _step(repeated, here, repeated.states, on_path)
        if not (more & ~here).any() and not (via & ~led).any():
            return [*out, (here, led)]
        here, led = here | more, led | via


def _step(period: Period, here: BoolArray, states: int, on_path: bool) -> tuple[BoolArray, BoolArray]:
    assert period.rows is not None
    decisions, size = period.rows.shape[:2]
    allowed = np.broadcast_to(here[:, :, None, None], period.decision.shape).copy()
    if on_path:
        allowed &= (np.arange(allowed.shape[2]) == period.truth[:, :, None])[..., None]
        allowed &= np.arange(allowed.shape[3]) == period.obey[..., None]
    led = np.zeros((states, decisions, size), np.bool_)
    following = np.broadcast_to(period.following[..., None], period.decision.shape)
    profile = np.broadcast_to(np.arange(size)[:, None, None], period.decision.shape)
    led[following[allowed], period.decision[allowed], profile[allowed]] = True
    arrives = led.reshape(states, -1).astype(np.float64) @ (period.rows.reshape(decisions * size, -1) > 0)
    return arrives > 0, led
