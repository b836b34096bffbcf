"""An audit in words: one sentence, three lines, a table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.opened_profile import profile_name
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.sim.core.ties import figure

if TYPE_CHECKING:
    from dynmech.experiments.figures.html_tables import Cell


def headline(audit: Audit) -> str:
    """Return the audit in one sentence, after the name of what was audited.

    *holds* stands there only where truth is promised to be best and is, and no other promise breaks.
    """
    return f"{audit.title}{_verdict(audit)}: {audit.sentence}"


def _verdict(audit: Audit) -> str:
    """The verdict as the predicate of a sentence; nothing where truth is not promised to be best and nothing breaks."""
    if audit.request.profile is not None:
        word = {"holds": "is an equilibrium", "breaks": "is no equilibrium"}.get(audit.verdict, "may be an equilibrium")
        return f", {profile_name(audit.request.profile)} {word}"
    failing = [verdict.promise for verdict in audit.verdicts if verdict.status == audit.verdict]
    promise = "" if failing[:1] == [audit.verdicts[0].promise] else f" its promise ({failing[0]})" if failing else ""
    match audit.verdict:
        case "breaks":
            return f" breaks{promise}"
        case "outside_assumptions":
            return f" is outside its assumptions (not so here: {', '.join(audit.violated)})"
        case "holds":
            return " holds"
        case "not_promised":
            return ""
        case other:
            return f" is {WORDS[other]}{promise and ' in' + promise}"


def summary(audit: Audit) -> str:
    """Return three lines: the headline, the gains of the best response, the promises; deposits where they count."""
    promises = ", ".join(f"{verdict.promise} {WORDS[verdict.status]}" for verdict in audit.verdicts)
    text = f"{headline(audit)}\nbest response: {_best_responses(audit)}\npromises: {promises or 'none'}"
    return f"{text}\n{_deposits(audit)}" if audit.request.terms and audit.searches else text


def _deposits(audit: Audit) -> str:
    """Return the deposits with which no default gains, where payments are voluntary."""
    known = [
        f"{audit.name(search)} {'?' if search.deposit is None else figure(search.deposit, scale=audit.request.scale)}"
        for search in audit.searches
    ]
    return f"no default gains with deposits of: {', '.join(known)}"


def _best_responses(audit: Audit) -> str:
    """Return the gain ex ante of every deviator, or the one at the information that is known."""
    kinds = [gain.information for gain in audit.figures if gain.family == "best_response" and gain.kind != "refused"]
    kind = next((kind for kind in ("ex_ante", "interim", "ex_post") if kind in kinds), "ex_ante")
    shown = [
        f"{gain.agent} {range_text(gain.lower, gain.upper, gain.gain, audit.request.scale)}"
        for gain in audit.figures
        if (gain.family, gain.information) == ("best_response", kind)
    ]
    return f"{kind.replace('_', ' ')} {', '.join(shown)}"


def range_text(lower: float, upper: float, gain: float, scale: float = 1.0) -> str:
    """Return an exact figure, or what lies between bounds; `scale`: the economy's.

    >>> range_text(1.9, 2.1, 2.0), range_text(0.5, float("nan"), float("nan")), range_text(0.5, 2, float("nan"))
    ('2', 'at least 0.5', '0.5 to 2')
    """
    if gain == gain:
        return figure(gain, scale=scale)
    if upper != upper:
        return "?" if lower != lower else f"at least {figure(lower, 4, scale=scale)}"
    return f"{figure(lower, 4, scale=scale)} to {figure(upper, 4, scale=scale)}"


def html(audit: Audit) -> str:
    """Return the headline, the gains and the promises as tables, for a notebook."""
    from dynmech.experiments.figures.html_tables import notebook
    from dynmech.experiments.figures.notebook_tables import frame_table

    promises = audit.promises.drop(columns="where").replace({"status": WORDS})
    code = [Markup("<p><code>{}</code></p>").format(line) for line in audit.commands]
    return notebook([headline(audit)], [gain_table(audit), frame_table(promises, len(promises)), *code])


def gain_table(audit: Audit) -> Markup:
    """Return who gains what by which family: a column per information, `certified` beside what a certificate proves."""
    from dynmech.experiments.figures.html_tables import Cell, Heading, Table
    from dynmech.experiments.figures.html_text import name

    rows = audit.gains.to_dict("records")
    known = list(dict.fromkeys(row["information"] for row in rows))
    cells = {(row["family"], row["agent"], row["information"]): row for row in rows}
    headings = [Heading("family", left=True), Heading("deviator", left=True)]
    headings += [Heading(one.replace("_", " ")) for one in known]
    lines = [
        [
            Cell(name(family.replace("_", " ")), kind="who"),
            Cell(name(agent), kind="who"),
            *(_gain_cell(cells.get((family, agent, one)), audit.request.scale) for one in known),
        ]
        for family, agent in dict.fromkeys((row["family"], row["agent"]) for row in rows)
    ]
    return Table.of(headings, lines).html("plain")


def _gain_cell(row: "Mapping[Any, Any] | None", scale: float) -> "Cell":
    """Return a gain between its bounds, or the one figure that both are."""
    from dynmech.experiments.figures.html_tables import Cell

    ends = (
        [] if row is None else [row[key] for key in ("lower", "upper") if row[key] is not None and row[key] == row[key]]
    )
    if row is None or not ends:
        return Cell("–", kind="dim")
    texts = list(dict.fromkeys(figure(end, scale=scale) for end in ends))
    text = " … ".join(texts) if len(ends) > 1 else f"at least {texts[0]}" if row["kind"] == "lower_bound" else texts[0]
    return Cell(text, hover=str(row["kind"]).replace("_", " "), below="certified" if row["certified"] else "")


def certified_kinds(audit: Audit) -> list[str]:
    """Return what a certificate proves: families of deviations, `budget`, `participation`."""
    families = [gain.family.replace("_", " ") for gain in audit.figures if gain.certified]
    return list(dict.fromkeys([*families, *(what for what, ends in audit.proved.items() if ends)]))
