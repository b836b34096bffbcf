"""An audit on the terminal: one sentence, the gains, the promises, what they rest on."""

from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_result import FAMILIES, KINDS, Audit, least_of
from dynmech.experiments.audits.frozen_weights import FrozenAudit
from dynmech.experiments.audits.limited import LimitedAudit
from dynmech.experiments.audits.witness_text import headline
from dynmech.experiments.catalog.options import options_of, shown
from dynmech.experiments.cli.console import plain_table
from dynmech.experiments.cli.verdict_text import show_promises, where_text
from dynmech.experiments.runs.moments import ZERO
from dynmech.experiments.runs.tally import first_best
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.ties import figure, first_of, rounded_up

HEADS = {"ex_ante": "ex ante", "on_path": "on path", "interim": "interim", "ex_post": "ex post"}
NAMES = {
    Family.ONE_SHOT: "one-shot",
    Family.BELIEF_MANIPULATION: "belief-manipulation",
    Family.BEST_RESPONSE: "best response",
}
"""The families of deviations as the screen calls them."""


def show_audit(audit: Audit, console: Console, title: str) -> None:
    """Who lies, when, and what it earns; then everything else. The title names what was audited, as it was typed."""
    console.print(Text(headline(audit, title), style="bold"))
    console.print()
    console.print(_gains(audit))
    console.print()
    console.print(Text(_notes(audit), style="dim"))
    console.print()
    show_promises(audit.promises, audit.violated, console)
    console.print()
    for key, fact in _facts(audit):
        console.print(Text.assemble((f"{key:14} ", "bold"), fact))
    console.print()
    for condition in audit.conditions:
        console.print(_condition(condition))


def _notes(audit: Audit) -> str:
    """What the figures of the table are."""
    notes = "Largest exact gains against prescribed play at the same information state; everything public. "
    reach = "over all states" if audit.all_states else "that some play leads to"
    notes += f"On path, interim (own past lies included) and ex post: the worst state {reach}. "
    notes += "Best response: any deviation at all. "
    if audit.exit:
        notes += (
            "Deviators may leave; the deposit is what they must have put down so that staying (and lying) is better. "
        )
    notes += f"0 stands for at most {max(audit.tolerance, 0):g}."
    refused = [search.refused for search in audit.searches if search.refused]
    return f"{notes} Not searched: {refused[0]}." if refused else notes


def show_limited(audit: LimitedAudit, console: Console, title: str) -> None:
    """Why there is no exact audit, and the lower bound instead."""
    console.print(Text(_limited_headline(audit, title), style="bold"))
    console.print(Text(f"Not audited exactly: {audit.reason.removeprefix('audit: ')}.", style="yellow"))
    table = plain_table()
    for header in ("agent", "best deviation found"):
        table.add_column(header, overflow="fold")
    for header in ("simulated gain", "lower bound"):
        table.add_column(header, justify="right", no_wrap=True)
    for best in audit.tried:
        if best.gain > ZERO:
            simulated = f"{best.gain:.4g} ± {best.half_width:.2g}"
            table.add_row(best.agent, best.strategy, simulated, f"{max(0.0, best.at_least):.4g}")
        else:
            table.add_row(best.agent, "truth does as well as everything tried", "–", "0")
    console.print()
    console.print(table)
    console.print()
    show_promises(audit.promises, [], console)
    if audit.conditions:
        console.print()
    for condition in audit.conditions:
        console.print(_condition(condition))


def _limited_headline(audit: LimitedAudit, title: str) -> str:
    """The largest lower bound, or that nothing that was tried is sure to gain."""
    best = first_of(audit.tried, lambda tried: tried.at_least) if audit.tried else None
    status = audit.promises[0].status
    verdict = " breaks" if status == "breaks" else f" is {WORDS[status]}" if status != "not_promised" else ""
    beyond = "truth is not promised to be best; " if status == "not_promised" else ""
    if best is None or best.at_least <= 0:
        return f"{title}{verdict}: {beyond}of the deviations that were tried, none is sure to gain anything."
    return f"{title}{verdict}: {beyond}lower bound: {best.agent} {best.words} and gains at least {best.at_least:.4g}."


def show_frozen(audit: FrozenAudit, console: Console, title: str) -> None:
    """Gains at the first report and later, and the promises."""
    console.print(Text(f"{title}{_frozen_verdict(audit)}: {audit.sentence()}", style="bold"))
    console.print()
    console.print(_frozen_gains(audit))
    console.print()
    notes = (
        "Searched first report by first report: any deviation at all, knowing the others' signals, over all states. "
    )
    notes += f"0 stands for at most {max(audit.tolerance, 0):g}; figures ± {audit.bound:.1g}."
    console.print(Text(notes, style="dim"))
    console.print()
    show_promises(audit.promises, audit.violated, console)
    console.print()
    for key, fact in _revenue(audit.revenue, audit.net_revenue):
        console.print(Text.assemble((f"{key:14} ", "bold"), fact))
    console.print()
    for condition in audit.conditions:
        console.print(_condition(condition))


def _frozen_verdict(audit: FrozenAudit) -> str:
    """The verdict as the predicate of a sentence; nothing where truth is not promised to be best."""
    if audit.verdict in ("holds", "breaks"):
        return f" {audit.verdict}"
    return "" if audit.verdict == "not_promised" else f" is {WORDS[audit.verdict]}"


