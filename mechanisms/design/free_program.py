"""The program of decisions and transfers together, over the tree of histories of a finite horizon.

Maximised is what is earned or what decisions are worth, or minimised what is lost. A transfer after a history that no
lottery leads to cannot be recovered from P = R p; so |P| <= B R with B given. The least B and the largest margin are
bilinear here.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.design.columns import Columns, place_columns
from dynmech.mechanisms.design.free_rows import FreeRows, LotteryColumns
from dynmech.mechanisms.design.goal_rows import costs, participation_rows
from dynmech.mechanisms.design.goals import LARGEST, Goals
from dynmech.mechanisms.design.program import Problem
from dynmech.mechanisms.design.public_nodes import next_law
from dynmech.mechanisms.design.rows import DEFINITION, Rows
from dynmech.mechanisms.design.solving import Solution, solve
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class FreeProgram:
    """One linear program over decisions and transfers.

    Args:
        problem: economy, free rule and nodes; money in units of the scale.
        goals: what is asked; `largest` in units of the scale.
        slack, short: per agent and entry, by how much truth may be worth less than a lie, and being inside less than
            0; empty: nothing.
        start_only: whether participation counts when play begins only.
        boxed: whether transfers are bounded where every history is reached; else a bound is needed.
        last_lies: whether lies of the last period must not gain either.

    Attributes:
        columns, lots, rows: unknowns and inequalities.
    """

    def __init__(
        self,
        problem: Problem,
        goals: Goals,
        *,
        slack: Sequence[FloatArray] = (),
        short: Sequence[FloatArray] = (),
        start_only: bool = False,
        boxed: bool = True,
        last_lies: bool = True,
    ) -> None:
        self.problem, self.goals, self.slack, self.short = problem, goals, slack, short
        environment, nodes = problem.environment, problem.nodes
        self.agents = range(len(environment.agents))
        self.columns: Columns = place_columns(
            environment, nodes, list(problem.reaches), refusals=False, welfare=False, bound=False, margin=False
        )
        self.lots = LotteryColumns(environment, nodes, self.columns.count)
        self.count = self.lots.end
        self.rows = Rows()
        self.lots.define(self.rows)
        self.asked = len(nodes.entries) - (not last_lies)
        for i in self.agents:
            self._of_agent(i, start_only)
        if goals.budget != "none":
            self._budget(len(goals.names(environment.agents)) - 1)
        self.boxed = boxed or not all(self.lots.sure)
        self._bound()

    def _of_agent(self, i: int, start_only: bool) -> None:
        goals, count = self.goals, len(self.agents)
        ex_post = goals.incentive != "bayesian"
        reach, columns = self.problem.reaches[i], self.columns.of(i)
        agent = FreeRows(reach, columns, self.rows, self.lots, ex_post=ex_post, asked=self.asked)
        agent.slack = self.slack[i].tolist() if self.slack else ()
        agent.define()
        if goals.incentive != "none":
            agent.truth(i, 0.0, None)
        if goals.participation != "none":
            agent.slack = self.short[i].tolist() if self.short else ()
            participation_rows(agent, goals.exit, i + count * (goals.incentive != "none"), start_only=start_only)

    # Budget

    def _budget(self, goal: int) -> None:
        level, equal = self.goals.budget_level, self.goals.budget == "balanced"
        if level == "ex-ante":
            earned = np.flatnonzero(self.net_revenue)
            parts = [(np.zeros(len(earned), np.intp), earned, self.net_revenue[earned])]
            places = np.zeros((1, 1), np.intp)
            self.rows.add(("budget ex ante", -1, 0), goal, places, parts, np.zeros(1), equal=equal)
            return
        for e, entry in enumerate(self.problem.nodes.entries):
            law = self.problem.path[e]
            node, profile = np.nonzero(law > 0)
            weight = law[node, profile] if level == "period" else np.ones(len(node))
            row = np.searchsorted(np.unique(node), node) if level == "period" else np.arange(len(node))
            table, cost = entry.table[node], costs(self.problem.environment, entry.t)
            parts = [(row, self.columns.of(i).p(table, profile), weight) for i in self.agents]
            decisions = np.arange(cost.shape[1])
            columns = self.lots.x(e, node[:, None], profile[:, None], decisions)
            parts.append((row[:, None], columns, -weight[:, None] * cost[profile]))
            places = np.unique(node)[:, None] if level == "period" else np.column_stack([node, profile])
            kind = "budget period" if level == "period" else "budget"
            self.rows.add((kind, -1, e), goal, places, parts, np.zeros(len(places)), equal=equal)

    # Bounds

    @cached_property
    def largest(self) -> float:
        """The bound B on transfers."""
        return self.goals.largest or LARGEST

    def _bound(self) -> None:
        """Add |P| <= B R where R may be less than 1."""
        for e, (entry, sure) in enumerate(zip(self.problem.nodes.entries, self.lots.sure, strict=True)):
            if sure:
                continue
            size = self.problem.environment.stage(entry.t).size
            node, profile = (grid.reshape(-1) for grid in np.indices((len(entry.keys), size)))
            each, reach = np.arange(len(node)), self.lots.r(e, node)
            for i in self.agents:
                place = self.columns.of(i).p(entry.table[node], profile)
                for above, sign in enumerate((1.0, -1.0)):
                    parts = [(each, place, np.full(len(node), sign)), (each, reach, np.full(len(node), self.largest))]
                    places = np.column_stack([node, profile, np.full(len(node), above)])
                    self.rows.add(("bound", i, e), DEFINITION, places, parts, np.zeros(len(node)))

    @cached_property
    def bounds(self) -> FloatArray:
        """Bounds of the unknowns, `(n, 2)`."""
        out = np.tile([-np.inf, np.inf], (self.count, 1))
        for i in self.agents:
            own = self.columns.of(i)
            out[own.start["p"] : own.start["V"]] = [-self.largest, self.largest] if self.boxed else [-np.inf, np.inf]
        out[self.lots.start :] = [0.0, 1.0]
        out[self.lots.r(0, np.zeros(1, np.intp))] = 1.0
        idle: IntArray = np.setdiff1d(np.arange(self.count), np.unique(self.matrix.indices))
        out[idle] = 0.0
        return out

    # What is sought

    @cached_property
    def weights(self) -> list[FloatArray]:
        """How likely nature makes profiles at every node, if all report the truth, `(n, S)` per entry."""
        environment, nodes = self.problem.environment, self.problem.nodes
        out = [environment.prior.reshape(1, -1)]
        for e, entry in enumerate(nodes.entries[:-1]):
            ahead = nodes.entries[e + 1]
            before = np.zeros(len(ahead.keys))
            node, profile, _ = np.indices(entry.following.shape)
            before[entry.following] = out[e][node, profile]
            law = next_law(environment, entry.t)[ahead.decision, ahead.last]
            out.append(before[:, None] * law)
        return out

    def expected(self, tables: Sequence[FloatArray]) -> FloatArray:
        """Return the coefficients of the expected discounted sum of amounts by profile and decision, `(S, D)` each."""
        out = np.zeros(self.count)
        for e, table in enumerate(tables):
            node, profile, d = np.indices(self.lots.shapes[e])
            weight = self.problem.environment.discount**e * self.weights[e][node, profile]
            out[self.lots.x(e, node, profile, d)] = weight * table[profile, d]
        return out

    @cached_property
    def costs(self) -> FloatArray:
        """Coefficients of what decisions are expected to cost the designer."""
        environment = self.problem.environment
        return self.expected([costs(environment, entry.t) for entry in self.problem.nodes.entries])

    @cached_property
    def welfare(self) -> FloatArray:
        """Coefficients of what decisions are expected to be worth to all, their costs deducted."""
        environment, tables = self.problem.environment, []
        for entry in self.problem.nodes.entries:
            stage = environment.stage(entry.t)
            full = np.broadcast_to(stage.welfare, (len(stage.decisions), *stage.axes))
            tables.append(full.reshape(len(stage.decisions), -1).T)
        return self.expected(tables)

    @cached_property
    def net_revenue(self) -> FloatArray:
        """Coefficients of what is expected to be earned: welfare less what agents get."""
        out, prior = self.welfare.copy(), self.problem.environment.prior.reshape(-1)
        for i in self.agents:
            out[self.columns.of(i).v(np.zeros(len(prior), np.intp), np.arange(len(prior)))] -= prior
        return out

    @property
    def width(self) -> int:
        """How many unknowns there are."""
        return self.count

    @cached_property
    def limit(self) -> FloatArray:
        """The right-hand sides."""
        return np.concatenate(self.rows.limit)

    @cached_property
    def equal(self) -> BoolArray:
        """Which rows are equalities."""
        return np.concatenate(self.rows.equal)

    @cached_property
    def goal(self) -> IntArray:
        """The goal of every row."""
        return np.concatenate(self.rows.goal)

    @cached_property
    def matrix(self) -> "csr_array":
        """The coefficients."""
        return self.rows.matrix(self.count)

    def solve(self, time_limit: float | None = None) -> Solution:
        """Return the unknowns at which most is earned, or decisions are worth most; `value` is minus that."""
        best = self.welfare if self.goals.objective == "welfare" else self.net_revenue
        return solve(-best, self.matrix, self.limit, self.equal, self.bounds, time_limit)
