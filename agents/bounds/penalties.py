"""Penalties: what is taken for the value of a state, H, and the expectations of it that make a penalty cost nothing.

With Q(c, θ, r) the worth of a message and of the best act after it when H stands for what follows,

    Q(c, θ, r) = Σ_l P(a_l | c, θ, r) max_α [flow + δ E[H(row′)]],

a penalty is made of two terms whose expectation is zero whatever the deviator does: δ (H(next row, next signals) −
E[H]), and, for a deviator that does not see the others' current signals, Q(c, θ, r) − E[Q(c, θ, r) | row, own w]. Here
H itself depends on what the deviator knows only: on (row, w) interim, on (c, θ) ex post. Then a truthful rule, with
H = the value of truth, is charged what foresight is worth to the last cent, and the upper bound is 0 on every path.

Source: Brown, Smith and Sun 2010 (§2, dual feasible penalties); with H = the value of the best response, no gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dynmech.agents.bounds.path_problem import PathProblem
from dynmech.agents.oracle.problem import Period
from dynmech.agents.oracle.search import Family, Information, best_of_actions, solve, worth_of_actions
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import TIE, scale_of


@dataclass(frozen=True, eq=False)
class Penalty:
    """A penalty, and the policy that is greedy in its values.

    Attributes:
        name: what H is.
        spying: whether the deviator sees the others' current signals.
        ahead: per entry, E[H] at the rows of the entry after it, `(O,)`; None at the end.
        choices: per entry, Q by memory and profile, `(C, S, R)`.
        worth: per entry, E[Q | row, w], `(O, W, R)`; ex post the choices.
        value: per entry, H, `(O, W)`; ex post `(C, S)`.
        improvements: how often it was improved.
        mass: per entry, P(w | row), `(O, W)`: where it is 0, nothing is known; ex post 1.
    """

    name: str
    paths: PathProblem
    spying: bool
    ahead: tuple[FloatArray | None, ...]
    choices: tuple[FloatArray, ...]
    worth: tuple[FloatArray, ...]
    value: tuple[FloatArray, ...]
    mass: tuple[FloatArray, ...]
    improvements: int = 0

    @cached_property
    def messages(self) -> tuple[IntArray, ...]:
        """Per entry, the greedy message where `value` is; the prescribed one where that is as good."""
        out = []
        for entry, worth in enumerate(self.worth):
            slack = TIE * scale_of(self.paths.problem.environment.scale, worth)
            honest = self.honest(entry)
            kept = np.take_along_axis(worth, honest[..., None], axis=2)[..., 0]
            tied = worth >= worth.max(axis=2, keepdims=True) - slack
            out.append(np.where(worth.max(axis=2) > kept + slack, tied.argmax(axis=2), honest).astype(np.intp))
        return tuple(out)

    def honest(self, entry: int) -> IntArray:
        """Return the prescribed message where `value` is."""
        period = self.paths.periods[entry]
        if self.spying:
            return period.truth
        by_own: IntArray = period.truth[:, np.unique(period.own, return_index=True)[1]]
        return by_own[self.paths.rows[entry].memory]

    @cached_property
    def acts(self) -> tuple[IntArray, ...]:
        """Per entry, the greedy act after every draw, `(C, S, R, L)`; the prescribed one where that is as good."""
        out = []
        for period, ahead in zip(self.paths.periods, self.ahead, strict=True):
            worth = period.by_draw(worth_of_actions(period, ahead, self.paths.problem.discount))
            slack = TIE * scale_of(self.paths.problem.environment.scale, worth)
            kept = np.take_along_axis(worth, period.obey[..., None], axis=4)[..., 0]
            best = worth.max(axis=4)
            tied = worth >= best[..., None] - slack
            out.append(np.where(best > kept + slack, tied.argmax(axis=4), period.obey).astype(np.intp))
        return tuple(out)

    @cached_property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Per entry, the least and the most that the best message adds beyond H, max_r E[Q | row, w] − H."""
        out = []
        for worth, value, seen in zip(self.worth, self.value, self.seen, strict=True):
            excess = worth.max(axis=2) - value
            out.append((float(excess.min(where=seen, initial=np.inf)), float(excess.max(where=seen, initial=-np.inf))))
        return tuple(out)

    @cached_property
    def seen(self) -> tuple[BoolArray, ...]:
        """Per entry, where `value` is and some play of the deviator leads."""
        out = []
        for (occurs, led), rows, mass in zip(self.paths.problem.reachable, self.paths.rows, self.mass, strict=True):
            if self.spying:
                out.append(occurs)
                continue
            table: BoolArray | None = led
            if led is not None and self.paths.exogenous:
                table = np.logical_or.reduce(led, axis=1, keepdims=True)
            some = np.ones(len(rows), np.bool_) if table is None else rows.among(table)
            out.append((mass > 0) & some[:, None])
        return tuple(out)

    @cached_property
    def start(self) -> float:
        """E[H] before anything is known."""
        if self.spying:
            first = self.paths.periods[0].merged[0]
            return float(self.value[0][first] @ self.paths.problem.prior)
        return float((self.mass[0] * self.value[0]).sum())


