"""Q-learning: the value of every message in every state, from the values of the states that it led to.

After a round, last period first, with y_t the flow and s_t the state in period t,

    Q(s_t, r_t) ← Q(s_t, r_t) + α [y_t + δ max_r Q(s_{t+1}, r) − Q(s_t, r_t)],   α = (1 + h) / (k + h),

k the number of times that r_t has been sent at s_t, the maximum over messages that have been tried (0 after the last
period), h = `patience`. The first return is taken whole (α = 1), later ones ever less, Σ α = ∞ and Σ α² < ∞; the larger
h, the longer early values, learned when later play was still poor, are forgotten for. States that hide something of the
others' past make the problem only nearly Markov; going back through a round keeps the error to what a state hides.

Source: Watkins and Dayan 1992.
"""

import numpy as np

from dynmech.agents.learners.learning import Learner, LearnerState, Step
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.roles import View


class QLearning(Learner):
    """Tabular Q-learning with exploration at a constant rate; options as in `Learner`, and `patience`."""

    name = "q-learning"
    source = "Watkins and Dayan 1992"

    def __init__(self, rounds: int = 2000, explore: float = 0.5, horizon: int = 8, patience: float = 4.0) -> None:
        super().__init__(rounds, explore, horizon)
        if not patience >= 0:
            raise InputError(f"patience: {patience!r} is below 0")
        self.patience = patience

    def odds(self, view: View, state: LearnerState) -> FloatArray:
        """Return the greedy message probabilities, shape `(n, messages)`."""
        return self.greedy(view, state)

    def worth(self, view: View, state: LearnerState) -> FloatArray:
        """Return Q in the current state, −∞ for a message that was never tried, shape `(n, messages)`."""
        rows = np.arange(view.size)
        tried = self.table(view, state, "tried")[rows, state.current] > 0
        return np.where(tried, self.table(view, state, "value")[rows, state.current], -np.inf)

    def learn(self, view: View, steps: list[Step]) -> None:
        """Update Q once for every period, last period first."""
        rows, ahead = np.arange(view.size), np.zeros(view.size)
        for state, sent, flow, _ in reversed(steps):
            value, tried = self.table(view, state, "value"), self.table(view, state, "tried")
            entry = rows, state.current, sent
            tried[entry] += 1
            step = (1 + self.patience) / (tried[entry] + self.patience)
            value[entry] += step * (flow + view.game_spaces.discount * ahead - value[entry])
            ahead = self.worth(view, state).max(axis=1)
