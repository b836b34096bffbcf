"""The penalties that are tried for a deviator of a finite game: none, the value of prescribed play, improvements."""

from collections.abc import Sequence
from math import ceil, log

import numpy as np

from dynmech.agents.bounds.given_penalty import given_penalty
from dynmech.agents.bounds.inner_problem import TabledCandidate
from dynmech.agents.bounds.path_problem import along_paths
from dynmech.agents.bounds.penalties import improved, no_penalty, penalty_from_values
from dynmech.agents.bounds.state_values import UserValue
from dynmech.agents.oracle.problem import Problem
from dynmech.agents.oracle.search import Family, Information, solve

IMPROVED = (1, 4, 16)
"""How often the value of prescribed play is improved."""

TAIL = 1e-4
"""Weight δ^T at which an infinite horizon is cut; what is left out is bounded and added."""


def tabled_candidates(
    problem: Problem, seed: int, given: Sequence[UserValue] = (), *, spying: bool = False
) -> list[TabledCandidate]:
    """Return the candidates.

    Args:
        problem: of the deviator.
        seed: of all draws.
        given: functions of the user's, tried for a deviator that is one agent and no spy.
        spying: bound what a deviator gains that sees the others' current signals in every period.

    Raises:
        Refusal: the problem along paths is too large; interim, and the others' messages do not reveal their signals.
    """
    paths = along_paths(problem)
    horizon = problem.environment.horizon or max(2, ceil(log(TAIL) / log(problem.discount)))
    truth = solve(problem, Family.PRESCRIBED, Information.EX_POST if spying else Information.INTERIM)
    values = [choices[..., 0] for choices in truth.choices]
    honest = penalty_from_values("prescribed play", paths, values, spying=spying)
    penalties, last, done = [no_penalty(paths, spying=spying), honest], honest, 0
    for times in IMPROVED:
        last = improved(last, times - done)
        done = times
        penalties.append(last)
    if not spying:
        penalties += [given_penalty(paths, function) for function in given]
    return [TabledCandidate(penalty, honest, horizon, seed, truth.bound) for penalty in penalties]


def worst_state_bounds(candidates: Sequence[TabledCandidate]) -> tuple[float, float]:
    """Return bounds of the largest gain at any state at which the deviator reports, without drawing anything.

    From any row on, D lies between the sums of the least and of the most that a period adds beyond H. So the gain at a
    state is within these of H less the value of prescribed play; from below, at the first states, which surely occur.
    """
    lower, upper = 0.0, np.inf
    for candidate in candidates:
        penalty, paths = candidate.penalty, candidate.paths
        most, error = 0.0, candidate.error + 1e-12 * paths.problem.environment.scale
        for entry, (low, high) in reversed(list(enumerate(candidate.to_the_end))):
            differences = (penalty.value[entry] - candidate.honest.value[entry])[penalty.seen[entry]]
            most = max(most, float(differences.max()) + high)
            if entry == 0:
                lower = max(lower, float(differences.max()) + low - error)
        upper = min(upper, most + error)
    return min(lower, upper), upper
