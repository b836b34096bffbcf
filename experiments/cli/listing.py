"""`dynmech list`: what there is, shipped, from plug-in files and from installed packages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_from
from dynmech.experiments.cli.shared import hand_out
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.sim.core.registry import Registry

UNAVAILABLE = "unavailable"
"""The source of what a package offers but cannot be used."""

KINDS = ("scenarios", "mechanisms", "strategies")


def list_command(
    kind: Annotated[
        str,
        typer.Argument(
            help="scenarios, mechanisms, strategies, or all of them.",
            autocompletion=complete_from("scenarios", "mechanisms", "strategies", "all"),
        ),
    ] = "all",
    plugin: Annotated[list[Path], typer.Option("--plugin", metavar="FILE", help="A Python file to take in.")] = [],  # noqa: B006
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """What there is, a line each, with its options and its source."""
    if kind not in (*KINDS, "all"):
        raise InputError(f"list: {kind!r} is none of {', '.join(KINDS)}{near_name(kind, KINDS)}")
    listed = _listed_apart(kind, plugin) if plugin else _listed(kind)
    hand_out(as_json, lambda: listed, lambda console: _show(listed, console), quiet=quiet, brief=lambda: _names(listed))


def _listed(kind: str) -> dict[str, list[dict[str, Any]]]:
    """What there is of a kind, or of all."""
    from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES

    registries: list[Registry[Any]] = [SCENARIOS, MECHANISMS, STRATEGIES]
    return {name: rows(registry) for name, registry in zip(KINDS, registries, strict=True) if kind in (name, "all")}


def _listed_apart(kind: str, plugins: list[Path]) -> dict[str, list[dict[str, Any]]]:
    """The same with plug-ins, whose classes stay in a child process."""
    from dynmech.experiments.workers.plugin_opening import beside_plugins

    listed: dict[str, list[dict[str, Any]]] = beside_plugins(plugins, lambda: _listed(kind))
    return listed


def _names(listed: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The names that can be used."""
    return [row["name"] for rows in listed.values() for row in rows if row["source"] != UNAVAILABLE]


def _show(listed: dict[str, list[dict[str, Any]]], console: Console) -> None:
    from dynmech.experiments.cli.console import show_meanings, show_names

    for kind, named in listed.items():
        lines = [(row["name"], row["about"], row["options"], row["source"]) for row in named]
        show_names(kind, lines, console)
    if "strategies" in listed:
        show_meanings(meanings(), console)


def meanings() -> dict[str, str]:
    """What the options of strategies may be."""
    from dynmech.agents.strategies import history_conditions, maps

    return {
        "map, lie, exploit, action": maps.MEANING,
        "when": f"{history_conditions.MEANING}; of quitting, the period from which on",
        "period": "a number, from 0: when to lie; the exploit of a belief-manipulation follows in the next one",
        "messages": "of scripted: a label or number for each period, joined by /; * is the prescribed message",
    }


def rows(registry: Registry[Any]) -> list[dict[str, Any]]:
    """Everything of one kind; what a package offers but cannot be used comes last, with the reason."""
    from dynmech.experiments.catalog.names import STRATEGIES

    named: dict[str, type[Any]] = dict(registry.all())
    if registry is STRATEGIES:  # made for a game, so that they are no families of candidates
        from dynmech.agents.oracle.best_response import NAME, BestResponse
        from dynmech.experiments.catalog.names import PROFILE
        from dynmech.experiments.catalog.profile_play import ProfilePlay

        named |= {NAME: BestResponse, PROFILE: ProfilePlay}
    usable = [
        {"name": name, "source": _source(cls, registry), "options": _options(cls), "about": _about(cls)}
        for name, cls in sorted(named.items())
    ]
    broken = [
        {"name": name, "source": UNAVAILABLE, "options": [], "about": reason}
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
    from dynmech.experiments.catalog.options import options_of, shown

    return [name if p.default is p.empty else f"{name}={shown(p.default)}" for name, p in options_of(cls).items()]
