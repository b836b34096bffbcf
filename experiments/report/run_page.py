"""The page of one profile under one mechanism: payoffs, the story of the deviation, how it was learned."""

from collections.abc import Mapping, Sequence
from typing import Any

from dynmech.experiments.figures.amounts import amount, signed
from dynmech.experiments.figures.html_tables import Cell, Heading, Table
from dynmech.experiments.figures.html_text import name
from dynmech.experiments.report.cells import figure, mean
from dynmech.experiments.report.drawing import chart, strip_svg, strips
from dynmech.experiments.report.story import story_of
from dynmech.experiments.runs.tally import has_costs


def run_context(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's variables for a run."""
    agents = result["agents"]
    return {
        "headlines": [_headline(row) for row in agents if row["strategy"] != "truthful"],
        "agent_table": _agent_table(agents).html(),
        "worth_table": _worth_table(result).html("plain"),
        "story": story_of(result.get("story")),
        "learning_table": _learning_table(result.get("learning", []), agents).html("plain"),
        "curves": learning_curves(result.get("learning", []), agents),
    }


def _headline(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a deviator gains, judged by its interval."""
    low, high = row["gain"] - row["gain_half_width"], row["gain"] + row["gain_half_width"]
    word = "gains" if low > 0 else ("loses" if high < 0 else "same")
    return {**row, "word": word, "size": abs(row["gain"])}


def _agent_table(agents: Sequence[Mapping[str, Any]]) -> Table:
    """Return payoffs, and gains against prescribed play."""
    payoffs = strips([row["payoff"] for row in agents], [row["payoff_half_width"] for row in agents])
    gains = strips([row["gain"] for row in agents], [row["gain_half_width"] for row in agents])
    headings = [
        *(Heading(text, left=True) for text in ("agent", "strategy")),
        *(Heading(text) for text in ("payoff", "gain against prescribed play")),
    ]
    rows = [
        [
            Cell(name(row["agent"]), kind="who"),
            Cell(name(row["strategy"]), kind="wrap"),
            mean(row, "payoff", 3, strip_svg(payoffs[k])),
            Cell(
                f"{signed(row['gain'], 3)} ± {amount(row['gain_half_width'], 3)}",
                below=strip_svg(gains[k]),
                value=row["gain"],
            ),
        ]
        for k, row in enumerate(agents)
    ]
    return Table.of(headings, rows)


def _worth_table(result: Mapping[str, Any]) -> Table:
    """Return welfare, revenue and budget: the exact first best first."""
    net = {"net_revenue": "net revenue"} if has_costs([result]) else {}
    means = {"welfare": "welfare", "revenue": "revenue", **net}
    headings = [Heading(text) for text in ("first best", *means.values(), "worst budget", "unwilling")]
    row = [
        figure(result["first_best"], 3),
        *(mean(result, key, 3) for key in means),
        figure(result["worst_deficit"]),
        Cell(f"{result['participation_violations']}/{result['participation_cells']}"),
    ]
    return Table.of(headings, [row])


def _learning_table(rows: Sequence[Mapping[str, Any]], agents: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row per stretch of rounds, with a payoff per agent, and what prescribed play by all gives."""
    by = {i: [row for row in rows if row["agent"] == i] for i in range(len(agents))}
    told = [
        [
            Cell(_rounds(one) + (", which counts" if k + 1 == len(by[0]) else "")),
            *(_payoff(by[i][k]) for i in by),
        ]
        for k, one in enumerate(by.get(0, []))
    ]
    truth = [Cell("prescribed play by all"), *(figure(row["payoff"] - row["gain"], 3) for row in agents)]
    headings = [Heading("rounds", left=True), *(Heading(name(row["agent"]), narrow=row["agent"]) for row in agents)]
    return Table.of(headings, [*told, truth])


def _rounds(row: Mapping[str, Any]) -> str:
    """Return `1`, or `2 to 5`."""
    first, last = row["first_round"] + 1, row["round"] + 1
    return f"{first} to {last}" if last > first else f"{first}"


def _payoff(row: Mapping[str, Any]) -> Cell:
    return Cell(f"{amount(row['payoff'], 3)} ± {amount(row['half_width'], 3)}", value=row["payoff"])


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
            called = f"{agent['agent']}, all prescribed"
            series.append(
                {
                    "name": called,
                    "label": _label(f"{agent['agent'][:15]}*", truth),
                    "xs": [xs[0], xs[-1]],
                    "ys": [truth] * 2,
                }
            )
    return chart(series, "round", "payoff")


def _label(text: str, value: float) -> str:
    """Return a shortened name with a number, for the end of a line."""
    return f"{text if len(text) <= 16 else text[:15] + '…'} {amount(value)}"
