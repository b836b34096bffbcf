"""What installed packages offer: entry points of the groups `dynmech.strategies`, `.mechanisms` and `.scenarios`.

A package says in its `pyproject.toml` what it offers, and under which name:

    [project.entry-points."dynmech.strategies"]
    shade = "shady.strategies:Shade"

Only metadata are read here; a package is imported when one of its names is asked for.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, distributions
from typing import Any


@dataclass(frozen=True)
class Offer:
    """One name that an installed package offers.

    Attributes:
        name: how it is to be called.
        package: whose it is, with its version.
        entry: where it lies; None where the metadata cannot be understood.
        problem: why not, in that case.
    """

    name: str
    package: str
    entry: EntryPoint | None
    problem: str = ""

    @property
    def target(self) -> str:
        """`shady.strategies:Shade`."""
        return self.entry.value if self.entry else ""

    @property
    def module(self) -> str:
        """The module that it is imported from; empty where the entry point is not of the form `module:Class`."""
        match = self.entry.pattern.match(self.entry.value) if self.entry else None
        return str(match["module"]) if match and match["attr"] else ""

    def load(self) -> Any:
        """Import what it points at; whatever the package raises is raised."""
        assert self.entry is not None, "only metadata that were understood are loaded"
        return self.entry.load()

    def __str__(self) -> str:
        return f"package {self.package!r} ({self.target})" if self.entry else f"package {self.package!r}"


def offers(group: str) -> Iterator[Offer]:
    """Yield what the packages on the path offer in one group; of two copies of a package the first counts."""
    for package in distributions():
        text = _declared(package)
        if group in text and not _hidden(package, text):
            yield from _offers_of(package, group)


def _offers_of(package: Distribution, group: str) -> Iterator[Offer]:
    name = _title(package)
    try:
        entries = list(package.entry_points.select(group=group))
    except Exception as error:  # whatever the parser makes of somebody's file
        yield Offer(name, name, None, f"its entry_points.txt cannot be understood ({type(error).__name__})")
        return
    yield from (Offer(entry.name, name, entry) for entry in entries)


def _declared(package: Distribution) -> str:
    """Return the text of `entry_points.txt`; empty if it cannot be read."""
    with suppress(Exception):
        return package.read_text("entry_points.txt") or ""
    return ""


def _hidden(package: Distribution, text: str) -> bool:
    """Return whether another copy of the same package comes before it on the path."""
    name = _field(package, "Name")
    try:
        return bool(name) and _declared(distribution(name)) != text
    except PackageNotFoundError:
        return False


def _title(package: Distribution) -> str:
    """Name and version, as far as the package says."""
    return " ".join(f"{_field(package, 'Name') or 'without a name'} {_field(package, 'Version')}".split())


def _field(package: Distribution, key: str) -> str:
    """Return a field of a package's metadata; empty where there is none."""
    with suppress(TypeError, AttributeError, FileNotFoundError):  # there are no metadata at all
        return str((package.metadata.get_all(key) or [""])[0])
    return ""
