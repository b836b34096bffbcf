"""Names of classes, read from the source text of a package: nothing is imported for it."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pkgutil import iter_modules
from types import MappingProxyType

NAMED = re.compile(r"^ {4}name(?:: *[\w.\[\]]+)? *= *([\"'])([^\"'\n\\{}]*)\1 *(?:#.*)?$", re.MULTILINE)
"""A class attribute `name = "…"`."""


@cache
def modules_by_name(package: str) -> MappingProxyType[str, tuple[str, ...]] | None:
    """Return by class name the modules of a package whose text gives a class that name.

    Parameters
    ----------
    package : str
        Dotted name; packages inside it are searched too.

    Returns
    -------
    mapping or None
        Names, each with the modules whose text has it, in the order of modules. None if the text of some module cannot
        be read.
    """
    spec = find_spec(package)
    index: dict[str, tuple[str, ...]] = {}
    for module, text in sorted(_sources(package, (spec and spec.submodule_search_locations) or ())):
        if text is None:
            return None
        for match in NAMED.finditer(text):
            index[match[2]] = (*index.get(match[2], ()), module)
    return MappingProxyType(index)


def _sources(package: str, folders: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Yield the modules of a package and its sub-packages with their text, None where there is none."""
    for found in iter_modules(list(folders), f"{package}."):
        spec = found.module_finder.find_spec(found.name, None)
        if found.ispkg:
            yield from _sources(found.name, (spec and spec.submodule_search_locations) or ())
        else:
            yield found.name, _text(spec and spec.loader, found.name)


def _text(loader: object, module: str) -> str | None:
    """Return the text of a module; None where its loader has none to give."""
    read = getattr(loader, "get_source", None)
    try:
        return read(module) if read else None
    except (ImportError, OSError, SyntaxError):  # not there, not readable, not in the encoding that it states
        return None
