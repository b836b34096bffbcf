"""Liu's mechanisms by name, and what every test about them asks: gains, payoff levels, what rounding may do."""

from collections.abc import Callable
from functools import lru_cache
from itertools import product

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.contingent.average_externality import AverageExternality
from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import PeriodValues
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Situation

FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE)

Rule = Callable[[TableEnvironment], ContingentMechanism]
RULES: dict[str, tuple[Rule, Callable[[int], float]]] = {
    "spanning": (ContingentSpanning, lambda _: 1.0),
    "convex": (ContingentConvex, lambda _: 1.0),
    "convex, smallest": (lambda environment: ContingentConvex(environment, transfers="smallest"), lambda _: 1.0),
    "average, spanning": (AverageExternality, lambda n: 1 / n),
    "average, convex": (lambda environment: AverageExternality(environment, solver="convex"), lambda n: 1 / n),
    "extraction, spanning": (lambda environment: SurplusExtraction(environment, solver="spanning"), lambda _: 0.0),
    "extraction, convex": (SurplusExtraction, lambda _: 0.0),
}
"""Every mechanism with the share of the surplus that it leaves each of n agents."""


def rounding(environment: TableEnvironment, mechanism: Mechanism) -> float:
    """What rounding may do to a payoff: transfers are solved to about 1e-10 of their size."""
    horizon = 1 / (1 - environment.discount) if environment.horizon is None else environment.horizon
    return 1e-10 * horizon * max(1.0, mechanism.transfer_bound())


@lru_cache(maxsize=2)
def game_of(environment: TableEnvironment, mechanism: Mechanism) -> FiniteGame:
    """The game of both, which what is asked of it after the first question finds written out."""
    return FiniteGame(environment, mechanism)


def largest_gain(environment: TableEnvironment, mechanism: Mechanism) -> float:
    """The largest gain of any agent by any family under either information, over all states; its bound added."""
    worst = -np.inf
    game = game_of(environment, mechanism)
    problems = [build_problem(game, (agent,)) for agent in range(len(environment.agents))]
    for problem, information in product(problems, Information):
        truth = solve(problem, Family.PRESCRIBED, information)
        for family in FAMILIES:
            found = worst_gain(problem, solve(problem, family, information), truth, all_states=True)
            worst = max(worst, found.gain + found.bound)
    return worst


def due_under_truth(environment: TableEnvironment, mechanism: Mechanism, t: int) -> FloatArray:
    """What falls due in period t at every memory and true profile, `(N, M, S)`."""
    stage, memories = environment.stage(t), mechanism.memory_size(t)
    assert memories is not None
    profile = np.array(np.unravel_index(np.tile(np.arange(stage.size), memories), stage.axes))
    memory = np.repeat(np.arange(memories), stage.size)
    public = profile[0] if stage.public else np.zeros_like(memory)
    due = mechanism.due(Situation(t, memory, public), profile[stage.offset :].T)
    return due.T.reshape(len(environment.agents), memories, stage.size)


def pages(environment: TableEnvironment, mechanism: Mechanism) -> list[tuple[int, PeriodValues]]:
    """Periods with their pages of the values of truthful play."""
    return list(enumerate(game_of(environment, mechanism).truthful.periods))
