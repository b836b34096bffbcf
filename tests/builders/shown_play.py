"""Random games, profiles and disclosure, and the best play in them by plain recursion over full histories.

Nothing here is shared with the search over beliefs: the rules are asked one case at a time, histories are lists of what
happened, and what is shown of them is a tuple that is compared.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.generators import generator


class Machine(Mechanism):
    """Planted: every rule a random table, lotteries now and then, two memories, messages that are not the signals."""

    name = "machine"
    lags = 1

    def __init__(self, environment: TableEnvironment, seed: int = 0, *, pooling: bool = True) -> None:
        super().__init__(environment)
        rng = generator(seed)
        horizon, agents = environment.horizon, len(environment.agents)
        assert horizon is not None
        self.sizes, self.rules = [], []
        for t in range(horizon):
            stage = environment.stage(t)
            sizes = tuple(len(labels) if not pooling else int(rng.integers(1, 4)) for labels in stage.signals)
            axes, decisions = (2, max(1, len(stage.public)), *sizes), len(stage.decisions)
            odds = rng.dirichlet(np.ones(decisions), axes)
            if seed % 2:
                odds = np.eye(decisions)[odds.argmax(axis=-1)]
            sent = [
                rng.integers(0, sizes[i], (2, axes[1], len(labels)))
                if pooling
                else np.broadcast_to(rng.permutation(sizes[i]), (2, axes[1], sizes[i]))
                for i, labels in enumerate(stage.signals)
            ]
            prices = np.round(rng.uniform(-1, 1, (*axes, decisions, agents)), 1)
            late = np.round(rng.uniform(-1, 1, (*axes, agents)), 1) * (t > 0)
            after = rng.integers(0, 2, (*axes, decisions))
            self.sizes.append(sizes)
            self.rules.append((odds, sent, prices, late, after))

    def memory_size(self, t: int) -> int:
        return 2

    def messages(self, t: int, agent: int) -> Finite:
        return Finite(tuple(f"m{k}" for k in range(self.sizes[t][agent])))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return self.rules[now.t][1][agent][now.memory, now.public, signal]

    def decide(self, now: Situation, messages: Array) -> Array:
        return self.rules[now.t][0][(now.memory, now.public, *messages.T)]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return self.rules[now.t][2][(now.memory, now.public, *messages.T, decision)]

    def due(self, now: Situation, messages: Array) -> FloatArray:
        return self.rules[now.t][3][(now.memory, now.public, *messages.T)]

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return self.rules[now.t][4][(now.memory, now.public, *messages.T, decision)]

    def announces(self, now: Situation, messages: Array, decision: Array) -> Array:
        return (messages.max(axis=1) + now.memory * decision) % 2

    def transfer_bound(self) -> float:
        return 2.0


def changing_economy(seed: int, horizon: int = 2, *, agents: int = 2, actions: bool = False) -> TableEnvironment:
    """Random stages, each with signals, public states and decisions of its own."""
    rng = generator(10_000 + seed)
    axes, stages = [], []
    for _ in range(horizon):
        public = int(rng.integers(0, 3)) if seed % 3 == 0 else 0
        signals = tuple(int(k) for k in rng.integers(1, 4, agents))
        axes.append(((public,) if public else ()) + signals)
    for t in range(horizon):
        public = axes[t][0] if len(axes[t]) > agents else 0
        signals = axes[t][1:] if public else axes[t]
        acts = (("rest", "work"), *((("-",),) * (agents - 1))) if actions else ()
        decisions = int(rng.integers(1, 4)) * (2 if actions else 1)
        utility = np.round(rng.uniform(-1, 1, (agents, decisions, *axes[t])), 1)
        after = axes[t + 1] if t + 1 < horizon else None
        kernel = None
        if after is not None:
            rows = rng.dirichlet(np.ones(prod(after)), (decisions, *axes[t])) * (
                rng.uniform(size=(decisions, *axes[t], prod(after))) < 0.7
            )
            rows[..., 0] += rows.sum(axis=-1) == 0
            rows /= rows.sum(axis=-1, keepdims=True)
            kernel = JointKernel(rows.reshape(decisions, *axes[t], *after), axes[t], after)
        stages.append(
            Stage(
                signals=tuple(tuple(f"s{t}{k}" for k in range(size)) for size in signals),
                decisions=tuple(f"d{k}" for k in range(decisions)),
                utility=utility,
                kernel=kernel,
                public=tuple(f"w{k}" for k in range(public)),
                private_actions=acts,
            )
        )
    prior = rng.dirichlet(np.ones(prod(axes[0]))).reshape(axes[0])
    names = tuple(f"agent {i}" for i in range(agents))
    return TableEnvironment(f"changing {seed}", names, prior, tuple(stages), 0.9, horizon)


Behaviour = Callable[[int, int, "Instant"], FloatArray]
"""From agent, period and instant to the chances of its messages."""


class Instant(NamedTuple):
    """When an agent reports: the memory, public state, own signal, and the period before as it was."""

    memory: int
    public: int
    signal: int
    before: "Happened | None"


class Happened(NamedTuple):
    """A period that is over."""

    profile: tuple[int, ...]
    messages: tuple[int, ...]
    decision: int
    before: "Happened | None" = None


class Particle(NamedTuple):
    """A history that may have been: its chance, the memory, the profile now, and the last period."""

    chance: float
    memory: int
    profile: tuple[int, ...]
    before: Happened | None


class ShownTree:
    """The best play of one agent against a profile, by recursion over everything that it may have been shown."""

    def __init__(
        self,
        mechanism: Mechanism,
        agent: int,
        behaviour: Behaviour,
        disclosure: str = "everything",
        *,
        spy: bool = False,
    ) -> None:
        assert isinstance(mechanism.environment, TableEnvironment)
        self.environment, self.mechanism, self.agent = mechanism.environment, mechanism, agent
        self.behaviour, self.disclosure, self.spy = behaviour, disclosure, spy
        self.count = len(self.environment.agents)
        self.answers: dict[object, object] = {}

    def value(self, phase: str) -> float:
        """The payoff ex ante: of "anything", or of "kept", the agent's own part of the profile."""
        stage = self.environment.stage(0)
        start = [
            Particle(float(self.environment.prior[p]), 0, p, None)
            for p in np.ndindex(*stage.axes)
            if self.environment.prior[p] > 0
        ]
        return sum(self.worth(0, group, phase) for group in self.grouped(0, start).values())

    def split(self, t: int, profile: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        return (profile[0], profile[1:]) if self.environment.stage(t).public else (0, profile)

    def asked(self, t: int, particle: Particle) -> int:
        public, signals = self.split(t, particle.profile)
        now = Situation(t, np.array([particle.memory]), np.array([public]))
        return int(self.mechanism.prescribed(now, self.agent, np.array([signals[self.agent]]))[0])

    def grouped(self, t: int, particles: list[Particle]) -> dict[object, list[Particle]]:
        """Histories by what the agent sees when the period opens."""
        out: dict[object, list[Particle]] = defaultdict(list)
        for one in particles:
            public, signals = self.split(t, one.profile)
            seen = one.profile if self.spy else (public, signals[self.agent])
            known = one.memory if self.disclosure == "everything" else None
            out[seen, known, self.asked(t, one)].append(one)
        return out

    def sent(self, t: int, who: int, particle: Particle) -> FloatArray:
        public, signals = self.split(t, particle.profile)
        return self.behaviour(who, t, Instant(particle.memory, public, signals[who], particle.before))

    def worth(self, t: int, particles: list[Particle], phase: str) -> float:
        """Σ over histories of chance × payoff from here on."""
        own = self.sent(t, self.agent, particles[0])
        options = [
            self.after(t, particles, r, phase) if phase == "anything" or own[r] else 0.0 for r in range(len(own))
        ]
        return max(options) if phase == "anything" else float(own @ np.array(options))

    def after(self, t: int, particles: list[Particle], report: int, phase: str) -> float:
        """The same after a message: by what is shown before the action, the best action."""
        told: dict[object, list[tuple[Particle, tuple[int, ...], int]]] = defaultdict(list)
        for one in particles:
            for chance, messages in self.all_messages(t, one, report):
                for drawn, decision in self.decisions(t, one, messages):
                    shown = (self.announced(t, decision, messages, one), self.recommended(t, decision))
                    told[shown].append((one._replace(chance=one.chance * chance * drawn), messages, decision))
        total = 0.0
        for cases in told.values():
            acts = self.acts(t) if phase == "anything" else [None]
            total += max(self.settled(t, cases, act, phase) for act in acts)
        return total

    def settled(self, t: int, cases: list[tuple[Particle, tuple[int, ...], int]], act: int | None, phase: str) -> float:
        """The period ends: payoffs, and what is shown."""
        environment, total = self.environment, 0.0
        following: dict[object, list[Particle]] = defaultdict(list)
        for one, messages, decision in cases:
            done = self.done(t, decision, act)
            paid, memory = self.settle(t, one, messages, decision)
            utility = environment.stage(t).utility[(self.agent, done, *one.profile)]
            total += one.chance * float(utility - paid)
            if t + 1 == environment.horizon:
                continue
            shown = (self.announced(t, decision, messages, one), round(paid, 9), round(float(utility), 9))
            axes = environment.stage(t).axes
            law = environment.kernel(t).row(done, int(np.ravel_multi_index(one.profile, axes)))
            for profile in np.ndindex(*environment.stage(t + 1).axes):
                if law[profile] > 0:
                    happened = Happened(one.profile, messages, decision, one.before)
                    arrives = Particle(one.chance * float(law[profile]), memory, profile, happened)
                    following[shown].append(arrives)
        for particles in following.values():
            for group in self.grouped(t + 1, particles).values():
                total += environment.discount * self.worth(t + 1, group, phase)
        return total

    def all_messages(self, t: int, one: Particle, report: int) -> Iterator[tuple[float, tuple[int, ...]]]:
        parts = []
        for j in range(self.count):
            chances = self.sent(t, j, one) if j != self.agent else [float(k == report) for k in range(report + 1)]
            parts.append([(float(p), k) for k, p in enumerate(chances) if p > 0])
        for combination in product(*parts):
            yield prod(p for p, _ in combination), tuple(k for _, k in combination)

    def decisions(self, t: int, one: Particle, messages: tuple[int, ...]) -> list[tuple[float, int]]:
        public = self.split(t, one.profile)[0]
        key = ("decide", t, one.memory, public, messages)
        if key not in self.answers:
            now = Situation(t, np.array([one.memory]), np.array([public]))
            decided = self.mechanism.decide(now, np.array([messages]))
            lottery = (
                [(1.0, int(decided[0]))] if decided.ndim == 1 else [(float(p), k) for k, p in enumerate(decided[0])]
            )
            self.answers[key] = [(p, k) for p, k in lottery if p > 0]
        return self.answers[key]  # type: ignore[return-value] # one cache of several kinds

    def settle(self, t: int, one: Particle, messages: tuple[int, ...], decision: int) -> tuple[float, int]:
        public = self.split(t, one.profile)[0]
        key = ("settle", t, one.memory, public, messages, decision)
        if key not in self.answers:
            now, sent, drawn = (
                Situation(t, np.array([one.memory]), np.array([public])),
                np.array([messages]),
                np.array([decision]),
            )
            nobody = Acts(np.zeros((1, self.count), np.intp), np.zeros((1, self.count)))
            paid = self.mechanism.charge(now, sent, drawn, nobody) + self.mechanism.due(now, sent)
            self.answers[key] = float(paid[0, self.agent]), int(self.mechanism.remember(now, sent, drawn, nobody)[0])
        return self.answers[key]  # type: ignore[return-value] # one cache of several kinds

    def announced(self, t: int, decision: int, messages: tuple[int, ...], one: Particle) -> object:
        if self.disclosure == "announced":
            now = Situation(t, np.array([one.memory]), np.array([self.split(t, one.profile)[0]]))
            return decision, int(self.mechanism.announces(now, np.array([messages]), np.array([decision]))[0])
        if self.disclosure == "own":
            table = self.environment.stage(t).utility[self.agent]
            return next(d for d in range(len(table)) if np.array_equal(table[d], table[decision]))
        return (decision, messages) if self.disclosure == "everything" else decision

    def acts(self, t: int) -> list[int | None]:
        sizes = [len(labels) for labels in self.environment.actions(t)]
        return [*range(sizes[self.agent])] if sizes else [None]

    def recommended(self, t: int, decision: int) -> int:
        sizes = [len(labels) for labels in self.environment.actions(t)]
        return int(np.unravel_index(decision % prod(sizes), sizes)[self.agent]) if sizes else 0

    def done(self, t: int, decision: int, act: int | None) -> int:
        sizes = [len(labels) for labels in self.environment.actions(t)]
        if act is None or not sizes:
            return decision
        parts = list(np.unravel_index(decision % prod(sizes), sizes))
        parts[self.agent] = np.intp(act)
        return decision // prod(sizes) * prod(sizes) + int(np.ravel_multi_index(parts, sizes))


def drawn_chances(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Chances of messages, the last axis: some certain, some drawn from all, some from a few."""
    chances = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    certain: IntArray = rng.integers(0, shape[-1], shape[:-1])
    return np.where(rng.uniform(size=shape[:-1])[..., None] < 0.5, np.eye(shape[-1])[certain], chances)
