"""The page of a stress test: verdicts, who gains what, what each mechanism costs, and the worst lies."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from dynmech.experiments.figures.amounts import amount, signed
from dynmech.experiments.figures.comparisons import beside, farthest
from dynmech.experiments.figures.html_tables import Cell, Group, Heading, Table
from dynmech.experiments.figures.html_text import name, names
from dynmech.experiments.report.cells import exact_mean, figure
from dynmech.experiments.report.drawing import scatter, strip_svg, strips
from dynmech.experiments.report.gain_blocks import (
    NO_GAIN,
    NOT_COVERED,
    GainCell,
    GainRow,
    grouped_blocks,
)
from dynmech.experiments.report.story import story_of
from dynmech.experiments.runs.stress_frames import exactly
from dynmech.experiments.runs.stress_result import StressResult, families_shown, first_told, headline
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import BREAKS, HOLDS, NOT_PROMISED, NOT_REFUTED, OUTSIDE_ASSUMPTIONS, WORDS
from dynmech.sim.core.ties import scale_of

FEW = 12
"""Rows of a long table that are shown before it is opened."""

MEANS = {
    BREAKS: "somebody gains by a lie, though the mechanism promises that nobody does",
    OUTSIDE_ASSUMPTIONS: "somebody gains by a lie, but an assumption of the mechanism does not hold on this economy",
    NOT_PROMISED: "the mechanism does not promise that truth is best",
    NOT_REFUTED: "none of the deviations that were tried gains; not searched exactly",
    HOLDS: "no deviation whatever gains: the exact best response gains nothing",
}
"""What each verdict says."""


def stress_context(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's variables for a stress test."""
    gains, told = result["gains"], result.get("stories", {})
    kept = StressResult.from_data(result)
    mechanisms = [{**row, "most": largest_gain(gains, row)} for row in result["mechanisms"]]
    worst = _worst(kept)
    costs = cost_table(mechanisms).varying()
    return {
        "verdicts": _verdicts(mechanisms),
        "explained": _explained(mechanisms),
        "words": WORDS,
        "gaining": any(row["breaks"] for row in mechanisms),
        "uncovered": [row["mechanism"] for row in mechanisms if row["breaks"] and row["verdict"] != BREAKS],
        "net": has_costs(mechanisms),
        "known": any(exactly(row, "welfare") is not None for row in mechanisms),
        "worst": worst,
        "apart": farthest(gains, ("mechanism", "family", "agent")),
        "stories": {name: story_of(told[name]) for name in _first_told(worst, mechanisms) if name in told},
        "gain_table": gain_table(kept).html(),
        "cost_table": costs.html(),
        "cost_remark": costs.remark,
        "deviation_table": deviation_table(gains).html(),
        "scatters": scatters(
            [
                {
                    "label": row["mechanism"],
                    "name": row["mechanism"],
                    "kind": "breaks" if row["breaks"] else "holds",
                    **{key: _drawn(row, key)[0] for key in ("welfare", "revenue")},
                    "worst_deficit": row["worst_deficit"],
                }
                for row in mechanisms
            ]
        ),
    }


def tag(verdict: str, words: str = "") -> Markup:
    """Return a verdict as the page shows it."""
    kind = verdict if verdict in (BREAKS, HOLDS) else "unknown"
    return Markup('<span class="{}">{}</span>').format(kind, words or WORDS[verdict])


