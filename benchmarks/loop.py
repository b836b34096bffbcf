"""The event loop beside what one would write without it: the same economy in plain SimPy, and in PettingZoo's loop.

Three agents with three signals each, moved independently by two decisions; the team mechanism, truthful play, 76
periods. The plain models use Python numbers, keep discounted payoffs only, and check nothing that anybody does.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib import import_module
from itertools import accumulate, product
from typing import Any

import simpy

from benchmarks.base import Row, paired
from dynmech import load
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.experiments.runs.tally import Tally
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.payment_terms import PaymentTerms
from dynmech.sim.play.record import Keep, Record

Process = Generator[simpy.Event, Any, None]
Draw = Callable[[], float]


def measure(pairs: int) -> list[Row]:
    """Rates in thousands of agent-periods per CPU second."""
    game = economy()
    plain = Plain.of(game)
    rows = [_large(game, plain, pairs), _bills(game, pairs)]
    rows.append(_small(game, plain, pairs, "plain SimPy, Stores", with_stores, "at least 0.5 of it", 0.5))
    rows.append(_small(game, plain, pairs, "plain SimPy, bare events", with_events, "–", 0.0))
    try:
        parallel = parallel_loop()
    except ImportError:
        print("PettingZoo is not installed: its row is left out")  # noqa: T201 - for whoever runs the benchmarks
    else:
        rows.append(_small(game, plain, pairs, "PettingZoo ParallelEnv", parallel, "–", 0.0))
    return [*rows, _summary(game, pairs)]


def economy() -> Game:
    """Return the game that is played."""
    environment = load("random:agents=3,signals=3,decisions=2,independent=true,correlation=0")
    return make_game(environment, make_mechanism("team", environment), tail=1e-2)


def play(game: Game, episodes: int, block: int, keep: Keep) -> Record:
    """Play one shard in which all agents report truthfully."""
    streams = Streams(0, "benchmark", 0, episodes, game.periods)
    return play_shard(game, [Truthful()] * 3, streams, block=block, keep=keep)


def _thousands(game: Game, episodes: int, seconds: float) -> float:
    return 3 * game.periods * episodes / seconds / 1000


def _large(game: Game, plain: "Plain", pairs: int) -> Row:
    many, few = 4000, 40
    seconds, other, _ = paired(lambda: play(game, many, 1000, "payoffs"), lambda: with_stores(plain, few), pairs)
    ours, theirs = _thousands(game, many, seconds), _thousands(game, few, other)
    work, unit = "event loop, 3 agents, blocks of 1000, logging off", "1000 agent-periods/s"
    return Row(work, ours, unit, "plain SimPy, Stores", theirs, ours / theirs, "20,000", ours >= 20_000)


def _bills(game: Game, pairs: int) -> Row:
    """Enforced payments, which ask nobody, beside bills that every agent is sent and answers."""
    asked = make_game(game.environment, game.mechanism, ProtocolOptions(payments=PaymentTerms()), tail=1e-2)
    ours, theirs, ratio = paired(
        lambda: play(game, 4000, 1000, "payoffs"), lambda: play(asked, 4000, 1000, "payoffs"), pairs
    )
    work, unit = "payments enforced, blocks of 1000", "1000 agent-periods/s"
    enforced, voluntary = _thousands(game, 4000, ours), _thousands(game, 4000, theirs)
    return Row(work, enforced, unit, "payments voluntary", voluntary, ratio, "no slower than voluntary", ratio >= 1)


def _small(
    game: Game,
    plain: "Plain",
    pairs: int,
    name: str,
    other: Callable[["Plain", int], object],
    aim: str,
    least: float,
) -> Row:
    ours, theirs, ratio = paired(lambda: play(game, 40, 1, "payoffs"), lambda: other(plain, 40), pairs)
    work, unit = "the same, blocks of 1", "1000 agent-periods/s"
    return Row(work, _thousands(game, 40, ours), unit, name, _thousands(game, 40, theirs), ratio, aim, ratio >= least)


def _summary(game: Game, pairs: int) -> Row:
    """A shard as the program cuts it: 4096 episodes in one block."""
    prescribed = play(game, 4096, 4096, "payoffs").payoffs
    ours, theirs, ratio = paired(
        lambda: Tally.of(play(game, 4096, 4096, "sums"), prescribed), lambda: play(game, 4096, 4096, "payoffs"), pairs
    )
    work = "summary-only: play and tally a shard of 4096"
    return Row(work, ours, "s", "logging off", theirs, ratio, "at most 20 % on top", 1 / ratio <= 1.2)


# The same economy in plain Python


@dataclass(frozen=True)
class Plain:
    """The game's tables as lists.

    Attributes:
        steps: by agent, decision and signal: where the distribution function of the next signal steps.
        first: the distribution function of the first profile.
        profiles: signals of every flat profile.
        policy, utility, transfer: decision by profile; utilities by decision and profile; transfers by profile.
        weights: δ^t.
    """

    steps: list[list[list[list[float]]]]
    first: list[float]
    profiles: list[tuple[int, ...]]
    policy: list[int]
    utility: list[list[list[float]]]
    transfer: list[list[float]]
    weights: list[float]

    @classmethod
    def of(cls, game: Game) -> "Plain":
        """From the arrays."""
        environment, mechanism = game.environment, game.mechanism
        assert isinstance(environment, TableEnvironment)
        assert isinstance(mechanism, FlowMechanism)
        stage = environment.stage(0)
        assert isinstance(stage.kernel, IndependentKernel)
        return cls(
            steps=[[[list(accumulate(row))[:-1] for row in d] for d in f.tolist()] for f in stage.kernel.factors],
            first=list(accumulate(environment.prior.reshape(-1).tolist()))[:-1],
            profiles=list(product(*(range(k) for k in stage.axes))),
            policy=mechanism.plan.policy[0].reshape(-1).tolist(),
            utility=stage.utility.reshape(3, len(stage.decisions), -1).transpose(1, 2, 0).tolist(),
            transfer=mechanism.tables[0].T.tolist(),
            weights=list(game.weights),
        )

    def begin(self, draw: Draw) -> tuple[int, ...]:
        """The first signals."""
        return self.profiles[bisect_right(self.first, draw())]

    def move(self, signals: tuple[int, ...], decision: int, draw: Draw) -> tuple[int, ...]:
        """The next signals."""
        return tuple(bisect_right(steps[decision][k], draw()) for steps, k in zip(self.steps, signals, strict=True))

    def settle(self, t: int, signals: tuple[int, ...], reports: list[int], payoffs: list[float]) -> int:
        """The decision at the reports; payoffs are booked."""
        weight = self.weights[t]
        reported = (reports[0] * 3 + reports[1]) * 3 + reports[2]
        decision = self.policy[reported]
        utility = self.utility[decision][(signals[0] * 3 + signals[1]) * 3 + signals[2]]
        transfer = self.transfer[reported]
        for i in range(3):
            payoffs[i] += weight * (utility[i] - transfer[i])
        return decision


def with_stores(plain: Plain, episodes: int) -> list[list[float]]:
    """Processes that exchange messages through stores, as SimPy's guide has it."""
    draw = random.Random(0).random
    return [_store_episode(plain, draw) for _ in range(episodes)]


