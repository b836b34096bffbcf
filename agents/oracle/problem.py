"""The decision problem of a deviator against prescribed play by everybody else.

A deviator is an agent, or a coalition with pooled signals, product messages and summed payoffs. In period t it faces a
state (memory m, profile θ) and chooses messages r and, where there are any, private actions α:

    flow(m, θ, r, α) = Σ_{i∈C} [u^i(a, θ) − charge^i(m, x)] − δ E[due^C(m′, θ′) | a, θ],   m′ = remember(m, x),

with x the message profile (r, prescribed messages of the others) and a the decision with the actions actually taken.
What falls due next period is counted here, where it is caused, whenever the deviator's own next message cannot change
it; then memories that differ only in what is due are *the same state*. Two memories are merged if for every (θ, r) they
lead to exactly the same decision, charges, dues and merged next memory (partition refinement, as finite automata are
minimised). So a mechanism without memory is searched over θ alone, contingent transfers too, and nothing is declared.

Where a mechanism asks for replies or observes actions, B counts own actions times own replies, and charges and memories
depend on them as well (`dynmech.agents.oracle.action_choices`).

Axes: C merged memories, S profiles, R own messages, B own actions (and replies), D decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import prod
from weakref import WeakKeyDictionary

import numpy as np

from dynmech.agents.oracle.action_choices import replies
from dynmech.agents.oracle.merging import Unmerged, merge_one, merge_repeated, numbered, read_rules
from dynmech.agents.oracle.post_decision_states import Outlook, Places, find_places
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import laws, tabulate
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage


@dataclass(frozen=True, eq=False)
class Period:
    """One period of a deviator's problem.

    Attributes:
        merged: the state of each memory, `(M,)`.
        members: a memory of each state, `(C,)`.
        flow: `(C, S, R, B)`, see the module.
        decision: what is done, `(C, S, R, B)`.
        following: next period's state, `(C, S, R, B)`.
        truth: the prescribed own messages, `(C, S)`.
        obey: the prescribed own acts, `(C, S, R)`.
        own: what the deviator knows of the profile, `(S,)`: index of public state and own signals, below W.
        width: W.
        rows: laws of the next profile, `(D, S, S')`, or None in the last period.
        place: where each choice leads, a number of the places before the next period, `(C, S, R, B)`; None in the last.
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
    place: IntArray | None = None

    @property
    def states(self) -> int:
        """C."""
        return len(self.members)

    @cached_property
    def honest_flow(self) -> FloatArray:
        """Flow of the prescribed message and action, `(C, S)`."""
        return self._honest(self.flow)

    @cached_property
    def honest_place(self) -> IntArray:
        """Where they lead, `(C, S)`."""
        assert self.place is not None
        return self._honest(self.place)

    def _honest(self, table: Array) -> Array:
        """`(C, S, R, B)` at the prescribed message and action, `(C, S)`."""
        sent = np.take_along_axis(table, self.truth[..., None, None], axis=2)[:, :, 0]
        obeyed = np.take_along_axis(self.obey, self.truth[..., None], axis=2)
        return np.take_along_axis(sent, obeyed, axis=2)[..., 0]


@dataclass(frozen=True, eq=False)
class Problem:
    """All periods; `stationary` problems have an opening period and one that repeats.

    Attributes:
        deviator: indices of its members.
        exit: whether it may leave when it reports, what it owes unpaid and its payoff 0 from then on.
        periods: one per period (finite), or the first and the repeated one.
        places: per period, where the deviator can stand before it; None before the first.
        prior: law of the first profile, `(S,)`.
    """

    environment: TableEnvironment
    mechanism: Mechanism
    deviator: tuple[int, ...]
    periods: tuple[Period, ...]
    places: tuple[Places | None, ...]
    prior: FloatArray
    stationary: bool
    exit: bool = False

    @property
    def discount(self) -> float:
        """δ."""
        return self.environment.discount

    def after(self, t: int) -> int | None:
        """The entry of `periods` that follows entry t."""
        return 1 if self.stationary else t + 1 if t + 1 < len(self.periods) else None

    def laws_into(self, t: int) -> FloatArray:
        """The laws of the profile of entry t, `(E, S)`: by what was done where before, or the prior as the one law."""
        if t == 0:
            return self.prior[None]
        rows = self.periods[1 if self.stationary else t - 1].rows
        assert rows is not None
        return rows.reshape(-1, rows.shape[2])

    def outlook(self, t: int, places: Places | None = None) -> Outlook:
        """Expectations over the profiles of entry t, from the given places or those that lead there."""
        period = self.periods[t]
        places = places or self.places[t] or Places(period.merged[:1], np.zeros(1, np.intp), 1)
        return Outlook(self.laws_into(t), period.own, period.width, places.memory, places.event)


