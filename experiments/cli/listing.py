"""`dynmech list`: what there is, shipped, from plug-in files and from installed packages."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dynmech.agents.strategies import history_conditions as conditions, maps
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.catalog.options import options_of, shown
from dynmech.experiments.cli import console as screen
from dynmech.experiments.runs.loading import open_plugins
from dynmech.experiments.runs.to_json import print_json
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.registry import Registry

MEANINGS = {
    "map, lie, exploit, action": maps.MEANING,
    "when": f"{conditions.MEANING}; of quitting, the period from which on",
    "period": "a number, from 0: when to lie; the exploit of a belief-manipulation follows in the next one",
    "messages": "of scripted: a label or number for each period, joined by /; * is the prescribed message",
}
"""What the options of strategies may be."""

REGISTRIES: dict[str, Registry[Any]] = {"scenarios": SCENARIOS, "mechanisms": MECHANISMS, "strategies": STRATEGIES}


def list_command(
    kind: Annotated[str, typer.Argument(help="scenarios, mechanisms, strategies, or all of them.")] = "all",
    plugin: Annotated[list[Path], typer.Option("--plugin", metavar="FILE", help="A Python file to take in.")] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """What there is, a line each, with its options and its source."""
    open_plugins(plugin, Workers())
    if kind not in (*REGISTRIES, "all"):
        raise InputError(f"list: {kind!r} is none of {', '.join(REGISTRIES)}")
    found = {name: rows(registry) for name, registry in REGISTRIES.items() if kind in (name, "all")}
    if as_json:
        print_json(found)
        return
    console = screen.make_console()
    for name, listed in found.items():
        lines = [(row["name"], row["about"], row["options"], row["source"]) for row in listed]
        screen.show_names(name, lines, console)
    if "strategies" in found:
        screen.show_meanings(MEANINGS, console)


def rows(registry: Registry[Any]) -> list[dict[str, Any]]:
    """Everything of one kind; what a package offers but cannot be used comes last, with the reason."""
    usable = [
        {"name": name, "source": _source(cls, registry), "options": _options(cls), "about": _about(cls)}
        for name, cls in registry.all().items()
    ]
    broken = [
        {"name": name, "source": "unavailable", "options": [], "about": reason}
        for name, reason in registry.unavailable().items()
    ]
    return usable + broken


def _about(cls: type) -> str:
    return getattr(cls, "summary", None) or (cls.__doc__ or "").strip().split("\n")[0].rstrip(".")


def _source(cls: type, registry: Registry[Any]) -> str:
    """Where it comes from; a user's own class that does not say: its package or file."""
    stated: str = getattr(cls, "source", "") or registry.package_of(cls)
    return stated or Path(getattr(sys.modules[cls.__module__], "__file__", "")).name


def _options(cls: type) -> list[str]:
    return [name if p.default is p.empty else f"{name}={shown(p.default)}" for name, p in options_of(cls).items()]
