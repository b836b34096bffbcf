"""An audit in words: one sentence, three lines, a table."""

from html import escape

from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.opened_profile import profile_name
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.sim.core.ties import figure


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
    gains = audit.gains.to_html(
        index=False, border=0, float_format=lambda value: figure(value, scale=audit.request.scale)
    )
    promises = audit.promises.drop(columns="where").to_html(index=False, border=0, na_rep="–")
    lines = "".join(f"<p><code>{escape(line)}</code></p>" for line in audit.commands)
    return f"<p><b>{escape(headline(audit))}</b></p>{gains}{promises}{lines}"
