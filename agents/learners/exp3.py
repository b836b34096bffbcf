"""EXP3: exponential weights in every state, learned from the return of the message that was sent alone.

In each state the k-th choice is drawn from p = (1 − γ) softmax(η_k G) + γ / M over M messages, γ = `explore`; after the
round the message sent is credited by importance, the others with nothing,

    G(r_t) ← G(r_t) + (R_t − b) / p(r_t),   R_t = Σ_{s ≥ t} δ^{s−t} y_s,   η_k = √(ln M / (M k)) / c,

where b is the mean of R in this state so far (a baseline moves all messages alike in expectation, and tames 1 / p)
and c the largest |R − b| seen there. Against others who do not learn regret per round falls as 1 / √k, state by state
and period by period. In the round that counts the message with the largest G is sent.

Source: Auer, Cesa-Bianchi, Freund and Schapire 2002.
"""

from math import log, sqrt

import numpy as np

from dynmech.agents.learners.learning import Learner, LearnerState, Step
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.play.roles import View


class Exp3(Learner):
    """Exponential weights under bandit feedback, one bandit per state; options as in `Learner`."""

    name = "exp3"
    source = "Auer, Cesa-Bianchi, Freund and Schapire 2002"

    def odds(self, view: View, state: LearnerState) -> FloatArray:
        """Return the softmax of the credits, shape `(n, messages)`."""
        credit = self.table(view, state, "credit")[np.arange(view.size), state.current]
        count, _, scale = self._summary(view, state)
        rate = sqrt(log(max(state.messages, 2)) / state.messages) / (np.sqrt(np.maximum(count, 1)) * scale)
        weights = np.exp((credit - credit.max(axis=1, keepdims=True)) * rate[:, None])
        out: FloatArray = weights / np.cumsum(weights, axis=1)[:, -1:]
        return out

    def worth(self, view: View, state: LearnerState) -> FloatArray:
        """Return the credits, −∞ for a message that was never sent, shape `(n, messages)`."""
        rows = np.arange(view.size)
        tried = self.table(view, state, "tried")[rows, state.current] > 0
        return np.where(tried, self.table(view, state, "credit")[rows, state.current], -np.inf)

    def learn(self, view: View, steps: list[Step]) -> None:
        """Credit each message sent with the return that followed, less the baseline, over its probability."""
        rows, total = np.arange(view.size), np.zeros(view.size)
        for state, sent, flow, odds in reversed(steps):
            total = flow + view.game_spaces.discount * total
            entry = rows, state.current, sent
            count, mean, _ = self._summary(view, state)
            surprise = np.where(count > 0, total - mean, 0.0)
            self.table(view, state, "tried")[entry] += 1
            self.table(view, state, "credit")[entry] += surprise / odds[rows, sent]
            facts = self.facts(view, state)
            spread = np.maximum(facts[rows, state.current, 2], np.abs(surprise))
            mean = mean + (total - mean) / (count + 1)
            facts[rows, state.current] = np.stack([count + 1, mean, spread], axis=1)

    def facts(self, view: View, state: LearnerState) -> FloatArray:
        """Return visits, mean return and largest distance from it by state, shape `(n, states, 3)`."""
        return self.table(view, state._replace(messages=3), "facts")

    def _summary(self, view: View, state: LearnerState) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return visits, mean return and largest distance from it (1 at first) in the current state, `(n,)` each."""
        count, mean, spread = self.facts(view, state)[np.arange(view.size), state.current].T
        return count, mean, np.where(spread > 0, spread, 1.0)
