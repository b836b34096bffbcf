"""Expectations over a period's profiles, from the post-decision states that lead to it, by the factors of their law.

With w what the deviator knows of the next profile (the public state and its own signals) and o the rest, signals that
move independently split the expectation of a message's worth,

    Σ_o P((w, o) | a, θ) Q(c, (w, o), r) = P(w | a, θ_w) Y(c, a, w, θ_o, r),
    Y(c, a, w, θ_o, r) = Σ_o P(o | a, θ_o) Q(c, (w, o), r),

so Y, contracted one axis of the others at a time, serves all own signals, and the law is never written out. Where few
states lead to a memory, their rows are made, a block at a time.

Axes: C merged memories, S profiles, R messages, D decisions; W own informations.
"""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.laws_of_motion import BLOCK, FactoredLaw


class FactoredExpectations:
    """What `dynmech.agents.oracle.post_decision_states.Expectations` answers, from factors.

    Args:
        law: of the profile.
        own: the axes of the next profile that the deviator will know.
        memory, event: the post-decision states, `(n,)` each, sorted by memory, then event.
    """

    def __init__(self, law: FactoredLaw, own: Sequence[int], memory: IntArray, event: IntArray) -> None:
        self.law, self.memory, self.event, self.count = law, memory, event, len(memory)
        self.own = list(own)
        self.rest = [j for j in range(len(law.axes)) if j not in self.own]
        self.width = prod(law.next_axes[j] for j in self.own)
        starts = np.flatnonzero(np.diff(memory, prepend=-1)).tolist()
        self._groups = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(memory)], strict=True)]

    def best(self, choices: FloatArray, *, spying: bool) -> FloatArray:
        """Return the expected worth of the best message, shape `(n,)`, from worths by profile, `(C, S, R)`."""
        out = np.empty(self.count)
        for group in self._groups:
            table = choices[self.memory[group.start]]
            if spying:
                top = table.max(axis=1)
                out[group] = self.law.expect_at(top[None, None], np.zeros_like(self.event[group]), self.event[group])[0]
            elif self.law.few(group.stop - group.start):
                for part, _, worth in self._by_rows(group, table):
                    out[part] = worth.max(axis=2).sum(axis=1)
            else:
                out[group] = self._best_of_all(table)[self.event[group]]
        return out

    def _best_of_all(self, table: FloatArray) -> FloatArray:
        """Return the expected worth of the best message at every event, `(D S,)`, of one memory's worths `(S, R)`."""
        law = self.law
        out = np.empty((law.decisions, *law.axes))
        worth = np.moveaxis(table.reshape(*law.next_axes, -1), -1, 0)
        for some in law.batches(table.shape[1]):
            best = law.contract(worth, some, self.rest).max(axis=1)
            for k, decision in enumerate(range(some.start, some.stop)):
                out[decision] = law.contract(best[k][None], slice(decision, decision + 1), self.own)[0, 0]
        return out.reshape(-1)

    def by_own(self, choices: FloatArray) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
        """Yield, some states at a time: which, P(w) `(m, W)` and Σ_o P(w, o) Q(c, (w, o), r) `(m, W, R)`."""
        for group in self._groups:
            table = choices[self.memory[group.start]]
            if self.law.few(group.stop - group.start):
                yield from self._by_rows(group, table)
            else:
                yield from self._by_factors(group, table)

    def _by_rows(self, group: slice, table: FloatArray) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
        """Yield as `by_own`, from the rows of a memory's states."""
        law, order = self.law, [*self.own, *self.rest]
        axes = np.transpose(table.reshape(*law.next_axes, -1), [*order, len(order)])
        worth = axes.reshape(self.width, -1, table.shape[1])
        for part in _cut(group, max(law.following, self.width * table.shape[1])):
            rows = law.rows_at(self.event[part], order).reshape(part.stop - part.start, self.width, -1)
            sums = np.matmul(rows.transpose(1, 0, 2), worth)
            yield part, rows.sum(axis=-1), sums.transpose(1, 0, 2)

    def _by_factors(self, group: slice, table: FloatArray) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
        """Yield as `by_own`, from the contraction over the others' signals, decision by decision."""
        law = self.law
        worth = np.moveaxis(table.reshape(*law.next_axes, -1), -1, 0)
        bounds = group.start + np.searchsorted(self.event[group], np.arange(law.decisions + 1) * law.size)
        for decision in range(law.decisions):
            events = slice(int(bounds[decision]), int(bounds[decision + 1]))
            if events.start == events.stop:
                continue
            split = law.contract(worth, slice(decision, decision + 1), self.rest)[0]
            ahead = np.transpose(split, [*(1 + j for j in self.own), *(1 + j for j in self.rest), 0])
            ahead = ahead.reshape(self.width, -1, table.shape[1])  # (W, O, R)
            for part in _cut(events, self.width * table.shape[1]):
                places = np.unravel_index(self.event[part] - decision * law.size, law.axes)
                mass = np.ones((part.stop - part.start, 1))
                for j in self.own:
                    factor = law.kernel.factors[j][decision, places[j]]
                    mass = (mass[:, :, None] * factor[:, None, :]).reshape(len(mass), -1)
                others = np.zeros(len(mass), np.intp)
                for j in self.rest:
                    others = others * law.axes[j] + places[j]
                yield part, mass, ahead[:, others].transpose(1, 0, 2) * mass[..., None]


def _cut(group: slice, numbers: int) -> Iterator[slice]:
    """Yield states, as many at a time as a block holds of so many numbers each."""
    step = max(1, BLOCK // max(1, numbers))
    return (slice(low, min(low + step, group.stop)) for low in range(group.start, group.stop, step))
