"""The best reply of one agent among strategies that a profile can hold: by what it recalls, and its signal.

The agent believes what the others' play makes likely given what it recalls now; where it recalls everything that
matters, this is its best response, else a reply that a search over beliefs then judges. Ties go to what the profile
already sends there, then to the lowest message.

Axes: H, O, K and R as in `profiles`; G groups: what the agent knows when it reports, (own row, public state, signal).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dynmech.agents.beliefs.period_outcomes import Outcomes, Shown, outcomes
from dynmech.agents.beliefs.played_profile import PlayedProfile
from dynmech.agents.beliefs.profile_files import own_rows
from dynmech.agents.beliefs.profiles import Profile, places
from dynmech.agents.oracle.search import fixed_point
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import TIE, scale_of

TREMBLE = 1e-3
"""Chance that an agent sends something else, in what it believes where its own play never leads."""


@dataclass(frozen=True, eq=False)
class Reply:
    """A reply: per entry, the messages `(H, O, K)` as chances `(H, O, K, R)`."""

    chances: tuple[FloatArray, ...]


def with_strategy(profile: Profile, agent: int, chances: Sequence[FloatArray]) -> Profile:
    """Return the profile in which one agent plays something else."""
    changed = (
        tuple(one if j == agent else given for j, given in enumerate(entry))
        for entry, one in zip(profile.chances, chances, strict=True)
    )
    names = tuple("a table" if j == agent else name for j, name in enumerate(profile.names))
    return replace(profile, chances=tuple(changed), names=names)


def best_reply(profile: Profile, agent: int) -> Reply:
    """Return the best reply of an agent to what the others play."""
    game = profile.game
    trembling = [(1 - TREMBLE) * entry[agent] + TREMBLE / entry[agent].shape[3] for entry in profile.chances]
    visits = PlayedProfile.of(with_strategy(profile, agent, trembling)).visits
    shown = Shown(profile, (agent,))
    steps = [_step(shown, t, visits[t]) for t in range(game.entries)]
    discount, scale = game.environment.discount, game.environment.scale
    entries = range(game.entries)
    if game.environment.horizon is None:
        value = fixed_point(
            lambda x: steps[1].worth(x, discount).max(axis=1), np.zeros(steps[1].groups), discount, scale, centred=True
        )[0]
        worth = [step.worth(value, discount) for step in steps]
    else:
        worth, ahead = [], np.zeros(0)
        for t in reversed(entries):
            worth.insert(0, steps[t].worth(ahead, discount))
            ahead = worth[0].max(axis=1)
    return Reply(tuple(_chosen(profile, t, agent, steps[t], worth[t]) for t in entries))


def _chosen(profile: Profile, t: int, agent: int, step: "_Step", worth: FloatArray) -> FloatArray:
    """Return the best message of every group as chances, `(H, O, K, R)`."""
    given = profile.chances[t][agent]
    size = given.shape[3]
    best = worth >= worth.max(axis=1, keepdims=True) - TIE * scale_of(profile.game.environment.scale, worth)
    groups = step.group_of(profile, t, agent)
    tied = best[groups]
    message = np.where(tied, 1.0 + given, 0.0).argmax(axis=3)
    return np.eye(size)[message]


@dataclass(frozen=True, eq=False)
class _Step:
    """One entry over groups: expected flow `(G, R)`, and moves (group and message, next group, chance)."""

    groups: int
    flow: FloatArray
    origin: IntArray
    following: IntArray
    chance: FloatArray

    def worth(self, ahead: FloatArray, discount: float) -> FloatArray:
        """Return what every message is worth, `(G, R)`."""
        out = self.flow.reshape(-1).copy()
        if len(self.origin):
            out += discount * np.bincount(self.origin, self.chance * ahead[self.following], len(out))
        return out.reshape(self.flow.shape)

    @staticmethod
    def group_of(profile: Profile, t: int, agent: int) -> IntArray:
        """Return the group of everything recalled, public state and own signal, `(H, O, K)`."""
        of_row = own_rows(profile, t, agent)[1]
        publics, signals = profile.chances[t][agent].shape[1:3]
        inside = np.arange(publics * signals).reshape(publics, signals)
        out: IntArray = of_row[:, None, None] * (publics * signals) + inside
        return out


def _groups(profile: Profile, t: int, agent: int) -> IntArray:
    """Return the group of every state of an entry, `(states,)`."""
    public, signals = places(profile.game, t)
    return _Step.group_of(profile, t, agent)[:, public, signals[agent]].reshape(-1)


def _step(shown: Shown, t: int, visits: FloatArray) -> _Step:
    """Return an entry over groups, by what the agent believes in each."""
    profile, (agent,) = shown.profile, shown.who
    one, group = outcomes(shown, t), _groups(profile, t, agent)
    count = int(_Step.group_of(profile, t, agent).max()) + 1
    total = np.bincount(group, visits, count)
    even = 1 / np.bincount(group, minlength=count)
    belief = np.where(total[group] > 0, visits / np.where(total > 0, total, 1.0)[group], even[group])
    row = np.repeat(np.arange(one.states), np.diff(one.flow_start))
    obeyed = _obeyed(one, one.choice)
    weight = belief[row] * obeyed
    place = group[row] * one.messages + one.choice // (one.seen_before * one.acts)
    flow = np.bincount(place, weight * one.flow, count * one.messages).astype(np.float64)
    flow = flow.reshape(count, one.messages)
    after = shown.entry_after(t)
    if after is None or not len(one.following):
        nothing = np.zeros(0, np.intp)
        return _Step(count, flow, nothing, nothing, np.zeros(0))
    row = np.repeat(np.arange(one.states), np.diff(one.move_start))
    place = group[row] * one.messages + one.move_choice // (one.seen_before * one.acts)
    arrives = _groups(profile, after, agent)[one.following]
    width = int(arrives.max()) + 1
    codes, where = np.unique(place * width + arrives, return_inverse=True)
    mass = belief[row] * one.move_chance * _obeyed(one, one.move_choice)
    chance = np.bincount(where, mass, len(codes)).astype(np.float64)
    return _Step(count, flow, codes // width, codes % width, chance)


def _obeyed(one: Outcomes, choice: IntArray) -> FloatArray:
    """Return 1 where a choice takes the action that is asked for, else 0."""
    obeyed: FloatArray = (choice % one.acts == one.obey[choice // one.acts % one.seen_before]).astype(np.float64)
    return obeyed
