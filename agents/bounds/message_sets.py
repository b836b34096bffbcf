"""Which messages of a deviator are tried where they come from an interval, and what that leaves out.

A rule may declare where decision, charges, dues and the next memory jump when one's own message moves, and that they
stay the same in between (`message_breaks`): then the breaks at every profile that is drawn, and a point between each
two, are all there is. Or it may declare by how much moving one's own message changes the payoff at most
(`message_lipschitz`): then half the mesh of the grid times this, period by period, is added to the upper bound. Else
bounds are those of a deviator that sends messages of the grid only.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from dynmech.agents.bounds.rule_calls import RuleCalls, repeat, some
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import FalseDeclaration
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import State
from dynmech.sim.play.roles import Situation

Reach = Literal["all", "breaks", "lipschitz", "grid"]


@dataclass(frozen=True, eq=False)
class MessageSets:
    """The messages that are tried."""

    calls: RuleCalls
    grid: int

    @cached_property
    def reach(self) -> Reach:
        """What bounds hold for: all messages of a finite set, of an interval by breaks or by a constant; or a grid."""
        game, agent = self.calls.game, self.calls.agent
        if all(isinstance(game.mechanism.messages(t, agent), Finite) for t in range(game.periods)):
            return "all"
        if self._points is not None:
            return "breaks"
        return "grid" if self._constant(0) is None else "lipschitz"

    @cached_property
    def _points(self) -> int | None:
        """How many breaks are declared per profile; None: none are."""
        game, rule = self.calls.game, getattr(self.calls.game.mechanism, "message_breaks", None)
        if rule is None:
            return None
        signals = np.zeros((1, len(game.environment.agents)))
        found = rule(Situation(0, np.zeros(1, np.intp), np.zeros(1, np.intp)), self.calls.agent, signals)
        return None if found is None else int(np.asarray(found).shape[1])

    def _constant(self, t: int) -> float | None:
        rule = getattr(self.calls.game.mechanism, "message_lipschitz", None)
        found = None if rule is None else rule(t, self.calls.agent)
        return None if found is None else float(found)

    @cached_property
    def between(self) -> float:
        """What messages between those of the grid may add to a gain."""
        if self.reach != "lipschitz":
            return 0.0
        game, total = self.calls.game, 0.0
        for t in range(game.periods):
            space, constant = game.mechanism.messages(t, self.calls.agent), self._constant(t)
            if isinstance(space, Interval):
                half = (space.high - space.low) / (self.grid - 1) / 2
                total += game.environment.discount**t * half * (np.inf if constant is None else constant)
        return total

    def size(self, again: int) -> int:
        """Return how many messages there are in period 0."""
        space = self.calls.game.mechanism.messages(0, self.calls.agent)
        if isinstance(space, Finite):
            return space.size
        if self._points is None:
            return self.grid + 1
        return 2 * (self._points * (again + 1) + 2)

    def choices(self, t: int, memory: Array, state: State, others: State, again: int) -> tuple[IntArray, Array]:
        """Return the index of the prescribed message `(n, Z)`, and all messages `(n, Z, R)`.

        Args:
            memory: `(n, Z, …)`.
            state: of the path, n.
            others: in which the others' signals are drawn anew, n K.
        """
        n, width = memory.shape[:2]
        spread = repeat(state, width)
        flat = memory.reshape(n * width, *memory.shape[2:])
        sent = self.calls.truth(Situation(t, flat, spread.public), spread)
        space = self.calls.game.mechanism.messages(t, self.calls.agent)
        if isinstance(space, Finite):
            every = np.broadcast_to(np.arange(space.size), (n, width, space.size))
            return sent.reshape(n, width).astype(np.intp), every
        if self._points is None:
            tried = np.broadcast_to(np.linspace(space.low, space.high, self.grid), (n, width, self.grid))
        else:
            tried = self._between_breaks(t, flat, width, state, others, again)
        out = np.concatenate([tried, sent.reshape(n, width, 1)], axis=2)
        return np.full((n, width), tried.shape[2], np.intp), out

    def _between_breaks(self, t: int, flat: Array, width: int, state: State, others: State, again: int) -> FloatArray:
        """Return the breaks at every profile, the ends, and a point between each two, `(n, Z, …)`."""
        n = len(state.public)
        at = [self.breaks(t, flat, repeat(state, width))]
        for k in range(again):
            at.append(self.breaks(t, flat, repeat(some(others, slice(k, None, again)), width)))
        points = np.sort(np.concatenate([*at, self._ends(t, n * width)], axis=1), axis=1)
        middle = (points[:, 1:] + points[:, :-1]) / 2
        return np.concatenate([points, middle], axis=1).reshape(n, width, -1)

    def breaks(self, t: int, memory: Array, state: State) -> FloatArray:
        """Return the declared breaks where the others send what is prescribed at a state, `(m, B)`."""
        now = Situation(t, memory, state.public)
        messages = self.calls.messages(now, state, self.calls.truth(now, state))
        rule: Any = self.calls.game.mechanism
        found = rule.message_breaks(now, self.calls.agent, messages)
        low, high = self._ends(t, 1)[0]
        return np.clip(np.asarray(found, np.float64), low, high)

    def _ends(self, t: int, m: int) -> FloatArray:
        space = self.calls.game.mechanism.messages(t, self.calls.agent)
        assert isinstance(space, Interval)
        return np.broadcast_to(np.array([space.low, space.high]), (m, 2))


PROBED = 64
"""Paths on which a declaration of breaks is tried."""


def require_true_breaks(sets: MessageSets, seed: int) -> None:
    """Raise where two messages between neighbouring breaks have different consequences.

    Raises:
        FalseDeclaration: where.
    """
    if sets.reach != "breaks":
        return
    calls, game, memory, last = sets.calls, sets.calls.game, np.zeros(PROBED, np.intp), None
    rng = np.random.default_rng(seed)
    for t in range(min(2, game.periods)):
        streams = Streams(seed, "breaks", 0, PROBED, game.periods)
        uniforms = [streams.tape(name, 1, 0, PROBED).at(t) for name in game.environment.streams(t)]
        nothing = None if last is None else np.zeros(PROBED, np.intp)
        state = game.environment.draw(t, last, nothing, np.concatenate(uniforms, axis=1))
        now, done = Situation(t, memory, state.public), t + 1 >= game.periods
        points = np.sort(np.concatenate([sets.breaks(t, memory, state), sets._ends(t, PROBED)], axis=1), axis=1)
        for low, high in zip(points.T[:-1], points.T[1:], strict=True):
            tried = [low + (high - low) * (0.001 + 0.998 * rng.random(PROBED)) for _ in range(2)]
            found = [calls.outcome(now, state, own, last=done) for own in tried]
            worth = [(x.chance * x.flow).sum(axis=1) - calls.due(now, x.messages) for x in found]
            same = np.isclose(worth[0], worth[1], rtol=0, atol=1e-9 * (1 + np.abs(worth[0])))
            for one, other in zip(found[0].following, found[1].following, strict=True):
                same &= (one == other).reshape(PROBED, -1).all(axis=1)
            if not same.all():
                k = int(np.argmin(same))
                raise FalseDeclaration(
                    f"mechanism {game.mechanism.name!r}: message_breaks: in period {t} messages {tried[0][k]:g} and "
                    f"{tried[1][k]:g} of agent {game.environment.agents[calls.agent]!r} lie between the same breaks "
                    "and have different consequences; declare what is between them, too"
                )
        found_truth = calls.outcome(now, state, calls.truth(now, state), last=done)
        memory, last = (memory if done else found_truth.following[0]), state
