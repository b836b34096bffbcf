"""Derivatives of an exact gain in every input of the economy: law of motion, prior, utility, discount.

Rules, transfers and, by the envelope theorem, the optimal deviation stay as they are: where that is unique, the
derivative of the maximum is that of the deviation's own value. With y(k) how often post-decision states k are passed,
discounted, and X(k) what comes after,

    X(k) = Σ_θ μ_k(θ) [f(k, θ) + δ X(k′)],
    dX/dμ_e(θ) = Σ_{k on e} y(k) [f + δ X(k′)],   dX/du(e) = how often e is decided,   dX/dδ = Σ_k y(k) X(k) / δ,

for a choice that may depend on k and θ: interim policies depend on what was decided and reported before. What is
returned is that of the deviation less that of prescribed play, from the same state.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.agents.robustness.robust_values import Walk
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal

LARGEST = 3000
"""Post-decision states up to which derivatives are worked out."""


@dataclass(frozen=True, eq=False)
class Policy:
    """Choices by entry: `(P, S)` by post-decision state that leads there and profile; `(1, S)` in the first."""

    choices: tuple[IntArray, ...]


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Of one value, or of a gain.

    Attributes:
        value: itself.
        law: by stage, `(E, S')` in the mass of each next profile at each event; None where no kernel leads on.
        prior: `(S,)`.
        utility: by stage, `(E,)` in the deviator's utility of each event, decision and profile.
        discount: in δ.
    """

    value: float
    law: tuple[FloatArray | None, ...]
    prior: FloatArray
    utility: tuple[FloatArray, ...]
    discount: float

    def less(self, other: "Derivatives") -> "Derivatives":
        """Return the derivatives of the difference."""
        law = tuple(
            None if one is None or two is None else one - two for one, two in zip(self.law, other.law, strict=True)
        )
        utility = tuple(one - two for one, two in zip(self.utility, other.utility, strict=True))
        return Derivatives(
            self.value - other.value, law, self.prior - other.prior, utility, self.discount - other.discount
        )


Start = tuple[int, int, int] | None
"""Entry, state and first choice; None: the first period, before anything is known."""


def derivatives_of(walk: Walk, rows: tuple[FloatArray | None, ...], policy: Policy, start: Start) -> Derivatives:
    """Return the value of a policy and its derivatives.

    Args:
        rows: the law by stage, `(E, S')`.

    Raises:
        Refusal: there are too many post-decision states.
    """
    return _Value(walk, rows, policy).derivatives(start)


class _Value:
    """A policy's value after every post-decision state."""

    def __init__(self, walk: Walk, rows: tuple[FloatArray | None, ...], policy: Policy) -> None:
        self.walk, self.rows, self.policy = walk, rows, policy
        self.discount = walk.problem.discount
        most = max((len(walk.origins(t)) for t in range(walk.last)), default=0)
        if walk.problem.stationary and most > LARGEST:
            raise Refusal(f"derivatives: {most:,} states after a decision are more than {LARGEST:,}")
        self.ahead: list[FloatArray] = [np.zeros(0)] * len(policy.choices)
        if walk.problem.stationary:
            self._solve()
        else:
            for t in reversed(range(walk.last)):
                self.ahead[t] = self._expected(t, self._worth(t + 1))

    def _solve(self) -> None:
        """Work out X of a stationary problem."""
        law, leads = self._law(1), self._at(1, self.walk.leads(1))
        count = len(law)
        moves = np.zeros((count, count))
        np.add.at(moves, (np.arange(count)[:, None], leads), law)
        self._system = np.eye(count) - self.discount * moves
        flow = (law * self._at(1, self.walk.flow(1))).sum(axis=1)
        found = np.asarray(np.linalg.solve(self._system, flow), np.float64)
        self.ahead = [found, found]

    def _law(self, after: int) -> FloatArray:
        """Return the law of the profile of an entry by what leads to it, `(P, S)`."""
        t = 1 if self.walk.problem.stationary else after - 1
        rows = self.rows[self.walk.stage[t]]
        assert rows is not None
        return rows[self.walk.origins(t).event]

    def _at(self, t: int, table: Array) -> Array:
        """Return a table `(n, Q)` of an entry at the policy's choices, `(P, S)`."""
        choices = self.policy.choices[t]
        memory = np.zeros(1, np.intp) + self.walk.problem.periods[0].merged[0] if t == 0 else self._memory(t)
        state = memory[:, None] * choices.shape[1] + np.arange(choices.shape[1])
        return np.asarray(table[state, choices])

    def _memory(self, t: int) -> IntArray:
        """Return the memory of every post-decision state that leads to an entry."""
        return self.walk.origins(1 if self.walk.problem.stationary else t - 1).memory

    def _worth(self, t: int) -> FloatArray:
        """Return f + δ X by what leads there and profile, `(P, S)`."""
        flow: FloatArray = self._at(t, self.walk.flow(t))
        if self.walk.problem.after(t) is None:
            return flow
        return flow + self.discount * self.ahead[t][self._at(t, self.walk.leads(t))]

    def _expected(self, t: int, worth: FloatArray) -> FloatArray:
        """Return the expectation of next entry's worth at every post-decision state out of entry t."""
        return np.asarray((self._law(t + 1) * worth).sum(axis=1))

    def derivatives(self, start: Start) -> Derivatives:
        """Return the value from a start and its derivatives."""
        walk, problem = self.walk, self.walk.problem
        law = [None if rows is None else np.zeros(rows.shape) for rows in self.rows]
        utility = [np.zeros(len(stage.decisions) * stage.size) for stage in problem.environment.stages]
        prior = np.zeros(len(problem.prior))
        if start is None:
            t, worth = 0, self._worth(0)[0]
            prior, value = worth, float(worth @ problem.prior)
            visits = problem.prior
            events, leads = self._at(0, walk.events(0))[0], self._leads(0, 0)
        else:
            t, state, choice = start
            visits = np.ones(1)
            events = walk.events(t)[state, [choice]]
            leads = walk.leads(t)[state, [choice]] if problem.after(t) is not None else None
            value = float(walk.flow(t)[state, choice])
            value += 0.0 if leads is None else self.discount * float(self.ahead[t][leads[0]])
        np.add.at(utility[walk.stage[t]], events, visits)
        slope = 0.0
        while leads is not None:
            passed = np.zeros(len(walk.origins(t)))
            np.add.at(passed, leads, self.discount * visits)
            after = problem.after(t)
            assert after is not None
            if problem.stationary:
                passed, after = np.asarray(np.linalg.solve(self._system.T, passed), np.float64), 1
            worth, arrives = self._worth(after), passed[:, None] * self._law(after)
            slope += float(passed @ self.ahead[1 if problem.stationary else t]) / self.discount
            own = law[walk.stage[1 if problem.stationary else t]]
            assert own is not None
            np.add.at(own, walk.origins(t).event, passed[:, None] * worth)
            np.add.at(utility[walk.stage[after]], self._at(after, walk.events(after)), arrives)
            if problem.stationary:
                break
            visits, leads, t = arrives.reshape(-1), self._leads(after, None), after
        return Derivatives(value, tuple(law), prior, tuple(utility), slope)

    def _leads(self, t: int, row: int | None) -> Array | None:
        """Return the post-decision states that follow an entry, flat; None after the last."""
        if self.walk.problem.after(t) is None:
            return None
        found = self._at(t, self.walk.leads(t))
        return found.reshape(-1) if row is None else found[row]