def _store_episode(plain: Plain, draw: Draw) -> list[float]:
    clock = simpy.Environment()
    world, news, desk = simpy.Store(clock), simpy.Store(clock), simpy.Store(clock)
    mail = [simpy.Store(clock) for _ in range(3)]
    payoffs = [0.0] * 3

    def nature() -> Process:
        signals = plain.begin(draw)
        while True:
            for i in range(3):
                mail[i].put(signals[i])
            world.put(signals)
            decision = yield news.get()
            signals = plain.move(signals, decision, draw)
            yield clock.timeout(1)

    def agent(i: int) -> Process:
        while True:
            signal = yield mail[i].get()
            desk.put((i, signal))

    def designer() -> Process:
        for t in range(len(plain.weights)):
            signals = yield world.get()
            reports = [0] * 3
            for _ in range(3):
                i, report = yield desk.get()
                reports[i] = report
            news.put(plain.settle(t, signals, reports, payoffs))

    clock.process(nature())
    for i in range(3):
        clock.process(agent(i))
    clock.run(until=clock.process(designer()))
    return payoffs


def with_events(plain: Plain, episodes: int) -> list[list[float]]:
    """Play an episode with bare SimPy events and messages in a list, the fastest use of SimPy."""
    draw = random.Random(0).random
    return [_event_episode(plain, draw) for _ in range(episodes)]


