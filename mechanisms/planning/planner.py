"""The planner: the decision rule that maximises expected discounted welfare, and what it is worth.

    Q_t(a, θ) = Σ_i w_i u^i(a, θ) − c(a, ω) + δ E[W_{t+1}(θ′) | a, θ],    W_t = max_a Q_t,    W_T = 0.

Finite horizons by backward induction. Infinite ones by value iteration, accelerated (see `anderson`), until the span
(MacQueen) bounds

    T V + δ/(1−δ) min(T V − V) ≤ W ≤ T V + δ/(1−δ) max(T V − V)

are narrow; where they do not become so, by policy iteration (Howard), each policy evaluated by GMRES or by a direct
solve, and the same bounds hold for the last iterate. Ties go to the lowest decision within `TIE` of the best.
"""

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from dynmech.mechanisms.planning.anderson import DEPTH, Anderson
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

TIE = 1e-11
"""Decisions within this of the best, relative to the largest |W| (at least the economy's scale), tie."""

PRECISION = 1e-12
"""Bound aimed at, relative to the largest |W| (at least the economy's scale)."""

SWEEPS = 100
"""Sweeps of accelerated value iteration before policy iteration takes over."""

DENSE = 1500
"""Profiles up to which a policy may be evaluated by a direct solve: under an independent kernel if GMRES gets stuck."""


@dataclass(frozen=True, eq=False)
class Plan:
    """An efficient decision rule.

    Attributes:
        policy: per distinct period, the decision in each profile, `(*A)`.
        value: per distinct period, W, `(*A)`.
        quality: per distinct period, Q, `(D, *A)`.
        gap: per distinct period, best minus best decision that is not tied with it (inf if all tie), `(*A)`.
        bound: |computed − true W| is at most this, everywhere.
        span: the scale of the economy's utilities, by which ties are told.
        stationary: whether the one entry of each list serves every period.
    """

    policy: tuple[IntArray, ...]
    value: tuple[FloatArray, ...]
    quality: tuple[FloatArray, ...]
    gap: tuple[FloatArray, ...]
    bound: float
    span: float
    stationary: bool

    def __post_init__(self) -> None:
        for table in (*self.policy, *self.value, *self.quality, *self.gap):
            table.flags.writeable = False

    @cached_property
    def scale(self) -> float:
        """The largest quality in absolute value, over all periods."""
        return scale_of(*self.quality)

    @cached_property
    def ties(self) -> tuple[int, int]:
        """At how many profiles more than one decision is efficient, and how many there are, over distinct periods."""
        tied = sum(
            int(np.count_nonzero((quality >= _least(quality.max(axis=0), self.span)).sum(axis=0) > 1))
            for quality in self.quality
        )
        return tied, sum(value.size for value in self.value)

    def at(self, t: int) -> int:
        """Return the index of period t in the lists."""
        return 0 if self.stationary else t


_PLANS: WeakKeyDictionary[TableEnvironment, dict[int | None, Plan]] = WeakKeyDictionary()


def plan(environment: TableEnvironment, without: int | None = None) -> Plan:
    """Return the plan for everybody's welfare, or for everybody's but agent `without`'s (its utility counts as 0).

    A plan is kept as long as its environment, which is immutable: asking twice costs nothing.

    Raises:
        Refusal: it does not fit in memory; how much it would need is said.
    """
    if without is not None and not 0 <= without < len(environment.agents):
        raise InputError(f"without: {without} is not the index of one of the {len(environment.agents)} agents")
    kept = _PLANS.setdefault(environment, {})
    if without not in kept:
        kept[without] = _solve(environment, without)
    return kept[without]


def numbers_needed(environment: TableEnvironment) -> float:
    """Return about how many numbers a plan takes at most, the work on it included.

    Per profile and period it keeps D qualities, a policy, a value and a gap. Work on an infinite horizon takes 3 D
    more, the past of the iteration, GMRES's 40 vectors and, under a joint kernel, one law per profile.
    """
    horizon = environment.horizon
    if horizon is not None:
        stages = [environment.stage(t) for t in range(horizon)]
        return sum(float(s.size) * (len(s.decisions) + 3) for s in stages) + max(
            3.0 * s.size * len(s.decisions) for s in stages
        )
    stage = environment.stage(0)
    laws = 0 if isinstance(environment.kernel(0), IndependentKernel) else stage.size
    return float(stage.size) * (4 * len(stage.decisions) + 2 * DEPTH + 60 + laws)


def _solve(environment: TableEnvironment, without: int | None) -> Plan:
    """Solve a finite horizon backwards; an infinite one by `_stationary`."""
    require_room(f"the plan of environment {environment.name!r}", numbers_needed(environment))
    if environment.horizon is None:
        return _stationary(environment, without)
    following: FloatArray | None = None
    pieces = []
    for t in reversed(range(environment.horizon)):
        quality = flow_welfare(environment.stage(t), without)
        if following is not None:
            quality = quality + environment.discount * environment.kernel(t).expect(following)
        policy, following, gap = _best(quality, environment.scale)
        pieces.append((policy, following, quality, gap))
    policies, values, qualities, gaps = zip(*reversed(pieces), strict=True)
    rounding = 1e-14 * environment.horizon * scale_of(environment.scale, *values)
    return Plan(policies, values, qualities, gaps, rounding, environment.scale, stationary=False)


