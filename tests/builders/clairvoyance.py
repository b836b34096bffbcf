"""Bounds a second way: sequences of messages tried one by one along a path, and pairs of shipped games to bracket."""

from itertools import product

import numpy as np

from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation


def problem_of(scenario: str, mechanism: str, agent: int = 0) -> Problem | None:
    """Return an agent's problem in a shipped game; None where the mechanism does not fit, or that is no finite game."""
    try:
        environment = load(scenario)
        if not isinstance(environment, TableEnvironment):
            return None
        return build_problem(FiniteGame(environment, make_mechanism(mechanism, environment)), (agent,))
    except (Refusal, InputError):
        return None


def exact_gain(problem: Problem, *, spying: bool) -> float:
    """Return the gain ex ante by the exact search."""
    information = Information.EX_POST if spying else Information.INTERIM
    best, truth = (solve(problem, family, information) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    return best.ex_ante - truth.ex_ante


def best_in_hindsight(mechanism: Mechanism, agent: int, profiles: list[int]) -> float:
    """Return the most that any messages earn along a path of profiles, all sequences tried, rules asked one by one."""
    environment = mechanism.environment
    assert isinstance(environment, TableEnvironment)
    choices = [range(getattr(mechanism.messages(t, agent), "size", 0)) for t in range(len(profiles))]
    return max(_payoff(mechanism, environment, agent, profiles, sent) for sent in product(*choices))


def _payoff(
    mechanism: Mechanism, environment: TableEnvironment, agent: int, profiles: list[int], sent: tuple[int, ...]
) -> float:
    memory, total = np.zeros(1, np.intp), 0.0
    for t, (profile, message) in enumerate(zip(profiles, sent, strict=True)):
        state = environment.state_at(t, np.array([profile]))
        now = Situation(t, memory, state.public)
        others = range(len(environment.agents))
        messages = np.array([[int(mechanism.prescribed(now, j, state.signals[:, j])[0]) for j in others]])
        messages[0, agent] = message
        decision = np.asarray(mechanism.decide(now, messages))
        acts = Acts(np.zeros(messages.shape, np.intp), np.zeros(messages.shape))
        paid = mechanism.charge(now, messages, decision, acts)[0, agent] + mechanism.due(now, messages)[0, agent]
        total += environment.discount**t * (environment.utility(t, state, decision)[0, agent] - paid)
        memory = np.asarray(mechanism.remember(now, messages, decision, acts))
    return float(total)
