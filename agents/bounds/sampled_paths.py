"""Bounds where nothing can be enumerated: many agents, continuous signals, long memories. Rules are asked along paths.

Only what a deviator's own messages can lead to is kept: along a path of signals, the memories that they reach, and from
each of them every message. With H a function of what the deviator knows when a period opens (`state_values`),

    W(m) = max_r { E[flow + δ H(m′, θ, θ′^i) | θ_{t−1}, θ^i] + δ (W(m′) − H(m′, θ, θ′^i)) },

the second m′ being that of the path. The expectation is a mean over K profiles in which the others' signals are drawn
anew, given the last profile and its own signal, evenly spread (`fresh_draws`). These means are independent of what the
deviator knows, so that an upper bound stays one, only their noise makes it larger. The policy sends what is best on
half of the K profiles, the deviator's thought experiment, and is paid by the other half; that takes the others' last
signals to be known, so that there is no policy where prescribed messages do not reveal them.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dynmech.agents.bounds.fresh_draws import spread
from dynmech.agents.bounds.inner_problem import Limits, Samples
from dynmech.agents.bounds.message_sets import MessageSets
from dynmech.agents.bounds.rule_calls import RuleCalls, repeat, some, unreadable
from dynmech.agents.bounds.state_values import StateValue, own_columns
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import State
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import Situation

CASES = 1 << 18
"""Cases that rules are asked for at a time."""

MOST_MEMORIES = 4096
"""Memories that own messages lead to along a path, at most."""


@dataclass(frozen=True, eq=False)
class SampledCandidate:
    """Bounds by asking rules along paths.

    Attributes:
        agent: who deviates.
        again: K, how often the others' current signals are drawn anew; even.
        seed: of all draws.
        grid: how many messages are tried from an interval.
        value: H; None: 0.
    """

    game: Game
    agent: int
    again: int
    seed: int
    grid: int = 21
    value: StateValue | None = None

    @property
    def name(self) -> str:
        """What H is, and K."""
        return f"{'0' if self.value is None else self.value.name}, others' signals drawn {self.again} times"

    @property
    def shift(self) -> float:
        """Nothing: prescribed play is valued on the same path."""
        return 0.0

    @cached_property
    def calls(self) -> RuleCalls:
        """The rules."""
        return RuleCalls(self.game, self.agent)

    @cached_property
    def sets(self) -> MessageSets:
        """The messages that are tried."""
        return MessageSets(self.calls, self.grid)

    @cached_property
    def limits(self) -> Limits:
        """No range that would help; the horizon's cut leaves out twice what flows may be, a grid what lies between."""
        tail = 2 * self.game.tail
        return Limits(-np.inf, np.inf, tail + self.sets.between, tail)

    @cached_property
    def steps(self) -> float:
        """Elementary steps per path, where own messages lead to one memory each, forgotten after a period."""
        ahead = 1.0 if self.value is None else 1.0 + self.value.steps
        return self.game.periods * self.sets.size(self.again) * (self._width + self.again * (self._width + ahead))

    @cached_property
    def _width(self) -> int:
        """Memories along a path, about."""
        sizes = [self.game.mechanism.memory_size(t) for t in range(min(3, self.game.periods))]
        most = self.sets.size(self.again)
        return max(most if size is None else min(size, most) for size in sizes)

    @cached_property
    def batch(self) -> int:
        """Paths at a time: what one draw asks for, and what all periods keep, stays within `CASES`."""
        entries = self.sets.size(self.again) * self._width
        ahead = 1.0 if self.value is None else self.value.steps / self._width
        return int(max(2, min(256, CASES / (entries * max(self.game.periods / 4, ahead, 1)))))

    def play(self, scope: str, shard: int, n: int) -> Samples:
        """Return the samples of one batch of n paths, drawn for `scope`."""
        streams = Streams(self.seed, scope, shard, n, self.game.periods)
        fresh = Streams(self.seed, f"{scope} again", shard, n * self.again, self.game.periods)
        inside = Streams(self.seed, f"{scope} inside", shard, n * self.again, self.game.periods)
        memory: Array = np.zeros((n, 1), np.intp)
        last: State | None = None
        layers: list[_Layer] = []
        for t in range(self.game.periods):
            uniforms = _numbers(self.game, streams, t, n)
            state = self._draw(t, last, uniforms)
            anew = self._spread(t, fresh, inside, n)
            others = self._again(t, last, state, uniforms, anew)
            following = self._spread(t + 1, fresh, inside, n) if self._looks_ahead(t) else None
            held = self._held(t, memory, last, state, uniforms)
            layer, memory = self._layer(t, memory, state, others, following, held)
            layers.append(layer)
            last = state
        samples = _solve(layers, self.game.environment.discount)
        return samples if self._revealed else samples._replace(lower=np.zeros(n))

    def _looks_ahead(self, t: int) -> bool:
        """Whether H matters after period t: there is more than one memory, and another period."""
        return self.value is not None and t + 1 < self.game.periods and self.game.mechanism.memory_size(t + 1) != 1

    @cached_property
    def _revealed(self) -> bool:
        """Whether the others' prescribed messages tell their signals, as far as is tried."""
        others = [j for j in range(len(self.game.environment.agents)) if j != self.agent]
        return all(_reveals(self.game, t, j) for t in range(min(self.game.periods, 2)) for j in others)

    def _draw(self, t: int, last: State | None, uniforms: FloatArray) -> State:
        """Return the state of period t; decisions do not matter."""
        decision = None if last is None else np.zeros(len(uniforms), np.intp)
        return self.game.environment.draw(t, last, decision, uniforms)

    def _spread(self, t: int, fresh: Streams, inside: Streams, n: int) -> FloatArray:
        """Return period t's numbers for the others' signals drawn anew, `(n K, streams)`, each half spread evenly."""
        places, jitter = (_numbers(self.game, one, t, n * self.again) for one in (fresh, inside))
        shape = (n, self.again, places.shape[1])
        return spread(places.reshape(shape), jitter.reshape(shape), 2).reshape(places.shape)

    def _again(self, t: int, last: State | None, state: State, uniforms: FloatArray, numbers: FloatArray) -> State:
        """Return states in which the others' signals are drawn anew, `(n K,)`, K in a row for each path.

        Raises:
            Refusal: own signals move with the others' draws, so that these cannot be drawn given one's own.
        """
        kept = own_columns(self.game, t, self.agent)
        numbers = numbers.copy()
        numbers[:, kept] = np.repeat(uniforms[:, kept], self.again, axis=0)
        others = self._draw(t, None if last is None else repeat(last, self.again), numbers)
        mine = np.repeat(state.signals[:, self.agent], self.again)
        if not kept or (others.signals[:, self.agent] != mine).any():
            raise Refusal(
                f"bounds: in period {t} the signal of agent {self.game.environment.agents[self.agent]!r} and the "
                "others' are drawn together, so that these cannot be drawn given its own; signals that are independent "
                "given the last ones, or fewer profiles, would make it possible"
            )
        return others

    def _held(self, t: int, memory: Array, last: State | None, state: State, uniforms: FloatArray) -> FloatArray:
        """Return H at the memories of period t, `(n, Z)`."""
        n, width = memory.shape[:2]
        if t == 0 or self.value is None or not self._looks_ahead(t - 1):
            return np.zeros((n, width))
        before = None if last is None else repeat(last, width)
        numbers = np.repeat(uniforms, width, axis=0)
        flat = memory.reshape(n * width, *memory.shape[2:])
        return self.value.at(t, flat, before, repeat(state, width), numbers).reshape(n, width)

    def _layer(
        self, t: int, memory: Array, state: State, others: State, ahead: FloatArray | None, held: FloatArray
    ) -> "tuple[_Layer, Array]":
        """Return what every message is worth and leads to in period t, and the memories of the next one."""
        truth, choices = self.sets.choices(t, memory, state, others, self.again)
        asked = _Asked(t, memory, choices, self._same(t, state, choices))
        try:
            halves, following = self._halves(asked, others, ahead), self._following(asked, state)
        except Refusal:
            raise
        except Exception:  # whatever a rule raises that looked at the memory after all
            if not asked.same:
                raise
            asked = replace(asked, same=False)
            halves, following = self._halves(asked, others, ahead), self._following(asked, state)
        (thought, paid), (kept, index, chance) = halves, following
        return _Layer((thought + paid) / 2, thought, paid, truth, index, chance, held), kept

    def _halves(self, asked: "_Asked", others: State, ahead: FloatArray | None) -> FloatArray:
        """Return what every message is worth, its mean over either half of the K profiles, `(2, n, Z, R)`."""
        halves = np.zeros((2, *asked.shape))
        for k in range(self.again):
            which = slice(k, None, self.again)
            worth = self._worth(asked, some(others, which), None if ahead is None else ahead[which])
            halves[int(k >= self.again // 2)] += worth  # a bool would be a mask, which takes both
        out: FloatArray = halves / (self.again // 2)
        return out

    def _same(self, t: int, state: State, choices: Array) -> bool:
        """Return whether decision, charge and next memory are the same whatever the memory."""
        if choices.shape[1] == 1 or (choices != choices[:, :1]).any():
            return False
        return not self.calls.reads_memory(t, state, choices[:, 0, 0])

    def _worth(self, asked: "_Asked", drawn: State, ahead: FloatArray | None) -> FloatArray:
        """Return flow + δ H of every message where the others' signals are these, `(n, Z, R)`."""
        t, (now, spread_state, own), shape = asked.t, asked.cases(drawn), asked.shape
        found = self.calls.outcome(now, spread_state, own, last=ahead is None)
        worth = found.flow
        if ahead is not None:
            assert self.value is not None
            following = self._draw(t + 1, drawn, ahead)
            times = len(own) // len(ahead)
            then, numbers = repeat(following, times), np.repeat(ahead, times, axis=0)
            values = [self.value.at(t + 1, memory, spread_state, then, numbers) for memory in found.following]
            worth = worth + self.game.environment.discount * np.stack(values, axis=1)
        out: FloatArray = (worth * found.chance).sum(axis=1).reshape(asked.compact)
        if asked.same:
            messages = np.broadcast_to(
                found.messages.reshape(shape[0], 1, shape[2], -1), (*shape, found.messages.shape[1])
            )
            now = asked.everywhere(drawn)
            return out - self.calls.due(now, messages.reshape(-1, messages.shape[3])).reshape(shape)
        return out - self.calls.due(now, found.messages).reshape(shape)

    def _following(self, asked: "_Asked", state: State) -> tuple[Array, IntArray, FloatArray]:
        """Return the next memories of each path, where every message leads, `(n, Z, R, L)`, and with which chance."""
        (n, width, r), t = asked.shape, asked.t
        if t + 1 >= self.game.periods:
            return asked.memory[:, :1], np.zeros((n, width, r, 1), np.intp), np.ones((n, width, r, 1))
        now, cases, own = asked.cases(state)
        found = self.calls.outcome(now, cases, own)
        after = np.stack(found.following, axis=1)
        draws, inner = after.shape[1], asked.compact
        kept, place = distinct(after.reshape(n, inner[1] * r * draws, *after.shape[2:]))
        if kept.shape[1] > MOST_MEMORIES:
            raise Refusal(
                f"bounds: own messages lead to more than {MOST_MEMORIES:,} memories by period {t + 1}; a mechanism "
                "that remembers fewer periods, or fewer messages, would make it possible"
            )
        shape = (n, width, r, draws)
        index = np.broadcast_to(place.reshape(*inner, draws), shape)
        return kept, index, np.broadcast_to(found.chance.reshape(*inner, draws), shape)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is asked for in one period of n paths.

    Attributes:
        memory: `(n, Z, …)`.
        choices: messages, `(n, Z, R)`.
        same: whether only `due` looks at the memory, so that everything else is asked for once, without one.
    """

    t: int
    memory: Array
    choices: Array
    same: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n, Z, R)."""
        n, width, r = self.choices.shape
        return n, width, r

    @property
    def compact(self) -> tuple[int, int, int]:
        """The same where all but `due` is asked for."""
        n, width, r = self.shape
        return n, 1 if self.same else width, r

    def cases(self, state: State) -> tuple[Situation, State, Array]:
        """Return the situations, states and own messages that are asked for, given each path's state."""
        n, width, r = self.compact
        spread_state, own = repeat(state, width * r), self.choices[:, :width].reshape(-1)
        if self.same:
            return Situation(self.t, unreadable(), spread_state.public), spread_state, own
        flat = self.memory.reshape(n * width, *self.memory.shape[2:])
        return Situation(self.t, np.repeat(flat, r, axis=0), spread_state.public), spread_state, own

    def everywhere(self, state: State) -> Situation:
        """Return the situations of all memories."""
        n, width, r = self.shape
        flat = self.memory.reshape(n * width, *self.memory.shape[2:])
        return Situation(self.t, np.repeat(flat, r, axis=0), np.repeat(state.public, width * r))


@dataclass(frozen=True, eq=False)
class _Layer:
    """One period along n paths.

    Attributes:
        worth: what each message is worth in this period, its mean over all K profiles, `(n, Z, R)`.
        thought, paid: the same over either half.
        truth: the prescribed message, `(n, Z)`.
        following: the place of each draw's next memory, `(n, Z, R, L)`.
        chance: of each draw, likewise.
        held: H, `(n, Z)`.
    """

    worth: FloatArray
    thought: FloatArray
    paid: FloatArray
    truth: IntArray
    following: IntArray
    chance: FloatArray
    held: FloatArray


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
        best = (layer.worth + ahead[0]).max(axis=2) - layer.held
        honest = _at(layer.worth + ahead[1], layer.truth) - layer.held
        greedy = _at(layer.paid + ahead[2], choice) - layer.held
        paid = _at(layer.paid + ahead[3], layer.truth) - layer.held
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


def _reveals(game: Game, t: int, agent: int) -> bool:
    """Return whether an agent's prescribed message differs from signal to signal, from the first memory."""
    space = game.environment.signal_space(t, agent)
    every = np.arange(space.size) if isinstance(space, Finite) else np.linspace(space.low, space.high, 101)
    nowhere = np.zeros(len(every), np.intp)
    sent = game.mechanism.prescribed(Situation(t, nowhere, nowhere), agent, every)
    return len(np.unique(sent)) == len(every)