def _frozen_gains(audit: FrozenAudit) -> Any:
    table = plain_table()
    table.add_column("deviator", overflow="fold")
    for header in ("ex ante", "first report", "later", "payoff", "least to stay"):
        table.add_column(header, justify="right", no_wrap=True)
    for search in audit.searches:
        gains = [search.ex_ante_gain, search.first_gain, search.later_gain]
        cells = [f"+{figure(gain)}" if gain > audit.tolerance else "0" for gain in gains]
        name = audit.mechanism.environment.agents[search.agent]
        table.add_row(name, *cells, _money(search.payoff), _money(search.least_stay))
    return table


def _gains(audit: Audit) -> Any:
    table = plain_table()
    table.add_column("family", no_wrap=True)
    table.add_column("deviator", overflow="fold")
    for kind in KINDS:
        table.add_column(HEADS[kind], justify="right", no_wrap=True)
    for family in FAMILIES:
        for search in audit.searches:
            cells = [_gain(search.figures[family][kind].gain, audit.tolerance) for kind in KINDS]
            table.add_row(NAMES[family], audit.name(search), *cells)
    return table


def _gain(gain: float, tolerance: float) -> Text:
    if np.isnan(gain):
        return Text("?", style="yellow")
    return Text("0", style="dim") if gain <= tolerance else Text(f"+{figure(gain)}", style="bold red")


def _money(value: float) -> str:
    """Six digits; rounding is 0."""
    return "?" if np.isnan(value) else f"{figure(value)}" if abs(value) > ZERO else "0"


def _largest_bound(audit: Audit) -> float:
    gains = [gain for search in audit.searches for by_kind in search.figures.values() for gain in by_kind.values()]
    return max((gain.bound for gain in gains if not np.isnan(gain.bound)), default=float("nan"))


def _facts(audit: Audit) -> list[tuple[str, str]]:
    """What prescribed play is worth, and what the figures rest on."""
    truthful, names = audit.truthful, audit.environment.agents
    payoff = truthful.utility - truthful.transfer
    played = rounded_up(2 * truthful.bound, audit.environment.scale)
    return [
        *_options(audit.mechanism),
        ("payoffs", ", ".join(f"{name} {_money(value)}" for name, value in zip(names, payoff, strict=True))),
        ("welfare", f"{figure(truthful.welfare)} (first best {figure(first_best(audit.environment))})"),
        *_revenue(audit.revenue, audit.revenue - audit.cost),
        ("budget", _budget(audit)),
        ("transfers", _largest(audit)),
        *(("participation", _least_to_stay(audit, kind)) for kind in ("interim", "ex_post")),
        ("bounds", f"gains ± {_largest_bound(audit):.1g}; prescribed play ± {played:.1g}"),
        *_remarks(audit),
    ]


def _revenue(revenue: float, net: float) -> list[tuple[str, str]]:
    """Revenue, and net revenue where there is a cost."""
    if abs(revenue - net) <= ZERO:
        return [("revenue", f"{_money(revenue)} (discounted, all periods)")]
    return [
        ("revenue", f"{_money(revenue)} (discounted, all periods), before the designer's costs"),
        ("net revenue", f"{_money(net)}, less the designer's costs of {_money(revenue - net)}"),
    ]


def _least_to_stay(audit: Audit, kind: str) -> str:
    least = least_of(audit.participation[kind], audit.scale)
    return f"{kind.replace('_', ' ')}: at least {_money(least.value)} ({where_text(least.where)})"


def _remarks(audit: Audit) -> list[tuple[str, str]]:
    """Assumptions, ties and deposits, where there are any."""
    remarks = []
    if audit.mechanism.promises.assumptions:
        remarks.append(("promised where", "; ".join(audit.mechanism.promises.assumptions)))
    tied = [f"{audit.name(search)} {search.ties[0]} of {search.ties[1]}" for search in audit.searches if search.ties[0]]
    if tied:
        remarks.append(("ties", f"another message does as well as truth: {'; '.join(tied)} states"))
    remarks += [
        ("deposit", f"{audit.name(search)}: {figure(search.deposit)} to be lost on leaving")
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
    "ex_ante": "ex ante {} (discounted, all periods)",
    "expected_period": "expected period {} (the least, given what was public before)",
    "ex_post": "ex post {} (the least of any period)",
}
"""What the figures of the budget are."""


def _budget(audit: Audit) -> str:
    """What the designer takes in."""
    figures = [BUDGETS[kind].format(_money(least.value)) for kind, least in audit.budget.items()]
    return f"what the designer takes in, in units of utility (below 0: a deficit): {', '.join(figures)}"


def _largest(audit: Audit) -> str:
    """The largest transfer, and the bound that the mechanism declares."""
    largest = audit.largest_transfer
    declared = f"whatever is sent, at most {_money(audit.mechanism.transfer_bound())}"
    if abs(largest.value) <= ZERO:
        return f"none under prescribed play; {declared}"
    paid = "pays" if largest.value > 0 else "is paid"
    size = f"{largest.agent} {paid} {_money(abs(largest.value))} ({where_text(largest.where)})"
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
