"""The largest gain under any law in a ball, bounded from above: value iteration on pairs (state of the lie, of truth).

Lie and truth are valued under the *same* law μ, whatever it is. With G(l, h) for the lie in state l and truth in state
h, and k the post-decision states that they lead to,

    G(l, h) = max_r flow(l, r) − flow(h) + δ X(k_l, k_h),

every X is an upper bound of E_μ[W(θ_l′)] − E_μ[V(θ_h′)] for values with W − V ≤ G, and the least of these is taken:

- both on the same row (θ, d): one next profile for both, max_μ Σ μ(θ′) G(θ′, θ′), closed;
- on two rows, the next profiles drawn apart: max over the row of the lie of the max over the row of truth;
- on two rows, the next profile of the lie drawn for both, and what truth is worth on one row more than on the other,
  with V between its robust bounds;
- everywhere: the best that a lie is worth under any law, less the worst that truth is, each by itself.

Any coupling gives a valid bound, and so does any iterate from above. At radius 0 the bound is the exact gain.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.agents.robustness.balls import Ball, highest
from dynmech.agents.robustness.robust_values import ROOM, RobustValues, Walk, robust_values
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import scale_of

SETTLED = 1e-7
"""Progress of a sweep, relative to the scale, at which the bound is taken as it is; it is valid at any time."""

SWEEPS = 500


@dataclass(frozen=True, eq=False)
class _Step:
    """What leads out of an entry.

    Attributes:
        memory, event: of every post-decision state, `(P,)`.
        told: the post-decision states of truth, distinct, `(H,)`.
        of_truth: which of them each state leads to, `(n,)`.
        rows, radii: of the ball, by event.
        after: what truth is worth at least and at most in the states of the next entry.
    """

    walk: Walk
    ball: Ball
    t: int
    memory: IntArray
    event: IntArray
    told: IntArray
    of_truth: IntArray
    rows: FloatArray
    radii: FloatArray
    after: tuple[FloatArray, FloatArray]

    @classmethod
    def out_of(cls, walk: Walk, ball: Ball, t: int, values: RobustValues) -> "_Step":
        """Return what leads out of entry t."""
        origins, rows, radii = walk.origins(t), ball.rows[walk.stage[t]], ball.radii[walk.stage[t]]
        assert rows is not None
        assert radii is not None
        honest = np.take_along_axis(walk.leads(t), walk.honest(t)[:, None], 1)[:, 0]
        told, of_truth = np.unique(honest, return_inverse=True)
        next_entry = walk.problem.after(t) or 0
        after = values.low[next_entry], values.high[next_entry]
        return cls(walk, ball, t, origins.memory, origins.event, told, of_truth.reshape(-1), rows, radii, after)

    def bounds(self, gain: FloatArray) -> FloatArray:
        """Return X, `(P, H)`, from the gains of the next entry's pairs."""
        profiles = self.rows.shape[1]
        table = gain.reshape(-1, profiles, gain.shape[1] // profiles, profiles)
        return np.minimum(self._together(table) + self.difference, self._apart(table))

    def _apart(self, table: FloatArray) -> FloatArray:
        """Return the bound of next profiles drawn apart, the law of truth answering to the profile of the lie."""
        told, profiles = self.event[self.told], self.rows.shape[1]
        values = table[:, :, self.memory[self.told]].reshape(-1, len(told), profiles)
        reacted = np.empty(values.shape[:2])
        step = max(1, ROOM // (len(told) * profiles))
        for start in range(0, len(reacted), step):
            part = slice(start, start + step)
            reacted[part] = highest(values[part], self.rows[told], self.radii[told])
        by_memory = np.ascontiguousarray(reacted.reshape(len(table), profiles, -1).transpose(0, 2, 1))
        out = np.empty((len(self.memory), len(told)))
        for start in range(0, len(out), step):
            part = slice(start, start + step)
            event = self.event[part]
            out[part] = highest(by_memory[self.memory[part]], self.rows[event][:, None], self.radii[event][:, None])
        return out

    def _together(self, table: FloatArray) -> FloatArray:
        """Return max_μ Σ μ(θ′) G((m_l, θ′), (m_h, θ′)) over the row of the lie."""
        diagonal = np.einsum("asbs->abs", table)
        out = np.empty((len(self.memory), len(self.told)))
        memory = self.memory[self.told]
        step = max(1, ROOM // (len(self.told) * self.rows.shape[1]))
        for start in range(0, len(out), step):
            part = slice(start, start + step)
            event = self.event[part]
            values = diagonal[self.memory[part][:, None], memory[None, :]]
            out[part] = highest(values, self.rows[event][:, None], self.radii[event][:, None])
        return out

    @cached_property
    def difference(self) -> FloatArray:
        """A bound of what truth is worth more on the row of the lie than on its own, `(P, H)`; 0 on the same row."""
        profiles = self.rows.shape[1]
        low, high = (value.reshape(-1, profiles) for value in self.after)
        middle, half = (high + low) / 2, (high - low) / 2
        out = np.empty((len(self.memory), len(self.told)))
        events, place = np.unique(self.event, return_inverse=True)
        for h, k in enumerate(self.told):
            mid, wide, e = middle[self.memory[k]], half[self.memory[k]], self.event[k]
            most = highest(mid, self.rows[events], self.radii[events]) + highest(-mid, self.rows[e], self.radii[e])
            moved = np.abs(self.rows[events] - self.rows[e]) @ wide + wide.max() * (self.radii[events] + self.radii[e])
            out[:, h] = np.where(events == e, 0.0, most + moved)[place.reshape(-1)]
        return out

    def gains(self, following: FloatArray) -> FloatArray:
        """Return G of this entry's pairs, `(n, n)`, from X."""
        walk, t = self.walk, self.t
        flow, leads = walk.flow(t), walk.leads(t)
        worth = walk.discounted(following)[:, self.of_truth]
        honest = np.take_along_axis(flow, walk.honest(t)[:, None], 1)[:, 0]
        out = np.full((len(flow), len(flow)), -np.inf)
        for q in range(flow.shape[1]):
            np.maximum(out, flow[:, q, None] + worth[leads[:, q]] + _off(walk, t, q), out=out)
        return out - honest


def upper_bound(walk: Walk, ball: Ball, *, enough: float = -np.inf) -> float:
    """Return a number that no gain exceeds, ex post, at any state that some play leads to, under any law in the ball.

    Args:
        enough: the iteration may stop when the bound is at most this.

    Raises:
        Refusal: the pairs do not fit in memory; the size is given.
    """
    _require_room(walk)
    values = robust_values(walk, ball)
    return _stationary(walk, ball, values, enough) if walk.problem.stationary else _finite(walk, ball, values)


def _require_room(walk: Walk) -> None:
    most = max(len(walk.flow(t)) for t in range(len(walk.problem.periods)))
    outgoing = max((len(walk.origins(t)) for t in range(walk.last)), default=0)
    require_room(
        f"worst laws for pairs of {most:,} states (memories × profiles)", 3.0 * most * most + 5.0 * outgoing * most
    )


def _finite(walk: Walk, ball: Ball, values: RobustValues) -> float:
    """Return the bound by backward induction."""
    flow = walk.flow(walk.last)
    honest = np.take_along_axis(flow, walk.honest(walk.last)[:, None], 1)[:, 0]
    choices = range(flow.shape[1])
    gain = np.max([flow[:, q, None] + _off(walk, walk.last, q) for q in choices], axis=0) - honest
    worst = _worst(walk, walk.last, gain)
    for t in reversed(range(walk.last)):
        step = _Step.out_of(walk, ball, t, values)
        gain = step.gains(step.bounds(gain))
        gain = np.minimum(gain, values.lie[t][:, None] - values.low[t])
        worst = max(worst, _worst(walk, t, gain))
    return worst


def _stationary(walk: Walk, ball: Ball, values: RobustValues, enough: float) -> float:
    """Return the bound by iteration from above."""
    step, discount = _Step.out_of(walk, ball, 1, values), walk.discounts[1]
    gain = values.lie[1][:, None] - values.low[1]
    least, following = _worst(walk, 1, gain), step.bounds(gain)
    for _ in range(SWEEPS):
        better = np.minimum(gain, step.gains(following))
        following = step.bounds(better)
        moved = float((gain - better).max())
        gain, least = better, _worst(walk, 1, better)
        done = least <= enough and _opening(walk, ball, following, values) <= enough
        if done or moved <= SETTLED * (1 - discount) * scale_of(walk.money):
            break
    return max(least, _opening(walk, ball, following, values))


def _opening(walk: Walk, ball: Ball, following: FloatArray, values: RobustValues) -> float:
    """Return the largest gain in the first period."""
    step, later = (_Step.out_of(walk, ball, t, values) for t in (0, 1))
    place = np.searchsorted(later.told, step.told)
    known = (place < len(later.told)) & (later.told[np.minimum(place, len(later.told) - 1)] == step.told)
    flow = walk.flow(0)
    honest = np.take_along_axis(flow, walk.honest(0)[:, None], 1)[:, 0]
    apart = values.lie[0] - values.low[0]
    column = np.minimum(place, len(later.told) - 1)[step.of_truth]
    worth = flow + walk.discounted(following)[walk.leads(0), column[:, None]]
    off = 2 * walk.error * (walk.events(0) != np.take_along_axis(walk.events(0), walk.honest(0)[:, None], 1))
    joint = np.where(known[step.of_truth], (worth + off).max(axis=1) - honest, np.inf)
    return float(np.where(walk.problem.reachable[0][0].reshape(-1), np.minimum(apart, joint), -np.inf).max())


def _off(walk: Walk, t: int, choice: int) -> FloatArray:
    """Return by how much utilities that are off may part a lie's flow from that of truth, `(n, n)`; 0 on one event."""
    if not walk.error:
        return np.zeros((1, 1))
    events = walk.events(t)
    honest = np.take_along_axis(events, walk.honest(t)[:, None], 1)[:, 0]
    return np.asarray(2 * walk.error * (events[:, choice, None] != honest))


def _worst(walk: Walk, t: int, gain: FloatArray) -> float:
    """Return the largest gain over states that both start from and that some play leads to."""
    occurs = walk.problem.reachable[t][0].reshape(-1)
    return float(np.where(occurs, np.diagonal(gain), -np.inf).max())
