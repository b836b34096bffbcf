"""The possibility map: which goals can be had together, by memory."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dynmech.experiments.catalog.accepted import MechanismLike, as_environment
from dynmech.experiments.certificates.infeasibility import infeasibility
from dynmech.experiments.designs.design_result import money
from dynmech.experiments.designs.designing import as_rule, proved
from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.runs.loading import as_workers
from dynmech.experiments.runs.shown_result import DrawnResult
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pool import Call, Workers
from dynmech.mechanisms.design.clashes import GoalLattice
from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.goals import LARGEST, Goals, Memory
from dynmech.mechanisms.design.seeking import seek, task
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.json_files import read_json
from dynmech.sim.core.whole_files import write_whole
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.hashing import environment_hash

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

GOALS = ("incentive", "participation", "budget")
"""What the subsets of a map are made of; each is asked for in the form that was given."""

USUAL = {"incentive": "ex-post", "participation": "exit", "budget": "no-deficit"}
"""Forms of goals that were not given."""


@dataclass(frozen=True, eq=False, repr=False)
class PossibilityMap(DrawnResult):
    """Which goals can be had together, by memory.

    Attributes
    ----------
    environment, rule : str
        The economy and the decision rule.
    forms : dict
        By goal (`incentive`, `participation`, `budget`), the form in which it is asked for.
    largest : float
        The bound on transfers within which a cell is impossible.
    memories : tuple of str
        The memories, the poorest first.
    cells : tuple of dict
        By memory and set of goals: `status` (`possible`, `impossible`, `open`) and the least `largest_transfer`.
    """

    environment: str
    rule: str
    forms: dict[str, str]
    largest: float
    memories: tuple[str, ...]
    cells: tuple[dict[str, Any], ...]

    def data(self) -> dict[str, Any]:
        """Return the map as plain data."""
        return {
            "environment": self.environment,
            "rule": self.rule,
            "forms": self.forms,
            "largest": self.largest,
            "memories": list(self.memories),
            "sentence": self.sentence,
            "cells": [dict(cell) for cell in self.cells],
        }

    @checked_arguments
    def status(self, memory: str, goals: Sequence[str]) -> str:
        """Return the status of a cell, see `cell`."""
        return str(self.cell(memory, goals)["status"])

    @checked_arguments
    def cell(self, memory: str, goals: Sequence[str]) -> dict[str, Any]:
        """Return a cell.

        Parameters
        ----------
        memory : str
            One of `memories`.
        goals : sequence of str
            Some of `incentive`, `participation` and `budget`, in any order.

        Raises
        ------
        InputError
            There is no such cell.
        """
        for one in self.cells:
            if one["memory"] == memory and set(one["goals"]) == set(goals):
                return one
        known = f"memories: {', '.join(self.memories)}; goals: some of {', '.join(GOALS)}"
        raise InputError(
            f"no cell of memory {shown(memory)} with {' + '.join(map(shown, goals)) or 'no goal'}; {known}"
        )

    @cached_property
    def sentence(self) -> str:
        """What the map says, in one sentence."""
        full = [memory for memory in self.memories if self.status(memory, GOALS) == "possible"]
        everything = ", ".join(f"{goal} ({self.forms[goal].replace(' (', ', ').rstrip(')')})" for goal in GOALS)
        if full:
            less = "" if full[0] == self.memories[0] else "; less memory does not do"
            return f"{self.environment}: {everything} can be had together {Memory.read(full[0]).text}{less}."
        known = all(self.status(memory, GOALS) == "impossible" for memory in self.memories)
        end = " (certified)" if known else " as far as the solver goes"
        return (
            f"{self.environment}: {everything} cannot be had together with any memory of the map{end}{self._least()}."
        )

    def _least(self) -> str:
        """Return the smallest sets of goals that no memory of the map makes possible, where they are not all three."""
        out: list[tuple[str, ...]] = []
        for some in subsets():
            never = all(self.status(memory, some) == "impossible" for memory in self.memories)
            if never and not any(set(less) <= set(some) for less in out):
                out.append(some)
        words = " nor ".join(goals_text(some) for some in out if len(some) < len(GOALS))
        return f"; nor can {words} alone" if words else ""

    def lines(self) -> list[str]:
        """Return the sentence and the counts."""
        counts = pd.Series([cell["status"] for cell in self.cells]).value_counts()
        return [self.sentence, ", ".join(f"{count} {status}" for status, count in counts.items())]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the table: a row per set of goals, a column per memory."""
        return {"map": self.table}

    @property
    def table(self) -> pd.DataFrame:
        """The map as a table of words."""
        rows = []
        for goals in subsets():
            row = {"goals": goals_text(goals)}
            for memory in self.memories:
                row[memory] = cell_text(self.cell(memory, goals))
            rows.append(row)
        return pd.DataFrame(rows)

    @property
    def provenance(self) -> Provenance:
        """What makes the picture again."""
        forms = " ".join(f"--{goal} {form}" for goal, form in self.forms.items())
        return Provenance(command=f"dynmech design {self.environment} --map {forms}")

    def draw(self) -> "Figure":
        """Return the Hasse diagrams, a panel per memory, as a figure of matplotlib."""
        from dynmech.experiments.designs.map_plot import draw_map

        return draw_map(self)

    def show(self, console: "Console") -> None:
        """Print the map on the terminal."""
        from rich.text import Text

        from dynmech.experiments.figures.terminal_tables import plain_table

        console.print(Text(self.sentence, "bold"))
        forms = ", ".join(f"{goal}: {form}" for goal, form in self.forms.items())
        console.print(Text(f"{forms}; transfers up to {money(self.largest)}", "dim"))
        console.print()
        shown = plain_table()
        for name in self.table.columns:
            shown.add_column(name if name == "goals" else f"memory {name}", overflow="fold")
        for row in self.table.itertuples(index=False):
            shown.add_row(*map(str, row))
        console.print(shown)
        console.print(Text("A number is the least possible largest transfer.", "dim"))


