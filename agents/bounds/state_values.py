"""What may stand for the value of a state, H, where nothing can be put on tables.

H is any function of what the deviator knows when a period opens: the period, the mechanism's memory, last period's
signals (which the others' messages revealed), and its own signal. The better it is, the nearer the bounds; none makes
them wrong. Three kinds: the value of prescribed play, simulated on draws that are fixed once and for all, so that it is
a function; a regression of that on features; and any function that a user gives.

Only how H differs from memory to memory matters: the rest is the same for prescribed play, and signals do not move.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from dynmech.agents.bounds.fresh_draws import spread
from dynmech.agents.bounds.rule_calls import RuleCalls, repeat
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import State
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import Situation

UserValue = Callable[[int, int, Array, Array | None, Array], Array]
"""H(t, agent, memory `(n, …)`, last signals `(n, N)` or None in period 0, own signal `(n,)`), `(n,)`."""


class StateValue(Protocol):
    """What stands for the value of a state."""

    @property
    def name(self) -> str:
        """What it is."""
        ...

    @property
    def steps(self) -> float:
        """Elementary steps per state."""
        ...

    def at(self, t: int, memory: Array, last: State | None, now: State, numbers: FloatArray) -> FloatArray:
        """Return H at m states, `(m,)`.

        Args:
            t: the period that opens.
            memory: of the mechanism, `(m, …)`.
            last: last period's state; None in period 0.
            now: this period's, of which the deviator's own signal and the public state may be looked at.
            numbers: the uniform numbers that this period's state was drawn from, `(m, streams)`; own ones likewise.
        """
        ...


@dataclass(frozen=True, eq=False)
class GivenValue:
    """A function of the user's."""

    function: UserValue
    agent: int
    steps: float = 1.0

    @property
    def name(self) -> str:
        """The function's name."""
        return f"given: {getattr(self.function, '__name__', type(self.function).__name__)}"

    def at(self, t: int, memory: Array, last: State | None, now: State, numbers: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return what the function says, checked."""
        signals = None if last is None else last.signals
        return checked_value(self.function(t, self.agent, memory, signals, now.signals[:, self.agent]), len(memory))


def checked_value(value: object, n: int) -> FloatArray:
    """Return values `(n,)` that a user's function returned.

    Raises:
        InputError: they are not n finite numbers.
    """
    try:
        out = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        out = np.empty(0)
    if out.shape != (n,) or not np.isfinite(out).all():
        raise InputError(f"penalty: the function returned an array of shape {out.shape}, not {n} finite numbers")
    return out


@dataclass(frozen=True, eq=False)
class SimulatedTruth:
    """The value of prescribed play over some periods, on draws that are fixed.

    Attributes:
        draws: J, paths that are followed from every state.
        periods: L, for how long.
        seed: of the draws.
    """

    calls: RuleCalls
    draws: int
    periods: int
    seed: int

    @property
    def name(self) -> str:
        """How it is simulated."""
        return f"prescribed play, {self.periods} periods of {self.draws} paths"

    @property
    def steps(self) -> float:
        """Paths times periods."""
        return float(self.draws * self.periods)

    @cached_property
    def _uniforms(self) -> list[FloatArray]:
        """The fixed uniform numbers of each period, `(J, streams)`; the same for all periods that open."""
        game = self.calls.game
        width = len(game.environment.streams(min(1, game.periods - 1)))
        out = []
        for s in range(self.periods):
            streams = Streams(self.seed, f"bounds simulated {s}", 0, self.draws, 1)
            raw = [streams.tape(name, width, 0, self.draws).at(0)[None] for name in ("places", "inside")]
            out.append(spread(raw[0], raw[1], 1)[0])
        return out

    def at(self, t: int, memory: Array, last: State | None, now: State, numbers: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return the mean over the fixed paths."""
        game, m, own = self.calls.game, len(memory), own_columns(self.calls.game, t, self.calls.agent)
        uniforms = np.tile(self._uniforms[0], (m, 1))
        uniforms[:, own] = np.repeat(numbers[:, own], self.draws, axis=0)
        before = None if last is None else repeat(last, self.draws)
        held = np.repeat(memory, self.draws, axis=0)
        total = truthful_flows(self.calls, t, held, before, [uniforms, *self._later(t, m)])
        return total.reshape(m, self.draws).mean(axis=1) if game.periods > t else np.zeros(m)

    def _later(self, t: int, m: int) -> list[FloatArray]:
        left = max(0, min(self.periods, self.calls.game.periods - t) - 1)
        return [np.tile(numbers, (m, 1)) for numbers in self._uniforms[1 : 1 + left]]


def own_columns(game: Game, t: int, agent: int) -> list[int]:
    """Return which of a period's uniform numbers its public state and the deviator's own signal are drawn from."""
    own = (f"nature {agent}", "nature public")
    return [k for k, name in enumerate(game.environment.streams(t)) if name in own]


def truthful_flows(
    calls: RuleCalls, t: int, memory: Array, last: State | None, uniforms: list[FloatArray]
) -> FloatArray:
    """Return the deviator's discounted flows under prescribed play, `(m,)`, as many periods as there are numbers.

    Up to what does not depend on the memory: from the first period on in which only what falls due does, nothing else
    is counted. A lottery counts by its mean, and the memory is that of its first draw.
    """
    game, total, weight = calls.game, np.zeros(len(memory)), 1.0
    for s, numbers in enumerate(uniforms):
        nothing = None if last is None else np.zeros(len(memory), np.intp)
        state = game.environment.draw(t + s, last, nothing, numbers)
        now = Situation(t + s, memory, state.public)
        own = calls.truth(now, state)
        if not calls.reads_memory(t + s, state, own):
            return total - weight * calls.due(now, calls.messages(now, state, own))
        done = s + 1 == len(uniforms)
        found = calls.outcome(now, state, own, last=done)
        total = total + weight * ((found.chance * found.flow).sum(axis=1) - calls.due(now, found.messages))
        weight *= game.environment.discount
        if not done:
            memory, last = found.following[0], state
    return total
