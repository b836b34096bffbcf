"""Seek decisions and transfers together; then the decisions are kept, and transfers are sought for them anew.

The second search divides by no small chance, makes tables unique and knows nothing of the first: that both earn the
same is a check.
"""

from dataclasses import replace

import numpy as np

from dynmech.mechanisms.design.decision_rule import efficient_rule
from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.goals import Goals, Memory
from dynmech.mechanisms.design.history_rule import FREE, HistoryRule, free_rule
from dynmech.mechanisms.design.rule_welfare import expected_welfare
from dynmech.mechanisms.design.seeking import Found, Task, seek, task
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment

SURE = 1e-7
"""Chances up to this are none."""

LEEWAYS = (1e-12, 1e-11, 1e-10)
"""By how much goals may be missed where decisions are known up to rounding, in units of the scale; see `GAIN`."""

APART = 1e-6
"""By how much what both searches earn may differ, in units of the scale."""


def free_task(environment: TableEnvironment, goals: Goals) -> Task:
    """Return what is to be solved.

    Raises:
        Refusal: a horizon without end; costs that an ex post budget would have to cover draw by draw; or too large.
    """
    if environment.horizon is None:
        raise Refusal(
            f"environment {environment.name!r}: --rule free is for finite horizons, and this one has none; "
            "`horizon=3` among the economy's options would do, or `dynmech bound --periods 3`"
        )
    costly = any(np.ptp(stage.cost_table, axis=0).any() for stage in environment.stages)
    if goals.budget != "none" and goals.budget_level == "ex-post" and costly:
        raise Refusal(
            f"environment {environment.name!r}: decisions have different costs, and which one a lottery draws is not "
            "known when payments are set; --budget-level period or ex-ante would do"
        )
    return task(environment, free_rule(environment), goals)


def seek_free(asked: Task) -> tuple[Task, Found]:
    """Return the task of the decisions that earn the most, and the transfers that do."""
    program = FreeProgram(asked.problem, asked.inside)
    solution = program.solve()
    if solution.status != "optimal":
        status = "impossible" if solution.status == "infeasible" else "open"
        return asked, Found(status, None, (), (), False, program.rows.count, program.count, ())
    kept = task(asked.environment, recovered(program, solution.x), asked.goals)
    found = _transfers(kept)
    sign = -1.0 if asked.goals.objective == "deficit" else 1.0
    most = -sign * solution.value * asked.unit
    if found.objective is None or abs(found.objective - most) > APART * asked.unit:
        return kept, replace(found, status="open")
    return kept, replace(found, objective=most, rows=program.rows.count, columns=program.count)


def _transfers(kept: Task) -> Found:
    """Return the best transfers that go with decisions.

    The decisions are those of a vertex, known up to rounding: a solver may take it for an impossibility.
    """
    sought = _with_welfare if kept.goals.objective == "welfare" else seek
    found = sought(kept)
    for leeway in LEEWAYS if found.status == "impossible" else ():
        found = sought(kept, leeway=leeway)
        if found.status == "possible":
            break
    return found


def _with_welfare(kept: Task, leeway: float = 0.0) -> Found:
    """Return the least transfers that go with decisions; what is best is what the decisions are worth."""
    least = replace(
        kept, goals=replace(kept.goals, objective="largest"), inside=replace(kept.inside, objective="largest")
    )
    found = seek(least, leeway=leeway)
    return replace(found, objective=expected_welfare(kept.problem) * kept.unit) if found.transfers else found


def first_best(asked: Task) -> float:
    """Return what efficient decisions are expected to be worth, whatever incentives they give."""
    environment = asked.environment
    efficient = task(environment, efficient_rule(environment), Goals(Memory("none", 0), incentive="none"))
    return expected_welfare(efficient.problem) * efficient.unit


def recovered(program: FreeProgram, solution: FloatArray) -> HistoryRule:
    """Return the lotteries of a solution; where no history leads to, the first decision stands in."""
    rule, nodes = program.problem.rule, program.problem.nodes
    lots, reached = [], np.ones(1, np.bool_)
    for e, (entry, x) in enumerate(zip(nodes.entries, program.lots.lots(solution), strict=True)):
        total = x.sum(axis=2, keepdims=True)
        chance = np.where(total > 0, x / np.where(total > 0, total, 1.0), 0.0)
        chance[~reached] = 0.0
        chance[chance <= SURE] = 0.0
        chance[chance.sum(axis=2) == 0, 0] = 1.0
        chance /= chance.sum(axis=2, keepdims=True)
        lots.append(chance)
        if e + 1 < len(nodes.entries):
            then = np.zeros(len(nodes.entries[e + 1].keys), np.bool_)
            then[entry.following[(chance > 0) & reached[:, None, None]]] = True
            reached = then
    return HistoryRule(FREE, rule.drawn, rule.chance, rule.twins, tuple(lots))