def subsets() -> list[tuple[str, ...]]:
    """Return the sets of goals, the smaller first; nothing asked for is always possible."""
    return [some for size in range(1, len(GOALS) + 1) for some in combinations(GOALS, size)]


def goals_text(goals: Sequence[str]) -> str:
    """Return a set of goals in words."""
    return " + ".join(goals)


def cell_text(cell: dict[str, Any]) -> str:
    """Return a cell in words."""
    return money(cell["largest_transfer"]) if cell["status"] == "possible" else str(cell["status"])


@checked_arguments
def possibility_map(
    environment: object,
    *,
    rule: MechanismLike = "efficient",
    memories: Sequence[str] = ("none", "last"),
    incentive: str = USUAL["incentive"],
    participation: str = USUAL["participation"],
    budget: str = USUAL["budget"],
    budget_level: str = "ex-post",
    largest: float | None = None,
    out: str | Path | None = None,
    workers: Workers | int | None = None,
    progress: Progress = silent,
) -> PossibilityMap:
    """Return which of three goals can be had together, by memory.

    Parameters
    ----------
    environment : str, path or Environment
        A finite economy, or its name or file.
    rule : str, class or Mechanism
        As in `design`.
    memories : sequence of str
        The memories to try, the poorest first.
    incentive, participation, budget, budget_level : str
        The form in which each goal is asked for, as in `design`; none of them `none`.
    largest : float, optional
        The bound on transfers within which a cell is impossible; 1000 times the economy's scale unless given.
    out : str or Path, optional
        A JSON file of the map; cells that it holds already, of the same question, are not worked out again.
    workers : int or Workers, optional
        How many processes work out cells, 1 unless given; the map is the same.
    progress : callable
        Told the number of cells; returns what is called as they are done.

    Returns
    -------
    PossibilityMap
        A cell per memory and set of goals.

    Raises
    ------
    InputError
        A goal is `none`, or not one of those listed; the file holds something else.
    Refusal
        As `design`.

    Examples
    --------
    >>> import dynmech as dm
    >>> result = dm.possibility_map("oil-leases")
    >>> result.status("none", ["incentive"]), result.status("last", ["incentive"])
    ('impossible', 'possible')
    """
    economy = as_environment(environment)
    if not isinstance(economy, TableEnvironment):
        raise Refusal(f"design: environment {economy.name!r} is not finite; give a grid of it")
    forms = {"incentive": incentive, "participation": participation, "budget": budget}
    for goal, form in forms.items():
        if form == "none":
            raise InputError(f"map: --{goal} none leaves nothing to ask for; give another form of it, or leave it out")
    goals = Goals(
        incentive=incentive, participation=participation, budget=budget, budget_level=budget_level, largest=largest
    )
    decided = as_rule(rule, economy)
    asked = {**goals.to_dict(), "rule": decided.name, "economy": environment_hash(economy)}
    asked.pop("memory")
    known = _kept(out, asked)
    places = {_key(memory, some): (memory, some) for memory in memories for some in subsets()}
    left = {key: place for key, place in places.items() if key not in known}
    done = progress(f"map of {economy.name}", len(left))
    for key, cell in _worked_out(economy, decided, goals, left, as_workers(workers)):
        known[key] = cell
        _keep(out, asked, known)
        done(1)
    cells = [{"memory": memory, "goals": list(some), **known[key]} for key, (memory, some) in places.items()]
    bound = largest or LARGEST * economy.scale
    shown = {**forms, "budget": f"{budget} ({budget_level})"}
    return PossibilityMap(economy.name, decided.name, shown, bound, tuple(memories), tuple(cells))


