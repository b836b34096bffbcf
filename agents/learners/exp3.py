"""EXP3: a bandit at every place, which hears only what the message that was sent has brought.

At each place the k-th choice is drawn from p = (1 − γ) softmax(η_k G) + γ / M over M messages, γ = `explore`; after the
round the message sent is credited by importance, the others with nothing,

    G(r_t) ← G(r_t) + (R_t − b) / p(r_t),   R_t = Σ_{s ≥ t} δ^{s−t} y_s,   η_k = √(ln M / (M k)) / c,

where b is the mean of R at this place so far (a baseline moves all messages alike in expectation, and tames 1 / p)
and c the largest |R − b| seen there. Against others who do not learn regret per round falls as 1 / √k, place by place
and period by period. In the round that counts the message with the largest G is sent.

Source: Auer, Cesa-Bianchi, Freund and Schapire 2002.
"""

from math import log, sqrt

import numpy as np

from dynmech.agents.learners.learning import Learner, Place, Step
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.play.roles import View


class Exp3(Learner):
    """Exponential weights under bandit feedback, one bandit per place; options as in `Learner`."""

    name = "exp3"
    source = "Auer, Cesa-Bianchi, Freund and Schapire 2002"

    def odds(self, view: View, place: Place) -> FloatArray:
        """The softmax of credits."""
        credit = self.table(view, place, "credit")[np.arange(view.size), place.at]
        count, _, scale = self._summary(view, place)
        rate = sqrt(log(max(place.messages, 2)) / place.messages) / (np.sqrt(np.maximum(count, 1)) * scale)
        weights = np.exp((credit - credit.max(axis=1, keepdims=True)) * rate[:, None])
        out: FloatArray = weights / np.cumsum(weights, axis=1)[:, -1:]
        return out

    def worth(self, view: View, place: Place) -> FloatArray:
        """Credits; a message that was never sent has none."""
        rows = np.arange(view.size)
        tried = self.table(view, place, "tried")[rows, place.at] > 0
        return np.where(tried, self.table(view, place, "credit")[rows, place.at], -np.inf)

    def learn(self, view: View, steps: list[Step]) -> None:
        """Credit what was sent with what it led to."""
        rows, total = np.arange(view.size), np.zeros(view.size)
        for place, sent, flow, odds in reversed(steps):
            total = flow + view.game_spaces.discount * total
            where = rows, place.at, sent
            count, mean, _ = self._summary(view, place)
            surprise = np.where(count > 0, total - mean, 0.0)
            self.table(view, place, "tried")[where] += 1
            self.table(view, place, "credit")[where] += surprise / odds[rows, sent]
            facts = self.facts(view, place)
            spread = np.maximum(facts[rows, place.at, 2], np.abs(surprise))
            mean = mean + (total - mean) / (count + 1)
            facts[rows, place.at] = np.stack([count + 1, mean, spread], axis=1)

    def facts(self, view: View, place: Place) -> FloatArray:
        """Times here, mean return, largest distance from it, `(n, places, 3)`."""
        return self.table(view, place._replace(messages=3), "facts")

    def _summary(self, view: View, place: Place) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Times here, mean return, largest distance from it (1 before there is any), `(n,)` each."""
        count, mean, spread = self.facts(view, place)[np.arange(view.size), place.at].T
        return count, mean, np.where(spread > 0, spread, 1.0)
