"""Values over beliefs: of the profile, of an informed deviator, and of families of deviations on a belief graph.

By state: `followed` T, what the profile is worth to the deviator, and `informed` U, what it could make of knowing every
state, which nothing it is shown can beat. On the graph, with flow and moves of a choice q,

    Q(q) = flow(q) + δ Σ P(b′) V(b′),     V(b) = max_r Σ_shown max_action Q,

and families of deviations as in `dynmech.agents.oracle.search`. A leaf, which is not followed, is worth at least what
the profile is worth there, and at most what an informed deviator makes of it: so the lower figure is that of a search
that stops there, the upper one that of a deviator to whom *everything* is shown from there on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.agents.beliefs.graph_of_beliefs import BeliefGraph
from dynmech.agents.oracle.search import Family, fixed_point
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import scale_of

Step = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Bounds:
    """Values at every node between two bounds, `(nodes,)` each, and a bound on the numerical error of both."""

    lower: FloatArray
    upper: FloatArray
    error: float


class BeliefValues:
    """Values over a belief graph."""

    def __init__(self, graph: BeliefGraph) -> None:
        self.graph = graph
        environment = graph.shown.profile.game.environment
        self.discount, self.scale = environment.discount, environment.scale
        node, message, before = graph.choice_node, graph.choice_message, graph.choice_before
        new_node = np.diff(node, prepend=-1) != 0
        new_message = new_node | (np.diff(message, prepend=-1) != 0)
        new_group = new_message | (np.diff(before, prepend=-1) != 0)
        self._groups = np.flatnonzero(new_group)
        self._messages = np.searchsorted(self._groups, np.flatnonzero(new_message))
        self._nodes = np.searchsorted(np.flatnonzero(new_message), np.flatnonzero(new_node))
        self._at = node[new_node]

    # By state

    @cached_property
    def followed(self) -> tuple[list[FloatArray], float]:
        """T by entry and state, and its error."""
        return self._by_state(self._followed_step)

    @cached_property
    def informed(self) -> tuple[list[FloatArray], float]:
        """U by entry and state, and its error."""
        return self._by_state(self._informed_step)

    def _by_state(self, step: Callable[[int, FloatArray | None], FloatArray]) -> tuple[list[FloatArray], float]:
        graph = self.graph
        count = len(graph.outcomes)
        if graph.stationary:
            start = np.zeros(graph.outcomes[1].states)
            repeated, error = fixed_point(lambda x: step(1, x), start, self.discount, self.scale, centred=True)
            return [step(0, repeated), repeated], error
        out: list[FloatArray] = []
        for t in reversed(range(count)):
            out.insert(0, step(t, out[0] if out else None))
        return out, 0.0

    def _worth_of_rows(self, t: int, ahead: FloatArray | None) -> FloatArray:
        """Return the worth of every choice in every state times its chance, `(states, choices)`."""
        one = self.graph.outcomes[t]
        choices = one.messages * one.seen_before * one.acts
        state = np.repeat(np.arange(one.states), np.diff(one.flow_start))
        out = np.bincount(state * choices + one.choice, one.flow, one.states * choices).astype(np.float64)
        if ahead is not None and len(one.following):
            state = np.repeat(np.arange(one.states), np.diff(one.move_start))
            worth = one.move_chance * ahead[one.following]
            out += self.discount * np.bincount(state * choices + one.move_choice, worth, one.states * choices)
        return out.reshape(one.states, one.messages, one.seen_before, one.acts)

    def _followed_step(self, t: int, ahead: FloatArray | None) -> FloatArray:
        one = self.graph.outcomes[t]
        worth = np.take_along_axis(self._worth_of_rows(t, ahead), one.obey[None, None, :, None], axis=3)
        return (worth[..., 0].sum(axis=2) * one.follow).sum(axis=1)

    def _informed_step(self, t: int, ahead: FloatArray | None) -> FloatArray:
        return self._worth_of_rows(t, ahead).max(axis=3).sum(axis=2).max(axis=1)

    # On the graph

    @cached_property
    def profile(self) -> FloatArray:
        """What the profile is worth at every node, `(nodes,)`."""
        return self.graph.at_nodes(self.followed[0])

    @cached_property
    def ceiling(self) -> FloatArray:
        """What an informed deviator makes of every node, `(nodes,)`; where all are followed, nobody asks."""
        if not self.graph.leaves.any():
            return self.profile
        return self.graph.at_nodes(self.informed[0])

    def worth(self, ahead: FloatArray) -> FloatArray:
        """Return Q of every choice, given values at all nodes."""
        choice, node, chance = self.graph.moves
        out = self.graph.flow.copy()
        if len(choice):
            out += self.discount * np.bincount(choice, chance * ahead[node], len(out))
        return out

    def best(self, ahead: FloatArray, *, leaf: FloatArray) -> FloatArray:
        """Return the value of the best choice at every node; at leaves, `leaf`."""
        out = leaf.copy()
        out[self._at] = np.maximum.reduceat(self.of_messages(ahead), self._nodes)
        return out

    def of_messages(self, ahead: FloatArray) -> FloatArray:
        """Return what every message at every followed node is worth, in this order."""
        groups = np.maximum.reduceat(self.worth(ahead), self._groups)
        return np.add.reduceat(groups, self._messages)

    def kept(self, ahead: FloatArray, *, leaf: FloatArray) -> FloatArray:
        """Return the value of the deviator's own strategy at every node, with these values afterwards."""
        out = leaf.copy()
        worth = np.bincount(self.graph.choice_node, self.graph.follow * self.worth(ahead), len(out))
        out[self._at] = worth[self._at]
        return out

    def message_at(self) -> tuple[IntArray, IntArray]:
        """Return node and message of what `of_messages` returns."""
        first = self._groups[self._messages]
        return self.graph.choice_node[first], self.graph.choice_message[first]

    def solve(self, family: Family) -> Bounds:
        """Return the values of a family of deviations."""
        if family is Family.PRESCRIBED:
            return Bounds(self.profile, self.profile, self.followed[1])
        low, error = self._solve(family, self.profile)
        high, more = self._solve(family, self.ceiling) if self.graph.leaves.any() else (low, error)
        high = np.maximum(high, low)
        error = max(error, more) + self.followed[1] + 1e-13 * scale_of(self.scale, low, high)
        error += 10 * 10.0**-12 * scale_of(high) / (1 - self.discount) if self.graph.stationary else 0.0
        return Bounds(low, high, error)

    def _solve(self, family: Family, leaf: FloatArray) -> tuple[FloatArray, float]:
        if family is Family.BEST_RESPONSE:
            return self._iterated(lambda x: self.best(x, leaf=leaf), leaf)
        after = self.profile
        if family is Family.BELIEF_MANIPULATION:
            after = self.best(self.profile, leaf=leaf)
        lies = self.best(after, leaf=leaf)
        return self._iterated(lambda x: np.maximum(lies, self.kept(x, leaf=leaf)), leaf)

    def _iterated(self, improve: Step, start: FloatArray) -> tuple[FloatArray, float]:
        """Return the fixed point; under a finite horizon after as many sweeps as there are periods."""
        if self.graph.stationary:
            return fixed_point(improve, start, self.discount, self.scale, centred=False)
        for _ in self.graph.outcomes:
            start = improve(start)
        return start, 0.0