def flow_welfare(stage: Stage, without: int | None = None) -> FloatArray:
    """Return Σ_{i ≠ without} u^i − c, `(D, *A)`."""
    if without is None:
        return stage.welfare
    total = np.zeros(stage.utility.shape[1:])
    for i, utility in enumerate(stage.utility):
        if i != without:
            total += utility
    total -= stage.spread_cost
    return total


def continuation(environment: TableEnvironment, t: int, value: FloatArray) -> FloatArray:
    """Return δ E[value(θ′) | a, θ] out of period t, `(D, *A)`; `value` over next period's profiles."""
    return environment.discount * environment.kernel(t).expect(value)


def _best(quality: FloatArray, scale: float) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the lowest decision that ties with the best, its value, and the gap to the best that does not tie."""
    value = quality.max(axis=0)
    least = _least(value, scale)
    rest = np.full_like(value, -np.inf)
    policy = np.zeros(value.shape, np.intp)
    for decision in reversed(range(len(quality))):
        tied = quality[decision] >= least
        policy[tied] = decision
        np.maximum(rest, quality[decision], out=rest, where=~tied)
    return policy, value, value - rest


def _least(value: FloatArray, scale: float) -> FloatArray:
    """Return what a decision must be worth to tie with the best."""
    return value - TIE * scale_of(scale, value)


def _stationary(environment: TableEnvironment, without: int | None) -> Plan:
    """Return the plan of an infinite horizon."""
    problem = _Stationary(environment, flow_welfare(environment.stage(0), without))
    value = problem.solve()
    quality = problem.quality(value)
    improved, bound = problem.centre(quality.max(axis=0), value)
    policy, _, gap = _best(quality, environment.scale)
    rounding = 1e-14 * problem.scale / (1 - environment.discount)
    aimed = max(bound, PRECISION * problem.scale)  # the same on every processor
    return Plan((policy,), (improved,), (quality,), (gap,), aimed + rounding, environment.scale, stationary=True)


class _Stationary:
    """The problem max_π Σ_t δ^t flow of one period repeated for ever; flow `(D, *A)`."""

    def __init__(self, environment: TableEnvironment, flow: FloatArray) -> None:
        self.flow, self.kernel, self.discount = flow, environment.kernel(0), environment.discount
        self.start = flow.max(axis=0) / (1 - self.discount)
        self.scale = scale_of(environment.scale, self.start)

    def solve(self) -> FloatArray:
        """Return a value that is within `PRECISION` of W, or as close as rounding lets it come."""
        value = better = self.start
        past = Anderson()
        for _ in range(SWEEPS):
            better, bound = self.centre(self.best(value), value)
            if bound <= PRECISION * self.scale:
                return better
            value = past.step(value, better)
        return _policy_iteration(self, better)

    def quality(self, value: FloatArray) -> FloatArray:
        """Return Q = flow + δ E[value(θ′) | a, θ], `(D, *A)`."""
        quality = self.kernel.expect(value)
        quality *= self.discount
        quality += self.flow
        return quality

    def best(self, value: FloatArray) -> FloatArray:
        """Return T value = max_a Q, without holding Q for more than a batch of decisions."""
        best: FloatArray | None = None
        for some, ahead in self.kernel.ahead(value):
            ahead *= self.discount
            ahead += self.flow[some]
            top = ahead.max(axis=0)
            best = top if best is None else np.maximum(best, top, out=best)
        assert best is not None
        return best

    def centre(self, better: FloatArray, value: FloatArray) -> tuple[FloatArray, float]:
        """Return the midpoint of the span bounds and half their distance; `better` is T `value`."""
        step = better - value
        low, high = float(step.min()), float(step.max())
        weight = self.discount / (1 - self.discount)
        return better + weight * (low + high) / 2, weight * (high - low) / 2


def _policy_iteration(problem: _Stationary, value: FloatArray) -> FloatArray:
    """Return the value that Howard's policy iteration reaches from a guess, up to rounding."""
    policy: IntArray | None = None
    for _ in range(200):
        quality = problem.quality(value)
        greedy = np.argmax(quality, axis=0)
        if policy is not None:
            kept = np.take_along_axis(quality, policy[None], axis=0)[0]
            greedy = np.where(quality.max(axis=0) > kept + PRECISION * problem.scale, greedy, policy)
            if np.array_equal(greedy, policy):
                return value
        policy = greedy
        value = _evaluate(problem, policy, value)
    return value


def _evaluate(problem: _Stationary, policy: IntArray, guess: FloatArray) -> FloatArray:
    """Solve V = flow_π + δ P_π V."""
    kernel, discount = problem.kernel, problem.discount
    reward = np.take_along_axis(problem.flow, policy[None], axis=0)[0]
    size = reward.size
    if size > DENSE or isinstance(kernel, IndependentKernel):
        from scipy.sparse.linalg import LinearOperator, gmres

        follow = kernel.under(policy)

        def apply(v: FloatArray) -> FloatArray:
            return v - discount * follow(v.reshape(reward.shape)).reshape(-1)

        operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
        floor = 1e-15 * problem.scale * size**0.5  # about what rounding leaves of V − δ P V: no use in asking for less
        solution, stuck = gmres(
            operator, reward.reshape(-1), guess.reshape(-1), rtol=0, atol=floor, restart=40, maxiter=20
        )
        if not stuck or size > DENSE:
            return np.asarray(solution).reshape(reward.shape)
    chosen = np.stack([kernel.row(int(a), k).reshape(-1) for k, a in enumerate(policy.flat)])
    return np.linalg.solve(np.eye(size) - discount * chosen, reward.reshape(-1)).reshape(reward.shape)
