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

Where the mechanism decides by lottery, the decision that is drawn is public, and the deviator acts knowing it: what a
message is worth is the expectation, over the draws, of the best act after each,

    Q(m, θ, r) = Σ_l P(a_l | m, x) max_α [flow(m, θ, r, a_l, α) + δ X(m′, a_l, θ)].

Axes: C merged memories, S profiles, R own messages, B own actions (and replies), D decisions, L draws (1 without a
lottery), K = L B, own actions fastest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import prod

import numpy as np

from dynmech.agents.oracle.expectations import FactoredExpectations
from dynmech.agents.oracle.merging import Unmerged, merge_one, merge_repeated, numbered, read_rules
from dynmech.agents.oracle.post_decision_states import (
    Expectations,
    PostDecisionStates,
    before_the_first,
    find_post_decision_states,
    known_axes,
    own_information,
)
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import FactoredLaw, LawOfMotion, WrittenLaw
from dynmech.sim.economy.stage import Stage


@dataclass(frozen=True, eq=False)
class Period:
    """One period of a deviator's problem.

    Attributes:
        merged: the state of each memory, `(M,)`.
        members: a memory of each state, `(C,)`.
        flow: `(C, S, R, K)`, see the module.
        decision: what is done, `(C, S, R, K)`.
        following: next period's merged memory, `(C, S, R, K)`.
        drawn, chance: the decisions that may be drawn, and how likely they are, `(C, S, R, L)`.
        truth: the prescribed own messages, `(C, S)`.
        obey: the prescribed own acts by draw, `(C, S, R, L)`.
        own: what the deviator knows of the profile, `(S,)`: index of public state and own signals, below W.
        width: W.
        law: of the next profile, or None in the last period.
        post_decision: index of the post-decision state that each choice leads to, `(C, S, R, K)`; None at the end.
    """

    merged: IntArray
    members: IntArray
    flow: FloatArray
    decision: IntArray
    following: IntArray
    drawn: IntArray
    chance: FloatArray
    truth: IntArray
    obey: IntArray
    own: IntArray
    width: int
    law: LawOfMotion | None
    post_decision: IntArray | None = None

    @property
    def states(self) -> int:
        """Number of merged memories, C."""
        return len(self.members)

    @property
    def draws(self) -> int:
        """Number of draws L."""
        return self.chance.shape[3]

    @property
    def acts(self) -> int:
        """Number of own acts B."""
        return self.flow.shape[3] // self.chance.shape[3]

    @cached_property
    def honest_flow(self) -> FloatArray:
        """Flow of the prescribed message and acts by draw, `(C, S, L)`."""
        return self._honest(self.flow)

    @cached_property
    def honest_chance(self) -> FloatArray:
        """Chances of the draws after the prescribed message, `(C, S, L)`."""
        return np.take_along_axis(self.chance, self.truth[..., None, None], axis=2)[:, :, 0]

    @cached_property
    def honest_post_decision(self) -> IntArray:
        """Post-decision states that prescribed play leads to by draw, `(C, S, L)`."""
        assert self.post_decision is not None
        return self._honest(self.post_decision)

    def _honest(self, table: Array) -> Array:
        """Return a table `(C, S, R, K)` at the prescribed message and acts, shape `(C, S, L)`."""
        obeyed = self.obeyed(table)
        return np.take_along_axis(obeyed, self.truth[..., None, None], axis=2)[:, :, 0]

    def by_draw(self, table: Array) -> Array:
        """Return a table `(C, S, R, K)` with the draws apart, `(C, S, R, L, B)`."""
        return table.reshape(*self.chance.shape, -1)

    def obeyed(self, table: Array) -> Array:
        """Return a table `(C, S, R, K)` at the prescribed act after every draw, `(C, S, R, L)`."""
        return np.take_along_axis(self.by_draw(table), self.obey[..., None], axis=4)[..., 0]


