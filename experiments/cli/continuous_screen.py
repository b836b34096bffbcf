"""`dynmech audit` for transfers that are right up to ε: how large ε is, where it comes from, what lies earn."""

from typing import Any

from rich.console import Console
from rich.text import Text

from dynmech.experiments.audits.continuous import Miss
from dynmech.experiments.cli.console import plain_table
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity


def sentence(mechanism: ContingentDensity, found: Miss) -> str:
    """What is kept, and up to what."""
    name = f"{mechanism.name} on {mechanism.environment.name}"
    if not holds(found):
        return f"{name} fails: a deviation gains {found.gain:.4g}, more than the limit {found.limit:.4g}."
    return (
        f"{name} holds up to ε: transfers miss their target by at most {found.epsilon_everywhere:.4g}, so that no "
        f"deviation gains more than {found.limit_everywhere:.4g}; on a grid of {found.nodes} signals the best one "
        f"gains {max(found.gain, 0.0):.4g} (± {found.bound:.1g}), the others' signals known."
    )


def holds(found: Miss) -> bool:
    """Whether gains keep to their limit."""
    return found.gain <= found.limit + found.bound


def miss_data(mechanism: ContingentDensity, found: Miss) -> dict[str, Any]:
    """One JSON object."""
    return {
        "schema": 1,
        "environment": mechanism.environment.name,
        "mechanism": mechanism.name,
        "agents": list(mechanism.environment.agents),
        "sentence": sentence(mechanism, found),
        "approximate": found.data(),
    }


def show_miss(mechanism: ContingentDensity, found: Miss, console: Console) -> None:
    """The sentence, then ε in its parts, then gains beside their limits."""
    console.print(Text(sentence(mechanism, found), style="bold"))
    console.print()
    table = plain_table()
    table.add_column("figure", overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    for label, value in _rows(found):
        table.add_row(label, f"{value:.4g}" if abs(value) > 1e-12 else "0")
    console.print(table)
    console.print()
    note = (
        f"Gains are exact on a grid of {found.nodes} signals and reports per agent, none of them the mechanism's own; "
        f"the miss there is the sum of its parts at most. Everywhere: at {found.points} even points per agent, 0 and 1 "
        "included, by the true densities."
    )
    console.print(Text(note, style="dim"))


def _rows(found: Miss) -> list[tuple[str, float]]:
    return [
        ("largest transfer", found.size),
        ("ε everywhere", found.epsilon_everywhere),
        ("ε on the grid", found.epsilon),
        ("  approximation, at the mechanism's own nodes", found.approximation),
        ("  interpolation between them adds", found.reports),
        ("  quadrature adds", found.quadrature),
        ("what decisions fall short of the best", found.decisions),
        ("one lie gains", max(found.gain_one_shot, 0.0)),
        ("any deviation gains", max(found.gain, 0.0)),
        ("what it may gain by the grid's ε: at most 2ε/(1 − δ)", found.limit),
        ("what it may gain by ε everywhere", found.limit_everywhere),
    ]
