"""Athey and Segal 2007, §§4 and 5: Propositions 1 and 2, the constant of Claim 1, and where balancing ends."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.experiments.reproductions.athey_segal_figures import claim, gain, table
from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.balanced.balanced_base import Balanced
from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage

ECONOMIES = (
    "random:agents=3,signals=2,correlation=0,interdependence=0,seed=3",
    "renewable-resource",
    "power-plants",
)
"""Economies with independent private values."""

TIGHT = 1e-8
"""Up to which figures that rest on linear systems agree."""


def theorems() -> Iterator[Claim]:
    """Propositions 1 and 2 on economies with independent private values."""
    for text in ECONOMIES:
        environment = table(text)
        yield _proposition_1(environment)
        yield from _proposition_2(environment)
    yield constant_of_claim_1()


def _proposition_1(environment: TableEnvironment) -> Claim:
    """Under the team mechanism everybody gets the total surplus."""
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    truthful = FiniteGame(environment, make_mechanism("team", environment)).truthful
    off = float(np.abs(truthful.utility - truthful.transfer - surplus).max())
    return claim(f"Proposition 1 on {environment.name}: payoffs less the total surplus", 0.0, off, tolerance=TIGHT)


def _proposition_2(environment: TableEnvironment) -> Iterator[Claim]:
    """The balanced team mechanism: Bayesian incentive compatible, the same from another base, balanced."""
    name, rules, other = environment.name, BalancedTeam(environment), Balanced(environment, "pivot")
    truthful = FiniteGame(environment, rules).truthful
    agents = range(len(environment.agents))
    most = max(gain(build_problem(FiniteGame(environment, rules), (i,)), worst=True) for i in agents)
    text = f"Proposition 2 on {name}: the largest Bayesian gain, own past lies included"
    yield claim(text, 0.0, most, tolerance=TIGHT)
    apart = max(
        float(np.abs(a - b).max())
        for from_team, from_pivot in zip(rules.tables, other.tables, strict=True)
        for a, b in zip(from_team, from_pivot, strict=True)
    )
    text = f"§5 on {name}: γ from the pivot as base less γ from the team mechanism, largest"
    way = "algebra: the two Ψ_j differ by what j's reports do not move"
    yield claim(text, None, apart, 0.0, way, tolerance=TIGHT)
    residual = max(float(np.abs(page.transfer.sum(axis=0)).max()) for page in truthful.periods)
    yield claim(f"(5.1) on {name}: the largest |Σ p| of any period", 0.0, residual)
    largest = float(np.abs(truthful.transfer).max())
    yield claim(f"(5.2) on {name}: the largest expected transfer", 0.0, largest, tolerance=TIGHT)


def constant_of_claim_1() -> Claim:
    """(5.6): under any deviation Σ γ_i differs from Ψ_i by a constant, which the print lets depend on the deviation."""
    env, agent = table("repeated-auction:fatigue=0.5"), 0
    values = []
    for rules in (make_mechanism("balanced-team", env), make_mechanism("team", env)):
        of = build_problem(FiniteGame(env, rules), (agent,))
        low = replace(of, periods=tuple(replace(p, truth=np.zeros_like(p.truth)) for p in of.periods))
        values.append(solve(low, Family.PRESCRIBED, Information.INTERIM).ex_ante)  # reports the lowest value always
    stage, policy = env.stage(0), plan(env).policy[0]
    others = stage.utility.sum(axis=0) - stage.utility[agent]
    flow = np.take_along_axis(others, policy[None], axis=0).reshape(-1)
    lied = np.broadcast_to(policy[:1], policy.shape).reshape(-1)
    rows, states = env.kernel(0).rows(), np.arange(stage.size)
    worth = [
        float(env.prior.reshape(-1) @ np.linalg.solve(np.eye(stage.size) - env.discount * rows[rule, states], flow))
        for rule in (lied, policy.reshape(-1))
    ]
    return claim(
        "(5.6): balanced less team payoff when agent 1 always reports the lowest value",
        -worth[0],
        values[0] - values[1],
        -worth[1],
        "a linear solve of E Ψ under μ[χ]",
        "the constant is the expectation under μ[χ], not under the deviation's μ[χ̂]",
        tolerance=1e-8,
    )


def limits_of_balancing() -> Iterator[Claim]:
    """One period, v_i = (θ_i − 1) a, θ_i ∈ {0, 3}: not ex post, and not Bayesian with correlated types."""
    utility = np.zeros((2, 2, 2, 2))
    utility[0, 1], utility[1, 1] = np.array([[-1.0], [2.0]]), np.array([[-1.0, 2.0]])
    stage = Stage((("0", "3"), ("0", "3")), ("no", "yes"), utility)
    for prior, information, expected, what in (
        (np.full((2, 2), 0.25), Information.INTERIM, 0.0, "independent types: Bayesian gain"),
        (np.full((2, 2), 0.25), Information.EX_POST, 0.5, "independent types: gain knowing the other's report"),
        (np.array([[0.4, 0.1], [0.1, 0.4]]), Information.INTERIM, 0.2, "correlated types, forced: Bayesian gain"),
    ):
        env = TableEnvironment("one shot", ("Ann", "Bob"), prior, (stage,), 1.0, 1)
        of = build_problem(FiniteGame(env, BalancedTeam(env, force=True)), (0,))
        exact = gain(of, information, worst=True)
        yield claim(f"§5 one shot, {what}", None, exact, expected, "the four profiles by hand")
