"""`dynmech audit` for transfers that are right up to ε: how large ε is, where it comes from, what lies earn."""

from typing import Any

from rich.console import Console
from rich.text import Text

from dynmech.experiments.audits.continuous import Miss
from dynmech.experiments.cli.console import plain_table
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity


def sentence(mechanism: ContingentDensity, miss: Miss) -> str:
    """What is kept, and up to what."""
    name = f"{mechanism.name} on {mechanism.environment.name}"
    if not holds(miss):
        return f"{name} breaks: a deviation gains {miss.gain:.4g}, more than the limit {miss.limit:.4g}."
    return (
        f"{name}: truth is not promised to be best, only up to ε: transfers miss their target by at most "
        f"{miss.epsilon_everywhere:.4g}, so that no "
        f"deviation gains more than {miss.limit_everywhere:.4g}; on a grid of {miss.nodes} signals the best one "
        f"gains {max(miss.gain, 0.0):.4g} (± {miss.bound:.1g}), the others' signals known."
    )


def holds(miss: Miss) -> bool:
    """Whether gains keep to their limit."""
    return miss.gain <= miss.limit + miss.bound


def miss_data(mechanism: ContingentDensity, miss: Miss) -> dict[str, Any]:
    """One JSON object."""
    return {
        "schema": 1,
        "environment": mechanism.environment.name,
        "mechanism": mechanism.name,
        "agents": list(mechanism.environment.agents),
        "sentence": sentence(mechanism, miss),
        "approximate": miss.data(),
    }


def show_miss(mechanism: ContingentDensity, miss: Miss, console: Console) -> None:
    """The sentence, then ε in its parts, then gains beside their limits."""
    console.print(Text(sentence(mechanism, miss), style="bold"))
    console.print()
    table = plain_table()
    table.add_column("figure", overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    for label, value in _rows(miss):
        table.add_row(label, f"{value:.4g}" if abs(value) > 1e-12 else "0")
    console.print(table)
    console.print()
    note = (
        f"Gains are exact on a grid of {miss.nodes} signals and reports per agent, none of them the mechanism's own; "
        f"the miss there is the sum of its parts at most. Everywhere: at {miss.points} even points per agent, 0 and 1 "
        "included, by the true densities."
    )
    console.print(Text(note, style="dim"))


def _rows(miss: Miss) -> list[tuple[str, float]]:
    return [
        ("largest transfer", miss.size),
        ("ε everywhere", miss.epsilon_everywhere),
        ("ε on the grid", miss.epsilon),
        ("  approximation, at the mechanism's own nodes", miss.approximation),
        ("  interpolation between them adds", miss.reports),
        ("  quadrature adds", miss.quadrature),
        ("what decisions fall short of the best", miss.decisions),
        ("one lie gains", max(miss.gain_one_shot, 0.0)),
        ("any deviation gains", max(miss.gain, 0.0)),
        ("what it may gain by the grid's ε: at most 2ε/(1 − δ)", miss.limit),
        ("what it may gain by ε everywhere", miss.limit_everywhere),
    ]
