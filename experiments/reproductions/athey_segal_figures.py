"""Tools for the claims of Athey and Segal: an agent's problem, its largest gain, the same on the event loop."""

from functools import partial

import numpy as np

from dynmech.agents.oracle.gains import ex_ante_gain, worst_gain
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import Played, sampled
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard

claim = partial(Claim, "athey-segal")

SELLER, BUYER = 0, 1

EPISODES = 100_000
"""Episodes of a simulation."""

POINTS = 1200
"""Midpoints per axis of the quadrature; its error is below 1e-6."""


def table(text: str) -> TableEnvironment:
    """A scenario's finite economy."""
    env = load(text)
    assert isinstance(env, TableEnvironment)
    return env


def problem(text: str, mechanism: str, agent: int) -> Problem:
    """An agent's problem under a mechanism by name."""
    env = table(text)
    return build_problem(FiniteGame(env, make_mechanism(mechanism, env)), (agent,))


def gain(of: Problem, information: Information = Information.INTERIM, *, worst: bool = False) -> float:
    """The most that any deviation gains, ex ante or at the worst state."""
    best, truth = (solve(of, family, information) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    return (worst_gain(of, best, truth) if worst else ex_ante_gain(best, truth)).gain


def played(environment: str, mechanism: str, agent: int, strategy: Strategy) -> Played:
    """The gain of a strategy on the event loop, paired."""
    env = load(environment)
    game = make_game(env, make_mechanism(mechanism, env))
    streams = Streams(2007, "reproduce", 0, EPISODES, game.periods + game.closing)
    profile: list[Strategy] = [Truthful() for _ in env.agents]
    honest = play_shard(game, profile, streams).payoffs[agent]
    profile[agent] = strategy
    return sampled(play_shard(game, profile, streams).payoffs[agent] - honest)


def midpoints() -> tuple[FloatArray, FloatArray]:
    """θ_1 and θ_2 on a fine grid, `(POINTS²,)` each."""
    k = (np.arange(POINTS) + 0.5) / POINTS
    one, two = np.meshgrid(k, 2 * k, indexing="ij")
    return one.reshape(-1), two.reshape(-1)