@dataclass(frozen=True, eq=False)
class Problem:
    """A deviator's decision problem; a `stationary` one has an opening period and one that repeats.

    Attributes:
        deviator: indices of its members.
        exit: whether it may leave when it reports, what it owes unpaid and its payoff 0 from then on.
        periods: one per period (finite), or the first and the repeated one.
        post_decision_states: per period, the post-decision states that lead to it; None for the first.
        prior: law of the first profile, `(S,)`.
    """

    game: FiniteGame
    deviator: tuple[int, ...]
    periods: tuple[Period, ...]
    post_decision_states: tuple[PostDecisionStates | None, ...]
    prior: FloatArray
    stationary: bool
    exit: bool = False

    @property
    def environment(self) -> TableEnvironment:
        """The economy."""
        return self.game.environment

    @property
    def mechanism(self) -> Mechanism:
        """The mechanism."""
        return self.game.mechanism

    @cached_property
    def reachable(self) -> "list[Reached]":
        """The states of positive probability under some play of the deviator, per entry, and what leads there.

        Nothing leads to the first period: None. In a stationary problem the second entry is the union over all later
        dates.
        """
        return _reach(self, on_path=False)

    @cached_property
    def on_path(self) -> "list[Reached]":
        """The same under prescribed play."""
        return _reach(self, on_path=True)

    @cached_property
    def silence(self) -> str | None:
        """Whose prescribed messages, of the others, do not reveal its signal where it matters later; None: nobody's."""
        return next((text for agent, text in self.game.silences if agent not in self.deviator), None)

    @property
    def discount(self) -> float:
        """Discount factor δ."""
        return self.environment.discount

    def message_text(self, t: int, message: int) -> str:
        """Return the labels of a deviator's message; `leave` for the index behind the last."""
        spaces = [self.mechanism.messages(t, i) for i in self.deviator]
        sizes = tuple(getattr(space, "size", 1) for space in spaces)
        if message >= prod(sizes):
            return "leave"
        index = np.unravel_index(message, sizes)
        return ", ".join(str(getattr(space, "labels", ("?",))[int(k)]) for space, k in zip(spaces, index, strict=True))

    def after(self, t: int) -> int | None:
        """Return the index in `periods` of the period after entry t; None after the last."""
        return 1 if self.stationary else t + 1 if t + 1 < len(self.periods) else None

    def law_into(self, t: int) -> LawOfMotion:
        """Return the law of the profile of entry t, by last decision and profile; of entry 0, the prior."""
        if t == 0:
            return WrittenLaw(self.prior[None, None])
        law = self.periods[1 if self.stationary else t - 1].law
        assert law is not None
        return law

    def expectations(self, t: int, origins: PostDecisionStates | None = None) -> Expectations | FactoredExpectations:
        """Return expectations over the profiles of entry t, from `origins` or all states that lead there."""
        period, law = self.periods[t], self.law_into(t)
        origins = origins or self.post_decision_states[t] or before_the_first(int(period.merged[0]))
        if isinstance(law, FactoredLaw):
            known = known_axes(self.environment.stage(t), self.deviator)
            return FactoredExpectations(law, known, origins.memory, origins.event)
        assert isinstance(law, WrittenLaw)
        return Expectations(law.flat, period.own, period.width, origins)


def build_problem(game: FiniteGame, deviator: Sequence[int], *, merge: bool = True, exit: bool = False) -> Problem:
    """Merge the memories of a game that are equivalent for a deviator, and return its problem.

    Without `merge` memories are kept apart, for checks and for payoff levels.

    With `exit`, what is due is counted when it falls due: whoever leaves does not pay it, so it is part of the state.

    Raises:
        Refusal: the mechanism is not finite, or too large; the size is given.
    """
    who, environment = tuple(deviator), game.environment
    _require_room(game, who)
    if environment.horizon is None:
        first, repeated = (read_rules(game, t, who, defer=not exit) for t in (0, 1))
        labels = merge_repeated(repeated) if merge else np.arange(len(repeated.decide))
        later = _period(game, 1, who, repeated, labels, repeated, labels)
        opening = _period(game, 0, who, first, np.zeros(len(first.decide), np.intp), repeated, labels)
        periods: tuple[Period, ...] = (opening, later)
    else:
        backwards: list[Period] = []
        after, next_labels = None, None
        for t in reversed(range(environment.horizon)):
            raw = read_rules(game, t, who, defer=not exit)
            labels = merge_one(raw, after, next_labels) if merge else np.arange(len(raw.decide))
            backwards.append(_period(game, t, who, raw, labels, after, next_labels))
            after, next_labels = raw, labels
        periods = tuple(reversed(backwards))
    stationary = environment.horizon is None
    periods, origins = with_post_decision_states(periods, stationary)
    return Problem(game, who, periods, origins, environment.prior.reshape(-1), stationary, exit)


def _require_room(game: FiniteGame, who: tuple[int, ...]) -> None:
    """Refuse a search that does not fit: what its periods keep, and the work on the largest of them."""
    kept, work = 0.0, 0.0
    for t, tables in enumerate(game.tables):
        stage = game.environment.stage(t)
        cases = float(tables.memories) * stage.size * prod(tables.shape[i + 1] for i in who)
        actions = prod(len(stage.private_actions[i]) for i in who) if stage.private_actions else 1
        actions *= tables.draws * prod(tables.replies[i] for i in who)
        kept += cases * (2 + 3 * actions)
        law = game.laws[t]
        ahead = law.room(prod(tables.shape[i + 1] for i in who)) if isinstance(law, FactoredLaw) else 0.0
        work = max(work, cases * (7 + 5 * actions) + ahead)
    names = " + ".join(repr(game.environment.agents[i]) for i in who)
    require_room(f"the search of what {names} can gain under mechanism {game.mechanism.name!r}", kept + work)


