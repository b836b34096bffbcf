"""Play from tables in machine code beside a program of its own for one model, and beside the same tables in NumPy.

The model is that of `benchmarks.tables`. The plain program takes one episode after the other, draws by Philox in
counters of its own, keeps discounted payoffs only, and checks nothing.
"""

from typing import Any

import numpy as np
from numba import njit

from benchmarks.base import Row, paired
from benchmarks.tables import BLOCK, LockStep, by_tables, game_played, streams_of
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.engines.fused_games import play_fused
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.play.compiled import philox
from dynmech.sim.play.game import Game
from dynmech.sim.play.record import Record

EPISODES = 131_072


def measure(pairs: int) -> list[Row]:
    """Millions of agent-periods per CPU second; what is compiled is compiled before."""
    game = game_played()
    plain = Plain(game)
    return [
        _row(game, "a Numba program for the model", plain.play, pairs, "at least 0.8 times", 0.8),
        _row(game, "the tables in NumPy", lambda: by_tables(game, EPISODES), pairs, "at least 1.2 times", 1.2),
    ]


def _row(game: Game, beside: str, other: Any, pairs: int, aim: str, least: float) -> Row:
    ours, theirs, ratio = paired(lambda: by_machine_code(game), other, pairs)
    work = 3 * game.periods * EPISODES / 1e6
    title, unit = "play in machine code, 3 × 4 × 4, sums kept", "million agent-periods/s"
    return Row(title, work / ours, unit, beside, work / theirs, ratio, aim, ratio >= least)


def by_machine_code(game: Game, episodes: int = EPISODES) -> Record:
    """Play one shard in machine code."""
    record = play_fused(game, [Truthful()] * 3, streams_of(game, episodes), episodes=episodes, block=BLOCK, keep="sums",
                        engine="compiled")  # fmt: skip
    assert record is not None
    return record


class Plain:
    """The plain program: flat tables, one episode after the other."""

    def __init__(self, game: Game) -> None:
        model = LockStep(game)
        first, last = model.policies[0], model.policies[-1]
        periods = len(model.weights)
        self.policies = np.array([first, *[model.policies[min(t, len(model.policies) - 1)] for t in range(1, periods)]])
        assert self.policies.shape[1] == len(last)
        transfers = np.array([model.transfers[min(t, len(model.transfers) - 1)] for t in range(periods)])
        utility = model.utility.reshape(3, -1, model.size)
        taken = utility[:, self.policies, np.arange(model.size)].transpose(1, 0, 2)  # (P, 3, S)
        self.flows = np.ascontiguousarray((taken - transfers).transpose(0, 2, 1))
        self.steps, self.first, self.weights = np.array(model.steps), model.first, np.asarray(model.weights)

    def play(self, episodes: int = EPISODES) -> FloatArray:
        """Return payoffs, `(3, episodes)`."""
        out = np.empty((3, episodes))
        key = np.array([1, 2], np.uint64)
        _plain(self.policies, self.flows, self.steps, self.first, self.weights, key, out)
        return out


@njit(nogil=True)
def _plain(policies: Any, flows: Any, steps: Any, first: Any, weights: Any, key: Any, out: Any) -> None:
    periods, numbers = len(weights), np.empty((4, 1))
    for e in range(out.shape[1]):
        counter = e * (periods + 1)
        philox(counter, key, numbers, 0)
        profile = 0
        while profile < len(first) and first[profile] <= numbers[0, 0]:
            profile += 1
        a, b, c = 0.0, 0.0, 0.0
        for t in range(periods):
            a += weights[t] * flows[t, profile, 0]
            b += weights[t] * flows[t, profile, 1]
            c += weights[t] * flows[t, profile, 2]
            decision = policies[t, profile]
            philox(counter + t + 1, key, numbers, 0)
            signals, moved = (profile >> 4, (profile >> 2) & 3, profile & 3), 0
            for i in range(3):
                drawn = 0
                for k in range(3):
                    drawn += steps[i, decision, signals[i], k] <= numbers[i, 0]
                moved = moved * 4 + drawn
            profile = moved
        out[0, e], out[1, e], out[2, e] = a, b, c
