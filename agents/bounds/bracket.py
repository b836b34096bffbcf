"""A gain between two bounds: penalties are chosen on pilot draws, and play on other draws goes on until it is enough.

Candidates are penalties, each with the policy that is greedy in its values. A pilot finds the one whose upper samples
are least and the one whose lower samples are largest; only these two are played again, on draws of their own, batch by
batch. Both bounds hold at every moment at once (`dynmech.agents.bounds.confidence`), so that looking is free.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dynmech.agents.bounds.confidence import FIRST, mean_of
from dynmech.agents.bounds.inner_problem import Limits, Samples
from dynmech.sim.core.ties import first_largest, first_smallest

PILOT = 256
"""Paths of the pilot, at most."""

SHARE = 0.02
"""Of the budget that a candidate's pilot takes, at most."""


WORST_STATE = "(worst state)"
"""Stands for the penalty where the upper bound is what can be gained at the worst state."""


class Candidate(Protocol):
    """A penalty and its greedy policy, that can be played."""

    @property
    def name(self) -> str:
        """What H is."""
        ...

    @property
    def steps(self) -> float:
        """Elementary steps of work per path."""
        ...

    @property
    def batch(self) -> int:
        """Paths at a time."""
        ...

    @property
    def shift(self) -> float:
        """What the means are added to."""
        ...

    @property
    def limits(self) -> Limits:
        """The range of the samples, and the tails."""
        ...

    def play(self, scope: str, shard: int, n: int) -> Samples:
        """Return the samples of a batch of paths."""
        ...


@dataclass(frozen=True)
class Effort:
    """How long to play.

    Attributes:
        width: until upper − lower is at most this; None: until it is 10 % of the lower bound, or 1 % of the scale.
        steps: elementary steps of work that may be spent (periods × memories × messages, over all paths); a few more
            where nothing could be said otherwise.
        confidence: of both bounds at once.
    """

    width: float | None = None
    steps: float = 3e7
    confidence: float = 0.95


@dataclass(frozen=True)
class Bracket:
    """A gain ex ante between two bounds.

    Attributes:
        lower, upper: with `confidence` the gain lies between them, whenever play was stopped.
        estimate_below, estimate_above: the means of the samples, between which more paths would end.
        penalty, policy: the penalty of the upper bound (or `WORST_STATE`), and the values that the policy of the lower
            one is greedy in.
        tried: what was tried.
        paths: how many were played, the pilot's apart.
        enough: whether the width that was asked for was reached; else the budget was spent.
        width: that was asked for.
        further: how many more paths would do, as far as can be told; None where no number of them would.
    """

    lower: float
    upper: float
    estimate_below: float
    estimate_above: float
    penalty: str
    policy: str
    tried: tuple[str, ...]
    paths: int
    enough: bool
    width: float
    further: int | None
    confidence: float


class _Side:
    """One of the two that are played, and its bound."""

    def __init__(self, candidate: Candidate, alpha: float) -> None:
        self.candidate, limits = candidate, candidate.limits
        self.mean = mean_of(limits.low, limits.high, alpha)


def bracket_gain(
    candidates: Sequence[Candidate],
    scale: float,
    effort: Effort,
    *,
    scope: str = "",
    most: float = np.inf,
    advance: Callable[[int], None] = lambda _: None,
) -> Bracket:
    """Return bounds on a gain.

    Args:
        candidates: at least one.
        scale: that of the economy's utilities.
        scope: names the draws, so that deviators do not share them.
        most: what the gain cannot exceed for certain, as known otherwise: an upper bound at the worst state.
        advance: told of every batch.
    """
    above, below = choose(candidates, scope, effort, most)
    alpha = (1 - effort.confidence) / 2
    upper, lower = _Side(candidates[above], alpha), _Side(candidates[below], alpha)
    same, spent, shard = above == below, 0.0, 0
    each = upper.candidate.steps + (0.0 if same else lower.candidate.steps)
    while True:
        bracket = _bracket(upper, lower, candidates, scale, effort, most)
        if bracket.enough or (spent >= effort.steps and np.isfinite(bracket.upper)):
            return bracket
        left = max(FIRST, int(np.ceil((effort.steps - spent) / each)))
        n = min(upper.candidate.batch, lower.candidate.batch, left)
        played = upper.candidate.play(f"bounds {scope}", shard, n)
        upper.mean.add(played.upper)
        lower.mean.add((played if same else lower.candidate.play(f"bounds {scope}", shard, n)).lower)
        shard, spent = shard + 1, spent + n * each
        advance(1)


def choose(candidates: Sequence[Candidate], scope: str, effort: Effort, most: float = np.inf) -> tuple[int, int]:
    """Return which candidate has the least upper samples, and which the largest lower ones, on pilot draws.

    A deviation of the samples counts against them: what matters is where the bound will be. Where the ranges of the
    samples alone make the bounds close enough, nothing is drawn.
    """
    above = [one.shift + one.limits.high + one.limits.upper_tail for one in candidates]
    below = [one.shift + one.limits.low - one.limits.lower_tail for one in candidates]
    if min(max(min(above), 0.0), most) - max(max(below), 0.0) <= (effort.width or 0.0):
        return first_smallest(above), first_largest(below)
    above, below = [], []
    for candidate in candidates:
        n = max(2, min(PILOT, candidate.batch, int(effort.steps * SHARE / candidate.steps)))
        played = candidate.play(f"bounds pilot {scope}", 0, n)
        limits = candidate.limits
        slack = [samples.std() / np.sqrt(n) for samples in (played.upper, played.lower)]
        above.append(candidate.shift + min(float(played.upper.mean() + slack[0]), limits.high) + limits.upper_tail)
        below.append(candidate.shift + max(float(played.lower.mean() - slack[1]), limits.low) - limits.lower_tail)
    return first_smallest(above), first_largest(below)


def _bracket(
    upper: _Side, lower: _Side, candidates: Sequence[Candidate], scale: float, effort: Effort, most: float
) -> Bracket:
    """Return the bounds as they are now."""
    above, below = upper.candidate, lower.candidate
    sampled = max(0.0, above.shift + upper.mean.upper + above.limits.upper_tail)
    high = min(sampled, most)
    low = min(max(0.0, below.shift + lower.mean.lower - below.limits.lower_tail), high)
    wanted = max(0.1 * low, 0.01 * scale) if effort.width is None else effort.width
    enough = high - low <= wanted
    estimates = (
        below.shift + lower.mean.mean - below.limits.lower_tail,
        min(above.shift + upper.mean.mean + above.limits.upper_tail, most),
    )
    return Bracket(
        lower=low,
        upper=high,
        estimate_below=estimates[0],
        estimate_above=estimates[1],
        penalty=(above.name, WORST_STATE)[first_smallest((sampled, most), scale)],
        policy=below.name,
        tried=tuple(candidate.name for candidate in candidates),
        paths=upper.mean.count,
        enough=enough,
        width=wanted,
        further=0 if enough else _further(upper.mean.count, high - low, estimates[1] - estimates[0], wanted),
        confidence=effort.confidence,
    )


def _further(count: int, width: float, gap: float, wanted: float) -> int | None:
    """Return how many more paths reach a width, its part beyond the gap of the means falling as 1/√n."""
    if gap >= wanted or count == 0 or not np.isfinite(width):
        return None
    return int(np.ceil(count * ((width - gap) / (wanted - gap)) ** 2)) - count
