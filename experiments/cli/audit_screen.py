"""An audit on the terminal: one sentence, the gains, the promises, what they rest on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.auditing import FAMILIES, KINDS, Audit, least_of, story_text
from dynmech.experiments.audits.frozen_weights import FrozenAudit
from dynmech.experiments.audits.limited import LimitedAudit
from dynmech.experiments.catalog.options import options_of, shown
from dynmech.experiments.cli.console import plain_table
from dynmech.experiments.runs.moments import ZERO
from dynmech.experiments.runs.tally import first_best
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

STYLES = {"holds": "green", "fails": "bold red", "undecided": "yellow"}


def show_audit(found: Audit, console: Console, title: str) -> None:
    """Who lies, when, and what it earns; then everything else. The title says what of, as it was typed."""
    console.print(Text(f"{title} {_verdict(found)}: {story_text(found)}", style="bold"))
    console.print()
    console.print(_gains(found))
    console.print()
    notes = "Largest exact gains against prescribed play at the same information state; everything public. "
    reach = "over all states" if found.all_states else "that some play leads to"
    notes += f"On path, interim (own past lies included) and ex post: the worst state {reach}. "
    notes += "Best response: any deviation at all. "
    if found.exit:
        notes += (
            "Deviators may leave; the deposit is what they must have put down so that staying (and lying) is better. "
        )
    notes += f"0 stands for at most {max(found.tolerance, 0):g}."
    if any(search.refused for search in found.searches):
        notes += f" Not searched: {next(s.refused for s in found.searches if s.refused)}."
    console.print(Text(notes, style="dim"))
    console.print()
    for verdict in found.promises:
        where = _where(verdict.where)
        text = Text.assemble((f"{verdict.status:9} ", STYLES[verdict.status]), verdict.promise)
        if verdict.status != "holds":
            text.append(f": misses by {figure(verdict.worst)} (± {verdict.bound:.1g}){f', {where}' if where else ''}")
        console.print(text)
    if not found.promises:
        console.print(Text("It promises nothing."))
    console.print()
    for key, fact in _facts(found):
        console.print(Text.assemble((f"{key:14} ", "bold"), fact))
    console.print()
    for condition in found.conditions:
        console.print(_condition(condition))


def show_limited(found: LimitedAudit, console: Console, title: str) -> None:
    """Why there is no exact audit, and the lower bound instead."""
    best = first_of(found.found, lambda one: one.at_least) if found.found else None
    if best is None or best.at_least <= 0:
        opening = "of the deviations that were tried, none is sure to gain anything"
    else:
        opening = f"lower bound: {best.agent} {best.words} and gains at least {best.at_least:.4g}"
    console.print(Text(f"{title}: {opening}.", style="bold"))
    console.print(Text(f"Not audited exactly: {found.reason.removeprefix('audit: ')}.", style="yellow"))
    table = plain_table()
    for header in ("agent", "best deviation found"):
        table.add_column(header, overflow="fold")
    table.add_column("simulated gain", justify="right", no_wrap=True)
    table.add_column("lower bound", justify="right", no_wrap=True)
    for one in found.found:
        if one.gain > ZERO:
            simulated = f"{one.gain:.4g} ± {one.half_width:.2g}"
            table.add_row(one.agent, one.strategy, simulated, f"{max(0.0, one.at_least):.4g}")
        else:
            table.add_row(one.agent, "truth does as well as everything tried", "–", "0")
    console.print()
    console.print(table)
    if found.conditions:
        console.print()
    for condition in found.conditions:
        console.print(_condition(condition))


def show_frozen(found: FrozenAudit, console: Console, title: str) -> None:
    """Gains at the first report and later, and the promises."""
    environment = found.mechanism.environment
    verdict = "holds" if found.holds else "fails"
    console.print(Text(f"{title} {verdict}: {found.sentence()}", style="bold"))
    console.print()
    table = plain_table()
    table.add_column("deviator", overflow="fold")
    for header in ("ex ante", "first report", "later", "payoff", "least to stay"):
        table.add_column(header, justify="right", no_wrap=True)
    for search in found.searches:
        gains = [search.ex_ante_gain, search.first_gain, search.later_gain]
        cells = [f"+{figure(g)}" if g > found.tolerance else "0" for g in gains]
        levels = [f"{figure(value)}" if abs(value) > ZERO else "0" for value in (search.payoff, search.least_stay)]
        table.add_row(environment.agents[search.agent], *cells, *levels)
    console.print(table)
    console.print()
    notes = (
        "Searched first report by first report: any deviation at all, knowing the others' signals, over all states. "
    )
    notes += f"0 stands for at most {max(found.tolerance, 0):g}; figures ± {found.bound:.1g}."
    console.print(Text(notes, style="dim"))
    console.print()
    for one in found.promises:
        text = Text.assemble((f"{one.status:9} ", STYLES[one.status]), one.promise)
        if one.status != "holds":
            text.append(f": misses by {figure(one.worst)} (± {one.bound:.1g}), {_where(one.where)}")
        console.print(text)
    console.print()
    console.print(Text.assemble((f"{'revenue':14}", "bold"), f"{figure(found.revenue)}, costs deducted"))
    console.print()
    for condition in found.conditions:
        console.print(_condition(condition))


def _verdict(found: Audit) -> str:
    return {"undecided": "is undecided"}.get(found.verdict, found.verdict)


def _gains(found: Audit) -> Any:
    table = plain_table()
    table.add_column("family", no_wrap=True)
    table.add_column("deviator", overflow="fold")
    for kind in KINDS:
        table.add_column(HEADS[kind], justify="right", no_wrap=True)
    for family in FAMILIES:
        for search in found.searches:
            cells = [_gain(search.figures[family][kind].gain, found.tolerance) for kind in KINDS]
            table.add_row(NAMES[family], found.name(search), *cells)
    return table


def _gain(gain: float, tolerance: float) -> Text:
    if np.isnan(gain):
        return Text("?", style="yellow")
    return Text("0", style="dim") if gain <= tolerance else Text(f"+{figure(gain)}", style="bold red")


def _where(place: Mapping[str, Any]) -> str:
    """A place in words; agents have names enough."""
    return ", ".join(str(value) if key == "agent" else f"{key} {value}" for key, value in place.items())


def _money(value: float) -> str:
    """Six digits; rounding is 0."""
    return "?" if np.isnan(value) else f"{figure(value)}" if abs(value) > ZERO else "0"


def _largest_bound(found: Audit) -> float:
    figures = [figure for search in found.searches for mine in search.figures.values() for figure in mine.values()]
    return max((figure.bound for figure in figures if not np.isnan(figure.bound)), default=float("nan"))


def _facts(found: Audit) -> list[tuple[str, str]]:
    truthful, names = found.truthful, found.environment.agents
    payoff = truthful.utility - truthful.transfer
    facts = [
        *_options(found.mechanism),
        ("payoffs", ", ".join(f"{name} {_money(value)}" for name, value in zip(names, payoff, strict=True))),
        ("welfare", f"{figure(truthful.welfare)} (first best {figure(first_best(found.environment))})"),
        ("budget", _budget(found)),
        ("transfers", _largest(found)),
    ]
    for kind in ("interim", "ex_post"):
        least = least_of(found.participation[kind], found.scale)
        where = _where(least.where)
        facts.append(("participation", f"{kind.replace('_', ' ')}: at least {_money(least.value)} ({where})"))
    played = rounded_up(2 * truthful.bound, found.environment.scale)
    facts.append(("bounds", f"gains ± {_largest_bound(found):.1g}; prescribed play ± {played:.1g}"))
    if found.mechanism.promises.assumptions:
        facts.append(("promised where", "; ".join(found.mechanism.promises.assumptions)))
    tied = [f"{found.name(s)} {s.ties[0]} of {s.ties[1]}" for s in found.searches if s.ties[0]]
    if tied:
        facts.append(("ties", f"another message does as well as truth: {'; '.join(tied)} states"))
    for search in found.searches:
        if search.deposit is not None:
            facts.append(("deposit", f"{found.name(search)}: {figure(search.deposit)} to be lost on leaving"))
    return facts


def _options(mechanism: Mechanism) -> list[tuple[str, str]]:
    """The options that are in force, those not given included."""
    known = {name: getattr(mechanism, name, None) for name in options_of(type(mechanism))}
    told = [f"{name}={_option(value)}" for name, value in known.items() if isinstance(value, str | int | float)]
    return [("options", ", ".join(told))] if told else []


def _option(value: object) -> str:
    """As typed; of one that was worked out, nine digits."""
    return figure(value, 9) if isinstance(value, float) else shown(value)


BUDGETS = {
    "ex_ante": "ex ante {} (discounted, all periods)",
    "expected_period": "expected period {} (the least, given what was public before)",
    "ex_post": "ex post {} (the least of any period)",
}
"""What the figures of the budget are."""


def _budget(found: Audit) -> str:
    """What the designer takes in."""
    figures = [BUDGETS[kind].format(_money(least.value)) for kind, least in found.budget.items()]
    return f"what the designer takes in, in units of utility (below 0: a deficit): {', '.join(figures)}"


def _largest(found: Audit) -> str:
    """The largest transfer, and the bound that the mechanism declares."""
    largest = found.largest_transfer
    declared = f"whatever is sent, at most {_money(found.mechanism.transfer_bound())}"
    if abs(largest.value) <= ZERO:
        return f"none under prescribed play; {declared}"
    paid = "pays" if largest.value > 0 else "is paid"
    size = f"{largest.agent} {paid} {_money(abs(largest.value))} ({_where(largest.where)})"
    return f"largest under prescribed play: {size}; {declared}"


def _condition(condition: Condition) -> Text:
    word, style = {True: ("yes", "green"), False: ("no", "red"), None: ("n/a", "dim")}[condition.holds]
    text = Text.assemble((f"{word:4}", style), condition.name)
    where = _where(condition.where)
    detail = "; ".join(
        part for part in (figure(condition.value, 4) if condition.where else "", where, condition.note) if part
    )
    if detail and condition.holds is not None:
        text.append(f" ({detail})", style="dim")
    elif condition.note:
        text.append(f" ({condition.note})", style="dim")
    return text
