"""Modules that a child had to import: the process that forks imports them before it forks again.

A worker begins with little, and each of its children would else import the same modules anew, which takes longer than
most pieces of work.
"""

import importlib
import re
import sys
from contextlib import suppress

WARM = re.compile(r"(dynmech|numpy|scipy|pandas|pyarrow|pydantic)(\.(?!__)[A-Za-z_]\w*)*")
"""Names of our modules and of libraries that they import; no other name that a child may send is imported, and nothing
that is a program (`__main__`)."""

_noted: dict[str, None] = {}
"""What children had to import."""


def warm_modules() -> list[str]:
    """Return the names of such modules that are loaded."""
    return [name for name in list(sys.modules) if WARM.fullmatch(name)]


def imported_since(before: list[str]) -> tuple[str, ...]:
    """Return what has been imported since `warm_modules` was asked for."""
    known = set(before)
    return tuple(name for name in warm_modules() if name not in known)


def note_imports(names: object) -> None:
    """Keep names that a child has sent; users' code may have had a hand in them."""
    if isinstance(names, tuple):
        _noted.update(dict.fromkeys(name for name in names if isinstance(name, str) and WARM.fullmatch(name)))


def import_noted() -> None:
    """Import what children had to import, once; what cannot be imported is left to them."""
    names = list(_noted)
    _noted.clear()
    for name in names:
        if name not in sys.modules:
            with suppress(Exception, SystemExit):
                importlib.import_module(name)
