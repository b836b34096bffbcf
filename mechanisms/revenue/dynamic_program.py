"""The most that any mechanism earns in a small finite economy: a linear program over all direct mechanisms.

Signals are private values, independent over agents, and no decision moves them. A direct mechanism asks agent i for
θ_{i,t} every period; after i's reports h = (r_0, …, r_t), each possible given the one before, it takes decision d with
probability q_t(d | all reports) and charges P_{i,t}(h). Agents learn nothing of each other's reports, which can only
earn more. With Q_{i,t}(h) what i expects from the others' truth, and V_{i,t}(θ; h) the most that i can still get with
true signal θ after reports h (lies of the past included),

    V_{i,t}(θ; h) ≥ u_i(Q_{i,t}(h, r), θ) − P_{i,t}(h, r) + δ E[V_{i,t+1}(θ′; h, r) | θ]     for every r possible
    after h,
    truth from the start is worth at least V_{i,0}(θ) and at least 0                         for every θ.

So truth is a best response among *all* reporting strategies, at the start. Each V is a variable, bounded from below
only; nothing is asked of plays that no best response reaches. Maximised: expected discounted payments less costs.

Beside `relaxed_revenue`, the same with only the first signal private, the program shows what private later signals
cost.

Source: Kakade, Lobel and Nazerzadeh 2011, §3.1 (the constraints), Lemma 3.1 (the order of the two), §7 (the gap).
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.conditions.dependence import private_values
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.units import in_units_of_scale

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST = 400_000
"""Constraints that a program may have."""

PRECISION = 1e-10
"""Feasibility asked of the solver."""


@dataclass(frozen=True, eq=False)
class DynamicOptimum:
    """A solved program.

    Attributes:
        net_revenue: the most that can be earned, costs deducted, in present value.
        revenue: what this mechanism takes in before the costs; another that earns as much may take in more or less.
        decisions: per period, lotteries by the agents' report histories, `(H_1, …, H_N, D)`; see `histories`.
        payments: per agent and period, by its report history.
        histories: per agent and period, the histories of reports, `(H, t + 1)`.
        constraints, variables: the program's size.
    """

    net_revenue: float
    revenue: float
    decisions: tuple[FloatArray, ...]
    payments: tuple[tuple[FloatArray, ...], ...]
    histories: tuple[tuple[IntArray, ...], ...]
    constraints: int
    variables: int


@dataclass(frozen=True, eq=False)
class _Tree:
    """One agent's possible histories: per period the nodes with their last signal, parent and probability."""

    signal: tuple[IntArray, ...]
    parent: tuple[IntArray, ...]
    mass: tuple[FloatArray, ...]
    kernel: tuple[FloatArray, ...]

    def children(self, t: int, node: int) -> IntArray:
        """Return the nodes of period t below a node of the period before."""
        return np.flatnonzero(self.parent[t] == node)

    @cached_property
    def paths(self) -> tuple[IntArray, ...]:
        """Histories, `(H, t + 1)`."""
        out = [self.signal[0][:, None]]
        for t in range(1, len(self.signal)):
            out.append(np.concatenate([out[-1][self.parent[t]], self.signal[t][:, None]], axis=1))
        return tuple(out)


def dynamic_revenue(environment: TableEnvironment) -> DynamicOptimum:
    """Solve the program.

    Raises:
        Refusal: the economy is not of this kind, or the program too large (its size is said).
    """
    return _solve(environment, relaxed=False)


def relaxed_revenue(environment: TableEnvironment) -> DynamicOptimum:
    """Solve the same program when everybody sees all signals but the first ones.

    Agents then only choose what to report first; the rest of the report is what it is.
    """
    return _solve(environment, relaxed=True)


def _solve(environment: TableEnvironment, *, relaxed: bool) -> DynamicOptimum:
    """Solve the program in units of the economy's scale: the solver's tolerances are absolute."""
    inside, unit = in_units_of_scale(environment)
    return _Program(inside, _trees(environment), relaxed=relaxed).solve(unit)


def _trees(environment: TableEnvironment) -> list[_Tree]:
    """Return every agent's histories."""
    where = f"environment {environment.name!r}"
    if environment.horizon is None:
        raise Refusal(f"{where}: the revenue program is for a finite horizon")
    stages = [environment.stage(t) for t in range(environment.horizon)]
    if any(stage.public or stage.private_actions for stage in stages):
        raise Refusal(f"{where}: the revenue program takes no public state and no private actions")
    if not private_values(environment).holds:
        raise Refusal(f"{where}: the revenue program needs private values")
    agents = range(len(environment.agents))
    masses = [environment.prior.sum(axis=tuple(j for j in agents if j != i)) for i in agents]
    outer = np.ones(())
    for mass in masses:
        outer = np.multiply.outer(outer, mass)
    if np.abs(outer - environment.prior).max() > 1e-12:
        raise Refusal(f"{where}: the revenue program needs first signals that are independent over agents")
    factors = []
    for t in range(environment.horizon - 1):
        kernel = environment.kernel(t)
        if not isinstance(kernel, IndependentKernel):
            raise Refusal(f"{where}: the revenue program needs signals that move independently (one table per agent)")
        if any((f != f[:1]).any() for f in kernel.factors):
            raise Refusal(f"{where}: the revenue program needs signals that decisions do not move (period {t})")
        factors.append([f[0] for f in kernel.factors])
    return [_tree(masses[i], [period[i] for period in factors]) for i in agents]


