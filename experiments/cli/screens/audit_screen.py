"""An audit on the terminal: one sentence, the gains, the promises, what they rest on."""

from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from dynmech.experiments.audits.audit_result import Audit, least_of
from dynmech.experiments.audits.audit_text import certified_kinds, headline
from dynmech.experiments.audits.bracket_text import ways
from dynmech.experiments.audits.payment_details import deposit_lines
from dynmech.experiments.audits.replay_commands import lines_to_play
from dynmech.experiments.audits.worst_deviation import deviation_rows, largest_ex_ante
from dynmech.experiments.catalog.options import options_of, shown
from dynmech.experiments.cli.screens.gain_tables import amount, show_gains
from dynmech.experiments.cli.screens.replay_line import show_line
from dynmech.experiments.cli.screens.shown_deviators import by_agent
from dynmech.experiments.cli.screens.verdict_text import show_promises, where_text
from dynmech.experiments.figures.terminal_tables import plain_table
from dynmech.experiments.runs.moments import ZERO
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import figure, rounded_up

SITUATION = ("period", "signal", "last_signal", "reported", "public")
"""Columns that say what the deviator knows."""

SHORT = 12
"""Situations of the worst deviation up to which the screen shows all of it."""


def show_audit(audit: Audit, console: Console, *, verbose: bool = False) -> None:
    """Print who lies, when, and what it earns; then everything else.

    Args:
        verbose: print the conditions on which no promise rests, too.
    """
    console.print(Text(headline(audit), style="bold"))
    if audit.reason:
        console.print(Text(f"Not audited exactly: {audit.reason.removeprefix('audit: ')}.", style="yellow"))
    console.print()
    show_gains(audit, console)
    console.print()
    console.print(Text(f"{audit.method} 0 stands for at most {audit.tolerance:.6g}.{_refused(audit)}", style="dim"))
    if proved := certified_kinds(audit):
        console.print(Text(f"Certified: {', '.join(proved)}; `dynmech verify` checks the proof.", style="green"))
    _show_deviation(audit, console)
    console.print()
    show_promises(audit.verdicts, audit.violated, console, audit.request.scale)
    for what, line in lines_to_play(audit):
        show_line(console, what, line)
    _show_details(audit, console)
    console.print()
    for key, fact in _facts(audit, verbose):
        console.print(Text.assemble((f"{key:14} ", "bold"), fact))
    _show_conditions(audit, console, verbose)


def _refused(audit: Audit) -> str:
    """Return why some figures are missing."""
    refused = [search.refused for search in audit.searches if search.refused]
    return f" Not searched: {refused[0]}." if refused else ""


def _show_deviation(audit: Audit, console: Console) -> None:
    """Print the worst deviation where it is short, and the line that plays it."""
    search = largest_ex_ante(audit)
    if search is None:
        return
    try:
        rows = deviation_rows(audit)
    except Refusal:
        return
    who = audit.name(search)
    if len(rows) <= SHORT:
        table = plain_table()
        acts = any(row["act"] for row in rows)
        for column in (*SITUATION, "message", *(["act"] if acts else [])):
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            said = Text(str(row["message"]), style="" if row["message"] == row["prescribed"] else "bold red")
            act = [Text(row["act"], style="" if row["act"] == "obeys" else "bold red")] if acts else []
            table.add_row(*(str(row[column]) for column in SITUATION), said, *act)
        console.print()
        console.print(Text(f"The best response of {who}, situation by situation (lies in bold):"))
        console.print(table)
    else:
        console.print()
        console.print(Text(f"The best response of {who} has {len(rows)} situations: --policy FILE.csv writes them."))


def _show_details(audit: Audit, console: Console) -> None:
    """Print what only one kind of search has to say."""
    if tried := audit.details.get("tried"):
        _show_table(
            console,
            ("agent", "best deviation found", "simulated gain", "lower bound"),
            [_tried(best, audit.request.scale) for best in tried],
        )
    if parts := audit.details.get("first_reports"):
        rows = [(part["agent"], *(amount(part[key], audit) for key in ("first_report", "later"))) for part in parts]
        _show_table(console, ("ex post gains of", "the first report", "later reports"), rows)
    if brackets := audit.details.get("brackets"):
        rows = [_bracket(bracket, audit) for bracket in brackets]
        _show_table(console, ("ex ante gain of", "between (95 %)", "paths"), rows)
        for line in ways(brackets):
            console.print(Text(line, style="dim"))
    if miss := audit.details.get("approximate"):
        _show_table(console, ("figure", ""), [(label, _small(miss[key])) for key, label in APPROXIMATE.items()])


def _bracket(bracket: dict[str, Any], audit: Audit) -> tuple[str, ...]:
    """Return a row on how a deviator's gain was bounded."""
    scale = audit.request.scale
    low, high = (figure(bracket[side], 4, scale=scale) for side in ("lower", "upper"))
    return bracket["agent"], f"{low} … {high}", f"{bracket['paths']:,}"


