"""`dynmech report RUN -o run.html`: what a run found, as one self-contained file.

It is made from the folder alone: `result.json`, which every command leaves there, `run.json`, and, where rows were
logged, one episode of the worst lie, period by period. No script, no link to anywhere; names are shown, never run.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from experiments.moments import amount
from experiments.replaying import replay
from experiments.results import read_result, read_run
from sim.errors import DynmechError, InputError

PICTURE = 100.0
"""Width and height of the drawing of the trade-off, in its own units."""

ROWS = 60
"""Profiles of a game that are listed."""


def report(folder: Path | str) -> str:
    """The page of a run folder.

    Raises:
        InputError: it is no run folder, or its run has not been finished.
    """
    run = read_run(folder)
    result = read_result(run.folder)
    template = _templates().get_template(f"{result['kind']}.html")
    return template.render(
        result=result, run=run.ledger, folder=run.folder.name, **_CONTEXTS[result["kind"]](run.folder, result)
    )


def _templates() -> Environment:
    environment = Environment(loader=PackageLoader("experiments.report"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters["amount"] = lambda value, digits=2: "–" if value is None else amount(float(value), digits)
    environment.filters["share"] = lambda value, top: (
        0 if not value or value <= 0 or not top else round(100 * value / top)
    )
    environment.filters["pretty"] = lambda data: json.dumps(data, indent=1, ensure_ascii=False)
    return environment


# Stress tests


def _stress(folder: Path, result: Mapping[str, Any]) -> dict[str, Any]:
    gains: list[dict[str, Any]] = result["gains"]
    mechanisms: list[dict[str, Any]] = result["mechanisms"]
    families = list(dict.fromkeys(row["family"] for row in sorted(gains, key=lambda row: (row["lies"], row["family"]))))
    cells = {
        (row["mechanism"], row["family"]): cell
        for row in reversed(gains)  # largest first: the last one put in is the largest
        if (cell := _cell(row)) is not None
    }
    top = max([cell["size"] for cell in cells.values()], default=0.0)
    return {
        "families": families,
        "cells": cells,
        "top": top,
        "dots": _dots(mechanisms),
        "story": _story(folder, result),
    }


def _cell(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """One figure of the heat map, if a gain was found."""
    exact = (
        row["exact"]
        if row["exact"] is not None and row["family"] in ("one-shot", "belief-manipulation", "best-response")
        else None
    )
    proven = exact is not None and exact - (row["exact_bound"] or 0.0) > 1e-6
    if not (row["found"] or proven):
        return None
    return {
        "exact": exact if proven else None,
        "simulated": row["gain"] if row["found"] else None,
        "size": max(exact if proven and exact is not None else 0.0, row["gain"] if row["found"] else 0.0),
        "who": row["agent"],
    }


def _dots(mechanisms: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where each mechanism stands: revenue to the right, what the worst lie gains upwards."""
    across = _scale([float(row["revenue"]) for row in mechanisms])
    upward = _scale([float(row["worst_gain"]) for row in mechanisms])
    return [
        {"x": 8 + 84 * x, "y": 92 - 84 * y, "number": k + 1, "name": row["mechanism"], "breaks": row["breaks"]}
        for k, (row, x, y) in enumerate(zip(mechanisms, across, upward, strict=True))
    ]


def _scale(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _story(folder: Path, result: Mapping[str, Any]) -> dict[str, Any] | None:
    """An episode of the worst lie, if rows were logged."""
    found = [row for row in result["gains"] if row["found"]]
    if not found:
        return None
    worst = min(
        (row for row in found if row["gain"] >= found[0]["gain"] - found[0]["half_width"]), key=lambda row: row["lies"]
    )
    try:
        told = replay(folder, worst["case"], mechanism=worst["mechanism"])
    except DynmechError:
        return None
    return {
        "mechanism": worst["mechanism"],
        "words": f"{worst['agent']} {worst['words']}",
        "episode": told.episode,
        "gains": {who: here for who, (here, _) in told.gains.items()},
        "deviators": told.deviators,
        "rows": _story_rows(told.played.to_dict("records")),
    }


def _story_rows(rows: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    def shown(value: Any) -> str:
        return "" if value is None or value != value else str(value)

    return [
        {
            "period": row["period"],
            "agent": str(row["agent"]),
            "signal": shown(row["signal"]),
            "report": shown(row["report"]),
            "decision": shown(row["decision"]),
            "earns": amount(float(row["utility"])),
            "pays": amount(float(row["transfer"])),
            "lie": shown(row["report"]) != shown(row["truth report"]),
            "truth": {
                "report": shown(row["truth report"]),
                "decision": shown(row["truth decision"]),
                "earns": amount(float(row["truth utility"])),
                "pays": amount(float(row["truth transfer"])),
            },
        }
        for row in rows
    ]


# Runs and tournaments


def _run(folder: Path, result: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - a page's context
    return {}


def _tournament(folder: Path, result: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - a page's context
    games = []
    for game in result["games"]:
        rows = sorted(game["profiles"], key=lambda row: (not row["regret_known"], row["regret"] or 0.0))
        top = max([row["regret"] or 0.0 for row in rows], default=0.0)
        games.append({**game, "listed": rows[:ROWS], "count": len(rows), "top": top})
    return {"games": games}


_CONTEXTS = {"stress": _stress, "run": _run, "tournament": _tournament}


def write_report(folder: Path | str, target: Path | str) -> Path:
    """Write the page of a run folder to a file.

    Raises:
        InputError: as `report`; or the file cannot be written.
    """
    text, path = report(folder), Path(target)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path
