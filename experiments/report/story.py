"""A lie as a story: what the deviator sees, sends and gets in each period, in words for the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from dynmech.experiments.runs.moments import amount


def story_of(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the episode that `dynmech.experiments.runs.episode_trace` kept: per period and deviator words and gain."""
    if told is None or "untold" in told:
        return None if told is None else dict(told)
    liars, running = list(told["strategies"]), dict.fromkeys(told["strategies"], 0.0)
    periods = []
    for one in told["told"]:
        for who in liars:
            running[who] += one["gain"][who]
        lines = [
            {"who": row["agent"], **_line(one, row), "gain": one["gain"][row["agent"]]}
            for row in one["rows"]
            if row["agent"] in liars
        ]
        periods.append({**one, "lines": lines, "so_far": dict(running)})
    return {**told, "liars": liars, "told": periods, "whole": len(periods) == told["periods"]}


def _line(period: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one deviator's period in words: `sees`, `sends`, `lies`, `then`, `money`."""
    true = row["truth"]
    if period["closing"]:
        return {"sees": "", "sends": "", "lies": False, "asked": "", "then": "", "money": _money(row, true)}
    nothing = ("", "-")
    sends = row["report"] or "nothing"
    late = f" (counted: {row['counted']})" if row["counted"] != row["report"] else ""
    acts = "" if row["action"] in ("", "-") else f", acts {row['action']}"
    then = f"decision {row['decision']}" + (
        f", with truth {true['decision']}" if row["decision"] != true["decision"] else ""
    )
    moved = row["signal"] != true["signal"]
    return {
        "sees": row["signal"] + (f" (with truth {true['signal']})" if moved else ""),
        "sends": "" if row["report"] in nothing and true["report"] in nothing and not acts else f"{sends}{late}{acts}",
        **_prescribed(row, true),
        "then": then,
        "money": _money(row, true),
    }


def _prescribed(row: Mapping[str, Any], true: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a deviator departed from what is prescribed at its own signal, and what that is.

    `lies` is None where it is not known what is prescribed there: an earlier lie has led play elsewhere.
    """
    asked, moved = row.get("prescribed"), row["signal"] != true["signal"]
    if asked is None:
        return {"lies": None, "asked": ""}
    acts = "" if true["action"] in ("", "-") or moved else f", act {true['action']}"
    lies = row["report"] != asked or (bool(acts) and row["action"] != true["action"])
    return {"lies": lies, "asked": f"{asked or 'nothing'}{acts}"}


def _money(row: Mapping[str, Any], true: Mapping[str, Any]) -> str:
    """Return in words what a deviator earns and pays, and what truth gives where that differs."""
    parts: Sequence[tuple[str, float, float]] = (
        ("earns", row["earns"], true["earns"]),
        ("pays", row["pays"], true["pays"]),
    )
    return ", ".join(
        f"{verb} {amount(here)}" + (f" (with truth {amount(there)})" if amount(here) != amount(there) else "")
        for verb, here, there in parts
    )
