"""Fictitious play: best replies to how the others, and nature, have been seen to answer so far.

The learner knows no rules, so its beliefs are about what it can see: at every place s and for every message r, the mean
flow ȳ(s, r) and the frequencies f(k | s, r) of its own next signal. After each round it replies to them,

    v(s, r) = ȳ(s, r) + δ Σ_k f(k | s, r) max_{r'} v((k, own signal, r), r'),

last period first (under an endless horizon one sweep per round), the maximum over messages that have been tried; then
it plays what is best, with trembles (`explore`), without which what looked bad once would never be tried again. The
others' empirical play enters through ȳ and f: where they are stationary, so that beliefs settle, what it plays in the
end is a best reply, as far as its places tell enough apart.

Source: Brown 1951; on own payoffs and with trembles, Fudenberg and Levine 1998, ch. 4.
"""

from itertools import pairwise

import numpy as np

from dynmech.agents.learners.learning import Learner, Place, Step
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.play.roles import View


class FictitiousPlay(Learner):
    """Best replies to empirical frequencies; options as in `Learner`."""

    name = "fictitious-play"
    source = "Brown 1951; Fudenberg and Levine 1998, ch. 4"

    def odds(self, view: View, place: Place) -> FloatArray:
        """The best reply."""
        return self.greedy(view, place)

    def worth(self, view: View, place: Place) -> FloatArray:
        """v at this place."""
        worth: FloatArray = self._worth(view, place)[np.arange(view.size), place.at]
        return worth

    def learn(self, view: View, steps: list[Step]) -> None:
        """Count what was seen, then reply to it."""
        for place, sent, flow, _ in steps:
            where = np.arange(view.size), place.at, sent
            tried, mean = self.table(view, place, "tried"), self.table(view, place, "flow")
            tried[where] += 1
            mean[where] += (flow - mean[where]) / tried[where]
        for (place, sent, _, _), (then, _, _, _) in pairwise(steps):
            counts = self.table(view, place, "next", then.signals)
            counts[np.arange(view.size), place.at, sent, then.signal[then.at]] += 1
        self._reply(view, steps)

    def _reply(self, view: View, steps: list[Step]) -> None:
        """v for every table, last period first."""
        done: set[str] = set()
        following: list[Place | None] = [*(step.place for step in steps[1:]), None]
        for (place, _, _, _), then in reversed(list(zip(steps, following, strict=True))):
            if place.table in done and (then is None or then.table in done):
                continue
            done.add(place.table)
            value = self.table(view, place, "value")
            value[:] = self.table(view, place, "flow")
            if then is not None:
                value += view.game_spaces.discount * self._ahead(view, place, then)

    def _ahead(self, view: View, place: Place, then: Place) -> FloatArray:
        """Σ_k f(k | s, r) max_{r'} v((k, r), r'), `(n, places, messages)`."""
        counts = self.table(view, place, "next", then.signals)
        best = self._worth(view, then).max(axis=2)
        best = np.where(np.isfinite(best), best, 0.0).reshape(view.size, then.signals, place.signals, place.messages)
        seen, total = np.zeros(counts.shape[:3]), np.zeros(counts.shape[:3])
        for k in range(then.signals):
            seen += counts[..., k]
            total += counts[..., k] * best[:, k, place.signal]
        return total / np.maximum(seen, 1)

    def _worth(self, view: View, place: Place) -> FloatArray:
        """v at every place, −∞ for what was never tried."""
        tried = self.table(view, place, "tried")
        return np.where(tried > 0, self.table(view, place, "value"), -np.inf)