def build_problem(
    environment: TableEnvironment,
    mechanism: Mechanism,
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
    _require_room(environment, mechanism, who)
    if environment.horizon is None:
        first, repeated = (read_rules(environment, mechanism, t, who, defer=not exit) for t in (0, 1))
        labels = merge_repeated(repeated) if merge else np.arange(len(repeated.decide))
        later = _period(environment, 1, who, repeated, labels, repeated, labels)
        opening = _period(environment, 0, who, first, np.zeros(len(first.decide), np.intp), repeated, labels)
        periods: tuple[Period, ...] = (opening, later)
    else:
        backwards: list[Period] = []
        after, next_labels = None, None
        for t in reversed(range(environment.horizon)):
            raw = read_rules(environment, mechanism, t, who, defer=not exit)
            labels = merge_one(raw, after, next_labels) if merge else np.arange(len(raw.decide))
            backwards.append(_period(environment, t, who, raw, labels, after, next_labels))
            after, next_labels = raw, labels
        periods = tuple(reversed(backwards))
    stationary = environment.horizon is None
    periods, places = _with_places(periods, stationary)
    return Problem(environment, mechanism, who, periods, places, environment.prior.reshape(-1), stationary, exit)


def _require_room(environment: TableEnvironment, mechanism: Mechanism, who: tuple[int, ...]) -> None:
    """Refuse a search that does not fit: what its periods keep, and the work on the largest of them."""
    kept, work = 0.0, 0.0
    for t in range(environment.horizon or 2):
        stage, tables = environment.stage(t), tabulate(mechanism, t)
        cases = float(tables.memories) * stage.size * prod(tables.shape[i + 1] for i in who)
        actions = prod(len(stage.private_actions[i]) for i in who) if stage.private_actions else 1
        actions *= prod(replies(mechanism, t, i) for i in who)
        kept += cases * (2 + 3 * actions)
        work = max(work, cases * (7 + 5 * actions))
    names = " + ".join(repr(environment.agents[i]) for i in who)
    require_room(f"the search of what {names} can gain under mechanism {mechanism.name!r}", kept + work)


def _with_places(periods: tuple[Period, ...], stationary: bool) -> tuple[tuple[Period, ...], tuple[Places | None, ...]]:
    """The periods with the places that their moves lead to, and those places by period; see `places`."""
    if stationary:  # what the opening leads to and what the repeated period leads to are of one kind
        found, numbers = find_places(
            [(period.following, period.decision) for period in periods], periods[1].states, _decisions(periods[1])
        )
        return tuple(replace(p, place=n) for p, n in zip(periods, numbers, strict=True)), (None, found)
    out, places = [], list[Places | None]([None])
    for period, after in pairwise(periods):
        found, (number,) = find_places([(period.following, period.decision)], after.states, _decisions(period))
        out.append(replace(period, place=number))
        places.append(found)
    return (*out, periods[-1]), tuple(places)


def _decisions(period: Period) -> int:
    assert period.rows is not None
    return len(period.rows)


def _period(
    environment: TableEnvironment,
    t: int,
    who: tuple[int, ...],
    raw: Unmerged,
    labels: IntArray,
    after: Unmerged | None,
    next_labels: IntArray | None,
) -> Period:
    """The period over merged memories."""
    stage = environment.stage(t)
    members = np.unique(labels, return_index=True)[1]
    some = slice(None) if len(members) == len(labels) else members  # nothing merged: no copies
    decide, charge, remember = raw.decide[some], raw.charge[some], raw.remember[some]
    acts = raw.acts
    recommended, done = _actions(stage, who, decide) if acts is None else (acts.obey[some], acts.done[some])
    event = done * stage.size + np.arange(stage.size)[:, None, None]
    utility = np.sum([stage.utility[i] for i in who], axis=0)
    flow = utility.take(event)
    flow -= charge
    rows, following = None, np.zeros(done.shape, np.intp)
    if after is not None and next_labels is not None:
        rows, following = laws(environment, t), np.broadcast_to(next_labels.take(remember), done.shape)
        if after.due.any():
            flow -= environment.discount * _expected_due(rows, after.due, remember, event)
    own, width = _own_information(stage, who)
    return Period(labels, members, flow, done, following, raw.truth[members], recommended, own, width, rows)


def _expected_due(rows: FloatArray, due: FloatArray, remember: IntArray, event: IntArray) -> FloatArray:
    """E[due(m′, θ′) | a, θ], `(C, S, R, B)`, for next memories `(C, S, R, 1 or B)` and flat (a, θ) `(C, S, R, B)`."""
    codes = numbered(due)
    distinct = due[np.unique(codes, return_index=True)[1]]
    expected = distinct @ rows.reshape(-1, rows.shape[2]).T
    return expected.take(codes.take(remember) * expected.shape[1] + event)


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


Reached = tuple[BoolArray, BoolArray | None]
"""What can occur in a period: profiles by state, `(C, S)`, and what can have led there, `(C, D, S_before)`."""

_REACHED: WeakKeyDictionary[Problem, dict[bool, list[Reached]]] = WeakKeyDictionary()


def reachable(problem: Problem, *, on_path: bool = False) -> list[Reached]:
    """States of positive probability under some play (or under prescribed play) of the deviator, per period.

    Nothing leads to the first period: None. In a stationary problem the second entry is the union over all later
    dates. Kept as long as the problem.
    """
    kept = _REACHED.setdefault(problem, {})
    if on_path not in kept:
        kept[on_path] = _reach(problem, on_path)
    return kept[on_path]


def _reach(problem: Problem, on_path: bool) -> list[Reached]:
    first = problem.periods[0]
    start = np.zeros((first.states, len(problem.prior)), np.bool_)
    start[first.merged[0]] = problem.prior > 0
    out: list[Reached] = [(start, None)]
    if not problem.stationary:
        for t in range(1, len(problem.periods)):
            out.append(_step(problem, t - 1, t, out[-1][0], on_path))
        return out
    here, led = _step(problem, 0, 1, start, on_path)
    while True:
        more, via = _step(problem, 1, 1, here, on_path)
        if not (more & ~here).any() and not (via & ~led).any():
            return [*out, (here, led)]
        here, led = here | more, led | via


def _step(problem: Problem, t: int, after: int, here: BoolArray, on_path: bool) -> tuple[BoolArray, BoolArray]:
    """What the states `here` of entry t lead to in the entry after it."""
    period, places, states = problem.periods[t], problem.places[after], problem.periods[after].states
    assert period.place is not None
    assert places is not None
    led = np.zeros(len(places), np.bool_)
    led[period.honest_place[here] if on_path else period.place[here]] = True
    possible = problem.laws_into(after) > 0
    arrives = np.zeros((states, possible.shape[1]), np.bool_)
    bounds = np.searchsorted(places.memory, np.arange(states + 1))
    for state in np.unique(places.memory[led]):
        mine = slice(bounds[state], bounds[state + 1])
        arrives[state] = possible[places.event[mine][led[mine]]].any(axis=0)
    table = np.zeros((states, len(possible)), np.bool_)
    table[places.memory, places.event] = led
    return arrives, table.reshape(states, -1, places.profiles)
