"""How patient agents must be for play to enforce itself.

At the payment stage of a period on schedule, with last reports r′, reports r and a true signal θ_i, agent i compares

    on  = u_i + y_i + δ C_i(r, θ_i)                        the best on-schedule act, truth and schedule from then on,
    off = max over own acts of u_i + Σ_j z_ji, then 0      something else in public, or no payment.

Three levels ask for on ≥ off at ever more information sets:

    C   only where i's current report was the truth;
    B   everywhere where i would get to by a best response: no strategy whatever gains, own past lies in the state;
    A   also after every lie in the current report ("back on schedule after a lie", the strategies as they are written).

What must hold at C must hold at B, and what holds at A suffices for B (nothing on schedule gains, as the balanced
mechanism is incentive compatible), so δ*_C ≤ δ*_B ≤ δ*_A. Each is the least δ above which its constraints hold: the
last failure on a grid of discount factors, and from there upwards a bracket that interpolation narrows.

Source: Athey–Segal 2007, §6, proof of Proposition 3; the three levels differ because (6.3) takes reports to be true.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve, worth_of_actions
from dynmech.mechanisms.balanced.blackwell import LongRun, long_run
from dynmech.mechanisms.balanced.self_enforcing import BROKEN, SelfEnforcing
from dynmech.mechanisms.balanced.with_enforcement import enforced
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import TIE, first_of, largest_place, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.economy.stage import labels_text

GRID = (*np.linspace(0.02, 0.98, 49).tolist(), 0.99, 0.995)
"""Discount factors at which constraints are tried before a bracket is narrowed."""

SLACK = 1e-9
"""Largest excess of off over on, relative to max |u|, that counts as rounding."""

SMALL = 16
"""Largest number of profiles for which an audit computes δ*: some twenty searches per level."""

CLOSE = 1e-10
"""Width of a bracket that is narrow enough."""


class Level(Enum):
    """At which information sets nobody may gain by leaving the schedule."""

    TRUTHFUL = "C"
    BEST_RESPONSE = "B"
    AFTER_LIES = "A"


@dataclass(frozen=True)
class Exit:
    """The most profitable departure: off − on (at level B, the gain), the agent, the period and the state.

    `last` is the profile of last period's reports (None in period 0, and at level B), `profile` the true one, `report`
    the agent's (None at level B).
    """

    amount: float
    agent: int
    period: int
    last: int | None = None
    profile: int | None = None
    report: int | None = None


def worst_exit(environment: TableEnvironment, level: Level, constant: float | None = None) -> Exit:
    """Return the most profitable departure at the environment's discount factor; `constant` as in `self-enforcing`."""
    game, exits = FiniteGame(environment, SelfEnforcing(environment, constant)), list[Exit]()
    for agent in range(len(environment.agents)):
        problem = build_problem(game, (agent,))
        exits.append(_by_best_response(problem) if level is Level.BEST_RESPONSE else _by_leaving(problem, level))
    return first_of(exits, lambda exit: exit.amount, environment.utility_bound())


def _by_best_response(problem: Problem) -> Exit:
    truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
    gain = worst_gain(problem, solve(problem, Family.BEST_RESPONSE, Information.INTERIM), truth)
    return Exit(gain.gain, problem.deviator[0], gain.state.period if gain.state else 0)


def _by_leaving(problem: Problem, level: Level) -> Exit:
    truth, agent = solve(problem, Family.PRESCRIBED, Information.INTERIM), problem.deviator[0]
    broken, worst = problem.periods[1].merged[BROKEN], Exit(-np.inf, agent, 0)
    for t, period in enumerate(problem.periods):
        worth = worth_of_actions(period, truth.ahead[t], problem.discount)
        leaves = period.following == broken
        amount = np.where(leaves, worth, -np.inf).max(axis=3) - np.where(leaves, -np.inf, worth).max(axis=3)
        counts = np.repeat(problem.reachable[t][0][:, :, None], amount.shape[2], axis=2)
        if t:
            counts[broken] = False
        if level is Level.TRUTHFUL:
            counts &= np.arange(amount.shape[2]) == period.truth[..., None]
        amount = np.where(counts, amount, -np.inf)
        if amount.max() > worst.amount + (TIE * scale_of(worth) if np.isfinite(worst.amount) else 0):
            c, profile, report = largest_place(amount, scale_of(worth))
            last = int(period.members[c]) - 1 if t else None
            worst = Exit(float(amount.max()), agent, t, last, profile, report)
    return worst


def least_patience(environment: TableEnvironment, level: Level, constant: float | None = None) -> float:
    """Return δ*, the least discount factor above which no constraint of the level fails; 0 if none fails anywhere.

    A discount factor at which the mechanism is refused counts as a failure. `constant` as in `self-enforcing`. It is
    searched once for economies that differ in their discount factors only.

    Raises:
        Refusal: the constraints still fail at the largest discount factor of the grid.
    """
    key = (environment_hash(replace(environment, discount=GRID[-1])), level, constant)
    if key not in _KNOWN:
        _KNOWN[key] = _searched(environment, level, constant)
    return _KNOWN[key]


_KNOWN: dict[tuple[str, Level, float | None], float] = {}
"""Least patience, by economy whatever its discount factor."""


