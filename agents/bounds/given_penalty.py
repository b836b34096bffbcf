"""A user's function as the value of a state on tables."""

import numpy as np

from dynmech.agents.bounds.path_problem import PathProblem
from dynmech.agents.bounds.penalties import Penalty, no_penalty, with_values
from dynmech.agents.bounds.state_values import UserValue, checked_value
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal


def given_penalty(paths: PathProblem, function: UserValue) -> Penalty:
    """Return the penalty of H(t, agent, memory, last signals, own signal).

    Under an infinite horizon t is 0 or 1, which stands for all later periods. What falls due is counted where it is
    caused, and memories that differ in that alone are one, a first of them.

    Raises:
        Refusal: the deviator is a coalition.
    """
    problem = paths.problem
    if len(problem.deviator) > 1:
        raise Refusal("bounds: penalties are given for one agent; leave them, or the coalition, out")
    name = f"given: {getattr(function, '__name__', type(function).__name__)}"
    values = [_values(paths, entry, function) for entry in range(len(paths.periods))]
    return with_values(name, no_penalty(paths), values)


def _values(paths: PathProblem, entry: int, function: UserValue) -> FloatArray:
    """Return H at the rows of an entry and what the deviator knows of the profile, `(O, W)`."""
    environment, (agent,) = paths.problem.environment, paths.problem.deviator
    period, rows = paths.periods[entry], paths.rows[entry]
    count, width = len(rows), period.width
    known = np.zeros(width, np.intp)
    known[period.own] = np.arange(len(period.own))
    own = np.tile(environment.state_at(entry, known).signals[:, agent], count)
    memory = np.repeat(period.members[rows.memory], width)
    last = None if entry == 0 else np.repeat(environment.state_at(entry - 1, rows.profile).signals, width, axis=0)
    return checked_value(function(entry, agent, memory, last, own), count * width).reshape(count, width)
