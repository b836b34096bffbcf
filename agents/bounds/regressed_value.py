"""H by regression: the value of prescribed play on features of the state, fitted on draws of its own.

Along paths the deviator's own messages are drawn at random; from the memory that follows, and from the one that the
prescribed message would have led to, prescribed play is followed on the same draws. The difference of the two, which is
all that matters of H, is regressed on features (least squares with a small ridge). Features are declared by the
mechanism (`value_features`), given by the user, or those of `default_features`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from dynmech.agents.bounds.rule_calls import RuleCalls
from dynmech.agents.bounds.state_values import UserValue, truthful_flows
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import State
from dynmech.sim.play.roles import Situation

Features = UserValue
"""φ(t, agent, memory `(n, …)`, last signals `(n, N)`, own signal `(n,)`), `(n, F)`."""

PATHS = 256
"""Paths of a fit, per period."""

FITTED = 16
"""Periods of an infinite horizon that are fitted on."""

FOLLOWED = 12
"""Periods that prescribed play is followed for, at most."""

LISTED = 64
"""Memories that have a feature each, at most."""

COLUMNS = 10
"""Numbers of a state that are multiplied with each other, at most."""

RIDGE = 1e-6
"""Of the regression, relative to the number of cases."""


def default_features(sizes: Callable[[int], int | None]) -> Features:
    """Return features of memory, last signals and own signal.

    Finitely many memories have a feature each, alone and times each signal; numbers are taken as they are, and
    multiplied with each other by twos.

    Args:
        sizes: of the memory by period; None: it is not finite.
    """

    def features(t: int, agent: int, memory: Array, last: Array | None, own: Array) -> Array:  # noqa: ARG001
        n, size = len(memory), sizes(t)
        signals = own[:, None] if last is None else np.concatenate([last, own[:, None]], axis=1)
        if size is not None and size <= LISTED:
            known = (memory.reshape(n, 1) == np.arange(size)).astype(np.float64)
            out: FloatArray = np.concatenate([known, *(known * column[:, None] for column in signals.T)], axis=1)
            return out
        flat = np.concatenate([memory.reshape(n, -1), signals], axis=1)[:, :COLUMNS].astype(np.float64)
        pairs = combinations_with_replacement(range(flat.shape[1]), 2)
        return np.stack([np.ones(n), *flat.T, *(flat[:, i] * flat[:, j] for i, j in pairs)], axis=1)

    return features


@dataclass(frozen=True, eq=False)
class RegressedValue:
    """H = φ · β, with β by period, or one for all periods from which on the memory is of one size.

    Attributes:
        source: whose features these are: declared, given or default.
    """

    features: Features
    source: str
    agent: int
    weights: dict[int, FloatArray]
    steps: float = 2.0

    @property
    def name(self) -> str:
        """What it is."""
        return f"prescribed play by regression on {self.source} features"

    def at(self, t: int, memory: Array, last: State | None, now: State, numbers: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return φ · β, `(m,)`."""
        weights = self.weights[t if t in self.weights else max(self.weights)]
        out: FloatArray = _table(self.features, t, self.agent, memory, last, now) @ weights
        return out


def fit_value(calls: RuleCalls, features: Features, source: str, seed: int) -> RegressedValue:
    """Return the regression of prescribed play's value on features, fitted on draws of its own.

    Raises:
        InputError: features are no table of numbers.
    """
    game = calls.game
    endless = game.environment.horizon is None
    rows: dict[int, list[tuple[FloatArray, FloatArray]]] = {}
    periods = min(game.periods, FITTED) if endless else game.periods
    sizes = [game.mechanism.memory_size(t) for t in range(periods)]
    alike = next((t for t in range(1, periods) if len(set(sizes[t:])) == 1), 1)
    for t, table, target in _cases(calls, features, seed, periods):
        rows.setdefault(min(t, alike) if endless else t, []).append((table, target))
    weights = {}
    for t, parts in rows.items():
        table, target = (np.concatenate(side) for side in zip(*parts, strict=True))
        scale = np.maximum(np.abs(table).max(axis=0), 1e-300)
        scaled = table / scale
        gram = scaled.T @ scaled + RIDGE * len(scaled) * np.eye(scaled.shape[1])
        weights[t] = np.linalg.solve(gram, scaled.T @ target) / scale
    return RegressedValue(features, source, calls.agent, weights)


def _cases(calls: RuleCalls, features: Features, seed: int, periods: int) -> list[tuple[int, FloatArray, FloatArray]]:
    """Return for each period after the first the features of drawn states, and by how much memory matters there."""
    game, n, out = calls.game, PATHS, []
    streams = Streams(seed, "bounds regression", calls.agent, n, periods + FOLLOWED + 1)
    tapes = [_numbers(calls, streams, t, n) for t in range(min(periods + FOLLOWED, game.periods))]
    rng = np.random.default_rng(seed)
    memory: Array = np.zeros(n, np.intp)
    state = game.environment.draw(0, None, None, tapes[0])
    for t in range(1, periods):
        now = Situation(t - 1, memory, state.public)
        honest = calls.truth(now, state)
        own = _any_message(calls, t - 1, honest, rng)
        ways = [calls.outcome(now, state, sent).following[0] for sent in (own, honest)]
        paths = tapes[t : t + FOLLOWED]
        worth = [truthful_flows(calls, t, after, state, paths) for after in ways]
        last, state = state, game.environment.draw(t, state, np.zeros(n, np.intp), tapes[t])
        table = _table(features, t, calls.agent, ways[0], last, state)
        honest_table = _table(features, t, calls.agent, ways[1], last, state)
        out.append((t, table - honest_table, worth[0] - worth[1]))
        memory = np.where((rng.random(n) < 0.5).reshape(n, *(1,) * (ways[0].ndim - 1)), ways[0], ways[1])
    if not out:
        raise Refusal("bounds: a regression takes at least two periods")
    return out


def _any_message(calls: RuleCalls, t: int, honest: Array, rng: np.random.Generator) -> Array:
    space = calls.game.mechanism.messages(t, calls.agent)
    if isinstance(space, Finite):
        return rng.integers(0, space.size, len(honest)).astype(np.intp)
    return space.low + (space.high - space.low) * rng.random(len(honest))


def _numbers(calls: RuleCalls, streams: Streams, t: int, n: int) -> FloatArray:
    return np.concatenate([streams.tape(name, 1, 0, n).at(t) for name in calls.game.environment.streams(t)], axis=1)


def _table(features: Features, t: int, agent: int, memory: Array, last: State | None, now: State) -> FloatArray:
    """Return features `(m, F)`, checked."""
    signals = None if last is None else last.signals
    try:
        out = np.asarray(features(t, agent, memory, signals, now.signals[:, agent]), np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"features: in period {t} the function failed: {error}") from None
    if out.ndim != 2 or len(out) != len(memory) or not np.isfinite(out).all():
        raise InputError(f"features: an array of shape {out.shape}, not finite numbers of shape ({len(memory)}, F)")
    return out