def _verdicts(mechanisms: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the names of mechanisms by verdict; verdicts without any are left out."""
    by = {word: [row["mechanism"] for row in mechanisms if row["verdict"] == word] for word in WORDS}
    return {word: names for word, names in by.items() if names}


def _explained(mechanisms: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[list[str], list[str]]]]:
    """Return by verdict which mechanisms miss which assumptions: the mechanisms of each list of them, and the list."""
    out: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for row in mechanisms:
        alike = out.setdefault(row["verdict"], {})
        alike.setdefault(tuple(row["violated"] or ()), []).append(row["mechanism"])
    return {word: [(found, list(missing)) for missing, found in alike.items()] for word, alike in out.items()}


def largest_gain(gains: Sequence[Mapping[str, Any]], mechanism: Mapping[str, Any]) -> float:
    """Return the largest gain of any deviation: the exact one where there is one, else the largest simulated one."""
    mine = [row for row in gains if row["mechanism"] == mechanism["mechanism"]]
    exact = [row["exact"] for row in mine if row["exact"] is not None]
    return max([0.0, *exact]) if exact else float(mechanism["worst_gain"])


def _worst(kept: StressResult) -> dict[str, Any] | None:
    """Return the deviation to describe first; None if no gain was found."""
    mechanism = first_told(kept.mechanisms)
    first = headline(kept.gains, mechanism, kept.scale) if mechanism is not None else None
    if first is None:
        return None
    row = {str(key): value for key, value in first.items()}
    known = row["exact"] == row["exact"]
    said = beside(row["apart"]) if row["apart"] == row["apart"] else ""
    return {**row, "figure": row["exact"] if known else None, "beside": said}


def _first_told(worst: Mapping[str, Any] | None, mechanisms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of mechanisms, the one whose lie is described first before the others."""
    found = [row["mechanism"] for row in mechanisms]
    return list(dict.fromkeys([*([] if worst is None else [worst["mechanism"]]), *found]))


# Who gains what


def gain_table(result: StressResult) -> Table:
    """Return who gains what by which family: broken promises first, a line per agent that gains."""
    blocks = grouped_blocks(result)
    families = families_shown(result)
    every = [cell for _, found in blocks for one in found for row in one.rows for cell in row.cells if cell]
    top = max([cell.size for cell in every], default=0.0)
    headings = [Heading("mechanism", left=True), Heading("who gains", left=True)]
    headings += [Heading(Markup("{}").format(one).replace("-", Markup("‑<wbr>")), narrow=one) for one in families]
    groups = []
    for (group, verdict), found in blocks:
        apart = f": {MEANS[verdict]}" if group == NOT_COVERED else ""
        if group == NO_GAIN:
            apart = Markup(", nothing gained: {}").format(names([one for block in found for one in block.names]))
        rows = [_gain_row(one, row, top, result.scale) for block in found for one in block.names for row in block.rows]
        groups.append(Group(Markup("{}{}").format(tag(verdict), apart), [] if group == NO_GAIN else rows))
    return Table(headings, groups)


def _gain_row(mechanism: str, row: GainRow, top: float, scale: float) -> list[Cell]:
    """Return what one agent gains under a mechanism."""
    cells = [_gain_cell(cell, top, scale) for cell in row.cells]
    return [Cell(name(mechanism), kind="who"), Cell(name(row.agent), kind="who"), *cells]


def _gain_cell(cell: GainCell | None, top: float, scale: float) -> Cell:
    """Return the exact gain first, the simulated one in brackets, its interval when asked for and on paper."""
    if cell is None:
        return Cell("–", kind="dim none", value=0.0)
    half = f"± {amount(cell.half, scale=scale)}"
    simulated = "–" if cell.simulated is None else f"+{amount(cell.simulated, scale=scale)}"
    off = "" if cell.agrees else "; exact and simulated disagree"
    said = "" if cell.simulated is None else f"simulated {simulated} {half}{off}"
    beside_it = Markup('<span class="beside">({}{})</span>').format(simulated, "" if cell.agrees else " !")
    text = beside_it if cell.exact is None else Markup("+{} {}").format(amount(cell.exact, scale=scale), beside_it)
    share = 100 * cell.size / top if top else 0.0
    return Cell(text, said, f" {half}" if cell.simulated is not None else "", "", share, value=cell.size)


# Welfare, revenue, budget


def cost_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return what prescribed play is worth under each mechanism, beside its worst gain."""
    best, net = rows[0]["first_best"], has_costs(rows)
    drawn = {
        key: strips([_drawn(row, key)[0] for row in rows], [_drawn(row, key)[1] for row in rows], marks)
        for key, marks in (("welfare", (0.0, best)), ("revenue", (0.0,)), ("net_revenue", (0.0,)))
    }
    gain = strips([row["most"] for row in rows])
    budget = strips([row["worst_deficit"] for row in rows])
    means = {"welfare": "welfare", "revenue": "revenue", **({"net_revenue": "net revenue"} if net else {})}
    headings = [
        Heading("mechanism", left=True),
        Heading("worst gain"),
        *(Heading(text, constant=True) for text in means.values()),
        Heading("worst budget", constant=True),
        Heading("unwilling", constant=True),
    ]
    cells = [
        [
            Cell(name(row["mechanism"]), kind="who", below=tag(row["verdict"])),
            figure(row["most"], below=strip_svg(gain[k], bar=True)),
            *(exact_mean(row, key, below=strip_svg(drawn[key][k])) for key in means),
            figure(row["worst_deficit"], below=strip_svg(budget[k], bar=True)),
            Cell(f"{row['participation_violations']}/{row['participation_cells']}"),
        ]
        for k, row in enumerate(rows)
    ]
    return Table.of(headings, cells)


def _drawn(row: Mapping[str, Any], key: str) -> tuple[float, float]:
    """Return a figure and half of its interval; of an exact one 0."""
    known = exactly(row, key)
    return (float(row[key]), float(row[f"{key}_half_width"])) if known is None else (known, 0.0)


def scatters(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return scatter plots of welfare, revenue and worst budget against each other."""
    pairs = (("revenue", "welfare"), ("revenue", "worst_deficit"), ("worst_deficit", "welfare"))
    called = {"worst_deficit": "worst budget"}
    return [
        scatter(
            [{**point, "x": point[across], "y": point[upward]} for point in points],
            called.get(across, across),
            called.get(upward, upward),
        )
        for across, upward in pairs
        if all(_varies([point[key] for point in points]) for key in (across, upward))
    ]


def _varies(values: Sequence[float]) -> bool:
    """Return whether the values differ enough to be drawn."""
    return max(values) - min(values) > 1e-6 * scale_of(*values)


# Every deviation


def deviation_table(gains: Sequence[Mapping[str, Any]]) -> Table:
    """Return every deviation that was played, exact gains first."""
    headings = [
        *(Heading(text, left=True) for text in ("mechanism", "agent", "family", "what it does")),
        *(Heading(text) for text in ("exact", "simulated", "standard errors apart", "tried")),
    ]
    rows = [
        [
            Cell(name(row["mechanism"]), kind="who"),
            Cell(name(row["agent"]), kind="who"),
            Cell(row["family"]),
            Cell(name(row["words"]), kind="wrap"),
            figure(row["exact"], 3),
            Cell(
                signed(row["gain"], 3),
                f"95 % interval {amount(row['gain'] - row['half_width'], 3)} … "
                f"{amount(row['gain'] + row['half_width'], 3)}",
                f" ± {amount(row['half_width'], 3)}",
                value=row["gain"],
            ),
            Cell("–" if row["apart"] is None else signed(row["apart"], 1), value=row["apart"]),
            Cell(str(row["tried"]), value=row["tried"]),
        ]
        for row in gains
    ]
    return Table.of(headings, rows)
