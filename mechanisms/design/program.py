"""A design program: all rows of all goals, and what is solved with them.

Money is in units of the economy's scale throughout; `dynmech.mechanisms.design.seeking` goes back and forth.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.design.bill_rows import bills_are_seen, define_bills
from dynmech.mechanisms.design.columns import Columns, place_columns
from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.goal_rows import BudgetRows, bound_rows, participation_rows
from dynmech.mechanisms.design.goals import LARGEST, Goals
from dynmech.mechanisms.design.public_nodes import PublicNodes
from dynmech.mechanisms.design.reach import Reach
from dynmech.mechanisms.design.rows import DEFINITION, Rows
from dynmech.mechanisms.design.safety import NearLaws, safety_of, span_rows
from dynmech.mechanisms.design.solving import Solution, solve
from dynmech.mechanisms.design.truth_rows import AgentRows
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Problem:
    """What a program is made of, shared by all programs of one economy, rule and memory.

    Attributes:
        given: what each agent pays in a mechanism that is to be repaired, tables one after the other; else empty.
        laws: those under which truth must be best; None: the economy's own.
    """

    environment: TableEnvironment
    rule: DecisionRule
    nodes: PublicNodes
    reaches: list[Reach]
    path: list[FloatArray]
    given: tuple[FloatArray, ...] = ()
    laws: NearLaws | None = None


class Program:
    """One linear program.

    Args:
        problem: economy, rule and nodes; money in units of the scale.
        goals: what is asked; `largest` and `margin` in units of the scale.
        agents: those whose transfers are sought; the budget needs all.
        kept: numbers of the goals that count, as in `goals.names`; None: all.
        start_only: whether participation counts when play begins only.
        leeway: by how much goals that are no equations may be missed, in units of the scale.

    Attributes:
        columns, rows: see there; the rows of B, where it is an unknown, are the last.
    """

    def __init__(
        self,
        problem: Problem,
        goals: Goals,
        agents: Sequence[int],
        kept: Collection[int] | None = None,
        *,
        start_only: bool = False,
        leeway: float = 0.0,
    ) -> None:
        self.problem, self.goals, self.agents, self.start_only = problem, goals, tuple(agents), start_only
        self.leeway = leeway
        self.refusals = bills_are_seen(goals, problem.rule)
        everybody = range(len(problem.environment.agents))
        budget = goals.budget != "none" and len(self.agents) == len(everybody)
        self.columns: Columns = place_columns(
            problem.environment,
            problem.nodes,
            [problem.reaches[i] if i in self.agents else None for i in everybody],
            refusals=self.refusals,
            welfare=budget and goals.budget_level == "ex-ante",
            bound=goals.objective in ("largest", "change"),
            margin=goals.objective == "margin",
            spans=problem.laws is not None,
        )
        self.rows = Rows()
        self._fill(budget)
        if kept is not None:
            self.keep = np.array([g == DEFINITION or g in kept for g in self.goal])

    def _fill(self, budget: bool) -> None:
        goals, count = self.goals, len(self.problem.environment.agents)
        for i in self.agents:
            reach, spans = self.problem.reaches[i], self.columns.spans.get(i)
            laws = self.problem.laws
            safety = None if spans is None or laws is None else safety_of(reach, spans, laws)
            agent = AgentRows(
                reach,
                self.columns.of(i),
                self.rows,
                ex_post=goals.incentive != "bayesian",
                refuses=self.refusals,
                safety=safety,
            )
            agent.define()
            if safety is not None:
                span_rows(agent, safety)
            if self.refusals:
                for e in range(len(self.problem.nodes.entries)):
                    define_bills(agent, e)
            if goals.incentive != "none":
                agent.truth(i, goals.margin, self.columns.margin)
            if goals.participation != "none":
                number = i + count * (goals.incentive != "none")
                participation_rows(agent, goals.exit, number, start_only=self.start_only)
        if budget:
            number = len(goals.names(self.problem.environment.agents)) - 1
            problem = self.problem
            rows = BudgetRows(problem.environment, problem.rule, problem.nodes, problem.path, self.columns, self.rows)
            rows.add(goals.budget_level, number, balanced=goals.budget == "balanced")
        if self.goals.objective == "total-change":
            self._total_change()
        elif self.columns.bound is not None:
            bound_rows(self.rows, self.transfers, self.columns.bound, self.centre[self.transfers])

    def _total_change(self) -> None:
        """Add an unknown per transfer, the last ones, that is at least as large as the change."""
        used = self.transfers
        first = self.columns.count
        self.columns.count += len(used)
        each, ones = np.arange(len(used)), np.ones(len(used))
        centre = self.centre[used]
        for sign in (1.0, -1.0):
            parts = [(each, used, -sign * ones), (each, first + each, ones)]
            self.rows.add(("bound", -1, 0), DEFINITION, used[:, None], parts, -sign * centre)

    @property
    def width(self) -> int:
        """How many unknowns there are."""
        return self.columns.count

    @cached_property
    def centre(self) -> FloatArray:
        """What transfers are in the mechanism that is to be repaired, by column; 0 where there is none."""
        out = np.zeros(self.columns.count)
        for i in self.agents if self.problem.given else ():
            own = self.columns.of(i)
            out[own.start["p"] : own.start["V"]] = self.problem.given[i]
        return out

    @cached_property
    def transfers(self) -> IntArray:
        """The columns of transfers that some row reads."""
        used = np.unique(np.concatenate(self.rows.column))
        mask = np.zeros(self.columns.count, np.bool_)
        for i in self.agents:
            own = self.columns.of(i)
            mask[own.start["p"] : own.start["V"]] = True
        return used[mask[used]]

    @cached_property
    def matrix(self) -> "csr_array":
        """The coefficients."""
        return self.rows.matrix(self.columns.count)

    @cached_property
    def limit(self) -> FloatArray:
        """The right-hand sides."""
        limit: FloatArray = np.concatenate(self.rows.limit)
        return limit - np.where(self.equal | (self.goal == DEFINITION), 0.0, self.leeway)

    @cached_property
    def equal(self) -> BoolArray:
        """Which rows are equalities."""
        return np.concatenate(self.rows.equal)

    @cached_property
    def goal(self) -> IntArray:
        """The goal of every row."""
        return np.concatenate(self.rows.goal)

    @cached_property
    def bounds(self) -> FloatArray:
        """Bounds of the unknowns, `(n, 2)`; those that no row reads are 0."""
        out = np.zeros((self.columns.count, 2))
        used = np.unique(self.matrix.indices)
        out[used] = [-np.inf, np.inf]
        largest = self.goals.largest or LARGEST
        out[self.transfers] = [-largest, largest]
        if self.columns.bound is not None:
            out[self.columns.bound] = [0.0, largest]
        if self.columns.margin is not None:
            out[self.columns.margin] = [0.0, np.inf]
        return out

    @cached_property
    def revenue(self) -> FloatArray:
        """Coefficients of minus the expected discounted payments and utilities, prior · Σ V."""
        out = np.zeros(self.columns.count)
        prior = self.problem.environment.prior.reshape(-1)
        for i in self.agents:
            some = np.arange(len(prior))
            out[self.columns.of(i).v(np.zeros(len(prior), np.intp), some)] = prior
        return out

    @property
    def cost(self) -> FloatArray:
        """What is minimised."""
        out = np.zeros(self.columns.count)
        if self.goals.objective in ("revenue", "deficit"):
            return self.revenue
        if self.goals.objective == "total-change":
            out[-len(self.transfers) :] = 1.0
            return out
        if self.columns.bound is not None:
            out[self.columns.bound] = 1.0
        if self.columns.margin is not None:
            out[self.columns.margin] = -1.0
        return out

    def smallest(self, value: float, time_limit: float | None = None) -> Solution:
        """Return, of the solutions that reach a value of the objective, one whose largest transfer is least."""
        from scipy.sparse import coo_array, vstack

        used, count = self.transfers, self.columns.count
        each, ones = np.arange(len(used)), np.ones(len(used))
        rows = [self.rows.matrix(count + 1)]
        for sign in (-1.0, 1.0):
            places = (np.tile(each, 2), np.concatenate([used, np.full(len(used), count)]))
            rows.append(coo_array((np.concatenate([sign * ones, ones]), places), shape=(len(used), count + 1)).tocsr())
        rows.append(coo_array(np.append(-self.cost, 0.0)[None]).tocsr())
        limit = np.concatenate([self.limit, np.zeros(2 * len(used)), [-value - 1e-9]])
        equal = np.concatenate([self.equal, np.zeros(2 * len(used) + 1, np.bool_)])
        bounds = np.vstack([self.bounds, [0.0, np.inf]])
        cost = np.append(np.zeros(count), 1.0)
        return solve(cost, vstack(rows).tocsr(), limit, equal, bounds, time_limit)

    def solve(self, time_limit: float | None = None) -> Solution:
        """Solve for the objective."""
        return solve(self.cost, self.matrix, self.limit, self.equal, self.bounds, time_limit)


def separable(goals: Goals) -> bool:
    """Return whether every agent's transfers can be sought alone."""
    return goals.budget == "none"
