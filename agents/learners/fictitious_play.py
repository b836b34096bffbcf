"""Fictitious play: best replies to how the others, and nature, have been seen to answer so far.

The learner knows no rules, so its beliefs are about what it can see: in every state s and for every message r, the mean
flow ȳ(s, r) and the frequencies f(k | s, r) of its own next signal. After each round it replies to them,

    v(s, r) = ȳ(s, r) + δ Σ_k f(k | s, r) max_{r'} v((k, own signal, r), r'),

last period first (under an endless horizon one sweep per round), the maximum over messages that have been tried; then
it plays what is best, with trembles (`explore`), without which what looked bad once would never be tried again. The
others' empirical play enters through ȳ and f: where they are stationary, so that beliefs settle, what it plays in the
end is a best reply, as far as its states tell enough apart.

Source: Brown 1951; on own payoffs and with trembles, Fudenberg and Levine 1998, ch. 4.
"""

from itertools import pairwise

import numpy as np

from dynmech.agents.learners.learning import Learner, LearnerState, Step
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.play.roles import View


class FictitiousPlay(Learner):
    """Best replies to empirical frequencies; options as in `Learner`."""

    name = "fictitious-play"
    source = "Brown 1951; Fudenberg and Levine 1998, ch. 4"

    def odds(self, view: View, state: LearnerState) -> FloatArray:
        """Return all weight on the best reply, shape `(n, messages)`."""
        return self.greedy(view, state)

    def worth(self, view: View, state: LearnerState) -> FloatArray:
        """Return v in the current state, shape `(n, messages)`."""
        worth: FloatArray = self._worth(view, state)[np.arange(view.size), state.current]
        return worth

    def learn(self, view: View, steps: list[Step]) -> None:
        """Update mean flows and signal counts, then work out best replies to them."""
        for state, sent, flow, _ in steps:
            entry = np.arange(view.size), state.current, sent
            tried, mean = self.table(view, state, "tried"), self.table(view, state, "flow")
            tried[entry] += 1
            mean[entry] += (flow - mean[entry]) / tried[entry]
        for (state, sent, _, _), (then, _, _, _) in pairwise(steps):
            counts = self.table(view, state, "next", then.signals)
            counts[np.arange(view.size), state.current, sent, then.signal[then.current]] += 1
        self._reply(view, steps)

    def _reply(self, view: View, steps: list[Step]) -> None:
        """Update v in every table, last period first."""
        updated: set[str] = set()
        following: list[LearnerState | None] = [*(step.state for step in steps[1:]), None]
        for (state, _, _, _), then in reversed(list(zip(steps, following, strict=True))):
            if state.table in updated and (then is None or then.table in updated):
                continue
            updated.add(state.table)
            value = self.table(view, state, "value")
            value[:] = self.table(view, state, "flow")
            if then is not None:
                value += view.game_spaces.discount * self._ahead(view, state, then)

    def _ahead(self, view: View, state: LearnerState, then: LearnerState) -> FloatArray:
        """Return Σ_k f(k | s, r) max_{r'} v((k, r), r'), shape `(n, states, messages)`."""
        counts = self.table(view, state, "next", then.signals)
        best = self._worth(view, then).max(axis=2)
        best = np.where(np.isfinite(best), best, 0.0).reshape(view.size, then.signals, state.signals, state.messages)
        seen, total = np.zeros(counts.shape[:3]), np.zeros(counts.shape[:3])
        for k in range(then.signals):
            seen += counts[..., k]
            total += counts[..., k] * best[:, k, state.signal]
        return total / np.maximum(seen, 1)

    def _worth(self, view: View, state: LearnerState) -> FloatArray:
        """Return v in every state, −∞ for a message that was never tried, shape `(n, states, messages)`."""
        tried = self.table(view, state, "tried")
        return np.where(tried > 0, self.table(view, state, "value"), -np.inf)