def _tree(mass: FloatArray, kernel: list[FloatArray]) -> _Tree:
    """Return one agent's histories."""
    signal, parent, weight = [np.flatnonzero(mass > 0)], [np.zeros(0, np.intp)], [mass[mass > 0]]
    for law in kernel:
        above, then = np.nonzero(law[signal[-1]] > 0)
        parent.append(above)
        weight.append(weight[-1][above] * law[signal[-1][above], then])
        signal.append(then)
    return _Tree(tuple(signal), tuple(parent), tuple(weight), tuple(kernel))


class _Program:
    """The linear program; variables: q_t by joint histories and decision, then P and V per agent."""

    def __init__(self, environment: TableEnvironment, trees: list[_Tree], *, relaxed: bool = False) -> None:
        self.environment, self.trees, self.relaxed = environment, trees, relaxed
        self.periods = range(environment.horizon or 0)
        self.agents = range(len(trees))
        self.discount = environment.discount
        start, self.q = 0, []
        for t in self.periods:
            shape = (*(len(tree.signal[t]) for tree in trees), len(environment.stage(t).decisions))
            self.q.append(start + np.arange(prod(shape)).reshape(shape))
            start += prod(shape)
        self.lotteries = start
        self.p: list[list[IntArray]] = []
        for tree in trees:
            self.p.append([])
            for t in self.periods:
                self.p[-1].append(start + np.arange(len(tree.signal[t])))
                start += len(tree.signal[t])
        self.count = start
        self.rows: list[tuple[IntArray, FloatArray]] = []
        self.v: dict[tuple[int, int, int, int], int] = {}
        for i in self.agents:
            self._agent(i)

    def solve(self, unit: float) -> DynamicOptimum:
        """Maximise payments less costs; `unit`: what the program's money is worth."""
        from scipy.optimize import linprog

        payments, costs = self._objective()
        equal = self._lotteries()
        bounds = np.full((self.count, 2), [-np.inf, np.inf])
        bounds[: self.lotteries, 0] = 0.0
        solution = linprog(  # type: ignore[call-overload] # its stubs know dense matrices only
            costs - payments,
            A_ub=self._matrix(self.rows),
            b_ub=np.zeros(len(self.rows)),
            A_eq=self._matrix(equal),
            b_eq=np.ones(len(equal)),
            bounds=bounds,
            method="highs",
            options={"primal_feasibility_tolerance": PRECISION, "dual_feasibility_tolerance": PRECISION},
        )
        if solution.status != 0:
            raise Refusal(
                f"environment {self.environment.name!r}: the revenue program is not solved: {solution.message}"
            )
        x = np.asarray(solution.x, dtype=np.float64)
        return DynamicOptimum(
            net_revenue=float((payments - costs) @ x) * unit,
            revenue=float(payments @ x) * unit,
            decisions=tuple(np.clip(x[q], 0, 1) for q in self.q),
            payments=tuple(tuple(x[p] * unit for p in own) for own in self.p),
            histories=tuple(tree.paths for tree in self.trees),
            constraints=len(self.rows),
            variables=self.count,
        )

    def _matrix(self, rows: list[tuple[IntArray, FloatArray]]) -> "csr_array":
        """Return rows of (columns, values) as a sparse matrix."""
        from scipy.sparse import coo_array

        row = np.repeat(np.arange(len(rows)), [len(columns) for columns, _ in rows])
        columns = np.concatenate([columns for columns, _ in rows])
        values = np.concatenate([values for _, values in rows])
        return coo_array((values, (row, columns)), shape=(len(rows), self.count)).tocsr()

    def _lotteries(self) -> list[tuple[IntArray, FloatArray]]:
        """Return the equalities: probabilities of decisions add up to 1."""
        out: list[tuple[IntArray, FloatArray]] = []
        for q in self.q:
            out.extend((row, np.ones(len(row))) for row in q.reshape(-1, q.shape[-1]))
        return out

    def _objective(self) -> tuple[FloatArray, FloatArray]:
        """Return the coefficients of expected discounted payments, and of the designer's costs."""
        payments, costs = np.zeros(self.count), np.zeros(self.count)
        for t in self.periods:
            for tree, own in zip(self.trees, self.p, strict=True):
                payments[own[t]] += self.discount**t * tree.mass[t]
            law = np.ones(())
            for tree in self.trees:
                law = np.multiply.outer(law, tree.mass[t])
            costs[self.q[t]] = self.discount**t * law[..., None] * self.environment.stage(t).cost_table[:, 0]
        return payments, costs

    def _agent(self, i: int) -> None:
        """Add the rows of one agent: V ≥ every report; truth ≥ V_0 and ≥ 0."""
        tree = self.trees[i]
        for k in tree.signal[0]:
            truth = self._along(i, int(np.flatnonzero(tree.signal[0] == k)[0]), int(k))
            less = (truth[0], -truth[1])
            self._add(less, (np.zeros(0, np.intp), np.zeros(0)))
            for node in range(len(tree.signal[0])):
                lie = self._along(i, node, int(k)) if self.relaxed else self._report(i, 0, int(k), node)
                if not (self.relaxed and tree.signal[0][node] == k):
                    self._add(lie, less)

    def _add(self, one: tuple[IntArray, FloatArray], other: tuple[IntArray, FloatArray]) -> None:
        """Add the row one + other ≤ 0."""
        if len(self.rows) >= LARGEST:
            raise Refusal(
                f"environment {self.environment.name!r}: the revenue program has more than {LARGEST:,} constraints"
            )
        self.rows.append((np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])))

    def _flow(self, i: int, t: int, signal: int, node: int) -> tuple[IntArray, FloatArray]:
        """Return the coefficients of u_i(Q(node), signal) − P(node)."""
        others = [tree.mass[t] for j, tree in enumerate(self.trees) if j != i]
        law = np.ones(())
        for mass in others:
            law = np.multiply.outer(law, mass)
        utility = self._utility(i, t)[:, signal]
        lotteries = np.moveaxis(self.q[t], i, 0)[node]
        weights = law[..., None] * utility
        kept = weights != 0
        columns = np.append(lotteries[kept], self.p[i][t][node])
        return columns, np.append(weights[kept], -1.0)

    def _utility(self, i: int, t: int) -> FloatArray:
        """Return the agent's utility by decision and own signal, `(D, K_i)`."""
        table = np.moveaxis(self.environment.stage(t).utility[i], 1 + i, 1)
        return table.reshape(*table.shape[:2], -1)[:, :, 0]

    def _report(self, i: int, t: int, signal: int, node: int) -> tuple[IntArray, FloatArray]:
        """Return the coefficients of the worth of the report that leads to a node, followed by the best."""
        columns, values = [], []
        flow = self._flow(i, t, signal, node)
        columns.append(flow[0])
        values.append(flow[1])
        if t + 1 in self.periods:
            law = self.trees[i].kernel[t][signal]
            then = np.flatnonzero(law > 0)
            columns.append(np.array([self._best(i, t + 1, int(s), node) for s in then], np.intp))
            values.append(self.discount * law[then])
        return np.concatenate(columns), np.concatenate(values)

    def _best(self, i: int, t: int, signal: int, before: int) -> int:
        """Return the variable V_{i,t}(signal; history `before`), adding its constraints when it is new."""
        key = (i, t, signal, before)
        if key not in self.v:
            self.v[key] = self.count
            self.count += 1
            own = (np.array([self.v[key]]), np.array([-1.0]))
            for node in self.trees[i].children(t, before):
                self._add(self._report(i, t, signal, int(node)), own)
        return self.v[key]

    def _along(self, i: int, node: int, signal: int) -> tuple[IntArray, FloatArray]:
        """First report `node` with true first signal `signal`; afterwards what was reported first moves as it would.

        With the true first report this is truth for ever. Else (relaxed): later signals are public, so that the path
        that follows the report stands beside the true one with the same later states.
        """
        columns, values = [], []
        pairs = [(node, signal, 1.0)]
        for t in self.periods:
            for at, true, weight in pairs:
                flow = self._flow(i, t, true, at)
                columns.append(flow[0])
                values.append(self.discount**t * weight * flow[1])
            pairs = [step for pair in pairs for step in self._beside(i, t, *pair)] if t + 1 in self.periods else []
        return np.concatenate(columns), np.concatenate(values)

    def _beside(self, i: int, t: int, node: int, true: int, weight: float) -> list[tuple[int, int, float]]:
        """Yield (next node, true signal, weight): k-th next signals of both stand for the same public one."""
        tree = self.trees[i]
        children = tree.children(t + 1, node)
        law = tree.kernel[t][true]
        then = np.flatnonzero(law > 0)
        if len(then) != len(children):
            raise Refusal(
                f"environment {self.environment.name!r}: what is public later is not the same after every first signal"
            )
        return [(int(c), int(s), weight * float(law[s])) for c, s in zip(children, then, strict=True)]
