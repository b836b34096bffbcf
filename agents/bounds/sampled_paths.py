"""Bounds where nothing can be enumerated: many agents, continuous signals, long memories. Rules are asked along paths.

Only what a deviator's own messages can lead to is kept: along a path of signals, the memories that they reach, and from
each of them every message. With H = 0 (see `penalties`) a penalty charges the deviator for seeing the others' current
signals: what a message is worth is its mean over K profiles in which the others' signals are drawn anew, given the last
profile and its own signal. These means are independent of what the deviator knows, so that an upper bound stays one,
only their noise makes it larger. The policy sends what is best on half of the K profiles, the deviator's thought
experiment, and is paid by the other half; that takes the others' last signals to be known, so that there is no policy
where prescribed messages do not reveal them.

Signals may be of any kind; messages from an interval are tried on a grid, the prescribed one always among them.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.agents.bounds.inner_problem import Limits, Samples
from dynmech.agents.bounds.path_problem import moved_signals
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import Acts, Situation

CASES = 1 << 18
"""Cases that rules are asked for at a time."""

MOST_MEMORIES = 4096
"""Memories that own messages lead to along a path, at most."""

TRIED = 64
"""Paths on which it is tried whether decisions move signals."""


@dataclass(frozen=True, eq=False)
class SampledCandidate:
    """Bounds by asking rules along paths.

    Attributes:
        agent: who deviates.
        again: K, how often the others' current signals are drawn anew; even.
        seed: of all draws.
        grid: how many messages are tried from an interval.
    """

    game: Game
    agent: int
    again: int
    seed: int
    grid: int = 21

    @property
    def name(self) -> str:
        """What H is, and K."""
        return f"0, others' signals drawn {self.again} times"

    @property
    def shift(self) -> float:
        """Nothing: prescribed play is valued on the same path."""
        return 0.0

    @property
    def limits(self) -> Limits:
        """No range that would help; the horizon's cut leaves out twice what flows may be."""
        return Limits(-np.inf, np.inf, 2 * self.game.tail, 2 * self.game.tail)

    @cached_property
    def steps(self) -> float:
        """Elementary steps per path, where own messages lead to one memory."""
        return float(self.game.periods * self._messages(0) * (1 + self.again))

    @cached_property
    def batch(self) -> int:
        """Paths at a time."""
        return max(2, min(256, CASES // (self._messages(0) * self.again)))

    def _messages(self, t: int) -> int:
        space = self.game.mechanism.messages(t, self.agent)
        return space.size if isinstance(space, Finite) else self.grid + 1

    def play(self, scope: str, shard: int, n: int) -> Samples:
        """Return the samples of one batch of n paths, drawn for `scope`."""
        streams = Streams(self.seed, scope, shard, n, self.game.periods)
        fresh = Streams(self.seed, f"{scope} again", shard, n * self.again, self.game.periods)
        memory = self._first_memory(n)
        last: State | None = None
        layers: list[_Layer] = []
        for t in range(self.game.periods):
            uniforms = _numbers(self.game, streams, t, n)
            state = self._draw(t, last, uniforms)
            others = self._again(t, last, state, uniforms, _numbers(self.game, fresh, t, n * self.again))
            layer, memory = self._layer(t, memory, state, others)
            layers.append(layer)
            last = state
        samples = _solve(layers, self.game.environment.discount)
        return samples if self._revealed else samples._replace(lower=np.zeros(n))

    @cached_property
    def _revealed(self) -> bool:
        """Whether the others' prescribed messages tell their signals, as far as is tried."""
        others = [j for j in range(len(self.game.environment.agents)) if j != self.agent]
        return all(_reveals(self.game, t, j) for t in range(min(self.game.periods, 2)) for j in others)

    def _first_memory(self, n: int) -> Array:
        return np.zeros((n, 1), np.intp)

    def _draw(self, t: int, last: State | None, uniforms: FloatArray) -> State:
        """Return the state of period t; decisions do not matter."""
        decision = None if last is None else np.zeros(len(uniforms), np.intp)
        return self.game.environment.draw(t, last, decision, uniforms)

    def _again(self, t: int, last: State | None, state: State, uniforms: FloatArray, fresh: FloatArray) -> State:
        """Return states in which the others' signals are drawn anew, `(n K,)`, K in a row for each path.

        Raises:
            Refusal: own signals move with the others' draws, so that these cannot be drawn given one's own.
        """
        names, own = self.game.environment.streams(t), (f"nature {self.agent}", "nature public")
        numbers = fresh.copy()
        kept = [k for k, name in enumerate(names) if name in own]
        numbers[:, kept] = np.repeat(uniforms[:, kept], self.again, axis=0)
        others = self._draw(t, None if last is None else _repeat(last, self.again), numbers)
        mine = np.repeat(state.signals[:, self.agent], self.again)
        if not kept or (others.signals[:, self.agent] != mine).any():
            raise Refusal(
                f"bounds: in period {t} the signal of agent {self.game.environment.agents[self.agent]!r} and the "
                "others' are drawn together, so that these cannot be drawn given its own; signals that are independent "
                "given the last ones, or fewer profiles, would make it possible"
            )
        return others

    def _layer(self, t: int, memory: Array, state: State, others: State) -> "tuple[_Layer, Array]":
        """Return what every message is worth and leads to in period t, and the memories of the next one."""
        n, width = memory.shape[:2]
        truth, choices = self._choices(t, memory, state)
        r = choices.shape[2]
        flat = memory.reshape(n * width, *memory.shape[2:])
        now = np.repeat(flat, r, axis=0)
        chance, _, following = self._outcomes(t, now, _repeat(state, width * r), choices.reshape(-1), flow=False)
        worth = np.zeros((self.again, n, width, r))
        for k in range(self.again):
            drawn = _repeat(_some(others, slice(k, None, self.again)), width * r)
            weights, flows, _ = self._outcomes(t, now, drawn, choices.reshape(-1), flow=True)
            worth[k] = (weights * flows).sum(axis=1).reshape(n, width, r)
        if following is None:
            kept, index = memory[:, :1], np.zeros((n, width, r, 1), np.intp)
            chance = np.ones((n * width * r, 1))
        else:
            draws = following.shape[1]
            kept, place = distinct(following.reshape(n, width * r * draws, *following.shape[2:]))
            index = place.reshape(n, width, r, draws)
            if kept.shape[1] > MOST_MEMORIES:
                raise Refusal(
                    f"bounds: own messages lead to more than {MOST_MEMORIES:,} memories by period {t + 1}; a mechanism "
                    "that remembers fewer periods, or fewer messages, would make it possible"
                )
        half = self.again // 2
        return (
            _Layer(
                worth=worth.mean(axis=0),
                thought=worth[:half].mean(axis=0),
                paid=worth[half:].mean(axis=0),
                truth=truth,
                following=index,
                chance=chance.reshape(n, width, r, -1),
            ),
            kept,
        )

    def _choices(self, t: int, memory: Array, state: State) -> tuple[IntArray, Array]:
        """Return the index of the prescribed message `(n, Z)`, and all messages `(n, Z, R)`."""
        n, width = memory.shape[:2]
        spread = _repeat(state, width)
        now = Situation(t, memory.reshape(n * width, *memory.shape[2:]), spread.public)
        sent = np.asarray(self.game.mechanism.prescribed(now, self.agent, spread.signals[:, self.agent]))
        space = self.game.mechanism.messages(t, self.agent)
        if isinstance(space, Finite):
            every = np.broadcast_to(np.arange(space.size), (n, width, space.size))
            return sent.reshape(n, width).astype(np.intp), every
        grid = np.broadcast_to(np.linspace(space.low, space.high, self.grid), (n, width, self.grid))
        return np.full((n, width), self.grid, np.intp), np.concatenate([grid, sent.reshape(n, width, 1)], axis=2)

    def _outcomes(
        self, t: int, memory: Array, state: State, own: Array, *, flow: bool
    ) -> tuple[FloatArray, FloatArray, Array | None]:
        """Return chances and flows of the draws, `(m, L)`, or chances and next memories, of m cases."""
        game, m = self.game, len(memory)
        now, agents = Situation(t, memory, state.public), range(len(game.environment.agents))
        columns = [
            own if j == self.agent else np.asarray(game.mechanism.prescribed(now, j, state.signals[:, j]))
            for j in agents
        ]
        messages = np.stack(columns, axis=1)
        decision = np.asarray(game.mechanism.decide(now, messages))
        nobody = Acts(np.zeros(messages.shape, np.intp), np.zeros(messages.shape))
        drawn = [decision] if decision.ndim == 1 else [np.full(m, d) for d in np.flatnonzero(decision.any(axis=0))]
        certain = np.ones((m, 1))
        chance = certain if decision.ndim == 1 else np.stack([decision[np.arange(m), d] for d in drawn], axis=1)
        if not flow:
            if t + 1 >= game.periods:
                return chance, np.zeros(chance.shape), None
            after = [np.asarray(game.mechanism.remember(now, messages, d, nobody)) for d in drawn]
            return chance, np.zeros(chance.shape), np.stack(after, axis=1)
        due = np.asarray(game.mechanism.due(now, messages))[:, self.agent]
        flows = [
            game.environment.utility(t, state, d)[:, self.agent]
            - np.asarray(game.mechanism.charge(now, messages, d, nobody))[:, self.agent]
            - due
            for d in drawn
        ]
        return chance, np.stack(flows, axis=1), None


@dataclass(frozen=True, eq=False)
class _Layer:
    """One period along n paths.

    Attributes:
        worth: what each message is worth in this period, its mean over all K profiles, `(n, Z, R)`.
        thought, paid: the same over either half.
        truth: the prescribed message, `(n, Z)`.
        following: the place of each draw's next memory, `(n, Z, R, L)`.
        chance: of each draw, likewise.
    """

    worth: FloatArray
    thought: FloatArray
    paid: FloatArray
    truth: IntArray
    following: IntArray
    chance: FloatArray


def _solve(layers: list[_Layer], discount: float) -> Samples:
    """Return the values of the best messages and of the policy, each less that of prescribed play, and 0."""
    n = len(layers[0].truth)
    best, honest, greedy, paid = (np.zeros((n, 1)) for _ in range(4))
    for t in reversed(range(len(layers))):
        layer = layers[t]
        ahead = [_ahead(layer, table, discount) for table in (best, honest, greedy, paid)]
        choice = layer.thought.argmax(axis=2)
        at_truth = np.take_along_axis(layer.thought, layer.truth[..., None], axis=2)[..., 0]
        choice = np.where(layer.thought.max(axis=2) > at_truth + 1e-12, choice, layer.truth)
        best = (layer.worth + ahead[0]).max(axis=2)
        honest = _at(layer.worth + ahead[1], layer.truth)
        greedy = _at(layer.paid + ahead[2], choice)
        paid = _at(layer.paid + ahead[3], layer.truth)
    return Samples(best[:, 0] - honest[:, 0], greedy[:, 0] - paid[:, 0], np.zeros(n))


def _at(table: FloatArray, message: IntArray) -> FloatArray:
    return np.take_along_axis(table, message[..., None], axis=2)[..., 0]


def _ahead(layer: _Layer, after: FloatArray, discount: float) -> FloatArray:
    """Return δ times the expected value after each message, `(n, Z, R)`, from values `(n, Z')`."""
    n = len(after)
    place = layer.following + (np.arange(n) * after.shape[1])[:, None, None, None]
    return discount * (after.reshape(-1).take(place) * layer.chance).sum(axis=3)


def distinct(memory: Array) -> tuple[Array, IntArray]:
    """Return the different memories along each path, `(n, Z, …)`, the first repeated where they are fewer, and places.

    Args:
        memory: `(n, C, …)`.

    >>> distinct(np.array([[3, 1, 3], [2, 2, 2]]))[1].tolist()
    [[1, 0, 1], [0, 0, 0]]
    """
    n, cases = memory.shape[:2]
    rows = memory.reshape(n * cases, -1)
    keyed = np.concatenate([np.repeat(np.arange(n), cases)[:, None].astype(rows.dtype), rows], axis=1)
    different, inverse = np.unique(keyed, axis=0, return_inverse=True)
    path = different[:, 0].astype(np.intp)
    first = np.searchsorted(path, np.arange(n))
    counts = np.diff(np.append(first, len(path)))
    place = np.arange(counts.max())
    source = first[:, None] + np.where(place < counts[:, None], place, 0)
    kept = different[source][..., 1:].astype(memory.dtype)
    return kept.reshape(n, -1, *memory.shape[2:]), inverse.reshape(n, cases) - first[:, None]


def _numbers(game: Game, streams: Streams, t: int, n: int) -> FloatArray:
    """Return nature's uniform numbers of period t, `(n, streams)`."""
    return np.concatenate([streams.tape(name, 1, 0, n).at(t) for name in game.environment.streams(t)], axis=1)


def _repeat(state: State, times: int) -> State:
    profile = None if state.profile is None else np.repeat(state.profile, times)
    return State(np.repeat(state.public, times), np.repeat(state.signals, times, axis=0), profile)


def _some(state: State, which: slice) -> State:
    profile = None if state.profile is None else state.profile[which]
    return State(state.public[which], state.signals[which], profile)


def _reveals(game: Game, t: int, agent: int) -> bool:
    """Return whether an agent's prescribed message differs from signal to signal, from the first memory."""
    space = game.environment.signal_space(t, agent)
    every = np.arange(space.size) if isinstance(space, Finite) else np.linspace(space.low, space.high, 101)
    nowhere = np.zeros(len(every), np.intp)
    sent = game.mechanism.prescribed(Situation(t, nowhere, nowhere), agent, every)
    return len(np.unique(sent)) == len(every)


def require_sampled_bounds(game: Game, seed: int) -> None:
    """Raise unless signals are not moved by decisions, and nobody acts or replies after them.

    Raises:
        Refusal: the reason, and what would make it possible.
    """
    environment, mechanism = game.environment, game.mechanism
    agents = range(len(environment.agents))
    if environment.actions(0) or any(mechanism.asks(0, i) is not None for i in agents):
        raise Refusal("bounds: agents act or reply after the decision; only a game on tables would make it possible")
    moved = moved_signals(environment) if isinstance(environment, TableEnvironment) else _moved(game, seed)
    if moved:
        raise Refusal(
            f"bounds: {moved}, so that the path of signals depends on what the deviator sends; a finite game that is "
            "small enough to be put on tables, or signals that do not depend on decisions, would make it possible"
        )


def _moved(game: Game, seed: int) -> str:
    """Return whether decisions are seen to move signals, in words; empty where they are not."""
    environment, streams = game.environment, Streams(seed, "moved", 0, TRIED, game.periods)
    space = environment.decision_space(0)
    if not isinstance(space, Finite):
        return "decisions are from an interval"
    last = environment.draw(0, None, None, _numbers(game, streams, 0, TRIED))
    for t in range(1, min(game.periods, 4)):
        numbers = _numbers(game, streams, t, TRIED)
        states = [environment.draw(t, last, np.full(TRIED, d), numbers) for d in range(space.size)]
        for other in states[1:]:
            if (other.signals != states[0].signals).any() or (other.public != states[0].public).any():
                return "decisions move signals"
        last = states[0]
    return ""
