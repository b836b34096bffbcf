"""Random economies with values of every kind, hidden actions included."""

import numpy as np

from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.generators import generator


def private_values(seed: int, agents: int = 2, *, discount: float = 0.85) -> TableEnvironment:
    """Independent private values, decisions that move signals."""
    return random_environment(
        generator(seed), agents=agents, signals=2, decisions=3, discount=discount, correlation=0, interdependence=0
    )


def interdependent(seed: int, agents: int = 2, signals: int = 2) -> TableEnvironment:
    """Correlated signals, values that depend on everybody's, well-conditioned beliefs."""
    return random_environment(
        generator(seed), agents=agents, signals=signals, decisions=2, discount=0.85, singular_value=0.05
    )


def working(seed: int, horizon: int | None) -> TableEnvironment:
    """Two agents with two signals and two actions each; a public choice of two; independent types, private values."""
    rng = generator(seed)
    utility, law = np.zeros((2, 8, 2, 2)), np.ones((8, 2, 2, 2, 2))
    for i in range(2):
        worth, moves = rng.uniform(-1, 1, (2, 2, 2)), rng.dirichlet(np.ones(2), (2, 2, 2))  # public, action, signal
        for decision in range(8):
            public, *acts = np.unravel_index(decision, (2, 2, 2))
            for profile in np.ndindex(2, 2):
                utility[(i, decision, *profile)] = worth[public, acts[i], profile[i]]
                own = moves[public, acts[i], profile[i]]
                law[(decision, *profile)] *= own[:, None] if i == 0 else own[None, :]
    stage = Stage(
        (("0", "1"), ("0", "1")),
        tuple(f"d{d}" for d in range(8)),
        utility,
        JointKernel(law, (2, 2), (2, 2)),
        private_actions=(("rest", "work"), ("rest", "work")),
    )
    prior = np.outer(rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(2)))
    return TableEnvironment(f"working {seed}", ("Ann", "Bob"), prior, (stage,), 0.85, horizon)


def acting_apart(
    seed: int, horizon: int | None = None, *, on_others: float = 0.0, on_signals: float = 0.0
) -> TableEnvironment:
    """Interdependent values, correlated signals, and private actions, two each, that are one's own business.

    A public choice of two moves signals; an action's worth depends on everybody's signals. `on_others`: by how much a
    high action helps the other; `on_signals`: by how much one mixes the next signals with even ones.
    """
    base = interdependent(seed)
    rng = generator(1000 + seed)
    worth = rng.uniform(-1, 1, (2, 2, 2, 2, 2))  # by agent, public choice, own action and profile
    law = base.kernel(0).rows().reshape(2, 2, 2, 2, 2)
    utility, moved = np.zeros((2, 8, 2, 2)), np.zeros((8, 2, 2, 2, 2))
    for decision, (public, *acts) in enumerate(np.ndindex(2, 2, 2)):
        for i in range(2):
            utility[i, decision] = worth[i, public, acts[i]] + on_others * acts[1 - i]
        moved[decision] = (1 - on_signals * acts[0]) * law[public] + on_signals * acts[0] / 4
    stage = Stage(
        (("0", "1"), ("0", "1")),
        tuple(f"{x}/{a}/{b}" for x, a, b in np.ndindex(2, 2, 2)),
        utility,
        JointKernel(moved, (2, 2), (2, 2)),
        private_actions=(("rest", "work"), ("rest", "work")),
    )
    return TableEnvironment(f"acting apart {seed}", ("Ann", "Bob"), base.prior, (stage,), 0.85, horizon)
