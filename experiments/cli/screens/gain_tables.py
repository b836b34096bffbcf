"""The gains of an audit on the terminal: a row per family and deviator, in one table or in two."""

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.agents.oracle.gains import KINDS
from dynmech.experiments.audits.audit_result import Audit, AuditedGain
from dynmech.experiments.cli.screens.shown_deviators import shown_deviators
from dynmech.experiments.figures.terminal_tables import fits, plain_table
from dynmech.sim.core.ties import figure

HEADS = {"ex_ante": "ex ante", "on_path": "on path", "interim": "interim", "ex_post": "ex post"}
NAMES = {
    "one_shot": "one-shot",
    "belief_manipulation": "belief-manipulation",
    "best_response": "best response",
    "lies": "lies, bills paid",
}
"""The families of deviations as the screen calls them."""


def show_gains(audit: Audit, console: Console) -> None:
    """Print the table of gains, or two that are half as wide."""
    kinds = [kind for kind in KINDS if any(gain.information == kind for gain in audit.figures)]
    whole = _gains(audit, kinds)
    halves = [kinds] if fits(whole, console) else [kinds[:2], kinds[2:]]
    for k, half in enumerate(filter(None, halves)):
        console.print("\n" * (k > 0), _gains(audit, half), sep="", end="")
    if more := len(audit.deviators) - len(shown_deviators(audit)):
        console.print(Text(f"{more} more deviators gain no more than these; --json has all.", style="dim"))


def _gains(audit: Audit, kinds: list[str]) -> Table:
    """Return the table of gains: a row per family and deviator."""
    cells = {(gain.family, gain.agent, gain.information): gain for gain in audit.figures}
    families = [
        family for family in NAMES if any(gain.family == family and gain.kind != "refused" for gain in audit.figures)
    ]
    table = plain_table()
    table.add_column("family", no_wrap=True)
    table.add_column("deviator", overflow="fold")
    for kind in kinds:
        table.add_column(HEADS[kind], justify="right", no_wrap=True)
    for family in families:
        for name in shown_deviators(audit):
            row = [_gain(cells.get((family, name, kind)), audit) for kind in kinds]
            table.add_row(NAMES[family], name, *row)
    return table


def _gain(gain: AuditedGain | None, audit: Audit) -> Text:
    """Return a gain, or the bound that is known, as it is shown."""
    tolerance, scale = audit.tolerance, audit.request.scale
    if gain is None:
        return Text("")
    match gain.kind:
        case "refused":
            return Text("?", style="yellow")
        case "exact":
            return amount(gain.gain, audit)
        case "lower_bound":
            return Text(
                f"≥ {figure(gain.lower, 4, scale=scale)}", style="bold red" if gain.lower > tolerance else "dim"
            )
        case _ if gain.lower > tolerance and gain.upper < np.inf:
            return Text(
                f"{figure(gain.lower, 4, scale=scale)} … {figure(gain.upper, 4, scale=scale)}", style="bold red"
            )
        case _:
            if gain.upper <= tolerance:
                return Text("0", style="dim")
            if gain.lower > tolerance:
                return Text(f"{figure(gain.lower, 4, scale=scale)} to {figure(gain.upper, 4, scale=scale)}", "yellow")
            return Text(f"≤ {figure(gain.upper, scale=scale)}", style="yellow")


def amount(gain: float, audit: Audit) -> Text:
    """Return an exact gain as it is shown; one up to the tolerance is none."""
    if np.isnan(gain):
        return Text("?", style="yellow")
    return (
        Text("0", style="dim")
        if gain <= audit.tolerance
        else Text(f"+{figure(gain, scale=audit.request.scale)}", style="bold red")
    )
