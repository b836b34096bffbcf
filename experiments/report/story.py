"""A lie as a table: what the deviator sees, sends and gets in the periods that differ from prescribed play."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from dynmech.experiments.figures.amounts import amount, signed
from dynmech.experiments.figures.html_tables import Cell, Heading, Table
from dynmech.experiments.figures.html_text import name


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
    story = {**told, "liars": liars, "told": periods}
    return {**story, "table": _liars_table(story).html("plain"), "everybody": _whole_table(story).html("plain")}


def _liars_table(story: Mapping[str, Any]) -> Table:
    """Return a row per deviator and period that differs from prescribed play; periods in a row that are alike are one.

    Of those the gain is what they bring together.
    """
    several = len(story["liars"]) > 1
    left = [*(["who"] if several else []), "sees", "sends", "decision"]
    headings = [
        Heading("period", left=True),
        *(Heading(text, left=True) for text in left),
        *(Heading(text) for text in ("earns", "pays", "gain", "so far")),
    ]
    differing = [one for one in story["told"] if one["differs"] or any(line["lies"] for line in one["lines"])]
    rows = []
    for run in _runs(differing):
        first, last = run[0], run[-1]
        when = "after the last" if first["closing"] else str(first["period"])
        for k, line in enumerate(last["lines"]):
            rows.append(
                [
                    Cell(when if first is last else f"{when} to {last['period']}"),
                    *([Cell(name(line["who"]), kind="who")] if several else []),
                    Cell(name(line["sees"] or "–")),
                    Cell(_sent(line)),
                    *(Cell(line[key]) for key in ("then", "earns", "pays")),
                    Cell(signed(sum(period["lines"][k]["gain"] for period in run)), kind="gain"),
                    Cell(signed(last["so_far"][line["who"]])),
                ]
            )
    return Table.of(headings, rows)


def _runs(periods: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the periods, those that follow each other and are alike but for what they bring together."""
    runs: list[list[Mapping[str, Any]]] = []
    for period in periods:
        last = runs[-1][-1] if runs else None
        follows = last is not None and not period["closing"] and period["period"] == last["period"] + 1
        if last is not None and follows and _words(last) == _words(period):
            runs[-1].append(period)
        else:
            runs.append([period])
    return runs


def _words(period: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a period's rows say, without what it brings."""
    return [{key: value for key, value in line.items() if key != "gain"} for line in period["lines"]]


def _sent(line: Mapping[str, Any]) -> Markup:
    """Return what a deviator sends, and what was prescribed where that is something else."""
    if not line["lies"]:
        return name(line["sends"] or "–")
    asked = Markup(' <span class="truth">({})</span>').format(name(line["asked"]))
    return Markup('<span class="lie">{}</span>{}').format(name(line["sends"] or "nothing"), asked)


def _whole_table(story: Mapping[str, Any]) -> Table:
    """Return every agent in every period that is kept, beside prescribed play."""
    left = ("agent", "signal", "sends", "decision")
    headings = [
        Heading("period", left=True),
        *(Heading(text, left=True) for text in left),
        *(Heading(text) for text in ("earns", "pays")),
        *(Heading(f"truth: {text}", left=True) for text in ("sends", "decision")),
        *(Heading(f"truth: {text}") for text in ("earns", "pays")),
    ]
    rows = []
    for period in story["told"]:
        for row in period["rows"]:
            true = row["truth"]
            lied = row["report"] != true["report"] and row["agent"] in story["liars"]
            counted = Markup(" (counted: {})").format(name(row["counted"])) if row["counted"] != row["report"] else ""
            sent = Markup('<span class="lie">{}</span>').format(name(row["report"])) if lied else name(row["report"])
            rows.append(
                [
                    Cell(str(period["period"])),
                    Cell(name(row["agent"]), kind="who"),
                    Cell(name(row["signal"])),
                    Cell(Markup("{}{}").format(sent, counted)),
                    Cell(name(row["decision"])),
                    *(Cell(amount(row[key])) for key in ("earns", "pays")),
                    *(Cell(name(true[key]), kind="truth") for key in ("report", "decision")),
                    *(Cell(amount(true[key]), kind="truth") for key in ("earns", "pays")),
                ]
            )
    return Table.of(headings, rows)


def _line(period: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one deviator's period in words: `sees`, `sends`, `lies`, `asked`, `then` (decided), `earns`, `pays`."""
    true = row["truth"]
    money = {key: _beside(amount(row[key]), amount(true[key])) for key in ("earns", "pays")}
    if period["closing"]:
        return {"sees": "", "sends": "", "lies": False, "asked": "", "then": "–", **money}
    nothing = ("", "-")
    sends = row["report"] or "nothing"
    late = f" (counted: {row['counted']})" if row["counted"] != row["report"] else ""
    acts = "" if row["action"] in ("", "-") else f", acts {row['action']}"
    moved = row["signal"] != true["signal"]
    return {
        "sees": row["signal"] + (f" ({true['signal']})" if moved else ""),
        "sends": "" if row["report"] in nothing and true["report"] in nothing and not acts else f"{sends}{late}{acts}",
        **_prescribed(row, true),
        "then": _beside(name(row["decision"]), name(true["decision"])),
        **money,
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


def _beside(here: str, there: str) -> Markup:
    """Return what came, and in brackets what prescribed play gives where that is something else."""
    return Markup('{}<span class="truth">{}</span>').format(
        here, Markup(" ({})").format(there) if here != there else ""
    )