APPROXIMATE = {
    "size": "largest transfer",
    "epsilon_everywhere": "ε everywhere",
    "epsilon": "ε on the grid",
    "approximation": "  approximation, at the mechanism's own nodes",
    "reports": "  interpolation between them adds",
    "quadrature": "  quadrature adds",
    "decisions": "what decisions fall short of the best",
    "gain_one_shot": "one lie gains",
    "gain": "any deviation gains",
    "limit": "what it may gain by the grid's ε: at most 2ε/(1 − δ)",
    "limit_everywhere": "what it may gain by ε everywhere",
}
"""The parts of ε."""


def _small(value: float) -> str:
    return figure(value, 4) if value > 1e-12 else "0"


def _tried(best: dict[str, Any], scale: float) -> tuple[str, str, str, str]:
    """Return a row on the best deviation that was found for an agent."""
    if best["gain"] <= ZERO * scale:
        return best["agent"], "truth does as well as everything tried", "–", "0"
    simulated = f"{best['gain']:.4g} ± {best['half_width']:.2g}"
    return best["agent"], best["strategy"], simulated, f"{max(0.0, best['at_least']):.4g}"


def _show_table(console: Console, headers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print rows whose first two columns, or first one of two, are words."""
    table = plain_table()
    for k, header in enumerate(headers):
        words = k == 0 or (k == 1 and len(headers) > 3)
        table.add_column(header, justify="left" if words else "right", overflow="fold", no_wrap=not words)
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


def _show_conditions(audit: Audit, console: Console, verbose: bool) -> None:
    """Print the conditions on which promises rest, and how many others there are."""
    relevant = audit.relevant_conditions
    chosen = audit.conditions if verbose else relevant
    if audit.conditions:
        console.print()
    for condition in chosen:
        console.print(_condition(condition))
    if others := len(audit.conditions) - len(chosen):
        console.print(Text(f"{others} more conditions, on which no promise rests: --verbose shows them", style="dim"))


def _money(value: float | None, scale: float) -> str:
    """Return six digits; rounding is 0."""
    if value is None or np.isnan(value):
        return "?"
    return figure(value, scale=scale)


def _facts(audit: Audit, verbose: bool) -> list[tuple[str, str]]:
    """Return what prescribed play is worth, and what the figures rest on; `verbose`: where decisions tie, too."""
    truth, names, scale = audit.truth, audit.environment.agents, audit.request.scale
    facts = deposit_lines(audit) if audit.request.terms else []
    facts += _options(audit.mechanism)
    if truth.payoff is not None:
        payoffs = by_agent(names, [_money(value, scale) for value in truth.payoff])
        facts.append(("payoffs", f"{payoffs}{'' if audit.request.profile is None else ', if all tell the truth'}"))
    if truth.welfare is not None:
        facts.append(("welfare", f"{_money(truth.welfare, scale)} (first best {_money(truth.first_best, scale)})"))
    if truth.revenue is not None and truth.net_revenue is not None:
        facts += _revenue(audit, truth.revenue, truth.net_revenue)
    facts += _profile(audit)
    if audit.budget:
        facts.append(("budget", _budget(audit)))
    if audit.largest_transfer:
        facts.append(("transfers", _largest(audit)))
    for kind in ("interim", "ex_post"):
        if kind in audit.participation:
            facts.append(("participation", _least_to_stay(audit, kind)))
    return [*facts, *_error_bounds(audit), *(_tied_decisions(audit) if verbose else []), *_remarks(audit)]


def _profile(audit: Audit) -> list[tuple[str, str]]:
    """Return what everybody plays where it is not the truth, and what that is worth."""
    played = audit.details.get("profile")
    if not played:
        return []
    scale, names = audit.request.scale, audit.environment.agents
    worth = ", ".join(f"{name} {_money(value, scale)}" for name, value in zip(names, played["payoff"], strict=True))
    figures = f"welfare {_money(played['welfare'], scale)}, revenue {_money(played['revenue'], scale)}"
    strategies = ", ".join(f"{name} {called}" for name, called in played["strategies"].items())
    return [("profile", f"{strategies}; in place of the truth it pays {worth}; {figures}")]


def _error_bounds(audit: Audit) -> list[tuple[str, str]]:
    """Return the largest numerical error of any gain, and of what prescribed play is worth."""
    bounds = [gain.bound for gain in audit.figures if gain.kind == "exact"]
    parts = [f"gains ± {max(bounds):.1g}"] if bounds else []
    if audit.game:
        parts.append(f"prescribed play ± {rounded_up(2 * audit.truthful.bound, audit.request.scale):.1g}")
    return [("bounds", "; ".join(parts))] if parts else []


def _tied_decisions(audit: Audit) -> list[tuple[str, str]]:
    """Return where more than one decision is efficient, under a mechanism that promises an efficient one."""
    if audit.game is None or not audit.mechanism.promises.efficient or not audit.game.plan.ties[0]:
        return []
    tied, profiles = audit.game.plan.ties
    return [("decisions", f"several are efficient at {tied} of {profiles} profiles; the first of them is taken")]


def _revenue(audit: Audit, revenue: float, net: float) -> list[tuple[str, str]]:
    """Revenue, and net revenue where there is a cost."""
    scale = audit.request.scale
    if not _costly(audit):
        return [("revenue", f"{_money(revenue, scale)} (discounted, all periods)")]
    return [
        ("revenue", f"{_money(revenue, scale)} (discounted, all periods), before the designer's costs"),
        ("net revenue", f"{_money(net, scale)}, less the designer's costs of {_money(revenue - net, scale)}"),
    ]


def _least_to_stay(audit: Audit, kind: str) -> str:
    least = least_of(audit.participation[kind], audit.scale)
    certified = all(audit.proved.get("participation", {}).get(kind, [None]))
    where = f"{where_text(least.where)}{'; certified' * certified}"
    return f"{kind.replace('_', ' ')}: at least {_money(least.value, audit.request.scale)} ({where})"


def _remarks(audit: Audit) -> list[tuple[str, str]]:
    """Assumptions, ties and what is lost on leaving, where there are any."""
    remarks = []
    if audit.mechanism.promises.assumptions:
        remarks.append(("promised where", "; ".join(audit.mechanism.promises.assumptions)))
    tied = [f"{audit.name(search)} {search.ties[0]} of {search.ties[1]}" for search in audit.searches if search.ties[0]]
    if tied:
        remarks.append(("ties", f"another message does as well as truth: {'; '.join(tied)} states"))
    if audit.request.terms:
        return remarks
    remarks += [
        ("deposit", f"{audit.name(search)}: {figure(search.deposit, scale=audit.request.scale)} to be lost on leaving")
        for search in audit.searches
        if search.deposit is not None
    ]
    return remarks


def _options(mechanism: Mechanism) -> list[tuple[str, str]]:
    """The options that are in force, those not given included."""
    known = {name: getattr(mechanism, name, None) for name in options_of(type(mechanism))}
    texts = [f"{name}={_option(value)}" for name, value in known.items() if isinstance(value, str | int | float)]
    return [("options", ", ".join(texts))] if texts else []


def _option(value: object) -> str:
    """As typed; of one that was worked out, nine digits."""
    return figure(value, 9) if isinstance(value, float) else shown(value)


BUDGETS = {
    "ex_ante": "ex ante {} (discounted, all periods{})",
    "expected_period": "expected period {} (the least, given what was public before{})",
    "ex_post": "ex post {} (the least of any period{})",
}
"""What the figures of the budget are."""


def _budget(audit: Audit) -> str:
    """What the designer takes in, and why a figure is missing."""
    known = {kind: least.value for kind, least in audit.budget.items() if not np.isnan(least.value)}
    proved, scale = audit.proved.get("budget", ()), audit.request.scale
    figures = [BUDGETS[kind].format(_money(x, scale), "; certified" * (kind in proved)) for kind, x in known.items()]
    refused = [
        f"; {kind.replace('_', ' ')} not known: {least.where['refused']}"
        for kind, least in audit.budget.items()
        if "refused" in least.where
    ]
    before = ", before its costs" if _costly(audit) else ""
    takes = f"what the designer takes in{before}, in units of utility (below 0: a deficit)"
    return f"{takes}: {', '.join(figures)}{''.join(refused)}"


def _costly(audit: Audit) -> bool:
    """Whether the designer has a cost, so that net revenue is a figure of its own."""
    truth = audit.truth
    if truth.revenue is None or truth.net_revenue is None:
        return False
    return abs(truth.revenue - truth.net_revenue) > ZERO * audit.request.scale


def _largest(audit: Audit) -> str:
    """The largest transfer, and the bound that the mechanism declares."""
    largest, scale = audit.largest_transfer, audit.request.scale
    assert largest is not None
    declared = f"whatever is sent, at most {_money(audit.mechanism.transfer_bound(), scale)}"
    if abs(largest.value) <= ZERO * scale:
        return f"none under prescribed play; {declared}"
    paid = "pays" if largest.value > 0 else "is paid"
    size = f"{largest.agent} {paid} {_money(abs(largest.value), scale)} ({where_text(largest.where)})"
    return f"largest under prescribed play: {size}; {declared}"


def _condition(condition: Condition) -> Text:
    word, style = {True: ("yes", "green"), False: ("no", "red"), None: ("n/a", "dim")}[condition.holds]
    text = Text.assemble((f"{word:4}", style), condition.name)
    where = where_text(condition.where)
    detail = "; ".join(
        part for part in (figure(condition.value, 4) if condition.where else "", where, condition.note) if part
    )
    if detail and condition.holds is not None:
        text.append(f" ({detail})", style="dim")
    elif condition.note:
        text.append(f" ({condition.note})", style="dim")
    return text
