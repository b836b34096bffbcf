"""A design on the terminal."""

from rich.console import Console
from rich.text import Text

from dynmech.experiments.designs.design_result import SHOWN, Design, known_text, money
from dynmech.experiments.figures.terminal_tables import plain_table

FAINT = 1e-7
"""Of the largest transfer: what is smaller is rounding, and shown as 0."""


def show_design(design: Design, console: Console) -> None:
    """Print the sentence, then transfers, or what stands in the way."""
    console.print(Text(design.sentence, "bold"))
    for line in known_text(design):
        console.print(Text(line, "dim"))
    console.print()
    if design.possible:
        _show_transfers(design, console)
    elif design.clashes:
        _show_clashes(design, console)
    if not design.price.empty:
        _show_price(design, console)
    console.print()
    size = f"{design.found.rows:,} rows, {design.found.columns:,} unknowns"
    console.print(Text(f"program     {size}", "dim"))
    for what, file in (("mechanism", design.path), ("certificate", design.certificate)):
        if file is not None:
            console.print(Text(f"{what:11} {file}", no_wrap=True, overflow="ignore"), crop=False)


def _show_transfers(design: Design, console: Console) -> None:
    frame = design.changes if design.task.repaired else design.transfers
    what = "Transfers that change" if design.task.repaired else "Transfers"
    console.print(Text(f"{what} (paid by the agent; negative: the agent is paid)"))
    table = plain_table()
    for name in frame.columns:
        table.add_column(name, justify="right" if frame[name].dtype == float else "left", overflow="fold")
    small = FAINT * (design.largest_transfer or 0.0)
    for row in frame.head(SHOWN).itertuples(index=False):
        table.add_row(*(_amount(value, small) if isinstance(value, float) else str(value) for value in row))
    console.print(table)
    if len(frame) > SHOWN:
        console.print(Text(f"and {len(frame) - SHOWN:,} more; -o FILE writes all of them", "dim"))


def _amount(value: float, small: float) -> str:
    return money(value if abs(value) > small else 0.0)


def _show_price(design: Design, console: Console) -> None:
    console.print(Text("Had every law been seen so many times (the laws being those estimated):"))
    table = plain_table()
    for name in ("observations", "confidence", "radius", "largest transfer", "deficit", "welfare"):
        table.add_column(name, justify="right")
    for row in design.price.to_dict("records"):
        figures = [row["largest_transfer"], row["deficit"], row["welfare"]]
        told = [money(value) for value in figures] if row["status"] == "possible" else ["too few", "", ""]
        table.add_row(f"{row['observations']:,}", f"{100 * row['confidence']:g} %", money(row["radius"]), *told)
    console.print(table)


def _show_clashes(design: Design, console: Console) -> None:
    apart = all(len(clash) == 1 for clash in design.clashes)
    console.print(Text("Cannot be had:" if apart else "Cannot be had together (anything less can):"))
    for clash in design.clashes:
        console.print(Text(f"  {' + '.join(clash)}"))
    console.print(Text("What would have to give, each by itself, for all to be met:"))
    for goal, value in design.relaxations.items():
        console.print(Text(f"  {goal:30} {'not enough: the others clash' if value is None else money(value)}"))
