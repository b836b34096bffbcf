"""Seek transfers: goals in, tables of transfers out, or the program that has none.

The economy is put into units of its scale, a repeated stage of a finite horizon is written out period by period, and
every agent is solved for by itself where no goal ties agents together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.goals import Goals
from dynmech.mechanisms.design.least_squares import least_squares
from dynmech.mechanisms.design.program import Problem, Program, separable
from dynmech.mechanisms.design.public_nodes import PublicNodes, public_nodes
from dynmech.mechanisms.design.reach import Reach, on_path
from dynmech.mechanisms.design.rule_welfare import expected_welfare
from dynmech.mechanisms.design.safety import pooled_exactly
from dynmech.mechanisms.design.sharpening import sharpened
from dynmech.mechanisms.design.solving import Solution
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.units import in_units

COMMON = ("largest", "margin", "change")
"""Objectives that agents share: the worst of theirs counts."""

LARGEST_PROGRAM = 3_000_000
"""Rows that a program may have."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a search for transfers came to; amounts in the economy's own money.

    Attributes:
        status: `possible`, `impossible` or `open`, as far as the solver goes.
        objective: the value of what was best; None unless possible.
        transfers: per agent, of every table and profile, one after the other; empty unless possible.
        priced: per agent, which of them some row reads; the others are 0.
        unique: whether the tables are those of least squares.
        rows, columns: the size of the program, over all agents.
        programs: what was solved.
    """

    status: str
    objective: float | None
    transfers: tuple[FloatArray, ...]
    priced: tuple[FloatArray, ...]
    unique: bool
    rows: int
    columns: int
    programs: tuple[Program, ...]

    @property
    def largest(self) -> float:
        """The largest transfer, in absolute value."""
        return max((float(np.abs(table).max(initial=0.0)) for table in self.transfers), default=0.0)


@dataclass(frozen=True, eq=False)
class Task:
    """An economy, a rule and goals, ready to be solved.

    Attributes:
        environment: as it was given.
        unit: what the program's money is worth.
        goals: in the economy's money.
        inside: the goals in units of the scale.
        problem: see there.
        repaired: the mechanism whose transfers are changed; empty where there is none.
    """

    environment: TableEnvironment
    unit: float
    goals: Goals
    inside: Goals
    problem: Problem
    repaired: str = ""

    @property
    def nodes(self) -> PublicNodes:
        """The public nodes."""
        return self.problem.nodes


def task(environment: TableEnvironment, rule: DecisionRule, goals: Goals) -> Task:
    """Return what is to be solved.

    Raises:
        Refusal: it is too large, with its size.
    """
    unit = environment.scale
    economy = in_units(environment, 1 / unit)
    if economy.horizon is not None and len(economy.stages) == 1:
        economy = replace(economy, stages=economy.stages * economy.horizon)
    nodes = public_nodes(economy, rule, goals.memory)
    _require_few(economy, nodes)
    reaches = [Reach(economy, rule, nodes, i) for i in range(len(economy.agents))]
    problem = Problem(economy, rule, nodes, reaches, on_path(economy, rule, nodes))
    largest = None if goals.largest is None else goals.largest / unit
    inside = replace(goals, largest=largest, margin=goals.margin / unit)
    return Task(environment, unit, goals, inside, problem)


def _require_few(environment: TableEnvironment, nodes: PublicNodes) -> None:
    """Refuse programs with too many rows, before any is made."""
    lies = law = 0.0
    for entry in nodes.entries:
        stage = environment.stage(entry.t)
        signals = [len(labels) for labels in stage.signals]
        lies += float(len(entry.keys)) * stage.size * (sum(signals) + len(signals))
        law += float(len(entry.keys)) * stage.size * sum(signals)
    what = f"environment {environment.name!r}: the design program (about {lies:,.0f} rows)"
    if lies > LARGEST_PROGRAM:
        raise Refusal(f"{what} has more than {LARGEST_PROGRAM:,} rows; fewer signals or a shorter memory would do")
    require_room(what, 12 * (lies + law))


def seek(
    asked: Task,
    progress: Callable[[str], None] = lambda _: None,
    time_limit: float | None = None,
    tidy: bool = True,
    leeway: float = 0.0,
) -> Found:
    """Return the best transfers that do what is asked.

    Args:
        progress: told what is being done.
        time_limit: in seconds, of every single program.
        tidy: whether tables are made unique.
        leeway: by how much goals may be missed, in units of the scale.
    """
    goals, everybody = asked.inside, range(len(asked.environment.agents))
    groups = [(i,) for i in everybody] if separable(goals) else [tuple(everybody)]
    programs, solutions = [], []
    for group in groups:
        progress(f"transfers of {', '.join(asked.environment.agents[i] for i in group)}")
        programs.append(Program(asked.problem, goals, group, leeway=leeway))
        solutions.append(programs[-1].solve(time_limit))
        if solutions[-1].status != "optimal":
            return _without(solutions[-1], programs)
    value = _together(goals, solutions)
    transfers, unique = [], True
    for program, solution in zip(programs, solutions, strict=True):
        one = value if goals.objective in COMMON else solution.value
        progress("tables made unique")
        better = least_squares(program, one) if tidy else None
        unique &= better is not None
        if better is None and goals.objective in ("revenue", "deficit", "margin"):
            least = program.smallest(one, time_limit)
            solution = least if least.status == "optimal" else solution
        better = sharpened(program, solution.x[: program.columns.count] if better is None else better)
        better = pooled_exactly(program.rows.names, better)
        transfers.append((program.transfers, better[program.transfers]))
    found = _found(asked, programs, transfers, _objective(asked, value), unique)
    if goals.objective == "largest":  # unique tables may exceed the program's value by `ROOM`: what is said is what is
        found = replace(found, objective=max(found.objective or 0.0, found.largest))
    return found


def _together(goals: Goals, solutions: list[Solution]) -> float:
    """Return the value that all agents reach together."""
    values = [solution.value for solution in solutions]
    return max(values) if goals.objective in COMMON else sum(values)


def _objective(asked: Task, value: float) -> float:
    """Return the objective in the economy's money; `value` is what was minimised, in units of the scale."""
    if asked.goals.objective == "margin":
        return -value * asked.unit
    if asked.goals.objective in ("revenue", "deficit"):
        net = expected_welfare(asked.problem) - value
        return (net if asked.goals.objective == "revenue" else -net) * asked.unit
    return value * asked.unit


def _without(solution: Solution, programs: list[Program]) -> Found:
    status = {"infeasible": "impossible"}.get(solution.status, "open")
    rows, columns = _size(programs)
    return Found(status, None, (), (), False, rows, columns, tuple(programs))


def _size(programs: list[Program]) -> tuple[int, int]:
    return sum(program.rows.count for program in programs), sum(program.columns.count for program in programs)


def _found(
    asked: Task,
    programs: list[Program],
    transfers: list[tuple[IntArray, FloatArray]],
    objective: float,
    unique: bool,
) -> Found:
    """Return transfers by agent, in the economy's money."""
    tables, priced = [], []
    for program, (columns, values) in zip(programs, transfers, strict=True):
        everything, read = program.centre.copy(), np.zeros(program.columns.count)
        everything[columns], read[columns] = values, 1.0
        for i in program.agents:
            own = program.columns.of(i)
            tables.append(everything[own.start["p"] : own.start["V"]] * asked.unit)
            priced.append(read[own.start["p"] : own.start["V"]])
    rows, columns_count = _size(programs)
    return Found("possible", objective, tuple(tables), tuple(priced), unique, rows, columns_count, tuple(programs))
