"""Payoffs of two players, one role each, as two heat matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dynmech.experiments.figures.amounts import amount, printed
from dynmech.experiments.figures.family import PAGE, as_family
from dynmech.experiments.figures.heat_map import shade_cells
from dynmech.experiments.figures.texts import as_text, lines, wrapped
from dynmech.experiments.report.tournament_page import HALF
from dynmech.experiments.tournament.from_result import make_roles
from dynmech.experiments.tournament.profiles import label
from dynmech.sim.core.arrays import FloatArray

MOST = 12
"""Strategies of a role that a matrix has room for."""


@dataclass(frozen=True, eq=False)
class PayoffMatrix:
    """One role's payoffs: rows are the first role's strategies, columns the second's.

    Attributes:
        role: whose payoffs they are.
        roles: whose strategies stand in rows and columns.
        rows, columns: the strategies.
        payoffs, halves: shape (rows, columns); half of the 95 % interval, NaN where it is not known.
    """

    role: str
    roles: tuple[str, str]
    rows: Sequence[str]
    columns: Sequence[str]
    payoffs: FloatArray
    halves: FloatArray


def payoff_matrices(game: Mapping[str, Any]) -> list[PayoffMatrix] | None:
    """Return a matrix per role; None unless there are two roles of one agent each, played in full."""
    roles = make_roles(game)
    if len(roles) != 2 or any(len(role.agents) != 1 or len(role.strategies) > MOST for role in roles):
        return None
    known = {(row["profile"], row["role"]): row for row in game["payoffs"]}
    first, second = roles
    names = [[label(((s,), (z,)), roles) for z in second.strategies] for s in first.strategies]
    if any((name, role.name) not in known for line in names for name in line for role in roles):
        return None
    out = []
    for role in roles:
        found = [[known[name, role.name] for name in line] for line in names]
        payoffs = np.array([[row["payoff"] for row in line] for line in found])
        halves = np.array([[np.nan if row["error"] is None else HALF * row["error"] for row in line] for line in found])
        out.append(
            PayoffMatrix(role.name, (first.name, second.name), first.strategies, second.strategies, payoffs, halves)
        )
    return out


def draw_matrices(matrices: Sequence[PayoffMatrix], title: str) -> Figure:
    """Return a heat matrix per role: blue below the mean of its payoffs, orange above; a star: a best reply."""
    heading = wrapped(title, 84)
    rows = max(len(one.rows) for one in matrices)
    figure = Figure(figsize=(PAGE, 1.2 + 0.15 * lines(heading) + 0.34 * rows), layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for own, (axes, one) in enumerate(zip(panels, matrices, strict=True)):
        best = one.payoffs >= one.payoffs.max(axis=own, keepdims=True) - 1e-9 * np.abs(one.payoffs).max()
        cells = [
            [
                (
                    f"{printed(amount(one.payoffs[r, c]))}{'*' if best[r, c] else ''}",
                    f"± {amount(one.halves[r, c])}" if np.isfinite(one.halves[r, c]) else "",
                )
                for c in range(len(one.columns))
            ]
            for r in range(len(one.rows))
        ]
        names, headings = ([as_text(name, 14) for name in some] for some in (one.rows, one.columns))
        shade_cells(axes, one.payoffs - one.payoffs.mean(), cells, names, headings)
        axes.set_title(f"payoff of {as_text(one.role, 24)}  (*: a best reply)", loc="left")
        axes.set(xlabel=as_text(one.roles[1], 24), ylabel=as_text(one.roles[0], 24))
    figure.suptitle(heading)
    return as_family(figure)
