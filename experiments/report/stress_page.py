"""The page of a stress test: verdicts, heat map, stories, and what each mechanism costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from dynmech.experiments.figures.comparisons import TOLERANCE, beside, farthest
from dynmech.experiments.report.drawing import scatter, strips
from dynmech.experiments.report.story import story_of
from dynmech.experiments.runs.stress_result import EXACT, StressResult, first_told, headline
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.sim.core.ties import descending, scale_of


def stress_context(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's variables for a stress test."""
    gains, told, scale = result["gains"], result.get("stories", {}), result.get("scale", 1.0)
    mechanisms = [{**row, "most": largest_gain(gains, row)} for row in result["mechanisms"]]
    families = list(
        dict.fromkeys(row["family"] for row in sorted(gains, key=lambda row: (row["complexity"], row["family"])))
    )
    by_size = descending([_size(row, scale) for row in gains])
    cells = {
        (row["mechanism"], row["family"]): cell
        for row in reversed([gains[k] for k in by_size])  # the largest is put in last
        if (cell := _cell(row, scale)) is not None
    }
    worst = _worst(result)
    return {
        "rows": mechanisms,
        "families": families,
        "cells": cells,
        "top": max([cell["size"] for cell in cells.values()], default=0.0),
        "verdicts": _verdicts(mechanisms),
        "missing": {row["mechanism"]: row["violated"] for row in mechanisms},
        "words": WORDS,
        "gaining": any(row["breaks"] for row in mechanisms),
        "net": has_costs(mechanisms),
        "worst": worst,
        "apart": farthest(gains, ("mechanism", "family", "agent")),
        "stories": {name: story_of(told[name]) for name in _first_told(worst, mechanisms) if name in told},
        **money(mechanisms),
    }


def _verdicts(mechanisms: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the names of mechanisms by verdict; verdicts without any are left out."""
    by = {word: [row["mechanism"] for row in mechanisms if row["verdict"] == word] for word in WORDS}
    return {word: names for word, names in by.items() if names}


def largest_gain(gains: Sequence[Mapping[str, Any]], mechanism: Mapping[str, Any]) -> float:
    """Return the largest gain of any deviation: the exact one where there is one, else the largest simulated one."""
    mine = [row for row in gains if row["mechanism"] == mechanism["mechanism"]]
    exact = [row["exact"] for row in mine if row["exact"] is not None]
    return max([0.0, *exact]) if exact else float(mechanism["worst_gain"])


def _worst(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the deviation to describe first; None if no gain was found."""
    kept = StressResult.from_data(result)
    name = first_told(kept.mechanisms)
    first = headline(kept.gains, name, kept.scale) if name is not None else None
    if first is None:
        return None
    row = {str(key): value for key, value in first.items()}
    known = row["exact"] == row["exact"]
    said = beside(row["apart"]) if row["apart"] == row["apart"] else ""
    return {**row, "figure": row["exact"] if known else None, "beside": said}


def _first_told(worst: Mapping[str, Any] | None, mechanisms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of mechanisms, the one whose lie is described first before the others."""
    names = [row["mechanism"] for row in mechanisms]
    return list(dict.fromkeys([*([] if worst is None else [worst["mechanism"]]), *names]))


# The heat map


def _exact(row: Mapping[str, Any], scale: float) -> float | None:
    """Return a family's exact gain if it exceeds its error bound; else None."""
    if row["exact"] is None or row["family"] not in EXACT:
        return None
    gain = float(row["exact"])
    return gain if gain - (row["exact_bound"] or 0.0) > TOLERANCE * scale else None


def _size(row: Mapping[str, Any], scale: float) -> float:
    return max(_exact(row, scale) or 0.0, row["gain"] if row["found"] else 0.0)


def _cell(row: Mapping[str, Any], scale: float) -> dict[str, Any] | None:
    """Return one cell of the heat map; None if no gain was found."""
    exact = _exact(row, scale)
    if exact is None and not row["found"]:
        return None
    return {
        "exact": exact,
        "simulated": row["gain"] if row["found"] else None,
        "half": row["half_width"],
        "size": _size(row, scale),
        "who": row["agent"],
        "words": row["words"],
        "agrees": row["agrees"],
    }


# Welfare, revenue, budget


def money(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return strips and scatter plots of welfare, revenue and worst budget."""
    best = rows[0]["first_best"]
    columns = {
        "gain": strips([row["most"] for row in rows]),
        "welfare": strips([r["welfare"] for r in rows], [r["welfare_half_width"] for r in rows], (0.0, best)),
        "revenue": strips([r["revenue"] for r in rows], [r["revenue_half_width"] for r in rows]),
        "net": strips([r["net_revenue"] for r in rows], [r["net_revenue_half_width"] for r in rows]),
        "budget": strips([row["worst_deficit"] for row in rows]),
    }
    points = [
        {
            "label": str(k + 1),
            "name": row["mechanism"],
            "kind": "breaks" if row["breaks"] else "holds",
            **{key: row[key] for key in ("welfare", "revenue", "worst_deficit")},
        }
        for k, row in enumerate(rows)
    ]
    return {"strips": columns, "scatters": scatters(points)}


def scatters(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return scatter plots of welfare, revenue and worst budget against each other."""
    pairs = (("revenue", "welfare"), ("revenue", "worst_deficit"), ("worst_deficit", "welfare"))
    names = {"worst_deficit": "worst budget"}
    return [
        scatter(
            [{**point, "x": point[across], "y": point[upward]} for point in points],
            names.get(across, across),
            names.get(upward, upward),
        )
        for across, upward in pairs
        if all(_varies([point[key] for point in points]) for key in (across, upward))
    ]


def _varies(values: Sequence[float]) -> bool:
    """Return whether the values differ enough to be drawn."""
    return max(values) - min(values) > 1e-6 * scale_of(*values)
