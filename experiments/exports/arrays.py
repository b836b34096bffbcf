"""Figures of a run as named arrays, which NumPy reads (`numpy.load`) without loading anything of ours.

Labels stand beside the figures; `environment`, `episodes`, `seed`, `configuration` and `command` say where they come
from. Standard errors are not half-widths: an interval of 95 % is 1.96 of them on either side.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from dynmech.experiments.exports.payoff_tensors import payoff_tensor
from dynmech.experiments.exports.sources import Source
from dynmech.experiments.runs.moments import LEVEL
from dynmech.sim.core.errors import InputError

HALF = float(ndtri((1 + LEVEL) / 2))
"""Half-width of a 95 % interval, in standard errors."""

Arrays = dict[str, Any]


def npz_bytes(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as the bytes of an `.npz` file, the same for the same arrays."""
    file = BytesIO()
    np.savez(file, allow_pickle=False, **{name: np.asarray(value) for name, value in arrays.items()})
    return file.getvalue()


def about(source: Source) -> Arrays:
    """Return where figures come from."""
    origin = source.provenance
    return {
        "kind": source.kind,
        "episodes": source.episodes,
        "seed": -1 if origin.seed is None else origin.seed,
        "configuration": origin.configuration,
        "command": origin.command,
    }


def run_arrays(source: Source) -> Arrays:
    """Return payoffs and gains of a run, by agent `(N,)`."""
    rows, result = source.result["agents"], source.result
    return {
        "agents": [row["agent"] for row in rows],
        "strategies": [row["strategy"] for row in rows],
        **{key: _numbers(row[key] for row in rows) for key in ("payoff", "gain")},
        **{f"{key}_error": _numbers(row[f"{key}_half_width"] for row in rows) / HALF for key in ("payoff", "gain")},
        "environment": result["environment"],
        "mechanism": result["mechanism"],
        **about(source),
    }


def stress_arrays(source: Source) -> Arrays:
    """Return gains by mechanism, family and agent `(M, F, N)`, and properties of mechanisms `(M,)`."""
    gains, rows = source.result["gains"], source.result["mechanisms"]
    axes = {
        "mechanisms": [row["mechanism"] for row in rows],
        "families": list(dict.fromkeys(row["family"] for row in sorted(gains, key=lambda row: row["complexity"]))),
        "agents": [key.removeprefix("payoff of ") for key in rows[0] if key.startswith("payoff of ")],
    }
    places = [{name: k for k, name in enumerate(names)} for names in axes.values()]
    keys = {"gain": "gain", "gain_error": "half_width", "exact": "exact", "exact_bound": "exact_bound"}
    arrays = {name: np.full([len(names) for names in axes.values()], np.nan) for name in keys}
    for row in gains:
        place = tuple(at[row[key]] for at, key in zip(places, ("mechanism", "family", "agent"), strict=True))
        for name, key in keys.items():
            arrays[name][place] = np.nan if row[key] is None else row[key]
    arrays["gain_error"] /= HALF
    money = ("welfare", "revenue", "net_revenue")
    return {
        **axes,
        **arrays,
        "verdicts": [row["verdict"] for row in rows],
        **{key: _numbers(row[key] for row in rows) for key in (*money, "worst_deficit")},
        **{f"{key}_error": _numbers(row[f"{key}_half_width"] for row in rows) / HALF for key in money},
        "environment": source.result["environment"],
        **about(source),
    }


def sweep_arrays(source: Source) -> Arrays:
    """Return gains and figures by economy and mechanism `(C,)`, with the value of each option that varied beside them.

    A figure that is exact has the standard error 0 where another of its kind is simulated.
    """
    swept = source.swept
    table = swept.table(swept.information)
    texts = [*swept.varied, "mechanism", "backend", "verdict", "refused"]
    figures = [name for name in map(str, table) if name not in texts and not name.endswith("_half_width")]
    return {
        "options": list(swept.varied),
        **{f"option: {name}": _values(table[name]) for name in swept.varied},
        "mechanisms": table["mechanism"].tolist(),
        "verdicts": table["verdict"].tolist(),
        **{name: table[name].to_numpy(np.float64) for name in figures},
        **{
            f"{name}_error": table[f"{name}_half_width"].fillna(0.0).to_numpy(np.float64) / HALF
            for name in figures
            if f"{name}_half_width" in table
        },
        "information": swept.information,
        "environment": swept.environment,
        **about(source),
    }


def _values(column: "pd.Series[Any]") -> list[Any]:
    """Return an option's values: numbers, NaN where a mechanism does not have it; else texts."""
    values = column.tolist()
    if any(isinstance(value, str) for value in values):
        return ["" if pd.isna(value) else str(value) for value in values]
    return [np.nan if value is None else value for value in values]


def tournament_arrays(source: Source, mechanism: str | None) -> Arrays:
    """Return payoffs and standard errors by game, player and the strategies of all players `(G, N, K_1, …, K_N)`.

    Raises:
        InputError: no such mechanism, games of different players or strategies, or too large ones.
    """
    tensors = [payoff_tensor(game) for game in source.games(mechanism)]
    first = tensors[0]
    if any((one.players, one.strategies) != (first.players, first.strategies) for one in tensors):
        names = ", ".join(path.name for path in source.folders.values())
        raise InputError(f"{source.folder}: players or strategies differ between economies; choose one of: {names}")
    most = max(map(len, first.strategies))
    return {
        "payoffs": np.stack([one.payoffs for one in tensors]),
        "errors": np.stack([one.errors for one in tensors]),
        "environments": [one.environment for one in tensors],
        "mechanisms": [one.mechanism for one in tensors],
        "players": first.players,
        "strategies": [[*names, *[""] * (most - len(names))] for names in first.strategies],
        **about(source),
    }


def _numbers(values: Any) -> Any:
    """Return figures as an array; what is not known is NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