def _searched(environment: TableEnvironment, level: Level, constant: float | None) -> float:
    def excess(discount: float) -> float:
        try:
            amount = worst_exit(replace(environment, discount=discount), level, constant).amount
        except Refusal:
            return np.inf
        return amount - _rounding(environment)

    where = f"environment {environment.name!r}"
    tried = dict[float, float]()
    for low in reversed(GRID):
        tried[low] = excess(low)
        if tried[low] > 0:
            break
    else:
        return 0.0
    if low == GRID[-1]:
        raise Refusal(f"{where}: play does not enforce itself at level {level.value} even at discount {low:g}")
    high = GRID[GRID.index(low) + 1]
    return _narrowed(excess, (low, tried[low]), (high, tried[high]))


def _narrowed(excess: Callable[[float], float], low: tuple[float, float], high: tuple[float, float]) -> float:
    """Return the upper end of a bracket `CLOSE` wide in which the excess falls to 0 or below.

    Interpolate, truncate and project (Oliveira–Takahashi 2020, with κ_1 = 0.2/(b − a), κ_2 = 2, n_0 = 1): never more
    than one step beyond bisection, and where the excess is smooth a third of them.

    Args:
        excess: of a discount factor, positive where a constraint fails; infinite where the mechanism is refused.
        low: a discount factor and its excess, which is positive.
        high: a larger one, whose excess is not.
    """
    (a, above), (b, below) = low, high
    width = b - a
    most = int(np.ceil(np.log2(width / CLOSE))) + 1
    for step in range(most):
        if b - a <= CLOSE:
            break
        middle = point = (a + b) / 2
        if np.isfinite(above):
            straight = (b * above - a * below) / (above - below)
            side = np.sign(middle - straight)
            shift, room = 0.2 / width * (b - a) ** 2, CLOSE / 2 * 2.0 ** (most - step) - (b - a) / 2
            point = straight + side * shift if shift <= abs(middle - straight) else middle
            point = point if abs(point - middle) <= room else middle - side * room
        found = excess(float(point))
        a, above, b, below = (point, found, b, below) if found > 0 else (a, above, point, found)
    return float(b)


def _pays(environment: TableEnvironment, amount: float) -> bool:
    """Return whether off exceeds on by more than rounding."""
    return amount > _rounding(environment)


def _rounding(environment: TableEnvironment) -> float:
    return SLACK * scale_of(environment.utility_bound())


@dataclass(frozen=True)
class Sufficient:
    """A discount factor above which play enforces itself, by a bound that holds for any economy of the kind.

    Attributes:
        spread: C, the largest |E Σ δ^t (u_j − ū_j)| over agents, profiles and δ in (0, 1).
        largest: M = max |u|.
        constant: K.
        discount: δ with δ/(1 − δ) = N (C + 2 N K + 2 M)/Σ ū.
    """

    spread: float
    largest: float
    constant: float
    discount: float


def sufficient(environment: TableEnvironment, *, printed: bool = False) -> Sufficient:
    """Return the paper's bound with K = 2 C + M/N; as `printed`, K = 2 C/(N − 1) + M/N, which is too small for N ≥ 4.

    There |γ_j| ≤ 2 C is claimed with u_j where γ_j is about the sum of the N − 1 others' utilities.
    """
    run: LongRun = long_run(enforced(environment).environment)
    agents = len(environment.agents)
    spread = max(float(np.abs(run.excess(discount)).max()) for discount in np.linspace(0, 1, 1001))
    largest = environment.utility_bound()
    constant = 2 * spread / (agents - 1 if printed else 1) + largest / agents
    ratio = agents * (spread + 2 * agents * constant + 2 * largest) / float(run.average.sum())
    return Sufficient(spread, largest, constant, ratio / (1 + ratio))


CONDITION_NAMES = {
    Level.TRUTHFUL: "schedule kept after the truth (level C)",
    Level.BEST_RESPONSE: "schedule kept along best responses (level B)",
    Level.AFTER_LIES: "schedule kept after any lie (level A)",
}


def patience(mechanism: SelfEnforcing) -> list[Condition]:
    """Return the three levels as conditions: the most that leaving brings, the state, and δ*.

    The last note also has the discount factors from which the paper's bound suffices.
    """
    environment, constant = mechanism.environment, mechanism.chosen
    out = []
    for level, name in CONDITION_NAMES.items():
        exit = worst_exit(environment, level, constant)
        note = _least_in_words(environment, level, constant)
        out.append(Condition(name, not _pays(environment, exit.amount), exit.amount, _where(environment, exit), note))
    printed, mended = (sufficient(environment, printed=kind).discount for kind in (True, False))
    mending = "" if mended == printed else f", {mended:.6g} mended"
    note = f"{out[-1].note}; the paper's bound suffices from {printed:.6g} on, as printed{mending}"
    return [*out[:-1], replace(out[-1], note=note)]


def _least_in_words(environment: TableEnvironment, level: Level, constant: float | None) -> str:
    if environment.stage(0).size > SMALL:
        return f"more than {SMALL} profiles: δ* is left to dynmech.agents.oracle.patience_thresholds.least_patience"
    try:
        return f"δ* = {least_patience(environment, level, constant):.6g}"
    except Refusal:
        return f"not kept at any discount factor up to {GRID[-1]:g}"


def _where(environment: TableEnvironment, exit: Exit) -> dict[str, str | int]:
    """Return agent, period, last reports, profile and report of a departure, as labels by name."""
    stage, agent = environment.stage(0), exit.agent
    where: dict[str, str | int] = {"agent": environment.agents[agent], "period": exit.period}
    if exit.last is not None:
        where["last reports"] = labels_text(stage.labelled_axes, exit.last)
    if exit.profile is not None:
        where["profile"] = labels_text(stage.labelled_axes, exit.profile)
    if exit.report is not None:
        where["report"] = stage.signals[agent][exit.report]
    return where
