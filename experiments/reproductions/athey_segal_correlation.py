"""Athey and Segal 2007, §7: balance where types are correlated, in one period, after Kosenok and Severinov 2008.

With three agents or more, an efficient rule can be implemented with a balanced budget and voluntary participation, all
interim, where beliefs tell own types apart (convex independence) and no agent's lies can make reports look as another
one's would (identifiability); with two agents the second fails. Here by a linear program of our own: the least v such
that some balanced transfers leave no lie a gain above v and nobody a payoff below −v; then by `design`, whose mechanism
is audited. What §7 asks for over time is not built: no construction is known to us that carries identifiability through
histories.
"""

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from scipy.optimize import linprog

from dynmech.experiments.designs.designing import design
from dynmech.experiments.reproductions.athey_segal_figures import claim
from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage

NEAR = 1e-7
"""Up to which figures of linear programs agree."""


def one_project(agents: int, prior: FloatArray, high: float = 0.6) -> TableEnvironment:
    """Return one period in which a project is worth −1 or `high` to each agent."""
    utility = np.zeros((agents, 2, *(2,) * agents))
    for i in range(agents):
        utility[i, 1] = np.array([-1.0, high]).reshape([2 if j == i else 1 for j in range(agents)])
    names = tuple(f"agent {i + 1}" for i in range(agents))
    stage = Stage((("low", "high"),) * agents, ("no", "yes"), utility)
    return TableEnvironment("one project", names, prior, (stage,), 1.0, 1)


def drawn_prior(agents: int, tilt: float = 1.0) -> FloatArray:
    """Return a law of types in which all are correlated, each pair in its own way; none with `tilt` 0."""
    signs = np.indices((2,) * agents) * 2.0 - 1
    weight = np.ones((2,) * agents)
    for i, j in permutations(range(agents), 2):
        if i < j:
            weight = weight + tilt * 0.12 * (1 + i + 0.5 * j) / agents * signs[i] * signs[j]
    if agents > 2:
        weight = weight + tilt * 0.1 * signs[0] * signs[1] * signs[2]
    out: FloatArray = weight / weight.sum()
    return out


def least_violation(environment: TableEnvironment) -> float:
    """Return the least v for which balanced transfers exist with gains up to v and payoffs from −v, interim."""
    prior, utility = environment.prior, environment.stage(0).utility
    policy = plan(environment).policy[0]
    agents, size = len(environment.agents), prior.size
    place = np.arange(size).reshape(prior.shape)
    rows, limits = [], []
    for i in range(agents):
        law, at, decided = (np.moveaxis(table, i, 0).reshape(2, -1) for table in (prior, place, policy))
        worth = np.moveaxis(utility[i], 1 + i, 1).reshape(2, 2, -1)
        for k in range(2):
            belief, others = law[k] / law[k].sum(), np.arange(law.shape[1])
            truth = worth[decided[k], k, others] @ belief
            lie = worth[decided[1 - k], k, others] @ belief
            row = np.zeros((agents, size))
            row[i, at[k]] = belief
            rows.append([*row.reshape(-1), -1.0])
            limits.append(truth)
            row = row.copy()
            row[i, at[1 - k]] = -belief
            rows.append([*row.reshape(-1), -1.0])
            limits.append(truth - lie)
    balance = np.hstack([np.tile(np.eye(size), agents), np.zeros((size, 1))])
    bounds = [(None, None)] * (agents * size) + [(0, None)]
    found = linprog([0.0] * (agents * size) + [1.0], rows, limits, balance, np.zeros(size), bounds, method="highs")
    assert found.x is not None, found.message
    return float(found.x[-1])


CASES = ((3, 1.0, 0.6, True), (4, 1.0, 0.6, True), (3, 0.0, 0.6, False), (4, 0.0, 1.4, False), (2, 1.0, 1.4, False))
"""Agents, how correlated types are, what a high one is worth, and whether balance can be had."""


def correlated_balance() -> Iterator[Claim]:
    """Correlated types, three agents or more: possible; two agents, or independent types, where it is not.

    Three independent agents, 0.6: a low one gets U_0 ≥ −v, a high one U_1 ≥ U_0 + 1.6/4 − v, and (U_0 + U_1)/2 = 0.1,
    a third of the surplus; so v ≥ 0.2/3.
    """
    for agents, tilt, high, possible in CASES:
        environment = one_project(agents, drawn_prior(agents, tilt), high)
        missing = least_violation(environment)
        made = design(environment, incentive="bayesian", participation="interim", budget="balanced")
        kind = "correlated" if tilt else "independent"
        text = f"§7 in one period, {agents} {kind} agents, {high:g}: 1 if balanced, efficient, voluntary"
        agree = (made.status == "possible") == (missing <= NEAR)
        yield claim(text, None, float(missing <= NEAR) if agree else np.nan, float(possible), "the same by `design`")
    by_hand = 0.2 / 3
    exact = least_violation(one_project(3, drawn_prior(3, 0.0)))
    text = "§7 in one period, 3 independent agents, 0.6: the least gain and shortfall that balance leaves"
    yield claim(text, None, exact, by_hand, "three lines of arithmetic", tolerance=NEAR)
