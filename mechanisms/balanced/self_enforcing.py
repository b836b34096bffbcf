"""The self-enforcing mechanism: efficient decisions and balanced payments that no court enforces.

Timing: every period the agents report; then each takes its action, of which all see the public part, and pays every
other agent j what the reports call for,

    z_ij = γ_j(r_j; r′)/(N − 1) + A_i,   A_i = ū_i/N + K,

r′ last period's reports, γ_j the incentive payment of the balanced team mechanism and ū_i agent i's long-run utility
per period. K is the least constant (the same for all) with which no z is negative, or what is given. If all have done
so, play goes on; if anybody's public action is another one, or anybody has withheld its payments, it has broken down:
from then on everybody stays away and nothing is paid.

So agent i receives y_i = ψ_i + Σ_{j≠i} A_j − (N − 1) A_i, ψ_i the balanced transfer to it, and everybody's long-run
payoff is Σ_j ū_j / N per period.

Actions whose labels have a slash are seen up to it (`in/work` and `in/rest` look alike); others are seen whole.

Guarantee: if the planner's decisions are those of the very patient, types independent and values private given what all
can see, if staying away by the others leaves each with 0, the long run has a single ergodic set and Σ ū > 0, then for
discount factors close enough to 1 truth, obedience and payment on schedule is an equilibrium. How close is what
`dynmech.agents.oracle.patience_thresholds` works out. Agents pay each other, so the budget balances by construction.

Assumptions: private values, independent types, safe staying away, patience.

Source: Athey–Segal 2007, §6, Proposition 3; in its z_ijt the argument is the *receiver's* report.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.balanced.blackwell import LongRun, long_run
from dynmech.mechanisms.balanced.with_enforcement import enforced
from dynmech.mechanisms.conditions.dependence import private_values
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Acts, Promises, Situation

BROKEN = 0
"""The memory, from period 1 on, of play that has broken down; 1 + r of play on schedule, r last period's reports."""

REPLIES = Finite(("pay", "withhold"))