def no_penalty(paths: PathProblem, *, spying: bool = False) -> Penalty:
    """Return H = 0: a clairvoyant deviator, charged only for seeing the others' current signals."""
    ahead = [
        None if p.post_decision is None else np.zeros(len(paths.rows[_after(paths, t)])) for t, p in _entries(paths)
    ]
    sizes = [(len(rows), period.width) for rows, period in zip(paths.rows, paths.periods, strict=True)]
    shapes = [p.flow.shape[:2] for p in paths.periods] if spying else sizes
    return _with_choices("0", paths, ahead, [np.zeros(shape) for shape in shapes], spying=spying)


def truthful_penalty(paths: PathProblem, *, spying: bool = False) -> Penalty:
    """Return H = the value of prescribed play.

    Raises:
        Refusal: interim, and the others' prescribed messages do not reveal their signals.
    """
    information = Information.EX_POST if spying else Information.INTERIM
    truth = solve(paths.problem, Family.PRESCRIBED, information)
    return penalty_from_values("prescribed play", paths, [choices[..., 0] for choices in truth.choices], spying=spying)


def penalty_from_values(
    name: str, paths: PathProblem, values: Sequence[FloatArray], *, spying: bool = False
) -> Penalty:
    """Return the penalty of any values of memory and profile, `(C, S)` per entry."""
    ahead, known = [], []
    for t, _ in _entries(paths):
        known.append(values[t] if spying else _by_own(paths, t, values[t][..., None])[0][..., 0])
        after = _after(paths, t)
        ahead.append(None if paths.periods[t].post_decision is None else _expected(paths, after, values[after]))
    return _with_choices(name, paths, ahead, known, spying=spying)


def with_values(name: str, penalty: Penalty, values: Sequence[FloatArray]) -> Penalty:
    """Return the penalty of any values of what is known, `(O, W)` per entry, where the deviator is no spy."""
    paths = penalty.paths
    ahead: list[FloatArray | None] = []
    for t, period in _entries(paths):
        after = _after(paths, t)
        ahead.append(None if period.post_decision is None else (penalty.mass[after] * values[after]).sum(axis=1))
    return _with_choices(name, paths, ahead, values, spying=False)


def improved(penalty: Penalty, times: int) -> Penalty:
    """Return H = the value of the best message now, with H after it; so often in a row."""
    paths, out = penalty.paths, penalty
    for _ in range(times):
        values = [worth.max(axis=2) for worth in out.worth]
        ahead: list[FloatArray | None] = []
        for t, period in _entries(paths):
            after = _after(paths, t)
            if period.post_decision is None:
                ahead.append(None)
            elif penalty.spying:
                ahead.append(_expected(paths, after, values[after]))
            else:
                ahead.append((out.mass[after] * values[after]).sum(axis=1))
        done = out.improvements + 1
        name = f"{penalty.name.partition(',')[0]}, improved {'once' if done == 1 else f'{done} times'}"
        out = replace(_with_choices(name, paths, ahead, values, spying=penalty.spying), improvements=done)
    return out


def _entries(paths: PathProblem) -> list[tuple[int, Period]]:
    return list(enumerate(paths.periods))


def _after(paths: PathProblem, t: int) -> int:
    """Return the entry after entry t; t itself at the end."""
    after = paths.problem.after(t)
    return t if after is None else after


def _with_choices(
    name: str, paths: PathProblem, ahead: Sequence[FloatArray | None], value: Sequence[FloatArray], *, spying: bool
) -> Penalty:
    """Return the penalty with what every message is worth."""
    choices = tuple(
        best_of_actions(period, x, paths.problem.discount) for period, x in zip(paths.periods, ahead, strict=True)
    )
    if spying:
        worth, mass = choices, tuple(np.ones(table.shape[:2]) for table in choices)
    else:
        worth, mass = zip(*(_by_own(paths, t, table) for t, table in enumerate(choices)), strict=True)
    return Penalty(name, paths, spying, tuple(ahead), choices, worth, tuple(value), mass)


def _by_own(paths: PathProblem, entry: int, table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return E[table(c, θ, ·) | row, w], `(O, W, R)`, and P(w | row), `(O, W)`, from a table `(C, S, R)`."""
    rows, width = paths.rows[entry], paths.periods[entry].width
    require_room(
        "bounds: what every message is worth by what is known", float(len(rows)) * width * (table.shape[2] + 1)
    )
    worth, mass = np.zeros((len(rows), width, table.shape[2])), np.zeros((len(rows), width))
    for part, weight, sums in paths.problem.expectations(entry, rows).by_own(table):
        mass[part] = weight
        worth[part] = np.divide(sums, weight[..., None], out=np.zeros_like(sums), where=weight[..., None] > 0)
    return worth, mass


def _expected(paths: PathProblem, entry: int, values: FloatArray) -> FloatArray:
    """Return E[value(c, θ) | row], `(O,)`, from values `(C, S)`."""
    return paths.problem.expectations(entry, paths.rows[entry]).best(values[..., None], spying=True)
