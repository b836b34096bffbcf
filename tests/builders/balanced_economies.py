"""Random economies of independent types and private values for balanced mechanisms."""

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.generators import generator


def economy(seed: int, agents: int = 2, horizon: int | None = None, publics: int = 0) -> TableEnvironment:
    """Independent private values; each law depends on the decision, the own signal and the public state."""
    rng = generator(seed)
    widths = [*([publics] if publics else []), *rng.integers(2, 4, agents)]
    names = ("bad", "good")[:publics]
    decisions = 3
    utility = np.zeros((agents, decisions, *widths))
    for i in range(agents):
        shape = [1] * len(widths)
        shape[-agents + i] = widths[-agents + i]
        if publics:
            shape[0] = publics
        utility[i] = rng.uniform(-1, 1, (decisions, *shape))
    prior = np.ones(())
    for width in widths:
        prior = np.multiply.outer(prior, rng.dirichlet(np.ones(width)))
    law = np.ones((decisions, *widths, *[1] * len(widths)))
    for axis, width in enumerate(widths):
        shape = [1] * len(widths)
        shape[axis] = width
        if publics:
            shape[0] = publics  # the stock moves everybody's signals, nobody's signal moves the stock
        own = rng.dirichlet(np.ones(width), (decisions, *shape))
        ahead = [1] * len(widths)
        ahead[axis] = width
        law = law * own.reshape(decisions, *shape, *ahead)
    stage = Stage(
        signals=tuple(tuple(str(k) for k in range(width)) for width in widths[-agents:]),
        decisions=tuple(f"d{d}" for d in range(decisions)),
        utility=utility,
        kernel=JointKernel(np.broadcast_to(law, (decisions, *widths, *widths)).copy(), tuple(widths), tuple(widths)),
        public=names,
    )
    named = tuple(f"agent {i}" for i in range(agents))
    return TableEnvironment(f"independent {seed}", named, prior, (stage,), 0.85, horizon)


def gain(mechanism: Mechanism, agent: int, information: Information = Information.INTERIM) -> float:
    """The largest gain of a best response over the states that some play leads to, after own lies as well."""
    environment = mechanism.environment
    assert isinstance(environment, TableEnvironment)
    problem = build_problem(FiniteGame(environment, mechanism), (agent,))
    best, truth = (solve(problem, family, information) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    return worst_gain(problem, best, truth).gain


def residual(mechanism: Mechanism) -> float:
    """The largest |Σ_i p^i| over all memories and reports, whether or not they can occur."""
    environment = mechanism.environment
    assert isinstance(environment, TableEnvironment)
    rules = [tabulate(mechanism, t) for t in range(environment.horizon or 2)]
    return max(float(np.abs((one.charge + one.due[..., None]).sum(axis=0)).max()) for one in rules)
