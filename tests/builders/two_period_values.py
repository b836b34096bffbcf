"""Random economies of two periods with private values, signals that move independently and that no decision moves."""

import numpy as np

from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.generators import generator


def two_periods(seed: int, agents: int, multiples: tuple[float, float] = (1.0, 1.0)) -> TableEnvironment:
    """Private values, signals that move independently and that no decision moves."""
    rng, signals, decisions = generator(seed), 2, 3
    stages = []
    for t in range(2):
        utility = np.zeros((agents, decisions, *(signals,) * agents))
        for i in range(agents):
            own = rng.uniform(-1, 2, (decisions, signals)) * multiples[t]
            own[0] = 0
            utility[i] = own.reshape(decisions, *(signals if j == i else 1 for j in range(agents)))
        laws = [rng.dirichlet(np.full(signals, 0.7), signals) for _ in range(agents)]
        kernel = IndependentKernel(tuple(np.broadcast_to(law, (decisions, *law.shape)) for law in laws))
        stages.append(Stage((("0", "1"),) * agents, ("0", "1", "2"), utility, None if t else kernel))
    prior = np.ones(())
    for _ in range(agents):
        prior = np.multiply.outer(prior, rng.dirichlet(np.full(signals, 2.0)))
    return TableEnvironment("two periods", ("a", "b")[:agents], prior, tuple(stages), 0.9, 2)
