"""The Crémer–McLean mechanism, period by period: static lotteries by beliefs that last period's reports can move.

Timing: reports, efficient decision a*(r), payment at once. For every period and agent by itself:

1. where the generalised VCG payment of that period (`ex_post`) makes truth statically ex post optimal, it is used; the
   order that it rises along does not depend on how signals are listed;
2. elsewhere the agent faces lotteries over the others' current reports. With the belief
   B(o | k) = P(θ_t^{−i} = o | θ_t^i = k; r_{t−1}, a_{t−1}) that *last period's reports* imply (the prior at t = 0), and
   given the public state, where there is one, the lottery for report r is the least-norm p(r, ·) with

       Σ_o B(o | k) [u^i(a*(r, o), (k, o)) − p(r, o)] = 0   for every signal k,

   so that every report earns 0 in expectation, the surplus is extracted, and truth is a (weak) best response.

It holds for an agent that has told the truth so far. But the designer's belief is what the agent said last period:
lie once to move it, then cash in. That is the contingent deviation of Liu's example; `linked` is immune to it.

Assumptions: correlation of signals within a period, and truth in the period before.

Source: Crémer–McLean 1988 used as in Liu 2014, §3.1.
"""

import numpy as np

from dynmech.mechanisms.numerics.ex_post import ex_post_payments, utility_by_report
from dynmech.mechanisms.numerics.solvers import mixture_text
from dynmech.mechanisms.numerics.targets import spanning_solution
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.ties import largest_place
from dynmech.sim.economy.beliefs import next_belief, prior_belief
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import labels_text
from dynmech.sim.play.roles import Acts, Promises, Situation

LARGEST = 50_000_000
"""Numbers a transfer table may hold."""


class CremerMcLean(LastPeriodMechanism):
    """Crémer–McLean lotteries period by period, which take beliefs about the others' signals as they are.

    Raises:
        Refusal: the others' signals do not identify the agent's where a lottery is needed; names agent and period.
    """

    name = "cremer-mclean"
    source = "Crémer–McLean 1988 as in Liu 2014 §3.1"
    promises = Promises(incentive="bayesian", efficient=True, assumptions=("correlation of signals within a period",))

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment)
        periods = [0, 1] if environment.stationary else list(range(len(self.plan.policy)))
        for t in periods:
            need = self.memory_size(t) * environment.stage(t).size
            if need > LARGEST:
                raise self.refuse(f"its tables would hold {need:,} numbers per agent, more than {LARGEST:,}")
        self.tables = [[self._table(t, i) for i in range(len(environment.agents))] for t in periods]

    def _table(self, t: int, agent: int) -> FloatArray:
        """Return transfers `(memories, S)` by last decision and profile; one row where these do not matter."""
        stage = self.environment.stage(t)
        policy = self.plan.policy[self.plan.at(t)]
        payment = ex_post_payments(stage, agent, policy)
        if payment is not None:
            return self._by_profile(t, agent, payment[None])
        utility = utility_by_report(stage, agent, policy)
        if t == 0:
            belief = prior_belief(self.environment, agent)[None]
        else:
            belief = next_belief(self.environment, t - 1, agent)
            belief = belief.reshape(-1, *belief.shape[2:])
        publics = max(len(stage.public), 1)
        belief = _given_public(belief, publics)
        wanted = np.einsum("mpko,pokr->mpkr", belief, utility.reshape(publics, -1, *utility.shape[1:]))
        solution = spanning_solution(np.swapaxes(belief, 2, 3), wanted)
        if not solution.hits(wanted, self.environment.scale):
            at = largest_place(solution.residual)
            left = wanted[at[0], at[1], :, at[2]] - belief[at[:2]] @ solution.transfers[at[0], at[1], :, at[2]]
            weights = mixture_text(left / np.abs(left).max(), stage.signals[agent])
            raise self.refuse(
                f"in period {t} the others' signals do not identify that of agent {self.environment.agents[agent]!r}"
                f"{self._memory_text(t, at[0])}: a lottery is missed by {solution.residual[at]:.3g}, smallest "
                f"singular value of the belief {solution.singular_value[at[:2]]:.3g}; what the others may say cancels "
                f"over own signals: {weights}"
            )
        return self._by_profile(t, agent, solution.transfers)

    def _by_profile(self, t: int, agent: int, payments: FloatArray) -> FloatArray:
        """Reshape `(memories, …, K_i)`, the others' profile in between, to `(memories, S)`."""
        stage = self.environment.stage(t)
        own = stage.offset + agent
        rest = tuple(width for j, width in enumerate(stage.axes) if j != own)
        return np.moveaxis(payments.reshape(-1, *rest, stage.axes[own]), -1, 1 + own).reshape(len(payments), -1)

    def _memory_text(self, t: int, row: int) -> str:
        """Return a memory in words."""
        if t == 0:
            return ""
        stage = self.environment.stage(t - 1)
        decision, profile = divmod(row, stage.size)
        return f" after decision {stage.decisions[decision]!r} at reports ({labels_text(stage.labelled_axes, profile)})"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the lottery of the memory at the reported profile, `(n, N)`."""
        tables = self.tables[min(now.t, len(self.tables) - 1)]
        profile = self.profile(now, messages)
        out = np.empty((len(tables), len(messages)))
        for i, table in enumerate(tables):
            row = now.memory - 1 if len(table) > 1 else np.zeros_like(now.memory)
            out[i] = table[row, profile]
        return out.T

    def transfer_bound(self) -> float:
        """Return the largest entry of the tables."""
        return max(float(np.abs(table).max()) for tables in self.tables for table in tables)


def _given_public(belief: FloatArray, publics: int) -> FloatArray:
    """Turn `(memories, K_i, O_i)` into beliefs about the others' signals once the public state is known.

    Returns:
        `(memories, publics, K_i, others' signals)`; all zeros where a public state cannot occur.
    """
    table = np.moveaxis(belief.reshape(*belief.shape[:2], publics, -1), 2, 1)
    mass = table.sum(axis=-1, keepdims=True)
    return np.divide(table, mass, out=np.zeros_like(table), where=mass > 0)
