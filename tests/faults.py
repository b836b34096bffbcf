"""Contingent mechanisms with a planted fault each: the variants that are printed wrong, and easy slips."""

import numpy as np

from mechanisms.base import HistoryMechanism
from mechanisms.contingent import ContingentMechanism
from mechanisms.contingent_convex import ContingentConvex
from mechanisms.contingent_spanning import ContingentSpanning
from mechanisms.lagged import split_profiles
from mechanisms.solvers import Convex, Spanning, Systems
from mechanisms.surplus_extraction import SurplusExtraction
from mechanisms.targets import convex_solution, spanning_solution
from sim.arrays import Array, FloatArray, IntArray
from sim.environment import TableEnvironment
from sim.roles import Promises, Situation


class UndiscountedTarget(ContingentSpanning):
    """The discount factor forgotten: transfers are too small by δ."""

    def due(self, now: Situation, messages: Array) -> FloatArray:
        return self.environment.discount * super().due(now, messages)


class OwnReportLeft(ContingentSpanning):
    """Last period's own report left in the next transfer."""

    def due(self, now: Situation, messages: Array) -> FloatArray:
        own = np.maximum(self.recall(now, 1), 0) // 2
        return super().due(now, messages) + 0.5 * own[:, None]

    def transfer_bound(self) -> float:
        return super().transfer_bound() + 0.5


class PlusSign(ContingentSpanning):
    """Equation (3) as printed: everybody pays the others' utilities instead of getting them."""

    def target(self, t: int, agent: int) -> FloatArray:
        stage = self.environment.stage(t)
        return stage.welfare - stage.utility[agent]


class UntransposedSolver(Spanning):
    """(1/δ) M⁺ v instead of (1/δ) (M⁺)ᵀ v; the shapes agree only where M is square."""

    def solve(self, systems: Systems) -> FloatArray:
        return (np.linalg.pinv(systems.matrices) @ systems.target[..., None])[systems.cell, :, 0]


class Untransposed(ContingentSpanning):
    """The pseudo-inverse as printed."""

    def __init__(self, environment: TableEnvironment) -> None:
        ContingentMechanism.__init__(self, environment, UntransposedSolver(), 1.0)
        self.balanced = False


class FlippedStep(ContingentSpanning):
    """The finite-horizon proof as printed: Σ_{j≠i} u^j = δ E[p] in every period before the last but one."""

    def target(self, t: int, agent: int) -> FloatArray:
        early = t < (self.environment.horizon or 0) - 2
        return -super().target(t, agent) if early else super().target(t, agent)


class NoCorrection(ContingentSpanning):
    """The period before the last is not told what the last leaves the agent."""

    def target(self, t: int, agent: int) -> FloatArray:
        stage = self.environment.stage(t)
        return stage.utility[agent] - stage.welfare


class PrintedFee(ContingentSpanning):
    """The participation fee as printed, second form: η = −E[W − Σ δ^t u^i]."""

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment, budget="ex-ante")

    def subsidies(self) -> FloatArray:
        return -super().subsidies()


class AccompliceSolver(Convex):
    """A lottery per report that deters only the signals that lead to the same decision."""

    def solve(self, systems: Systems) -> FloatArray:
        paid = np.empty((len(systems.cell), systems.matrices.shape[1]))
        for s, (cell, report) in enumerate(zip(systems.cell, systems.own, strict=True)):
            there = np.unique(systems.own[systems.cell == cell])
            found = convex_solution(
                systems.matrices[[cell]][:, :, there],
                systems.target[[cell]][:, there],
                np.flatnonzero(there == report),
            )
            paid[s] = found.transfers[0]
        return paid


class OnlyAccomplices(ContingentConvex):
    """Signals that would bring about another decision are forgotten: the rows of all types matter."""

    def __init__(self, environment: TableEnvironment) -> None:
        ContingentMechanism.__init__(self, environment, AccompliceSolver(), 1.0)
        self.balanced = False


class NoFees(ContingentMechanism):
    """Proposition 4.1 before its fees: each pays its flow utility one period later, on average."""

    name = "no-fees"
    promises = SurplusExtraction.promises

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment, Convex(), 0.0)


class UndiscountedFee(SurplusExtraction):
    """The entrance fee is the bonus's cover K itself, not δ K."""

    def delayed(self, t: int, agent: int) -> list[FloatArray]:
        lotteries = super().delayed(t, agent)
        self.entrance[t, agent] = self.entrance[t, agent] / self.environment.discount
        return lotteries


class OpenLoop(HistoryMechanism):
    """Propositions 5.3 and 5.4 as printed, everything due after two periods: p(y; a_t, a_{t+1}, o_t) with

        δ² Σ_y p(y; a, a′, o) P(θ_{t+2}^{−i} = y | a, a′, (k, o)) = v(k)   for every a, a′, o, k,

    beliefs taken as if a′ would come whatever happens. Whether it comes depends on θ_{t+1} and on i's next report.
    """

    name = "open-loop"
    promises = Promises(incentive="periodic ex post", efficient=True)
    share = 1.0

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment, 2)
        self.tables = [self._table(i) for i in range(len(environment.agents))]
        self.printed_identity = max(error for _, error in self.tables)

    @property
    def lags(self) -> int:
        return 2

    def _table(self, agent: int) -> tuple[FloatArray, float]:
        """p, `(D, D', O_i, O_i)`, and by how much the printed identity is missed."""
        env, stage = self.environment, self.environment.stage(0)
        then = np.eye(stage.size // stage.axes[agent])[split_profiles(stage, agent)[0]]
        law = np.einsum("dsx,exy->desy", env.kernel(0).rows(), env.kernel(0).rows() @ then)
        law = np.moveaxis(law.reshape(*law.shape[:2], *stage.axes, -1), 2 + agent, -1)
        matrices = env.discount**2 * law.reshape(*law.shape[:2], -1, *law.shape[-2:])
        target = np.moveaxis(stage.utility[agent] - stage.welfare, 1 + agent, -1)
        target = target.reshape(target.shape[0], 1, -1, target.shape[-1])
        shape = (*matrices.shape[:3], target.shape[-1], 1)
        solution = spanning_solution(matrices, np.broadcast_to(target[..., None], shape))
        return solution.transfers[..., 0], float(solution.residual.max())

    def due(self, now: Situation, messages: Array) -> FloatArray:
        stage, policy = self.environment.stage(0), self.plan.policy[0].reshape(-1)
        last, before = self.recall(now, 1), self.recall(now, 2)
        out = np.zeros((len(messages), len(self.tables)))
        for i, (table, _) in enumerate(self.tables):
            others, _ = split_profiles(stage, i)
            paid = table[policy[before], policy[last], others[before], stage.others_flat(i, now.public, messages)]
            out[:, i] = np.where(before >= 0, paid, 0.0)
        return out

    def transfer_bound(self) -> float:
        return max(float(np.abs(table).max()) for table, _ in self.tables)


class WrongDecision(SurplusExtraction):
    """Takes the decision that is not efficient (of two)."""

    def policy(self, t: int) -> IntArray:
        return 1 - super().policy(t)
