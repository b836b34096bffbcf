"""Liu's mechanisms as they are printed where the print is wrong, each in the one place in which it is.

Held against the corrected ones by `liu_theorems` and by tests that must catch them.
"""

import numpy as np

from dynmech.mechanisms.auctions.lowest_bid import LowestBid
from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.private_actions import moving_action
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.numerics.lags import split_profiles
from dynmech.mechanisms.numerics.solvers import Spanning, Systems
from dynmech.mechanisms.numerics.targets import spanning_solution
from dynmech.mechanisms.rules.remembering import HistoryMechanism, LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation


class PaidTeam(Team):
    """2014, eq. (3): the sign is missing, everybody pays the others' utilities."""

    def flow_table(self, t: int) -> FloatArray:
        """`(N, *A)`."""
        return -super().flow_table(t)


class UndiscountedTarget(ContingentSpanning):
    """2014, Lemma 7.3: the discount factor is missing, transfers are too small by δ."""

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """δ times what is owed."""
        return self.environment.discount * super().due(now, messages)


class UntransposedSolver(Spanning):
    """(1/δ) M⁺ v instead of (1/δ) (M⁺)ᵀ v; the shapes agree only where M is square."""

    def solve(self, systems: Systems) -> FloatArray:
        """`(S, Y)`."""
        return (np.linalg.pinv(systems.matrices) @ systems.target[..., None])[systems.cell, :, 0]


class Untransposed(ContingentSpanning):
    """2025, Lemma A.4: the pseudo-inverse lacks its transpose."""

    def __init__(self, environment: TableEnvironment) -> None:
        ContingentMechanism.__init__(self, environment, UntransposedSolver(), 1.0)
        self.balanced = False


class ActionsThatConcernOthers(ContingentSpanning):
    """2014, §6: admitted, private actions that move no signals, whomever else they concern."""

    def _unfit_actions(self) -> str | None:
        """Return what is wrong with actions that move signals; others pass."""
        return moving_action(self.environment)


class FlippedStep(ContingentSpanning):
    """2014, proof of Theorem 3.2: Σ_{j≠i} u^j = δ E[p], without the sign, in every period before the last but one."""

    def target(self, t: int, agent: int) -> FloatArray:
        """v with the wrong sign."""
        early = t < (self.environment.horizon or 0) - 2
        return -super().target(t, agent) if early else super().target(t, agent)


class PrintedFee(ContingentSpanning):
    """2014, §3.3: η in its second form, −E[W − Σ δ^t u^i]."""

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment, budget="ex-ante")

    def subsidies(self) -> FloatArray:
        """−η, `(N, S)`."""
        return -super().subsidies()


class OpenLoop(HistoryMechanism):
    """2025, Propositions 5.3 and 5.4, everything due after two periods: p(y; a_t, a_{t+1}, o_t) with

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
        """Two."""
        return 2

    def _table(self, agent: int) -> tuple[FloatArray, float]:
        """p, `(D, D', O_i, O_i)`, and by how much the printed identity is missed."""
        environment, stage = self.environment, self.environment.stage(0)
        then = np.eye(stage.size // stage.axes[agent])[split_profiles(stage, agent)[0]]
        law = np.einsum("dsx,exy->desy", environment.kernel(0).rows(), environment.kernel(0).rows() @ then)
        law = np.moveaxis(law.reshape(*law.shape[:2], *stage.axes, -1), 2 + agent, -1)
        matrices = environment.discount**2 * law.reshape(*law.shape[:2], -1, *law.shape[-2:])
        target = np.moveaxis(stage.utility[agent] - stage.welfare, 1 + agent, -1)
        target = target.reshape(target.shape[0], 1, -1, target.shape[-1])
        shape = (*matrices.shape[:3], target.shape[-1], 1)
        solution = spanning_solution(matrices, np.broadcast_to(target[..., None], shape))
        return solution.transfers[..., 0], float(solution.residual.max())

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """p(y; a_{t−2}, a_{t−1}, o_{t−2}), `(n, N)`."""
        stage, policy = self.environment.stage(0), self.plan.policy[0].reshape(-1)
        last, before = self.recall(now, 1), self.recall(now, 2)
        out = np.zeros((len(messages), len(self.tables)))
        for i, (table, _) in enumerate(self.tables):
            others, _ = split_profiles(stage, i)
            paid = table[policy[before], policy[last], others[before], stage.others_flat(i, now.public, messages)]
            out[:, i] = np.where(before >= 0, paid, 0.0)
        return out

    def transfer_bound(self) -> float:
        """The largest entry."""
        return max(float(np.abs(table).max()) for table, _ in self.tables)


class OffByEpsilon(LastPeriodMechanism):
    """2014, §5: transfers that miss a target of 0 by ε, one way after the first decision, the other way after the last.

    The first agent's report decides.
    """

    name = "off-by-epsilon"
    epsilon = 0.1

    def decide(self, now: Situation, messages: Array) -> IntArray:  # noqa: ARG002
        """What agent 0 says."""
        return messages[:, 0]

    @property
    def lags(self) -> int:
        """One."""
        return 1

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """±ε/δ by the last decision."""
        out = np.zeros(messages.shape)
        decision = (now.memory - 1) // self.environment.stage(0).size
        size = self.epsilon / self.environment.discount
        out[:, 0] = np.where(now.memory == 0, 0.0, np.where(decision == 0, size, -size))
        return out

    def transfer_bound(self) -> float:
        """ε/δ."""
        return self.epsilon / self.environment.discount


class OwnBid(LowestBid):
    """2025, the auction: b_t^j of the second instalment read as the winner's own bid."""

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """The winner and its own bid."""
        return 1 + self.winner(messages) * len(self.grid) + messages.min(axis=1)


class HighestRival(LowestBid):
    """2025, the auction: b_t^j of the second instalment read as the highest rival's bid."""

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """The winner and the highest bid."""
        return 1 + self.winner(messages) * len(self.grid) + messages.max(axis=1)


class NoSecondInstalment(LowestBid):
    """The auction without what is due in the next period."""

    def due(self, now: Situation, messages: Array) -> FloatArray:  # noqa: ARG002
        """Nothing."""
        return np.zeros(messages.shape)


class FirstPrice(LowestBid):
    """2025, the auction: the winner's price as printed, b_t^i."""

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """The winner's own bid."""
        return self.pays(self.winner(messages), self.linear.scale * self.grid[messages.min(axis=1)])
