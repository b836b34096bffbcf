"""The most that any mechanism earns: decisions and transfers free, Bayesian, everything public disclosed.

Over an endless horizon, cut after T periods, it lies between two programs. *Below*: a mechanism that takes one decision
for ever from period T on, and no more money; what that decision is worth is added to the last period. *Above*: what
follows period T is worth at least δ^T lo and at most δ^T hi to an agent (its least and largest flow utility, for
ever), whatever it reported. So in the economy that ends with one more report, after which money is all there is, truth
loses at most δ^{T−t} (hi − lo) against a lie in period t, and participation falls short by at most δ^{T−t} hi; and
what is expected to be paid from T on can be charged for that last report. Hence the rows of that program, with so much
slack, hold for every mechanism of the endless economy. Of the last report itself that is so where signals move
independently: a liar can report on as if its lie were true, and pays what the lie pays. Where others' signals, or the
public state, come to tell on it, what follows a lie can cost anything, and no row is asked of the last report.
"""

from dataclasses import dataclass, replace

import numpy as np

from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.free_seeking import free_task
from dynmech.mechanisms.design.goals import LARGEST, Goals, Memory
from dynmech.mechanisms.design.rows import DEFINITION
from dynmech.mechanisms.design.seeking import Task
from dynmech.mechanisms.design.solving import Solution
from dynmech.mechanisms.revenue.revenue_lp import BINDS, SURE, Binding
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import descending
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage, labels_text

GOALS = Goals(Memory("history", None), "bayesian", "interim", objective="revenue")

KINDS = {"truth": "truth", "stays": "participation", "obey": "obedience", "obey last": "obedience", "acts": "action"}
"""Kinds of rows in words."""


@dataclass(frozen=True, eq=False)
class FreeOptimum:
    """The most that is earned, over all mechanisms.

    Attributes:
        net_revenue: payments less the designer's costs, in present value.
        revenue: what this mechanism takes in; another that earns as much may take in more or less.
        certain: whether no decision is a lottery.
        binding: constraints that bind, those with the largest multipliers first.
        constraints, variables: the program's size.
        largest: the bound on transfers that stands behind it; None where none is needed.
    """

    net_revenue: float
    revenue: float
    certain: bool
    binding: tuple[Binding, ...]
    constraints: int
    variables: int
    largest: float | None


@dataclass(frozen=True)
class CutOptimum:
    """What lies on both sides of the most that is earned over an endless horizon.

    Attributes:
        lower: what a mechanism earns; None where no decision can be taken for ever.
        upper: what none exceeds.
        above: the program of the upper bound.
    """

    lower: float | None
    upper: float
    above: FreeOptimum


def free_optimum(environment: TableEnvironment, *, leave: bool = False) -> FreeOptimum:
    """Return the most that any mechanism earns over a finite horizon.

    Args:
        leave: whether agents may leave in every period.

    Raises:
        Refusal: an endless horizon, or too large (the size is said).
    """
    asked = free_task(environment, GOALS)
    program = FreeProgram(asked.problem, asked.inside, start_only=not leave, boxed=False)
    return _read(asked, program, _solved(asked, program))


def cut_optimum(environment: TableEnvironment, periods: int, *, leave: bool = False) -> CutOptimum:
    """Return bounds on the most that any mechanism earns over an endless horizon, which is cut after some periods.

    Raises:
        Refusal: private actions; or too large (the size is said).
    """
    if environment.stage(0).private_actions:
        raise Refusal(
            f"environment {environment.name!r}: an endless horizon with private actions is not cut; a finite one "
            "would do"
        )
    below = _below(environment, periods, leave)
    lower = None
    if below is not None:
        ending, later = below
        lower = free_optimum(ending, leave=leave).net_revenue - later
    above = _above(environment, periods, leave)
    upper = above.net_revenue - _least_cost(environment, periods)
    return CutOptimum(lower, upper, above)


def _above(environment: TableEnvironment, periods: int, leave: bool) -> FreeOptimum:
    """Solve the program whose rows hold for every mechanism of the endless economy."""
    stage, discount = environment.stage(0), environment.discount
    last = Stage(stage.signals, ("nothing",), np.zeros((len(environment.agents), 1, *stage.axes)), None, stage.public)
    ends = replace(environment, stages=(stage,) * periods + (last,), horizon=periods + 1)
    asked = free_task(ends, GOALS)
    weight = discount ** (periods - np.arange(periods + 1.0)) / (1 - discount) / asked.unit
    utility = environment.stage(0).utility.reshape(len(environment.agents), -1)
    high, low = utility.max(axis=1), utility.min(axis=1)
    slack, short = list((high - low)[:, None] * weight), list(high[:, None] * weight)
    goals = replace(asked.inside, largest=LARGEST / (1 - discount))  # of all that is paid from the last report on
    told_on = isinstance(stage.kernel, JointKernel) and len(stage.axes) > 1
    program = FreeProgram(
        asked.problem, goals, slack=slack, short=short, start_only=not leave, boxed=False, last_lies=not told_on
    )
    return _read(asked, program, _solved(asked, program))


