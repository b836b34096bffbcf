"""Tables on the terminal: one look for all, and whether one has room."""

from rich import box
from rich.console import Console
from rich.table import Table


def plain_table() -> Table:
    """A line under the header, nothing else."""
    return Table(header_style="bold", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)


def fits(table: Table, console: Console) -> bool:
    """Whether a table can be shown without breaking or cutting anything."""
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width