def _key(memory: str, some: Sequence[str]) -> str:
    """Return what a cell is called in a file."""
    return f"{memory}: {goals_text(some)}"


def _worked_out(
    economy: TableEnvironment,
    rule: DecisionRule,
    goals: Goals,
    places: Mapping[str, tuple[str, tuple[str, ...]]],
    workers: Workers,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield cells as they are done, with their names; what fails in a worker is raised here."""
    read = {memory: replace(goals, memory=Memory.read(memory)) for memory, _ in places.values()}
    if not workers.many:
        for key, (memory, some) in places.items():
            yield key, _cell(economy, rule, read[memory], some)
        return
    parcel = Parcel.of((economy, rule))
    calls = (
        Call(key, _sent_cell, (economy, rule), partial(_same, parcel), (read[memory], some))
        for key, (memory, some) in places.items()
    )
    for result in workers.run(calls):
        if result.answer.error is not None:
            raise result.answer.error
        yield result.key, result.answer.value


def _same(parcel: Parcel) -> Parcel:
    """Return a parcel that was pickled once."""
    return parcel


def _sent_cell(thing: tuple[TableEnvironment, DecisionRule], goals: Goals, some: Sequence[str]) -> dict[str, Any]:
    """Return a cell in a worker."""
    return _cell(*thing, goals, some)


def _cell(economy: TableEnvironment, rule: DecisionRule, goals: Goals, some: Sequence[str]) -> dict[str, Any]:
    """Return the status of a set of goals, and the least largest transfer."""
    left_out: dict[str, Any] = {goal: "none" for goal in GOALS if goal not in some}
    asked = task(economy, rule, replace(goals, **left_out))
    found = seek(asked, tidy=False)
    if found.status == "possible":
        return {"status": "possible", "largest_transfer": found.objective}
    lattice = GoalLattice(asked.problem, asked.inside)
    clash = lattice.everything
    sure = lattice.possible(clash) is False and proved(infeasibility(asked, lattice, [clash]))
    return {"status": "impossible" if sure else "open", "largest_transfer": None}


def _kept(out: str | Path | None, asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the cells that a file holds of the same question.

    Raises
    ------
    InputError
        It holds something else.
    """
    if out is None or not Path(out).exists():
        return {}
    try:
        data = read_json(Path(out), "a possibility map")
        same = data["kind"] == "possibility map"
        cells: dict[str, dict[str, Any]] = data["cells"]
        question = data["asked"]
    except InputError as error:
        raise InputError(f"{out}: {error}; give another file") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{out}: no possibility map ({type(error).__name__}); give another file") from None
    if not isinstance(cells, dict) or not all(map(_sound, cells.values())):
        raise InputError(f"{out}: no possibility map (a cell is none); give another file")
    if not same or question != asked:
        raise InputError(f"{out}: holds the map of another question; give another file")
    return cells


def _sound(cell: object) -> bool:
    """Whether what stands in a file is a cell of a map."""
    if not isinstance(cell, dict) or set(cell) != {"status", "largest_transfer"}:
        return False
    least = cell["largest_transfer"]
    if cell["status"] == "possible":
        return isinstance(least, int | float) and not isinstance(least, bool) and math.isfinite(least)
    return cell["status"] in ("impossible", "open") and least is None


def _keep(out: str | Path | None, asked: dict[str, Any], cells: dict[str, dict[str, Any]]) -> None:
    """Write the cells that are known so far."""
    if out is not None:
        data = {"kind": "possibility map", "asked": asked, "cells": cells}
        write_whole(Path(out), json.dumps(data, indent=1) + "\n")
