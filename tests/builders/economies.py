"""Random economies for the theorems about contingent transfers: well conditioned, stationary or not."""

import numpy as np

from dynmech.mechanisms.conditions.correlation import hull_distances
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.generators import generator

DISCOUNT = 0.85


def endless(seed: int, agents: int = 2, signals: int = 2) -> TableEnvironment:
    """Stationary, correlated, interdependent; every belief matrix has a singular value of at least 0.02."""
    return random_environment(
        generator(seed), agents=agents, signals=signals, decisions=2, discount=DISCOUNT, singular_value=0.02
    )


def law(rng: np.random.Generator, now: tuple[int, ...], then: tuple[int, ...], decisions: int) -> FloatArray:
    """A kernel `(D, *K, *K')` under which agent i + 1 will say much about the signal of agent i, for all K ≤ K'."""
    table = np.ones((decisions, *now, *then))
    for i, width in enumerate(now):
        heir = (i + 1) % len(now)
        link = 0.6 * np.eye(width, then[heir]) + 0.4 * rng.dirichlet(np.ones(then[heir]), (decisions, width))
        link /= link.sum(axis=-1, keepdims=True)
        shape = [decisions, *(1,) * 2 * len(now)]
        shape[1 + i], shape[1 + len(now) + heir] = width, then[heir]
        table = table * link.reshape(shape)
    noise = rng.dirichlet(np.ones(int(np.prod(then))), (decisions, *now)).reshape(table.shape)
    return 0.9 * table + 0.1 * noise


def stage(
    rng: np.random.Generator, widths: tuple[int, ...], decisions: int, kernel: FloatArray | None, *, private: bool
) -> Stage:
    """Utilities of the whole profile, or of the own signal only."""
    utility = rng.uniform(-1, 1, (len(widths), decisions, *widths))
    if private:
        for i in range(len(widths)):
            others = tuple(1 + j for j in range(len(widths)) if j != i)
            utility[i] = utility[i].mean(axis=others, keepdims=True) * 2
    signals = tuple(tuple(f"s{k}" for k in range(width)) for width in widths)
    names = tuple(f"d{d}" for d in range(decisions))
    then = () if kernel is None else kernel.shape[1 + len(widths) :]
    return Stage(signals, names, utility, None if kernel is None else JointKernel(kernel, widths, then))


def unfolding(seed: int, agents: int = 2, *, private_end: bool = True, moved: bool = True) -> TableEnvironment:
    """Four different periods: sets of signals and decisions change, utilities and laws too.

    Args:
        private_end: the last period has private values, so that its decision is implementable ex post.
        moved: decisions move the signals.
    """
    rng = generator(seed)
    counts, decisions = (2, 2, 3, 3), (2, 3, 2, 3)
    stages = []
    for t in range(4):
        now = (counts[t],) * agents
        kernel = None
        if t < 3:
            kernel = law(rng, now, (counts[t + 1],) * agents, decisions[t] if moved else 1)
            kernel = np.broadcast_to(kernel, (decisions[t], *kernel.shape[1:]))
        stages.append(stage(rng, now, decisions[t], kernel, private=private_end and t == 3))
    prior = rng.dirichlet(np.ones(counts[0] ** agents)).reshape((counts[0],) * agents)
    names = tuple(f"agent {i + 1}" for i in range(agents))
    return TableEnvironment("unfolding", names, prior, tuple(stages), 0.9, 4)


