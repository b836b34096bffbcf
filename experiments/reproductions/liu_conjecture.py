"""Liu 2014, Remark 4.2: surplus extraction after each history, tried numerically.

The paper extracts all surplus from the beginning, and conjectures that under interim participation in each period it
cannot be extracted after *each* history: bonuses of lotteries bought last period are still to come. Tried on small
economies by a linear program per agent: transfers that depend on all reports so far; truth is best against one lie,
after which the liar is truthful or leaves; staying is worth 0 or more to everybody in every period. With w the most
that an agent can still expect before it knows its signal, the last period apart (in which there is no report to come
that a lottery could be on), the least w is 0 where only the beginning counts, and above 0 where every history does.

More lies, and leaving after more of them, would only add constraints: the least w found is too low, if anything.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from scipy.optimize import linprog

from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage

Reports = tuple[tuple[int, ...], ...]

PERIODS = 3

LEFT = 1e-6
"""What counts as left."""


class Extraction:
    """The linear program of one agent: a row of coefficients of all transfers, the slacks and w, then a constant."""

    def __init__(self, environment: TableEnvironment, agent: int) -> None:
        self.environment, self.agent, self.discount = environment, agent, environment.discount
        self.stage = environment.stage(0)
        self.profiles = list(np.ndindex(*self.stage.axes))
        self.policies = [plan(environment).policy[t] for t in range(PERIODS)]
        self.names: dict[tuple[object, ...], int] = {}
        for t in range(PERIODS):
            for history in self.histories(t + 1):
                self.names["paid", history] = len(self.names)
        self.transfers = len(self.names)
        self.above: list[dict[int, float]] = []  # each: Σ coefficients ≥ −constant, the constant at −1

    def histories(self, length: int) -> list[Reports]:
        """Return all sequences of so many profiles."""
        out: list[Reports] = [()]
        for _ in range(length):
            out = [(*history, profile) for history in out for profile in self.profiles]
        return out

    def law(self, t: int, before: tuple[int, ...] | None, decision: int) -> FloatArray:
        """Return the law of the profile of period t."""
        if before is None:
            return self.environment.prior
        return self.environment.kernel(t - 1).row(decision, int(np.ravel_multi_index(before, self.stage.axes)))

    def decided(self, t: int, profile: tuple[int, ...]) -> int:
        """Return the efficient decision."""
        return int(self.policies[t][profile])

    @cache  # noqa: B019 - the program lives as long as it is solved
    def staying(
        self, t: int, history: Reports, own: int, true: tuple[int, ...] | None, report: int
    ) -> dict[int, float]:
        """Return the worth of reporting `report` with signal `own`, times the chance of `own`, truth afterwards.

        Args:
            true: last period's true profile, whose law counts; the history has what was reported.
        """
        total: dict[int, float] = {}
        decision = self.decided(t - 1, history[-1]) if history else 0
        law = self.law(t, true, decision)
        for profile in self.profiles:
            if profile[self.agent] != own or law[profile] == 0:
                continue
            said = tuple(report if j == self.agent else k for j, k in enumerate(profile))
            chance, done = float(law[profile]), self.decided(t, said)
            _add(total, {-1: float(self.stage.utility[(self.agent, done, *profile)])}, chance)
            _add(total, {self.names["paid", (*history, said)]: -1.0}, chance)
            if t + 1 < PERIODS:
                later = (*history, said)
                for following in range(self.stage.axes[self.agent]):
                    _add(total, self.ahead(t + 1, later, following, profile, said == profile), chance * self.discount)
        return total

    def ahead(self, t: int, history: Reports, own: int, true: tuple[int, ...], honest: bool) -> dict[int, float]:
        """Return what follows, times the chance of the own signal: truth, or after a lie truth or leaving."""
        truth = self.staying(t, history, own, true, own)
        if honest:
            return truth
        slack = self.names.setdefault(("slack", t, history, own, true), len(self.names))
        self.above += [{slack: 1.0}, _less({slack: 1.0}, truth)]
        return {slack: 1.0}

    def least(self, every: bool) -> float:
        """Return the least w; `every`: after each history, or else at the beginning only."""
        self.above, self.names = [], dict(list(self.names.items())[: self.transfers])
        self.staying.cache_clear()
        most = []
        for t in range(PERIODS):
            for history in self.histories(t):
                if history and not self.possible(history):
                    continue
                true = history[-1] if history else None
                worth = []
                for own in range(self.stage.axes[self.agent]):
                    truth = self.staying(t, history, own, true, own)
                    worth.append(truth)
                    self.above.append(truth)
                    lies = [k for k in range(self.stage.axes[self.agent]) if k != own]
                    self.above += [_less(truth, self.staying(t, history, own, true, lie)) for lie in lies]
                if t == 0 or (every and t < PERIODS - 1):
                    most.append(_sum(worth))
        return self._solved(most)

    def possible(self, history: Reports) -> bool:
        """Return whether a history of truthful reports has positive probability."""
        before: tuple[int, ...] | None = None
        for t, profile in enumerate(history):
            decision = 0 if before is None else self.decided(t - 1, before)
            if self.law(t, before, decision)[profile] <= 0:
                return False
            before = profile
        return True

    def _solved(self, most: list[dict[int, float]]) -> float:
        size = len(self.names) + 1
        rows = [*self.above, *(_less({size - 1: 1.0}, one) for one in most)]
        table = np.zeros((len(rows), size))
        limits = np.zeros(len(rows))
        for k, row in enumerate(rows):
            for place, value in row.items():
                if place < 0:
                    limits[k] = value
                else:
                    table[k, place] -= value
        bounds = [(None, None)] * (size - 1) + [(0, None)]
        found = linprog(np.eye(size)[-1], table, limits, bounds=bounds, method="highs")
        assert found.x is not None, found.message
        return float(found.x[-1])


def _add(total: dict[int, float], other: dict[int, float], factor: float) -> None:
    for place, value in other.items():
        total[place] = total.get(place, 0.0) + factor * value


def _less(one: dict[int, float], other: dict[int, float]) -> dict[int, float]:
    out = dict(one)
    _add(out, other, -1.0)
    return out


def _sum(parts: list[dict[int, float]]) -> dict[int, float]:
    out: dict[int, float] = {}
    for part in parts:
        _add(out, part, 1.0)
    return out


def licence(seed: int) -> TableEnvironment:
    """Return a project for two agents whose signals are independent of each other, given last period's."""
    rng = np.random.default_rng(seed)
    utility = np.zeros((2, 2, 2, 2))
    for i in range(2):
        utility[i, 1] = np.sort(rng.uniform(-1, 1, 2)).reshape([2 if j == i else 1 for j in range(2)])
    laws = [rng.dirichlet([1, 1], (2, 2, 2)) for _ in range(2)]
    kernel = JointKernel(np.einsum("dabx,daby->dabxy", *laws), (2, 2), (2, 2))
    prior = np.multiply.outer(rng.dirichlet([2, 2]), rng.dirichlet([2, 2]))
    stage = Stage((("low", "high"),) * 2, ("no", "yes"), utility, kernel)
    return TableEnvironment(f"project {seed}", ("agent 1", "agent 2"), prior, (stage,), 0.9, PERIODS)


SEEDS = (1, 4, 7)


def conjecture() -> Iterator[Claim]:
    """Three economies: all can be extracted at the beginning, not after each history."""
    for seed in SEEDS:
        programs = [Extraction(licence(seed), agent) for agent in range(2)]
        for every, where in ((False, "at the beginning"), (True, "after each history")):
            left = max(program.least(every) for program in programs)
            text = f"2014 Remark 4.2, project {seed}: 1 if some surplus is left {where}"
            yield Claim("liu", text, None, float(left > LEFT), float(every), "conjectured; tried by linear programs")
