"""Completion of names on the command line: from the text of modules and packages' metadata, so nothing is imported."""

from collections.abc import Callable, Iterable

from dynmech.sim.core.source_index import modules_by_name

MADE = ("best-response", "profile")
"""The strategies that are made for a game and stand in no registry; their modules would load numerical libraries."""


def complete_scenario(incomplete: str) -> list[str]:
    """Return the names of scenarios that begin so."""
    return _beginning(incomplete, "dynmech.experiments.scenarios", "dynmech.scenarios")


def complete_mechanism(incomplete: str) -> list[str]:
    """Return the names of mechanisms that begin so."""
    return _beginning(incomplete, "dynmech.mechanisms", "dynmech.mechanisms")


def complete_strategy(incomplete: str) -> list[str]:
    """Return `AGENT=NAME` for the names of strategies that begin so; nothing before the equals sign."""
    agent, equals, start = incomplete.partition("=")
    names = _beginning(start, "dynmech.agents", "dynmech.strategies") if equals else []
    if equals:
        names = sorted([*names, *(name for name in MADE if name.startswith(start))])
    return [f"{agent}={name}" for name in names]


def complete_from(*words: str) -> Callable[[str], list[str]]:
    """Return a completion that offers those of some words that begin so."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def _beginning(start: str, package: str, group: str) -> list[str]:
    """What is shipped in a package or offered by installed ones, in order."""
    from dynmech.sim.core.entry_points import offers

    shipped: Iterable[str] = modules_by_name(package) or ()
    return sorted(name for name in {*shipped, *(offer.name for offer in offers(group))} if name.startswith(start))
