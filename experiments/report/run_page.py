"""The page of one profile under one mechanism: payoffs, the story of the deviation, how it was learned."""

from collections.abc import Mapping, Sequence
from typing import Any

from dynmech.experiments.report.drawing import chart, strips
from dynmech.experiments.report.story import story_of
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.tally import has_costs


def run_context(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's variables for a run."""
    agents = result["agents"]
    return {
        "headlines": [_headline(row) for row in agents if row["strategy"] != "truthful"],
        "payoffs": strips([row["payoff"] for row in agents], [row["payoff_half_width"] for row in agents]),
        "gains": strips([row["gain"] for row in agents], [row["gain_half_width"] for row in agents]),
        "story": story_of(result.get("story")),
        "net": has_costs([result]),
        "learning": _learning(result.get("learning", []), agents),
        "curves": learning_curves(result.get("learning", []), agents),
    }


def _headline(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a deviator gains, judged by its interval."""
    low, high = row["gain"] - row["gain_half_width"], row["gain"] + row["gain_half_width"]
    word = "gains" if low > 0 else ("loses" if high < 0 else "same")
    return {**row, "word": word, "size": abs(row["gain"])}


def _learning(rows: Sequence[Mapping[str, Any]], agents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per stretch of rounds, with a payoff per agent."""
    if not rows:
        return []
    by = {i: [row for row in rows if row["agent"] == i] for i in range(len(agents))}
    return [
        {"first": one["first_round"], "last": one["round"], "payoffs": [by[i][k] for i in by]}
        for k, one in enumerate(by[0])
    ]


def learning_curves(rows: Sequence[Mapping[str, Any]], agents: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return a chart of every agent's payoff by round, beside the payoff of prescribed play; None if nobody learns."""
    if not rows:
        return None
    series = []
    for i, agent in enumerate(agents):
        mine = [row for row in rows if row["agent"] == i]
        xs = [(row["first_round"] + row["round"]) / 2 for row in mine]
        ys, halves = [row["payoff"] for row in mine], [row["half_width"] for row in mine]
        series.append(
            {"name": agent["agent"], "label": _label(agent["agent"], ys[-1]), "xs": xs, "ys": ys, "halves": halves}
        )
        if agent["strategy"] != "truthful":
            truth = agent["payoff"] - agent["gain"]
            name = f"{agent['agent']}, all prescribed"
            series.append(
                {
                    "name": name,
                    "label": _label(f"{agent['agent'][:9]}*", truth),
                    "xs": [xs[0], xs[-1]],
                    "ys": [truth] * 2,
                }
            )
    return chart(series, "round", "payoff")


def _label(name: str, value: float) -> str:
    """Return a shortened name with a number, for the end of a line."""
    return f"{name if len(name) <= 10 else name[:9] + '…'} {amount(value)}"