def with_post_decision_states(
    periods: tuple[Period, ...], stationary: bool
) -> tuple[tuple[Period, ...], tuple[PostDecisionStates | None, ...]]:
    """Return the periods with `post_decision` filled in, and the post-decision states that lead to each period."""
    if stationary:  # what the opening leads to and what the repeated period leads to are of one kind
        states, numbers = find_post_decision_states(
            [(period.following, period.decision) for period in periods], periods[1].states, _decisions(periods[1])
        )
        return tuple(replace(p, post_decision=n) for p, n in zip(periods, numbers, strict=True)), (None, states)
    out, origins = [], list[PostDecisionStates | None]([None])
    for period, after in pairwise(periods):
        states, (number,) = find_post_decision_states(
            [(period.following, period.decision)], after.states, _decisions(period)
        )
        out.append(replace(period, post_decision=number))
        origins.append(states)
    return (*out, periods[-1]), tuple(origins)


def _decisions(period: Period) -> int:
    assert period.law is not None
    return period.law.decisions


def _period(
    game: FiniteGame,
    t: int,
    who: tuple[int, ...],
    raw: Unmerged,
    labels: IntArray,
    after: Unmerged | None,
    next_labels: IntArray | None,
) -> Period:
    """Return one period of the problem over merged memories."""
    stage = game.environment.stage(t)
    members = np.unique(labels, return_index=True)[1]
    some = slice(None) if len(members) == len(labels) else members  # nothing merged: no copies
    decide, charge, remember = raw.decide[some], raw.charge[some], raw.remember[some]
    acts = raw.acts
    recommended, done = own_actions(stage, who, decide) if acts is None else (acts.obey[some], acts.done[some])
    event = done * stage.size + np.arange(stage.size)[:, None, None, None]
    utility = np.sum([stage.utility[i] for i in who], axis=0)
    flow = utility.take(event)
    flow -= charge
    law, following = None, np.zeros(done.shape, np.intp)
    if after is not None and next_labels is not None:
        law = game.laws[t]
        assert law is not None
        following = np.broadcast_to(next_labels.take(remember), done.shape)
        if after.due.any():
            flow -= game.environment.discount * _expected_due(law, after.due, remember, event)
    own, width = own_information(stage, who)
    return Period(
        merged=labels,
        members=members,
        flow=_joined(flow),
        decision=_joined(done),
        following=_joined(following),
        drawn=decide,
        chance=raw.chance[some],
        truth=raw.truth[members],
        obey=recommended,
        own=own,
        width=width,
        law=law,
    )


def _joined(table: Array) -> Array:
    """Return a table `(C, S, R, L, B)` as `(C, S, R, K)`."""
    return table.reshape(*table.shape[:3], -1)


def _expected_due(law: LawOfMotion, due: FloatArray, remember: IntArray, event: IntArray) -> FloatArray:
    """Return E[due(m′, θ′) | a, θ], `(C, S, R, L, B)`, by next memories `(C, S, R, L, 1 or B)` and flat (a, θ)."""
    codes = numbered(due)
    distinct = due[np.unique(codes, return_index=True)[1]]
    expected = law.expect(distinct)
    return expected.take(codes.take(remember) * expected.shape[1] + event)


def own_actions(stage: Stage, who: tuple[int, ...], decide: IntArray) -> tuple[IntArray, IntArray]:
    """Return recommended own actions `(C, S, R, L)`, and the decision for each own action, `(C, S, R, L, B)`."""
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


Reached = tuple[BoolArray, BoolArray | None]
"""States that can occur in a period, `(C, S)`, and what can have led there, `(C, D, S_before)`."""


def _reach(problem: Problem, on_path: bool) -> list[Reached]:
    first = problem.periods[0]
    start = np.zeros((first.states, len(problem.prior)), np.bool_)
    start[first.merged[0]] = problem.prior > 0
    out: list[Reached] = [(start, None)]
    if not problem.stationary:
        for t in range(1, len(problem.periods)):
            out.append(_step(problem, t - 1, t, out[-1][0], on_path))
        return out
    states_now, led = _step(problem, 0, 1, start, on_path)
    while True:
        more, via = _step(problem, 1, 1, states_now, on_path)
        if not (more & ~states_now).any() and not (via & ~led).any():
            return [*out, (states_now, led)]
        states_now, led = states_now | more, led | via


def _step(problem: Problem, t: int, after: int, states_now: BoolArray, on_path: bool) -> tuple[BoolArray, BoolArray]:
    """Return the states of entry `after` that `states_now` of entry t lead to, and what leads there."""
    period, origins, states = problem.periods[t], problem.post_decision_states[after], problem.periods[after].states
    assert period.post_decision is not None
    assert origins is not None
    led = np.zeros(len(origins), np.bool_)
    led[period.honest_post_decision[states_now] if on_path else period.post_decision[states_now]] = True
    law = problem.law_into(after)
    arrives = np.zeros((states, law.following), np.bool_)
    bounds = np.searchsorted(origins.memory, np.arange(states + 1))
    for state in np.unique(origins.memory[led]):
        own_states = slice(bounds[state], bounds[state + 1])
        arrives[state] = law.leads_to(origins.event[own_states][led[own_states]])
    table = np.zeros((states, law.events), np.bool_)
    table[origins.memory, origins.event] = led
    return arrives, table.reshape(states, -1, origins.profiles)
