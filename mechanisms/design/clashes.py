"""Why no transfers do what is asked: the goals that clash, and by how much each would have to give.

Goals are counted by agent: the truth of every agent, the participation of every agent, the budget. Phase one lets every
row of the goals at hand be missed, at a price, within the bound on transfers; its value is 0 iff they can be met.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.free_relaxation import free_relaxation
from dynmech.mechanisms.design.goals import Goals
from dynmech.mechanisms.design.program import Problem, Program
from dynmech.mechanisms.design.rows import DEFINITION
from dynmech.mechanisms.design.solving import solve
from dynmech.sim.core.arrays import BoolArray, FloatArray

MET = 1e-9
"""What rows may be missed by, together and in units of the scale, and still count as met."""


@dataclass(frozen=True, eq=False)
class PhaseOne:
    """Goals held against each other.

    Attributes:
        value: by how much rows are missed, in sum, in units of the scale; NaN where the solver gave up.
        multipliers: of every row of the program; 0 for the goals that do not count.
    """

    program: Program | FreeProgram
    value: float
    multipliers: FloatArray


class GoalLattice:
    """Subsets of the goals, as numbers in the order of `Goals.names`: which can be met?"""

    def __init__(self, problem: Problem, goals: Goals, *, free: bool = False) -> None:
        self.problem, self.goals = problem, replace(goals, objective="none")
        self.names = goals.names(problem.environment.agents)
        self._known: dict[frozenset[int], PhaseOne] = {}
        self._programs: dict[tuple[int, ...], Program | FreeProgram] = {}
        self.free = free  # whether decisions are sought as well: they tie agents together

    @cached_property
    def everything(self) -> frozenset[int]:
        """All goals."""
        return frozenset(range(len(self.names)))

    def phase_one(self, kept: Collection[int]) -> PhaseOne:
        """Return phase one of some goals; of several agents without a budget, that of the first who cannot."""
        key = frozenset(kept)
        if key not in self._known:
            self._known[key] = self._solved(key)
        return self._known[key]

    def _solved(self, key: frozenset[int]) -> PhaseOne:
        if self.ties(key):
            return _phase_one(self._program(tuple(range(len(self.problem.environment.agents)))), key)
        parts = [part for part in (key & self.of(i) for i in range(len(self.problem.environment.agents))) if part]
        if len(parts) > 1:
            return max((self.phase_one(part) for part in parts), key=lambda one: np.nan_to_num(one.value, nan=np.inf))
        return _phase_one(self._program((self.agent_of(key),)), key)

    def ties(self, key: Collection[int]) -> bool:
        """Return whether agents cannot be looked at one by one."""
        return self.free or (self.goals.budget != "none" and len(self.names) - 1 in key)

    def of(self, agent: int) -> frozenset[int]:
        """Return the goals that are about one agent alone."""
        count, both = len(self.problem.environment.agents), self.goals.incentive != "none"
        own = {agent} if both else set[int]()
        return frozenset(own | ({agent + count * both} if self.goals.participation != "none" else set()))

    def agent_of(self, key: Collection[int]) -> int:
        """Return whose goals they are; agent 0 where there are none."""
        return min(key, default=0) % len(self.problem.environment.agents)

    def _program(self, agents: tuple[int, ...]) -> Program | FreeProgram:
        if agents not in self._programs:
            made = FreeProgram(self.problem, self.goals) if self.free else Program(self.problem, self.goals, agents)
            self._programs[agents] = made
        return self._programs[agents]

    def possible(self, kept: Collection[int]) -> bool | None:
        """Return whether goals can be met together; None where the solver gave up."""
        value = self.phase_one(kept).value
        return None if np.isnan(value) else value <= MET

    def minimal_clashes(self, progress: Callable[[str], None] = lambda _: None) -> list[frozenset[int]]:
        """Return all sets of goals that cannot be met together while everything less can."""
        out: list[frozenset[int]] = []
        for size in range(1, len(self.names) + 1):
            progress(f"goals {size} at a time")
            for some in combinations(sorted(self.everything), size):
                key = frozenset(some)
                if not any(clash <= key for clash in out) and self.possible(key) is False:
                    out.append(key)
        return out

    def relaxation(self, goal: int) -> float | None:
        """Return by how much one goal must give for all to be met, in units of the scale; None: the others clash."""
        program = self._program(self._group(goal))
        others = self.everything - {goal}
        if self.possible(others) is not True:
            return None
        if isinstance(program, FreeProgram):
            return free_relaxation(program, goal)
        from scipy.sparse import coo_array, hstack

        gives = (program.goal == goal).astype(np.float64)
        column = coo_array(gives[:, None]).tocsr()
        back = -coo_array((gives * program.equal)[:, None]).tocsr()
        cost = np.zeros(program.width + 2)
        cost[-2:] = 1.0
        bounds = np.vstack([program.bounds, [[0.0, np.inf]] * 2])
        found = solve(cost, hstack([program.matrix, column, back]).tocsr(), program.limit, program.equal, bounds)
        return found.value if found.status == "optimal" else None

    def _group(self, goal: int) -> tuple[int, ...]:
        """Return the agents whose transfers one goal is about, with all that ties them."""
        everybody = tuple(range(len(self.problem.environment.agents)))
        return everybody if self.free or self.goals.budget != "none" else (self.agent_of({goal}),)


def _phase_one(program: Program | FreeProgram, kept: frozenset[int]) -> PhaseOne:
    """Minimise by how much the rows of some goals are missed in sum."""
    from scipy.sparse import coo_array, hstack

    counts: BoolArray = np.isin(program.goal, sorted(kept))
    rows = np.flatnonzero(counts | (program.goal == DEFINITION))
    soft = np.flatnonzero(counts[rows])
    twice = soft[program.equal[rows][soft]]
    places = (np.concatenate([soft, twice]), np.arange(len(soft) + len(twice)))
    signs = np.concatenate([np.ones(len(soft)), -np.ones(len(twice))])
    give = coo_array((signs, places), shape=(len(rows), len(signs))).tocsr()
    cost = np.concatenate([np.zeros(program.width), np.ones(len(signs))])
    bounds = np.vstack([program.bounds, np.tile([0.0, np.inf], (len(signs), 1))])
    matrix = hstack([program.matrix[rows], give]).tocsr()
    found = solve(cost, matrix, program.limit[rows], program.equal[rows], bounds)
    multipliers = np.zeros(program.rows.count)
    if found.status != "optimal":
        return PhaseOne(program, float("nan"), multipliers)
    multipliers[rows] = found.multipliers
    return PhaseOne(program, max(found.value, 0.0), multipliers)