def more_signals(seed: int) -> TableEnvironment:
    """Agent 1 has four signals, agent 2 three: beliefs of agent 1 are four corners in a triangle, never independent."""
    rng = generator(seed)
    corners = np.array([[0.7, 0.2, 0.1], [0.7, 0.1, 0.2], [0.1, 0.75, 0.15], [0.1, 0.15, 0.75]])
    table = np.empty((2, 4, 3, 4, 3))
    for d in range(2):
        for o in range(3):
            shaken = 0.9 * corners + 0.1 * rng.dirichlet(np.ones(3))
            for k in range(4):
                stays = 0.7 * np.eye(4)[o] + 0.3 * rng.dirichlet(np.ones(4))
                table[d, k, o] = np.outer(stays, shaken[k])
    utility = rng.uniform(-1, 1, (2, 2, 4, 3))
    signals = (tuple(f"s{k}" for k in range(4)), tuple(f"s{k}" for k in range(3)))
    one = Stage(signals, ("d0", "d1"), utility, JointKernel(table, (4, 3), (4, 3)))
    prior = rng.dirichlet(np.ones(12)).reshape(4, 3)
    return TableEnvironment("more signals", ("agent 1", "agent 2"), prior, (one,), DISCOUNT, None)


def weather(seed: int) -> TableEnvironment:
    """A public state beside two agents with two signals each, and a cost of the second decision in one state."""
    rng = generator(seed)
    axes = (2, 2, 2)
    table = rng.dirichlet(np.full(8, 0.4), (2, *axes)).reshape(2, *axes, *axes)
    cost = np.array([[0.0, 0.0], [0.3, 0.0]])
    signals = (("low", "high"), ("low", "high"))
    one = Stage(
        signals, ("d0", "d1"), rng.uniform(-1, 1, (2, 2, *axes)), JointKernel(table, axes, axes), ("dry", "wet"), cost
    )
    prior = rng.dirichlet(np.ones(8)).reshape(axes)
    return TableEnvironment("weather", ("agent 1", "agent 2"), prior, (one,), DISCOUNT, None)


def slow_to_tell(seed: int, horizon: int | None = None, *, moved: bool = False) -> TableEnvironment:
    """Agent 1 has three signals, agent 2 two: what agent 2 says next cannot tell them apart, the next two can.

    Args:
        moved: decisions move the signals (and beliefs given a sequence of decisions could still tell them apart).
    """
    rng = generator(seed)
    agent_2 = np.array([[0.85, 0.15], [0.5, 0.5], [0.15, 0.85]])
    agent_1 = np.array([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    table = np.empty((2, 3, 2, 3, 2))
    for d, k, o in np.ndindex(2, 3, 2):
        turned = np.roll(agent_1, 2 * d if moved else 0, axis=0)
        mine = 0.7 * turned[k] + 0.3 * np.array([[0.6, 0.2, 0.2], [0.2, 0.2, 0.6]])[o]
        table[d, k, o] = np.outer(mine, 0.9 * agent_2[k] + 0.1 * np.array([[0.9, 0.1], [0.2, 0.8]])[o])
    utility = rng.uniform(-1, 1, (2, 2, 3, 2))
    signals = (("s0", "s1", "s2"), ("s0", "s1"))
    kernel = JointKernel(table, (3, 2), (3, 2))
    one = Stage(signals, ("d0", "d1"), utility, kernel)
    prior = rng.dirichlet(np.ones(6)).reshape(3, 2)
    names = ("agent 1", "agent 2")
    if horizon is None:
        return TableEnvironment("slow to tell", names, prior, (one,), DISCOUNT, None)
    last = Stage(signals, ("d0", "d1"), np.zeros((2, 2, 3, 2)))
    before = Stage(signals, ("d0", "d1"), np.zeros((2, 2, 3, 2)), kernel)
    return TableEnvironment("slow to tell", names, prior, (one,) * (horizon - 2) + (before, last), 0.9, horizon)


def least_singular_value(environment: TableEnvironment) -> float:
    """Over all periods, agents, decisions and profiles of the others."""
    periods = range(1 if environment.horizon is None else environment.horizon - 1)
    return min(
        float(np.linalg.svd(belief_matrices(environment, t, i), compute_uv=False)[..., -1].min())
        for t in periods
        for i in range(len(environment.agents))
    )


def least_distance(environment: TableEnvironment) -> float:
    """ε: of a belief from the hull of those after other signals, over all periods."""
    periods = range(1 if environment.horizon is None else environment.horizon - 1)
    return min(
        float(hull_distances(environment, t, i)[0].min()) for t in periods for i in range(len(environment.agents))
    )
