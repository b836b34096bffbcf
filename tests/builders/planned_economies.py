"""Random economies for the planner, and their values by other means.|"""

from functools import reduce

import numpy as np
from hypothesis import strategies as st
from numpy.random import Generator

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel

SEEDS = st.integers(0, 2**32 - 1)


def joint_economy(
    generator: Generator, agents: int, signals: int, decisions: int, discount: float, *, sticky: float = 0.0
) -> TableEnvironment:
    """Random welfare and any correlation; with probability `sticky` nothing moves."""
    axes, size = (signals,) * agents, signals**agents
    laws = (1 - sticky) * generator.dirichlet(np.ones(size), (decisions, size)) + sticky * np.eye(size)
    utility = generator.normal(size=(agents, decisions, *axes))
    return from_arrays(utility, laws.reshape(decisions, *axes, *axes), np.full(axes, 1 / size), discount)


def independent_economy(
    generator: Generator, agents: int, signals: int, decisions: int, discount: float, *, sticky: float = 0.0
) -> TableEnvironment:
    """Random welfare, signals that move independently."""
    axes = (signals,) * agents
    factors = [
        (1 - sticky) * generator.dirichlet(np.ones(signals), (decisions, signals)) + sticky * np.eye(signals)
        for _ in range(agents)
    ]
    utility = generator.normal(size=(agents, decisions, *axes))
    return from_arrays(utility, factors, np.full(axes, 1 / signals**agents), discount)


def dense_law(environment: TableEnvironment) -> FloatArray:
    """P(θ′ | a, θ) `(D, S, S)`: Kronecker products of the agents' own tables, or the joint table as it is."""
    kernel = environment.kernel(0)
    if isinstance(kernel, JointKernel):
        return kernel.table.reshape(len(environment.stage(0).decisions), environment.stage(0).size, -1)
    return np.stack(
        [reduce(np.kron, [f[a] for f in kernel.factors]) for a in range(len(environment.stage(0).decisions))]
    )


def quantecon(environment: TableEnvironment, welfare: FloatArray | None = None) -> tuple[FloatArray, IntArray]:
    """Values and policy by QuantEcon's policy iteration, flat; `welfare` `(D, S)` is Σ u unless given."""
    from quantecon.markov import DiscreteDP  # here: it takes seconds to import, in every worker that collects tests

    decisions = len(environment.stage(0).decisions)
    reward = environment.stage(0).utility.sum(axis=0).reshape(decisions, -1) if welfare is None else welfare
    problem = DiscreteDP(reward.T.copy(), dense_law(environment).transpose(1, 0, 2).copy(), environment.discount)
    solved = problem.solve(method="policy_iteration")
    return np.asarray(solved.v), np.asarray(solved.sigma)
