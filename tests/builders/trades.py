"""Economies in which a seller and buyers trade."""

import numpy as np

from dynmech.mechanisms.conditions.trade_budget import Trade
from dynmech.sim.economy.builders import trade
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.generators import generator


def market(seed: int) -> TableEnvironment:
    """A seller and two buyers, random values, decisions that move them."""
    draws = generator(seed)
    kernels = [draws.dirichlet(np.ones(2), (3, 2)) for _ in range(3)]
    laws = draws.dirichlet(np.ones(2), 3)
    prior = np.einsum("i,j,k->ijk", *laws)
    values = [sorted(draws.uniform(0, 1, 2).tolist()) for _ in range(3)]
    return trade(values[0], values[1:], kernels, prior, 0.8)


POINTS, EVEN = np.array([0.0, 1.0]), np.array([0.5, 0.5])


def alpha_chain(alpha: float) -> Trade:
    chain = persistent_chain(2, alpha)
    return Trade(POINTS, POINTS, chain, chain, EVEN, EVEN)


def random_trade(seed: int, types: int = 4, spread: float = 1.0) -> Trade:
    draws = generator(seed)
    values = np.sort(draws.uniform(0, 1, (2, types)), axis=1)
    chains = draws.dirichlet(np.full(types, spread), (2, types))
    first = draws.dirichlet(np.full(types, spread), 2)
    return Trade(values[0], values[1], chains[0], chains[1], first[0], first[1])
