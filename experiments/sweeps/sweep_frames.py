"""A sweep's cells as DataFrames, and where each mechanism gains most."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from dynmech.agents.oracle.gains import FAMILIES, KINDS
from dynmech.agents.oracle.search import Family
from dynmech.experiments.sweeps.cell_figures import EXACTLY
from dynmech.experiments.sweeps.simulated_play import FIGURES, noise
from dynmech.experiments.sweeps.variations import as_number
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import figure, first_largest

if TYPE_CHECKING:
    from dynmech.experiments.sweeps.sweep_result import SweepResult

GAIN = ["gain", "bound", "lower", "upper", "half_width"]
FAMILY_NAMES = tuple(family.value for family in FAMILIES)


def gains_frame(result: "SweepResult") -> pd.DataFrame:
    """Return a row per cell, agent, family and information."""
    rows = [{**_place(result, cell), **gain} for cell in result.shown for gain in cell.get("gains", [])]
    columns = [*result.varied, "mechanism", "agent", "family", "information", *GAIN]
    frame = pd.DataFrame(rows)
    frame = frame.reindex(columns=[*columns, *(name for name in frame.columns if name not in columns)])
    return frame.astype(dict.fromkeys(GAIN, float))


def figures_frame(result: "SweepResult", information: str) -> pd.DataFrame:
    """Return a row per cell; what is not known is NaN.

    Raises:
        InputError: no such information.
    """
    if information not in KINDS:
        raise InputError(f"information {information!r}: one of {', '.join(KINDS)}")
    frame = pd.DataFrame([_row(result, cell, information) for cell in result.shown])
    numbers = [
        name for name in columns() if name in frame and name not in ("mechanism", "backend", "verdict", "refused")
    ]
    return frame.reindex(columns=[*result.varied, *columns()]).astype(dict.fromkeys(numbers, float))


def point_text(values: Mapping[str, str], names: Iterable[str]) -> str:
    """Return where in a sweep one is: `discount=0.5, values=2`.

    >>> point_text({"discount": "0.5", "balanced:base": "team"}, ["discount"])
    'discount=0.5'
    """
    return ", ".join(f"{name}={values[name]}" for name in names if name in values)


def columns() -> list[str]:
    """Return the columns of a sweep's table after the options that varied."""
    halves = [name for key in (*FAMILY_NAMES, *FIGURES[:3]) for name in (key, f"{key}_half_width")]
    return ["mechanism", "backend", "verdict", *halves, *(name for name in EXACTLY if name not in halves), "refused"]


def _row(result: "SweepResult", cell: Mapping[str, Any], information: str) -> dict[str, Any]:
    """Return one cell."""
    row = {**_place(result, cell), "backend": cell.get("backend", ""), "verdict": cell.get("verdict", "")}
    for family in FAMILY_NAMES:
        worst = largest_gain(cell, family, information)
        row |= {family: worst["gain"], f"{family}_half_width": worst["half_width"]} if worst else {family: None}
    row |= cell.get("figures", {})
    return {
        **row,
        **{f"{name}_half_width": half for name, half in cell.get("half_widths", {}).items()},
        "refused": cell["refused"],
    }


def _place(result: "SweepResult", cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a cell, numbers as such, and its mechanism."""
    values = {name: as_number(cell["values"][name]) if name in cell["values"] else None for name in result.varied}
    return {**values, "mechanism": cell["mechanism"]}


def largest_gain(cell: Mapping[str, Any], family: str, information: str) -> dict[str, Any] | None:
    """Return the row of the agent that gains most; None where that is not known of some agent."""
    rows = [row for row in cell.get("gains", []) if row["family"] == family and row["information"] == information]
    if not rows or any(row["gain"] is None for row in rows):
        return None
    worst: dict[str, Any] = rows[first_largest([row["gain"] for row in rows])]
    return worst


def best_information(result: "SweepResult") -> str:
    """Return `ex_ante`, or `ex_post` where no gain is known ex ante."""
    known = any(largest_gain(cell, Family.BEST_RESPONSE.value, "ex_ante") for cell in result.cells)
    later = any(largest_gain(cell, Family.BEST_RESPONSE.value, "ex_post") for cell in result.cells)
    return "ex_post" if later and not known else "ex_ante"


def mechanism_lines(result: "SweepResult", information: str = "") -> dict[str, str]:
    """Return per mechanism at how many points somebody gains, and where most."""
    information = information or best_information(result)
    return {name: _line(result, cells, information) for name, cells in result.groups.items()}


def _line(result: "SweepResult", cells: Sequence[Mapping[str, Any]], information: str) -> str:
    """Return the line of one mechanism."""
    found = [(cell, largest_gain(cell, Family.BEST_RESPONSE.value, information)) for cell in cells]
    known = [(cell, gain) for cell, gain in found if gain is not None]
    if not known:
        return "it fits nowhere" if all(cell["refused"] for cell in cells) else "no gain is known at this information"
    words, several = information.replace("_", " "), f" of {len(known)} points" if len(known) > 1 else ""
    gaining = [(cell, gain) for cell, gain in known if surely_gains(cell, gain)]
    worst = worst_point(cells, information)
    if worst is None:
        exact = all(gain["half_width"] is None for _, gain in known)
        said = "no deviation gains anything" if exact else "nothing that was tried is sure to gain anything"
        return f"{said} {words}{several and f' at any{several}'}"
    cell, gain = worst
    place = point_text(cell["values"], [name for name, values in result.varied.items() if len(values) > 1])
    about = f" ± {figure(gain['half_width'], 3)}" if gain["half_width"] is not None else ""
    most = f"{gain['agent']} gains {figure(gain['gain'], 4)}{about} {words}"
    return f"a deviation gains at {len(gaining)}{several}; most at {place}: {most}" if several else most


def worst_point(
    cells: Sequence[Mapping[str, Any]], information: str
) -> tuple[Mapping[str, Any], dict[str, Any]] | None:
    """Return the cell of a mechanism where somebody surely gains most, and that gain; None where nobody does."""
    found = [(cell, largest_gain(cell, Family.BEST_RESPONSE.value, information)) for cell in cells]
    gaining = [(cell, gain) for cell, gain in found if gain is not None and surely_gains(cell, gain)]
    return gaining[first_largest([gain["gain"] for _, gain in gaining])] if gaining else None


def surely_gains(cell: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Return whether a gain is above the tolerance: an exact one within its error, a simulated one by its interval."""
    return bool((row["lower"] or 0.0) > (cell["tolerance"] or noise(row)))