class SelfEnforcing(DirectMechanism):
    """Agents pay each other on schedule, and all stay away once anybody has left it.

    Args:
        constant: K; None: the least with which no payment is negative.

    Raises:
        Refusal: an assumption of the module docstring fails, which one is said; or K makes a payment negative.
    """

    name = "self-enforcing"
    source = "Athey–Segal 2007 §6, Proposition 3"
    promises = Promises(
        incentive="bayesian",
        budget="ex post",
        participation="interim",
        efficient=True,
        assumptions=("private values", "independent types", "staying away is safe", "patience"),
    )

    def __init__(self, environment: Environment, constant: float | None = None) -> None:
        super().__init__(environment)
        if not self.environment.stationary:
            raise self.refuse("what has broken down must hurt for ever, so the horizon must be infinite")
        self.world, self.original = enforced(self.environment)
        values = private_values(self.world)
        if not values.holds:
            raise self.refuse(f"values are not private: {values.note}")
        self.balanced = BalancedTeam(self.world)
        self.away = self._away()
        self.run: LongRun = long_run(self.world)
        if (self.balanced.base.plan.policy[0].reshape(-1) != self.run.policy).any():
            raise self.refuse("at this discount factor other decisions are efficient than for the very patient")
        if self.run.average.sum() <= 0:
            raise self.refuse(f"the long-run surplus {self.run.average.sum():.6g} is not positive")
        self.chosen, self.constant = constant, self.least_constant if constant is None else constant
        if self.constant < self.least_constant - 1e-12 * self.environment.scale:
            raise self.refuse(f"with K = {constant:g} a payment is negative; the least is {self.least_constant:.9g}")

    def conditions(self) -> list[Condition]:
        """Return what the economy with public actions enforced comes to; where it will not do, __init__ refuses."""
        shares = zip(self.environment.agents, self.run.average, self.base_payments, strict=True)
        payments = "; ".join(f"{name} earns {earned:.6g} per period, A = {base:.6g}" for name, earned, base in shares)
        return [
            Condition(
                "decisions of the very patient, one ergodic set", True, 0.0, {}, f"{payments}; K = {self.constant:.6g}"
            )
        ]

    def _away(self) -> int:
        """Return the first decision whose actions by all others leave an agent with 0 whatever it does."""
        sizes = self._sizes
        utility = self.environment.stage(0).utility.reshape(len(sizes), *sizes, -1)
        for decision, actions in enumerate(np.ndindex(*sizes)):
            if all(not _alone(utility[i], actions, i).any() for i in range(len(sizes))):
                return decision
        raise self.refuse("no actions of the others leave an agent with 0 whatever it does, so nobody can stay away")

    @cached_property
    def incentives(self) -> list[tuple[FloatArray, FloatArray]]:
        """γ_j at t = 0 by public state and report, `(O, K_j)`, and later by last reports as well, `(S, O, K_j)`."""
        opening, later = self.balanced.tables
        history = self.balanced.steps[0][1][-1][0]
        return [(first[0], after[history]) for first, after in zip(opening, later, strict=True)]

    @cached_property
    def least_constant(self) -> float:
        """The least K: max over j ≠ i of −γ_j/(N − 1) − ū_i/N."""
        agents = len(self.environment.agents)
        shares = self.run.average / agents
        lowest = [min(float(first.min()), float(later.min())) for first, later in self.incentives]
        return max(-lowest[j] / (agents - 1) - float(shares[i]) for i in range(agents) for j in range(agents) if i != j)

    @property
    def base_payments(self) -> FloatArray:
        """Base payments A_i, `(N,)`."""
        return self.run.average / len(self.environment.agents) + self.constant

    def memory_size(self, t: int) -> int:
        """Return 1 at first; then 1 + S: broken down, or last period's reports."""
        return 1 if t == 0 else 1 + self.environment.stage(0).size

    def on_schedule(self, now: Situation) -> Array:
        """Return whether play has not broken down, `(n,)`."""
        return np.ones(len(now.memory), np.bool_) if now.t == 0 else now.memory != BROKEN

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the efficient actions on schedule, else staying away, `(n,)`."""
        return np.where(self.on_schedule(now), self.original[self.run.policy][self.profile(now, messages)], self.away)

    def sees(self, t: int, agent: int) -> IntArray:
        """Return by action the number of the public part of its label, `(actions,)`."""
        parts = [label.partition("/")[0] for label in self.environment.actions(t)[agent]]
        return np.array([parts.index(part) for part in parts])

    def asks(self, t: int, agent: int) -> Finite:  # noqa: ARG002 - the protocol's
        """Return the replies "pay" (all that is due) and "withhold"."""
        return REPLIES

    def prescribed_reply(
        self,
        now: Situation,  # noqa: ARG002
        agent: int,  # noqa: ARG002
        messages: Array,  # noqa: ARG002
        decision: Array,
        utility: FloatArray,  # noqa: ARG002
    ) -> Array:
        """Return the reply "pay", `(n,)`."""
        return np.zeros(len(decision), np.intp)

    def due_payments(self, now: Situation, messages: Array) -> FloatArray:
        """Return z_ij, payer by receiver, `(n, N, N)`; 0 once play has broken down."""
        agents = messages.shape[1]
        last = np.maximum(np.asarray(now.memory) - 1, 0)
        received = np.empty((len(messages), agents))
        for j, (first, later) in enumerate(self.incentives):
            report = messages[:, j]
            received[:, j] = first[now.public, report] if now.t == 0 else later[last, now.public, report]
        payments = received[:, None, :] / (agents - 1) + self.base_payments[:, None]
        return payments * (1 - np.eye(agents)) * self.on_schedule(now)[:, None, None]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return what each pays the others less what it receives, `(n, N)`."""
        paid = self.due_payments(now, messages) * (acts.replies == 0)[:, :, None]
        return np.asarray(paid.sum(axis=2) - paid.sum(axis=1), dtype=np.float64)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """Return 1 + r if play was on schedule, all were seen to do their part and have paid; else `BROKEN`; `(n,)`."""
        asked = np.stack(np.unravel_index(decision, self._sizes), axis=1)
        kept = np.stack([self.sees(now.t, i)[asked[:, i]] for i in range(asked.shape[1])], axis=1) == acts.seen
        good = self.on_schedule(now) & kept.all(axis=1) & (acts.replies == 0).all(axis=1)
        return np.where(good, 1 + self.profile(now, messages), BROKEN)

    @cached_property
    def _sizes(self) -> list[int]:
        """Number of actions per agent."""
        return [len(labels) for labels in self.environment.actions(0)]

    def transfer_bound(self) -> float:
        """Return N − 1 times the largest payment."""
        agents = len(self.environment.agents)
        highest = max(max(float(first.max()), float(later.max())) for first, later in self.incentives)
        return (agents - 1) * (highest / (agents - 1) + float(np.abs(self.base_payments).max()))


def _alone(utility: FloatArray, actions: tuple[int, ...], agent: int) -> FloatArray:
    """Return agent i's utility when the others take the actions passed in, `(own actions, S)`."""
    return utility[tuple(slice(None) if j == agent else action for j, action in enumerate(actions))]
