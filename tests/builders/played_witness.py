"""The witness of an exact search on the event loop, beside what it is worth."""

import numpy as np

from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.truthful import Truthful
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard


def assert_witness_earns(
    environment: TableEnvironment, mechanism: Mechanism, family: Family, episodes: int
) -> list[tuple[float, float]]:
    """Hold each of two agents' witness to its exact gain; return exact gain and standard error by agent."""
    game = make_game(environment, mechanism)
    streams = Streams(0, "witness", 0, episodes, game.periods + game.closing)
    honest = play_shard(game, [Truthful(), Truthful()], streams).payoffs
    out = []
    for agent in range(2):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        witness = Witness(problem, family)
        exact = ex_ante_gain(witness.value, solve(problem, Family.PRESCRIBED, Information.INTERIM)).gain
        profile = [witness if i == agent else Truthful() for i in range(2)]
        gains = play_shard(game, profile, streams).payoffs[agent] - honest[agent]
        error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
        assert abs(gains.mean() - exact) <= 4 * error + 2 * game.tail + 1e-9
        out.append((exact, error))
    return out
