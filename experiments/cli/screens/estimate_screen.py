"""An estimate on the terminal: what was seen, what was not, and the laws that were seen least."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from dynmech.experiments.estimation.estimate_result import ASSUMED, Estimate
from dynmech.experiments.figures.terminal_tables import plain_table
from dynmech.sim.core.plain_text import harmless
from dynmech.sim.core.ties import figure

LEAST = 8
"""Laws shown, unless all are asked for."""


def show_estimate(found: Estimate, console: Console, file: Path, verbose: bool) -> None:
    """Print the sentence, what was never seen, what is assumed, and the laws seen least."""
    console.print(Text(harmless(found.headline), style="bold"))
    style = "yellow" if len(found.unseen) else ""
    console.print(Text(harmless(found.unseen_line), style=style))
    console.print(Text(ASSUMED, style="yellow"))
    console.print()
    seen = found.rows[found.rows["observed"] > 0]
    rows = found.rows if verbose else seen.sort_values("observed", kind="stable").head(LEAST)
    staged = rows["period"].notna().any()
    table = plain_table()
    for name in (*(["period"] if staged else []), "law of", "decision", found.order):
        table.add_column(harmless(name), overflow="fold")
    for name in ("observed", "radius"):
        table.add_column(name, justify="right")
    for row in rows.to_dict("records"):
        words = [row["whose"], row["decision"], row["profile"]]
        first = [f"{row['period']:.0f}"] if staged else []
        table.add_row(*first, *(harmless(str(w)) for w in words), f"{row['observed']:,}", figure(row["radius"]))
    console.print(table)
    if len(rows) < len(found.rows):
        text = f"Of the laws that were seen, those seen least; -v shows all {len(found.rows):,}."
        console.print(Text(text, style="dim"))
    console.print(Text(f"file      {file}", no_wrap=True, overflow="ignore"), crop=False)
