"""Play from tables beside what one would write in NumPy without a laboratory, and beside the event loop.

Three agents with four signals each, moved independently by four decisions; the team mechanism, truthful play, 50
periods, sums of flows kept. The plain model steps all episodes at once through flat tables, on one generator without
addresses, keeps discounted payoffs only, and checks nothing.
"""

from typing import Any

import numpy as np

from benchmarks.base import Row, paired
from dynmech import load, make_mechanism
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.engines.fused_games import play_fused
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, cumulate
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record

ECONOMY = "random:agents=3,signals=4,decisions=4,horizon=50,correlation=0,independent=true"
EPISODES = 32_768
BLOCK = 4096


def measure(pairs: int) -> list[Row]:
    """Millions of agent-periods per CPU second."""
    game = game_played()
    steps = LockStep(game)
    return [
        _row(game, "the event loop", lambda: by_loop(game), pairs, "at least 1.2 times", 1.2),
        _row(game, "NumPy in lock-step", steps.play, pairs, "at least 1 times", 1.0),
    ]


def _row(game: Game, beside: str, other: Any, pairs: int, aim: str, least: float) -> Row:
    ours, theirs, ratio = paired(lambda: by_tables(game), other, pairs)
    work = 3 * game.periods * EPISODES / 1e6
    title, unit = "play from tables, 3 × 4 × 4, sums kept", "million agent-periods/s"
    return Row(title, work / ours, unit, beside, work / theirs, ratio, aim, ratio >= least)


def game_played() -> Game:
    """Return the game that is played."""
    environment = load(ECONOMY)
    return make_game(environment, make_mechanism("team", environment))


def by_tables(game: Game, episodes: int = EPISODES) -> Record:
    """Play one shard from tables."""
    record = play_fused(game, [Truthful()] * 3, streams_of(game, episodes), episodes=episodes, block=BLOCK, keep="sums",
                        engine="tables")  # fmt: skip
    assert record is not None
    return record


def by_loop(game: Game, episodes: int = EPISODES) -> Record:
    """Play the same shard on the event loop."""
    return play_shard(game, [Truthful()] * 3, streams_of(game, episodes), episodes=episodes, block=BLOCK, keep="sums")


def streams_of(game: Game, episodes: int) -> Streams:
    """Return the addresses of draws of one shard."""
    return Streams(0, "benchmark", 0, episodes, game.periods)


class LockStep:
    """The plain model: flat tables, all episodes of a block at once."""

    def __init__(self, game: Game) -> None:
        environment, mechanism = game.environment, game.mechanism
        assert isinstance(environment, TableEnvironment)
        assert isinstance(mechanism, FlowMechanism)
        stage = environment.stage(0)
        assert isinstance(stage.kernel, IndependentKernel)
        self.weights, self.size = game.weights, stage.size
        self.steps = [cumulate(factor)[..., :-1] for factor in stage.kernel.factors]  # (D, 4, 3) each
        self.first = cumulate(environment.prior.reshape(1, -1))[0, :-1]
        self.policies = [plan.reshape(-1) for plan in mechanism.plan.policy]
        self.utility = stage.utility.reshape(3, -1)
        self.transfers = mechanism.tables

    def play(self, episodes: int = EPISODES) -> FloatArray:
        """Return payoffs, `(3, episodes)`."""
        draws = np.random.Generator(np.random.Philox(0))
        return np.concatenate([self._block(draws, BLOCK) for _ in range(episodes // BLOCK)], axis=1)

    def _block(self, draws: np.random.Generator, n: int) -> FloatArray:
        payoff = np.zeros((3, n))
        flat = np.searchsorted(self.first, draws.random(n), side="right")
        signals = np.array(np.unravel_index(flat, (4, 4, 4)))
        for t, weight in enumerate(self.weights):
            decision = self.policies[min(t, len(self.policies) - 1)][flat]
            transfer = self.transfers[min(t, len(self.transfers) - 1)][:, flat]
            payoff += weight * (self.utility[:, decision * self.size + flat] - transfer)
            uniforms = draws.random((3, n))
            for i in range(3):
                signals[i] = (self.steps[i][decision, signals[i]] <= uniforms[i][:, None]).sum(axis=1)
            flat = (signals[0] * 4 + signals[1]) * 4 + signals[2]
        return payoff
