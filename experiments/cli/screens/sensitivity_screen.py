"""On which numbers of the economy a gain hangs, on the terminal."""

from rich.console import Console
from rich.text import Text

from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.sensitivity import hinge_sentences
from dynmech.experiments.figures.terminal_tables import plain_table
from dynmech.sim.core.plain_text import harmless
from dynmech.sim.core.ties import figure

SHOWN = 6
"""Inputs per kind of information, unless all are asked for."""


def show_sensitivity(audit: Audit, console: Console, verbose: bool) -> None:
    """Print a sentence and the largest effects per kind of information; nothing where it was not asked for."""
    rows = audit.details.get("sensitivity")
    if rows is None:
        return
    console.print()
    if not rows:
        console.print(Text("No small change of any input moves a gain.", style="bold"))
        return
    for sentence in hinge_sentences(rows):
        console.print(Text(harmless(sentence), style="bold"))
    console.print()
    table = plain_table()
    table.add_column("gain", overflow="fold")
    table.add_column("hangs on", overflow="fold")
    for name in ("now", "per 0.01", "derivative"):
        table.add_column(name, justify="right")
    for information in dict.fromkeys(row["information"] for row in rows):
        own = [row for row in rows if row["information"] == information]
        for row in own if verbose else own[:SHOWN]:
            numbers = (figure(row[name]) for name in ("value", "effect", "derivative"))
            table.add_row(information.replace("_", " "), harmless(row["label"]), *numbers)
    console.print(table)
    text = (
        "Probabilities: 0.01 of mass from all other outcomes in proportion. Utilities: by 1 % of the scale. The "
        "mechanism stays as it is."
    )
    console.print(Text(text, style="dim"))
