"""An equilibrium on the terminal: the sentence, what it is worth beside the truth, and what is sent."""

from typing import Any

from rich.console import Console
from rich.text import Text

from dynmech.experiments.audits.found_equilibrium import Equilibrium, situations
from dynmech.experiments.figures.terminal_tables import plain_table
from dynmech.sim.core.ties import figure

SHOWN = 24
"""Situations of the profile that are shown."""


def show_equilibrium(result: Equilibrium, console: Console) -> None:
    """Print an equilibrium."""
    scale = result.environment.scale
    console.print(Text(result.sentence, "bold"))
    console.print()
    table = plain_table()
    table.add_column("")
    for head in ("profile", "truth", "change"):
        table.add_column(head, justify="right", no_wrap=True)
    for what, one, other in result.rows():
        table.add_row(what, *(figure(value, scale=scale) for value in (one, other, one - other)))
    console.print(table)
    console.print()
    _show_profile(result, console)
    lower, upper = result.judged.at_least, result.epsilon
    console.print()
    console.print(
        Text(
            f"ε: the largest gain from any deviation, whatever it recalls, ex ante: {_between(lower, upper, scale)}. "
            f"Strategies recall {RECALL[result.profile.recall]}."
        )
    )


RECALL = {
    "none": "the mechanism's memory only",
    "reports": "last period's messages and decision",
    "signals": "last period's messages and decision, and their own last signal",
}
"""What strategies recall, in words."""


def _between(lower: float, upper: float, scale: float) -> str:
    if upper - lower <= 1e-6 * scale:
        return "0" if upper <= 1e-6 * scale else figure(upper, scale=scale)
    return f"between {figure(lower, 4, scale=scale)} and {figure(upper, 4, scale=scale)}"


def _show_profile(result: Equilibrium, console: Console) -> None:
    """Print where somebody sends anything else than what is asked."""
    lies = [row for row in situations(result.profile) if row["sends"] != {row["prescribed"]: 1.0}]
    if not lies:
        console.print(Text("Everybody tells the truth."))
        return
    console.print(Text("Who sends what, where that is not the truth:"))
    table = plain_table()
    for head in ("period", "agent", "signal", "recalls", "sends"):
        table.add_column(head, overflow="fold")
    for row in lies[:SHOWN]:
        period = "1 or later" if result.environment.horizon is None and row["period"] else str(row["period"])
        signal = f"{row['public']}, {row['signal']}" if "public" in row else row["signal"]
        table.add_row(period, row["agent"], signal, _recalled(row["recalled"]), _sent(row["sends"]))
    console.print(table)
    if len(lies) > SHOWN:
        console.print(Text(f"and {len(lies) - SHOWN} more: -o FILE.json writes all", "dim"))


def _recalled(memory: dict[str, Any]) -> str:
    """Return what is recalled, in words."""
    parts = [f"memory {memory['memory']}"] if memory["memory"] else []
    if "reports" in memory:
        parts.append(f"said {', '.join(memory['reports'])}; decided {memory['decision']}")
    if "signal" in memory:
        parts.append(f"own signal {memory['signal']}")
    return "; ".join(parts) or "–"


def _sent(chances: dict[str, float]) -> str:
    if len(chances) == 1:
        return next(iter(chances))
    return ", ".join(f"{label} {chance:.3g}" for label, chance in chances.items())
