"""The deviator's problem along drawn paths: a deterministic dynamic program, and what policies are worth there.

With the path known, and beyond H (see `penalties`) in every row, D = W − H,

    W(row) = max_r { E[Q | row, w] − Q(c, θ, r) + Σ_l P(a_l | c, θ, r) max_α [flow + δ E[H] + δ D(row′)] },

the same for the greedy policy with its own messages and acts in place of the maxima. With H₀ the value of prescribed
play, which is known exactly here, E[H − H₀] + E[D of the best messages] lies above the gain ex ante, and
E[H − H₀] + E[D of the policy] below it. What prescribed play itself is worth on the path must agree with E[H₀]: a check
of the penalty. An infinite horizon is cut at T with D = 0 from there on; what that leaves out is bounded.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dynmech.agents.bounds.path_problem import PathProblem
from dynmech.agents.bounds.penalties import Penalty
from dynmech.agents.oracle.problem import Period
from dynmech.agents.oracle.search import worth_of_actions
from dynmech.sim.core.arrays import FloatArray, IntArray, expected
from dynmech.sim.core.streams import Streams
from dynmech.sim.core.ties import scale_of

NUMBERS = 1 << 21
"""Numbers that are worked on at a time in one period of a batch of paths."""


ROUNDING = 1e-13
"""What a period may add to a sample by rounding, relative to the largest worth of a message."""


class Samples(NamedTuple):
    """One number per path, `(n,)`: D of the best messages, of the greedy policy, and of prescribed play."""

    upper: FloatArray
    lower: FloatArray
    truth: FloatArray


class Limits(NamedTuple):
    """Between which all samples lie, and what the horizon's cut may leave out on either side."""

    low: float
    high: float
    upper_tail: float
    lower_tail: float


