"""Figures that several papers' claims are made of: gains, payoffs under prescribed play, simulated means."""

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import TruthfulValues
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record

EPISODES = 20_000
"""Episodes of a simulation."""

SEED = 2014


def play(
    environment: TableEnvironment,
    mechanism: Mechanism,
    strategies: Mapping[int, Strategy] | None = None,
    *,
    episodes: int = EPISODES,
    tail: float = 1e-4,
) -> Record:
    """Play a game; agents that are not named play as prescribed."""
    game = make_game(environment, mechanism, tail=tail)
    streams = Streams(SEED, "reproduce", 0, episodes, game.periods + game.closing)
    profile = [(strategies or {}).get(i, Truthful()) for i in range(len(environment.agents))]
    return play_shard(game, profile, streams, episodes=episodes)


class Played(TypedDict):
    """A simulated figure, as a claim takes it: the mean over episodes, and its standard error."""

    simulated: float
    error: float


def sampled(samples: FloatArray) -> Played:
    """Mean and standard error of samples `(E,)`, as a claim takes them."""
    simulated, error = mean(samples)
    return {"simulated": simulated, "error": error}


def mean(samples: FloatArray) -> tuple[float, float]:
    """Mean and standard error of samples `(E,)`."""
    moments = Moments.of(samples)
    return float(moments.mean), float(moments.error)


def largest_gain(
    environment: TableEnvironment,
    mechanism: Mechanism,
    family: Family = Family.BEST_RESPONSE,
    information: Information = Information.EX_POST,
    *,
    on_path: bool = False,
) -> float:
    """The most that anybody gains by a deviation of the family, at the worst state."""
    gains = []
    for agent in range(len(environment.agents)):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        truth, best = (solve(problem, one, information) for one in (Family.PRESCRIBED, family))
        gains.append(worst_gain(problem, best, truth, on_path=on_path).gain)
    return max(gains)


def payoffs(truthful: TruthfulValues) -> FloatArray:
    """Expected discounted payoffs of prescribed play, `(N,)`."""
    return truthful.utility - truthful.transfer


def off_level(environment: TableEnvironment, mechanism: Mechanism, level: FloatArray) -> float:
    """How far anybody's payoff from the first period on is from a level `(S,)`, at any profile."""
    page = FiniteGame(environment, mechanism).truthful.periods[0]
    return float(np.abs(page.stay[:, 0] - level).max())