def _least_cost(environment: TableEnvironment, periods: int) -> float:
    """Return the least that decisions cost from a period on."""
    least = float(environment.stage(0).cost_table.min())
    return environment.discount**periods * least / (1 - environment.discount)


def _below(environment: TableEnvironment, periods: int, leave: bool) -> tuple[TableEnvironment, float] | None:
    """Return the economy after whose last period one decision is taken for ever, and what that costs."""
    stage, discount, prior = environment.stage(0), environment.discount, environment.prior.reshape(-1)
    rows, agents = environment.kernel(0).rows(), len(environment.agents)
    utility = stage.utility.reshape(agents, len(stage.decisions), -1)
    best: tuple[float, int, FloatArray] | None = None
    for d in range(len(stage.decisions)):
        worth = np.linalg.solve(np.eye(stage.size) - discount * rows[d], utility[:, d].T).T
        total = float(prior @ worth.sum(axis=0)) - float(stage.cost_table[d].max()) / (1 - discount)
        if (not leave or (worth >= 0).all()) and (best is None or total > best[0]):
            best = (total, d, worth)
    if best is None:
        return None
    _, d, worth = best
    ahead = discount * np.einsum("dsx,ix->ids", rows, worth)
    last = replace(stage, utility=(utility + ahead).reshape(stage.utility.shape))
    later = discount**periods * float(stage.cost_table[d].max()) / (1 - discount)
    ends = replace(environment, stages=(stage,) * (periods - 1) + (last,), horizon=periods)
    return ends, later


def _solved(asked: Task, program: FreeProgram) -> Solution:
    solution = program.solve()
    if solution.status != "optimal":
        raise Refusal(
            f"environment {asked.environment.name!r}: the revenue program is not solved ({solution.status}); it has "
            f"{program.rows.count:,} rows and {program.count:,} unknowns"
        )
    return solution


def _read(asked: Task, program: FreeProgram, solution: Solution) -> FreeOptimum:
    """Return the solution in the economy's money."""
    net = -solution.value * asked.unit
    lots = program.lots.lots(solution.x)
    some = [x.sum(axis=2) > SURE for x in lots]
    certain = all(
        bool((x.max(axis=2)[kept] > (1 - SURE) * x.sum(axis=2)[kept]).all()) for x, kept in zip(lots, some, strict=True)
    )
    order = descending(solution.multipliers)
    binding = [
        _in_words(asked, program, int(k), float(solution.multipliers[k]))
        for k in order
        if solution.multipliers[k] > BINDS and program.goal[k] != DEFINITION
    ]
    return FreeOptimum(
        net_revenue=net,
        revenue=net + float(program.costs @ solution.x) * asked.unit,
        certain=certain,
        binding=tuple(binding),
        constraints=program.rows.count,
        variables=program.count,
        largest=None if all(program.lots.sure) else LARGEST * asked.unit,
    )


def _in_words(asked: Task, program: FreeProgram, row: int, multiplier: float) -> Binding:
    """Return a binding constraint in words."""
    kind, agent, e, place = program.rows.name_of(row)
    entry, environment = asked.nodes.entries[e], asked.problem.environment
    stage = environment.stage(entry.t)
    key = entry.keys[place[0]] if kind != "stays ex ante" else ()
    history = "; ".join(_event(asked, t, *event) for t, event in enumerate(key))
    own, report = "", ""
    if kind in ("truth", "stays"):
        axes = np.unravel_index(place[3], stage.axes)
        own = stage.signals[agent][int(axes[stage.offset + agent])]
        report = stage.signals[agent][place[4]] if kind == "truth" else ""
    return Binding(
        f"{KINDS.get(kind, kind)}, period {entry.t}", asked.environment.agents[agent], history, own, report, multiplier
    )


def _event(asked: Task, t: int, profile: int, decision: int) -> str:
    """Return what a history holds of a period, in words."""
    stage = asked.problem.environment.stage(t)
    said = f"reports {labels_text(stage.labelled_axes, profile)}"
    apart = asked.problem.rule.tells_apart(t, decision)
    return f"{said} and {stage.decisions[decision]}" if apart else said