def _event_episode(plain: Plain, draw: Draw) -> list[float]:
    clock = simpy.Environment()
    opened, done = [clock.event()], [clock.event()]
    bells = [clock.event() for _ in range(3)]
    desk = [0] * 3
    payoffs = [0.0] * 3

    def nature() -> Process:
        signals = plain.begin(draw)
        while True:
            opened[0].succeed(signals)
            decision = yield done[0]
            done[0] = clock.event()
            signals = plain.move(signals, decision, draw)
            yield clock.timeout(1)

    def agent(i: int) -> Process:
        while True:
            signal = yield bells[i]
            bells[i] = clock.event()
            desk[i] = signal

    def designer() -> Process:
        for t in range(len(plain.weights)):
            signals = yield opened[0]
            opened[0] = clock.event()
            for i in range(3):
                bells[i].succeed(signals[i])
            yield clock.timeout(0)
            done[0].succeed(plain.settle(t, signals, desk, payoffs))

    clock.process(nature())
    for i in range(3):
        clock.process(agent(i))
    clock.run(until=clock.process(designer()))
    return payoffs


def parallel_loop() -> Callable[[Plain, int], object]:
    """The economy as a PettingZoo `ParallelEnv`, stepped with the truth.

    Raises:
        ImportError: PettingZoo is not installed.
    """
    pettingzoo: Any = import_module("pettingzoo")
    discrete: Any = import_module("gymnasium.spaces").Discrete

    class Economy(pettingzoo.ParallelEnv):  # type: ignore[misc] # it ships no types
        """Signals are observations, reports actions, payoffs rewards."""

        metadata: dict[str, Any] = {"name": "economy"}  # noqa: RUF012 - PettingZoo's convention

        def __init__(self, plain: Plain) -> None:
            self.plain, self.draw = plain, random.Random(0).random
            self.possible_agents = ["0", "1", "2"]
            self.observation_spaces = self.action_spaces = {agent: discrete(3) for agent in self.possible_agents}

        def reset(self, **_: Any) -> tuple[dict[str, int], dict[str, Any]]:
            self.agents, self.t = self.possible_agents[:], 0
            self.signals = self.plain.begin(self.draw)
            return dict(zip(self.agents, self.signals, strict=True)), {agent: {} for agent in self.agents}

        def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
            payoffs = [0.0] * 3
            decision = self.plain.settle(self.t, self.signals, [actions[agent] for agent in self.agents], payoffs)
            self.signals = self.plain.move(self.signals, decision, self.draw)
            self.t += 1
            over = dict.fromkeys(self.agents, self.t == len(self.plain.weights))
            seen = dict(zip(self.agents, self.signals, strict=True))
            rewards = dict(zip(self.agents, payoffs, strict=True))
            never = dict.fromkeys(self.agents, False)
            infos: dict[str, Any] = {agent: {} for agent in self.agents}
            if self.t == len(self.plain.weights):
                self.agents = []
            return seen, rewards, never, over, infos

    def loop(plain: Plain, episodes: int) -> list[list[float]]:
        economy, out = Economy(plain), []
        for _ in range(episodes):
            seen, _infos = economy.reset()
            payoffs = dict.fromkeys(seen, 0.0)
            while economy.agents:
                seen, rewards, *_others = economy.step(seen)
                for agent, reward in rewards.items():
                    payoffs[agent] += reward
            out.append(list(payoffs.values()))
        return out

    return loop
