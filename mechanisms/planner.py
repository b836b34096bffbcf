"""The planner: the decision rule that maximises expected discounted welfare, and what it is worth.

    Q_t(a, θ) = Σ_i w_i u^i(a, θ) − c(a, ω) + δ E[W_{t+1}(θ′) | a, θ],    W_t = max_a Q_t,    W_T = 0.

Finite horizons by backward induction. Infinite ones by value iteration with the span (MacQueen) bounds

    T V + δ/(1−δ) min(T V − V) ≤ W ≤ T V + δ/(1−δ) max(T V − V),

and, where mixing is slow, policy iteration (Howard), each policy evaluated by GMRES or by a direct solve;
the same bounds then hold for the last iterate. Ties go to the lowest decision within `TIE` of the best.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from sim.arrays import FloatArray, IntArray
from sim.environment import TableEnvironment
from sim.errors import InputError
from sim.kernels import IndependentKernel, JointKernel
from sim.stage import Stage

TIE = 1e-11
"""Decisions within this of the best, relative to the largest |W| (at least 1), tie."""

PRECISION = 1e-12
"""Bound aimed at, relative to the largest |W| (at least 1)."""

SWEEPS = 60
"""Value-iteration sweeps before policy iteration takes over."""

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
        stationary: whether the one entry of each list serves every period.
    """

    policy: tuple[IntArray, ...]
    value: tuple[FloatArray, ...]
    quality: tuple[FloatArray, ...]
    gap: tuple[FloatArray, ...]
    bound: float
    stationary: bool

    def __post_init__(self) -> None:
        for table in (*self.policy, *self.value, *self.quality, *self.gap):
            table.flags.writeable = False

    def at(self, t: int) -> int:
        """Where period t stands in the lists."""
        return 0 if self.stationary else t


_PLANS: WeakKeyDictionary[TableEnvironment, dict[int | None, Plan]] = WeakKeyDictionary()


def plan(environment: TableEnvironment, without: int | None = None) -> Plan:
    """The plan for everybody's welfare, or for everybody's but agent `without`'s (its utility counts for nothing).

    A plan is kept as long as its environment, which is immutable: asking twice costs nothing.
    """
    if without is not None and not 0 <= without < len(environment.agents):
        raise InputError(f"without: {without} is not the index of one of the {len(environment.agents)} agents")
    kept = _PLANS.setdefault(environment, {})
    if without not in kept:
        kept[without] = _solve(environment, without)
    return kept[without]


def _solve(environment: TableEnvironment, without: int | None) -> Plan:
    if environment.horizon is None:
        return _stationary(environment, without)
    following: FloatArray | None = None
    pieces = []
    for t in reversed(range(environment.horizon)):
        quality = flow_welfare(environment.stage(t), without)
        if following is not None:
            quality = quality + environment.discount * environment.kernel(t).expect(following)
        policy, following, gap = _best(quality)
        pieces.append((policy, following, quality, gap))
    policies, values, qualities, gaps = zip(*reversed(pieces), strict=True)
    largest = max(float(np.abs(v).max()) for v in values)
    rounding = 1e-14 * environment.horizon * max(1.0, largest)
    return Plan(policies, values, qualities, gaps, rounding, stationary=False)


def flow_welfare(stage: Stage, without: int | None = None) -> FloatArray:
    """Σ_{i ≠ without} u^i − c, `(D, *A)`."""
    if without is None:
        return stage.welfare
    return np.delete(stage.utility, without, axis=0).sum(axis=0) - stage.spread_cost


def continuation(environment: TableEnvironment, t: int, value: FloatArray) -> FloatArray:
    """δ E[value(θ′) | a, θ] out of period t, `(D, *A)`; `value` over next period's profiles."""
    return environment.discount * environment.kernel(t).expect(value)


def _best(quality: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Lowest decision that ties with the best, the best value, and the gap to the best decision that does not tie."""
    value = quality.max(axis=0)
    slack = TIE * max(1.0, float(np.abs(value).max()))
    tied = quality >= value - slack
    rest = np.where(tied, -np.inf, quality).max(axis=0)
    return np.argmax(tied, axis=0).astype(np.intp), value, value - rest


def _stationary(environment: TableEnvironment, without: int | None) -> Plan:
    stage, kernel, discount = environment.stage(0), environment.kernel(0), environment.discount
    flow = flow_welfare(stage, without)
    value = flow.max(axis=0) / (1 - discount)
    scale = max(1.0, float(np.abs(value).max()))

    def backup(v: FloatArray) -> FloatArray:
        return flow + discount * kernel.expect(v)

    for _ in range(SWEEPS):
        value, bound = _centre(backup(value).max(axis=0), value, discount)
        if bound <= PRECISION * scale:
            break
    else:
        value = _policy_iteration(flow, kernel, discount, value, scale)
    quality = backup(value)
    improved, bound = _centre(quality.max(axis=0), value, discount)
    policy, _, gap = _best(quality)
    return Plan((policy,), (improved,), (quality,), (gap,), bound + 1e-14 * scale / (1 - discount), stationary=True)


def _centre(better: FloatArray, value: FloatArray, discount: float) -> tuple[FloatArray, float]:
    """The midpoint of the span bounds, and half their distance."""
    step = better - value
    low, high = float(step.min()), float(step.max())
    weight = discount / (1 - discount)
    return better + weight * (low + high) / 2, weight * (high - low) / 2


def _policy_iteration(
    flow: FloatArray,
    kernel: JointKernel | IndependentKernel,
    discount: float,
    value: FloatArray,
    scale: float,
) -> FloatArray:
    """Howard's policy iteration from a good guess; stops when no decision improves by more than rounding."""
    policy: IntArray | None = None
    for _ in range(200):
        quality = flow + discount * kernel.expect(value)
        greedy = np.argmax(quality, axis=0)
        if policy is not None:
            kept = np.take_along_axis(quality, policy[None], axis=0)[0]
            greedy = np.where(quality.max(axis=0) > kept + PRECISION * scale, greedy, policy)
            if np.array_equal(greedy, policy):
                return value
        policy = greedy
        value = _evaluate(flow, kernel, discount, policy, value, scale)
    return value


def _evaluate(
    flow: FloatArray,
    kernel: JointKernel | IndependentKernel,
    discount: float,
    policy: IntArray,
    guess: FloatArray,
    scale: float,
) -> FloatArray:
    """Solve V = flow_π + δ P_π V."""
    reward = np.take_along_axis(flow, policy[None], axis=0)[0]
    size = reward.size

    def apply(v: FloatArray) -> FloatArray:
        ahead = kernel.expect(v.reshape(reward.shape))
        return v - discount * np.take_along_axis(ahead, policy[None], axis=0)[0].reshape(-1)

    if size > DENSE or isinstance(kernel, IndependentKernel):
        operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
        floor = 1e-15 * scale * size**0.5  # about what rounding leaves of V − δ P V: no use in asking for less
        solution, stuck = gmres(
            operator, reward.reshape(-1), guess.reshape(-1), rtol=0, atol=floor, restart=40, maxiter=20
        )
        if not stuck or size > DENSE:
            return np.asarray(solution).reshape(reward.shape)
    chosen = np.stack([kernel.row(int(a), k).reshape(-1) for k, a in enumerate(policy.flat)])
    return np.linalg.solve(np.eye(size) - discount * chosen, reward.reshape(-1)).reshape(reward.shape)
