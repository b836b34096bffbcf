"""Variables, constraints and objective of the revenue program, which `revenue_lp` explains.

Axes: S_1, S_2 profiles of first and second signals, H histories of the first decision, D_1, D_2 decisions, K_1i, K_2i
signals of agent i.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.conditions.dependence import independent_types
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.economy.stage import Stage

if TYPE_CHECKING:
    from scipy.sparse import coo_array

LARGEST = 400_000
"""Constraints that a program may have."""

PRECISION = 1e-10
"""Feasibility asked of the solver."""


@dataclass(eq=False)
class Rows:
    """Inequalities Σ coefficient · variable ≤ limit, and what each one means in words."""

    row: list[IntArray] = field(default_factory=list)
    column: list[IntArray] = field(default_factory=list)
    value: list[FloatArray] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    meaning: list[tuple[str, int, int, int, int, int]] = field(default_factory=list)

    def add(
        self, terms: list[tuple[IntArray, FloatArray]], limit: float, meaning: tuple[str, int, int, int, int, int]
    ) -> None:
        """Append one row; columns may repeat."""
        for columns, values in terms:
            self.row.append(np.full(columns.size, len(self.limit)))
            self.column.append(columns.reshape(-1))
            self.value.append(values.reshape(-1))
        self.limit.append(limit)
        self.meaning.append(meaning)

    def matrix(self, variables: int) -> "coo_array":
        """Return all rows as a sparse matrix."""
        from scipy.sparse import coo_array

        indices = (np.concatenate(self.row), np.concatenate(self.column))
        return coo_array((np.concatenate(self.value), indices), shape=(len(self.limit), variables))


class Program:
    """The program of one economy.

    Attributes:
        x, y: indices of the lotteries among the variables, `(S_1, D_1)` and `(S_1, H, S_2, D_2)`.
        p, m: indices of the payments, per agent `(K_1i,)` and `(S_1, H, K_2i)`.
        limits: inequalities and what each one says.
        payments, costs, welfare: coefficients of expected discounted payments, of the designer's costs, and of welfare.
    """

    def __init__(self, environment: TableEnvironment, unreachable: bool, each_period: bool) -> None:
        check(environment)
        self.environment = environment
        self.agents = range(len(environment.agents))
        self.one, self.two = environment.stage(0), environment.stage(1)
        rows = laws(environment, 0)
        moves = bool((np.abs(rows - rows[:1]) > 0).any())
        self.rows = rows if moves else rows[:1]
        self.histories = len(self.rows)
        self.prior = environment.prior.reshape(-1)
        self.profiles = [np.array(np.unravel_index(np.arange(s.size), s.axes)) for s in (self.one, self.two)]
        self._place_variables()
        if (size := self._size()) > LARGEST:
            raise Refusal(f"environment {environment.name!r}: {size:,} incentive constraints, more than {LARGEST:,}")
        self.own = [self._own_law(i) for i in self.agents]
        self.others = [self._others_law(i) for i in self.agents]
        if moves and not unreachable:
            raise Refusal(
                f"environment {environment.name!r}: only where the first decision leaves signals alone can the "
                "constraints at unreachable signals be left out"
            )
        self.limits = Rows()
        for i in self.agents:
            self._second_truth(i, unreachable)
            self._first_truth(i)
            if each_period:
                self._second_participation(i)
        self.payments, self.costs, self.welfare = self._objectives()

    # Variables

    def _place_variables(self) -> None:
        """Give every lottery and payment its indices among the variables."""
        one, two, h = self.one, self.two, self.histories
        sizes = [one.size * len(one.decisions), one.size * h * two.size * len(two.decisions)]
        self.x = np.arange(sizes[0]).reshape(one.size, -1)
        self.y = sizes[0] + np.arange(sizes[1]).reshape(one.size, h, two.size, -1)
        start, self.p, self.m = sum(sizes), [], []
        for i in self.agents:
            self.p.append(start + np.arange(len(one.signals[i])))
            start += len(one.signals[i])
        for i in self.agents:
            width = len(two.signals[i])
            self.m.append(start + np.arange(one.size * h * width).reshape(one.size, h, width))
            start += one.size * h * width
        self.lotteries, self.count = sum(sizes), start

    def _size(self) -> int:
        """Return the number of incentive constraints."""
        second = sum(self.one.size * self.histories * len(s) ** 2 for s in self.two.signals)
        return second + sum(len(s) ** 2 for s in self.one.signals)

    # Laws

    def _own_law(self, agent: int) -> FloatArray:
        """Return the law of the next own signal by history and own first signal, `(H, K_1i, K_2i)`."""
        table = self.rows.reshape(self.histories, *self.one.axes, *self.two.axes)
        keep = len(self.one.axes) + 1 + agent
        marginal = table.sum(axis=tuple(a for a in range(len(self.one.axes) + 1, table.ndim) if a != keep))
        first = np.moveaxis(marginal, 1 + agent, 1)
        return first.reshape(self.histories, first.shape[1], -1, first.shape[-1])[:, :, 0]

    def _others_law(self, agent: int) -> FloatArray:
        """Next signals of the others by history and first profile, spread over second profiles, `(H, S_1, S_2)`.

        Its value at a second profile is the probability of the others' part of it.
        """
        table = self.rows.reshape(self.histories, self.one.size, *self.two.axes)
        total = table.sum(axis=2 + agent, keepdims=True)
        return np.broadcast_to(total, table.shape).reshape(self.rows.shape)

    # Constraints

    def _utility(self, stage: Stage, agent: int) -> FloatArray:
        """Return the agent's utility, `(S, D)`."""
        return stage.utility[agent].reshape(len(stage.decisions), -1).T

    def with_own(self, period: int, agent: int, signal: int) -> IntArray:
        """Return the profiles in which the agent has this signal, in the order of the others' signals."""
        return np.flatnonzero(self.profiles[period][agent] == signal)

    def _second_truth(self, agent: int, unreachable: bool) -> None:
        """Add the rows of truth in the second period."""
        utility, signals = self._utility(self.two, agent), self.two.signals[agent]
        by_signal = [self.with_own(1, agent, k) for k in range(len(signals))]
        for r, h in np.ndindex(self.one.size, self.histories):
            reach = self.own[agent][h, self.profiles[0][agent][r]]
            for k, true in enumerate(by_signal):
                if not (unreachable or reach[k] > 0):
                    continue
                weight = self.others[agent][h, r, true][:, None] * utility[true]
                kept = weight.any(axis=1)
                for s, reported in enumerate(by_signal):
                    if s != k:
                        terms = [
                            (self.y[r, h, reported[kept]], weight[kept]),
                            (self.y[r, h, true[kept]], -weight[kept]),
                            (self.m[agent][r, h, [s, k]], np.array([-1.0, 1.0])),
                        ]
                        self.limits.add(terms, 0.0, ("truth, period 1", agent, r, h, k, s))

    def _first_truth(self, agent: int) -> None:
        """Add the rows of truth against every first report, and against staying away."""
        count = len(self.one.signals[agent])
        for k in range(count):
            honest = list(self._worth(agent, k, k))
            less = [(columns, -values) for columns, values in honest]
            for r in range(count):
                if r != k:
                    lie = list(self._worth(agent, k, r))
                    self.limits.add([*lie, *less], 0.0, ("truth, period 0", agent, -1, -1, k, r))
            self.limits.add(less, 0.0, ("participation", agent, -1, -1, k, -1))

    def _worth(self, agent: int, signal: int, report: int) -> Iterator[tuple[IntArray, FloatArray]]:
        """Return the coefficients of the expected payoff of a first report, truth following."""
        discount, utility = self.environment.discount, self._utility(self.one, agent)
        true, reported = self.with_own(0, agent, signal), self.with_own(0, agent, report)
        weights = self.others_first(agent)
        yield self.x[reported], weights[:, None] * utility[true]
        yield self.p[agent][[report]], np.array([-1.0])
        later, own = self._utility(self.two, agent), self.own[agent][:, signal]
        seconds = self.profiles[1][agent]
        for weight, r in zip(weights, reported, strict=True):
            if weight == 0:
                continue
            for h in range(self.histories):
                law = weight * discount * self.others[agent][h, r] * own[h, seconds]
                kept = law > 0
                yield self.y[r, h, kept], law[kept, None] * later[kept]
                yield self.m[agent][r, h], -weight * discount * own[h]

    def others_first(self, agent: int) -> FloatArray:
        """Return the law of the others' first signals, in the order of `with_own`."""
        table = np.moveaxis(self.environment.prior, agent, 0)
        return table.reshape(table.shape[0], -1).sum(axis=0)

    def _second_participation(self, agent: int) -> None:
        """Add the rows of participation in the second period."""
        utility, signals = self._utility(self.two, agent), self.two.signals[agent]
        for r, h in np.ndindex(self.one.size, self.histories):
            for k in range(len(signals)):
                true = self.with_own(1, agent, k)
                weight = self.others[agent][h, r, true][:, None] * utility[true]
                terms = [(self.y[r, h, true], -weight), (self.m[agent][r, h, [k]], np.array([1.0]))]
                self.limits.add(terms, 0.0, ("participation, period 1", agent, r, h, k, -1))

    # Objective and solution

    @property
    def net_revenue(self) -> FloatArray:
        """Coefficients of what is maximised: payments less costs."""
        return self.payments - self.costs

    def _objectives(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the coefficients of payments, of costs and of welfare."""
        discount = self.environment.discount
        payments, costs, welfare = (np.zeros(self.count) for _ in range(3))
        for stage, variables, law in (
            (self.one, self.x, self.prior[:, None]),
            (self.two, self.y, discount * (self.prior[:, None, None] * np.moveaxis(self.rows, 0, 1))[..., None]),
        ):
            costs[variables] = law * stage.cost_table[:, 0]
            welfare[variables] = law * stage.welfare.reshape(len(stage.decisions), -1).T
        for i in self.agents:
            first = np.moveaxis(self.environment.prior, i, 0)
            payments[self.p[i]] = first.reshape(first.shape[0], -1).sum(axis=1)
            own = np.moveaxis(self.own[i][:, self.profiles[0][i]], 0, 1)
            payments[self.m[i]] = discount * self.prior[:, None, None] * own
        return payments, costs, welfare

    def solve(self, lean: float) -> tuple[FloatArray, FloatArray]:
        """Return the best variables for net revenue + lean · welfare, and the multipliers of the inequalities."""
        from scipy.optimize import linprog

        equalities, totals = self._equalities()
        bounds = np.full((self.count, 2), [-np.inf, np.inf])
        bounds[: self.lotteries] = [0.0, np.inf]
        solution = linprog(  # type: ignore[call-overload] # its stubs know dense matrices only
            -(self.net_revenue + lean * self.welfare),
            A_ub=self.limits.matrix(self.count).tocsr(),
            b_ub=np.array(self.limits.limit),
            A_eq=equalities.tocsr(),
            b_eq=totals,
            bounds=bounds,
            method="highs",
            options={"primal_feasibility_tolerance": PRECISION, "dual_feasibility_tolerance": PRECISION},
        )
        if solution.status != 0:
            raise Refusal(
                f"environment {self.environment.name!r}: the revenue program is not solved: {solution.message}"
            )
        return np.asarray(solution.x, dtype=np.float64), -np.asarray(solution.ineqlin.marginals, dtype=np.float64)

    def _equalities(self) -> "tuple[coo_array, FloatArray]":
        """Return the equalities Σ_d x = 1 and Σ_e y = x (or 1 where the first decision leaves nothing behind)."""
        from scipy.sparse import coo_array

        firsts = self.x.shape[0]
        seconds = self.y.reshape(-1, self.y.shape[-1])
        rows = [
            np.repeat(np.arange(firsts), self.x.shape[1]),
            firsts + np.repeat(np.arange(len(seconds)), seconds.shape[1]),
        ]
        columns, values = [self.x.reshape(-1), seconds.reshape(-1)], [np.ones(self.x.size), np.ones(seconds.size)]
        totals = np.concatenate([np.ones(firsts), np.full(len(seconds), float(self.histories == 1))])
        if self.histories > 1:
            rows.append(firsts + np.arange(len(seconds)))
            columns.append(np.repeat(self.x.reshape(-1), self.two.size))
            values.append(-np.ones(len(seconds)))
        indices = (np.concatenate(rows), np.concatenate(columns))
        return coo_array((np.concatenate(values), indices), shape=(len(totals), self.count)), totals


def check(environment: TableEnvironment) -> None:
    """Refuse what the program is not for."""
    where = f"environment {environment.name!r}"
    if environment.horizon != 2:
        raise Refusal(
            f"{where}: the revenue program is for two periods, here are {environment.horizon or 'infinitely many'}"
        )
    for t in range(2):
        if environment.stage(t).public or environment.stage(t).private_actions:
            raise Refusal(f"{where}: the revenue program takes no public state and no private actions (period {t})")
    size = prod(environment.stage(t).size for t in range(2)) * len(environment.stage(1).decisions)
    if size > 20 * LARGEST:
        raise Refusal(f"{where}: profiles × next profiles × decisions = {size:,}, too many for the revenue program")
    independent = independent_types(environment)
    if not independent.holds:
        raise Refusal(f"{where}: the revenue program needs independent types: {independent.note}")
