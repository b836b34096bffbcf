"""A comparison of estimates (`dynmech robust`) as a table in long form, as arrays, and as LaTeX."""

from typing import Any

import numpy as np
import pandas as pd

from dynmech.experiments.exports.latex import table
from dynmech.experiments.exports.sources import Source
from dynmech.experiments.runs.moments import amount

TABLES = {
    "rows": "What a lie gains under the true law from mechanisms that are built on estimates",
    "slopes": "Slope of the median gain in the number of draws, on log-log scales, with 95 % intervals",
    "ball": "Bounds of the largest gain under any law within a radius of the economy's own",
    "robustness_radius": "Radius up to which no law lets anybody gain, and from which on one was found that does",
    "needed": "From how many draws on 95 % of estimates keep to the target",
}
"""The tables of a comparison, in words."""

LEFT_OUT = ("gain_ex_ante_90", "replications", "refused")
"""Columns that a table for a paper has no room for."""


def robust_table(source: Source) -> pd.DataFrame:
    """Return all tables below each other; the column `table` says which, and what a table has not is empty."""
    frames = [_frame(source.result[name]).assign(table=name) for name in _told(source)]
    joined = pd.concat(frames, ignore_index=True)
    joined.insert(0, "environment", source.result["environment"])
    joined.insert(1, "table", joined.pop("table"))
    return joined


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a table whose whole numbers stay such beside what is not known."""
    whole = [name for name in rows[0] if {type(row[name]) for row in rows} - {type(None)} == {int}]
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))


def robust_arrays(source: Source) -> dict[str, Any]:
    """Return a column each of every table, as `table.column`; texts as texts, what is not known is NaN."""
    arrays: dict[str, Any] = {"environment": source.result["environment"]}
    for name in _told(source):
        for column, values in pd.DataFrame(source.result[name]).items():
            texts = any(isinstance(value, str) for value in values)
            arrays[f"{name}.{column}"] = [str(v) for v in values] if texts else values.to_numpy(np.float64)
    return arrays


def robust_latex(source: Source) -> list[str]:
    """Return a table of LaTeX each."""
    return [_latex(source, name) for name in _told(source)]


def _latex(source: Source, name: str) -> str:
    rows = source.result[name]
    columns = [column for column in rows[0] if column not in LEFT_OUT]
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    heads = [column.replace("_", " ") for column in columns]
    caption = f"{TABLES[name]}: {source.result['environment']} (seed {source.result['seed']})."
    return table(heads, "l" + "r" * (len(columns) - 1), cells, caption, f"tab:{source.name}-{name}")


def _told(source: Source) -> list[str]:
    """Return the names of the tables that hold something."""
    return [name for name in TABLES if source.result[name]]


def _cell(value: Any) -> str:
    """Return a name, a whole number or a figure; a dash where it is not known."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, str | int) else amount(value)