@dataclass(frozen=True, eq=False)
class TabledCandidate:
    """Bounds by one penalty on enumerated tables.

    Attributes:
        honest: H₀, the value of prescribed play.
        horizon: T, periods that are played.
        seed: of all draws.
        error: of the values in H₀, numerically.
    """

    penalty: Penalty
    honest: Penalty
    horizon: int
    seed: int
    error: float = 0.0

    @property
    def name(self) -> str:
        """What H is."""
        return self.penalty.name

    @property
    def paths(self) -> PathProblem:
        """The problem along paths."""
        return self.penalty.paths

    @cached_property
    def steps(self) -> float:
        """Elementary steps per path: periods × rows × messages × acts."""
        per_entry = [self.paths.width(k) * np.prod(p.flow.shape[2:]) for k, p in enumerate(self.paths.periods)]
        return float(sum(per_entry[self.paths.entry(t)] for t in range(self.horizon)))

    @cached_property
    def batch(self) -> int:
        """Paths at a time."""
        widest = max(self.paths.width(k) * p.flow.shape[2] * p.flow.shape[3] for k, p in enumerate(self.paths.periods))
        return max(1, min(4096, NUMBERS // max(int(widest), self.horizon)))

    @property
    def shift(self) -> float:
        """E[H − H₀], which the means of the samples are added to."""
        return self.penalty.start - self.honest.start

    @cached_property
    def limits(self) -> Limits:
        """The range of the samples, period by period added up, and the tails."""
        discount, steps = self.paths.problem.discount, self.penalty.steps
        weights = [discount**t for t in range(self.horizon)]
        low, high = (
            sum(weight * steps[self.paths.entry(t)][side] for t, weight in enumerate(weights)) for side in (0, 1)
        )
        rest = discount**self.horizon / (1 - discount) if self.paths.problem.stationary else 0.0
        least, most = steps[-1]
        rounding = ROUNDING * self.horizon * scale_of(*self.penalty.worth)
        error = self.error + 1e-12 * self.paths.problem.environment.scale
        return Limits(low - rounding, high + rounding, rest * max(most, 0.0) + error, rest * max(-least, 0.0) + error)

    @property
    def to_the_end(self) -> list[tuple[float, float]]:
        """Per entry, the least and the most that D can be there: what periods add from then on, without end."""
        discount, steps = self.paths.problem.discount, self.penalty.steps
        if self.paths.problem.stationary:
            repeated = [side / (1 - discount) for side in steps[1]]
            first = [own + discount * later for own, later in zip(steps[0], repeated, strict=True)]
            return [(first[0], first[1]), (repeated[0], repeated[1])]
        out, after = [], (0.0, 0.0)
        for low, high in reversed(steps):
            after = (low + discount * after[0], high + discount * after[1])
            out.append(after)
        return out[::-1]

    def play(self, scope: str, shard: int, n: int) -> Samples:
        """Return the samples of one batch of n paths, drawn for `scope`."""
        profiles = self.paths.draw(Streams(self.seed, scope, shard, n, self.horizon), self.horizon, n)
        beyond: list[FloatArray] = []
        for t in reversed(range(self.horizon)):
            before = profiles[t - 1] if t else np.zeros((n, 1), np.intp)
            beyond = self._back(self.paths.entry(t), profiles[t], before, beyond)
        return Samples(*(table[:, 0] for table in beyond))

    def _back(self, entry: int, profile: IntArray, before: IntArray, after: list[FloatArray]) -> list[FloatArray]:
        """Return D of the best messages, the policy and prescribed play, `(n, Z)` each, from those of next period.

        `after` is empty where nothing follows, or what follows is cut off.
        """
        tables, rows = self._tables[entry], self.paths.rows[entry]
        period, penalty = tables.period, self.penalty
        if self.paths.exogenous and entry:
            memory = np.arange(period.states)
            row = memory * rows.profiles + before
        else:
            memory, row = rows.memory, np.arange(len(rows))[None]
        case = memory * period.flow.shape[1] + profile
        known = case if penalty.spying else row * period.width + period.own[profile]
        base = tables.worth.take(known, axis=0)
        value = penalty.value[entry].reshape(-1).take(known)
        honest, greedy = period.truth.reshape(-1).take(case), penalty.messages[entry].reshape(-1).take(known)
        best = base + tables.beyond(case, after[0] if after else None)
        at_greedy = np.take_along_axis(base, greedy[..., None], axis=2)[..., 0]
        at_honest = np.take_along_axis(base, honest[..., None], axis=2)[..., 0]
        return [
            best.max(axis=2) - value,
            at_greedy + tables.beyond_message(case, greedy, tables.greedy_acts, after[1] if after else None) - value,
            at_honest + tables.beyond_message(case, honest, tables.honest_acts, after[2] if after else None) - value,
        ]

    @cached_property
    def _tables(self) -> list["_Tables"]:
        """Every entry's tables by case."""
        discount, acts = self.paths.problem.discount, self.penalty.acts
        out = []
        for k, (period, ahead) in enumerate(zip(self.paths.periods, self.penalty.ahead, strict=True)):
            width = self.penalty.worth[k].shape[-1]
            simple = period.acts == 1
            out.append(
                _Tables(
                    period=period,
                    worth=self.penalty.worth[k].reshape(-1, width),
                    local=self.paths.local[k],
                    chance=period.chance.reshape(-1, *period.chance.shape[2:]),
                    choices=self.penalty.choices[k].reshape(-1, width),
                    by_act=None if simple else _by_act(period, ahead, discount),
                    greedy_acts=None if simple else acts[k].reshape(-1, *acts[k].shape[2:]),
                    honest_acts=None if simple else period.obey.reshape(-1, *period.obey.shape[2:]),
                    discount=discount,
                )
            )
        return out


def _by_act(period: Period, ahead: FloatArray | None, discount: float) -> FloatArray:
    """Return flow + δ E[H] by case, `(C S, R, L, B)`."""
    worth = period.by_draw(worth_of_actions(period, ahead, discount))
    return worth.reshape(-1, *worth.shape[2:])


@dataclass(frozen=True, eq=False)
class _Tables:
    """One entry's tables by case, the flat index of memory and profile; acts are None where there is one only."""

    period: Period
    worth: FloatArray
    local: IntArray | None
    chance: FloatArray
    choices: FloatArray
    by_act: FloatArray | None
    greedy_acts: IntArray | None
    honest_acts: IntArray | None
    discount: float

    def beyond(self, case: IntArray, after: FloatArray | None) -> FloatArray:
        """Return what each message is worth beyond its E[Q | …] on the path, acts at best, `(n, Z, R)`."""
        if self.by_act is None:
            if after is None or self.local is None:
                return np.zeros((*case.shape, self.chance.shape[1]))
            following = self._following(after, self.local.take(case, axis=0))
            return self.discount * expected(following, self.chance.take(case, axis=0))
        worth = self.by_act.take(case, axis=0)
        if after is not None and self.local is not None:
            worth = worth + self.discount * self._following(after, self.local.take(case, axis=0)).reshape(worth.shape)
        return expected(worth.max(axis=-1), self.chance.take(case, axis=0)) - self.choices.take(case, axis=0)

    def beyond_message(
        self, case: IntArray, message: IntArray, acts: IntArray | None, after: FloatArray | None
    ) -> FloatArray:
        """Return the same of one message, and of given acts, `(n, Z)`."""
        place = case * self.chance.shape[1] + message
        chance = self.chance.reshape(-1, self.chance.shape[2]).take(place, axis=0)
        if after is None or self.local is None:
            following = None
        else:
            local = self.local.reshape(-1, self.local.shape[2]).take(place, axis=0)
            following = self._following(after, local)
        if self.by_act is None or acts is None:
            return np.zeros(case.shape) if following is None else self.discount * expected(following, chance)
        worth = self.by_act.reshape(-1, *self.by_act.shape[2:]).take(place, axis=0)
        if following is not None:
            worth = worth + self.discount * following.reshape(worth.shape)
        act = acts.reshape(-1, acts.shape[2]).take(place, axis=0)
        done = np.take_along_axis(worth, act[..., None], axis=3)[..., 0]
        return expected(done, chance) - self.choices.reshape(-1).take(place)

    @staticmethod
    def _following(after: FloatArray, local: IntArray) -> FloatArray:
        """Return D of next period, `(n, Z')`, at the rows that choices lead to, `(n, Z, …)`."""
        n, width = after.shape
        start = (np.arange(n) * width).reshape(n, *(1,) * (local.ndim - 1))
        return after.reshape(-1).take(local + start)
