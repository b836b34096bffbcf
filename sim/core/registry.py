"""Names: every module of a package that defines a concrete, named class offers it under that name.

Nothing is listed by hand; a new mechanism, strategy or scenario is a module, and everything that shows names follows.
Users add their own: a file (a plug-in), or an installed package (`dynmech.sim.core.entry_points`), imported when it is
asked for.
"""

import importlib
import inspect
import pkgutil
import re
import sys
import traceback
from collections.abc import Collection, Iterator
from contextlib import redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from dynmech.sim.core.checks import escaped, shown
from dynmech.sim.core.entry_points import Offer, offers
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.source_index import modules_by_name

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*")
"""What a class may be called on the command line."""

FEW = 10
"""Known names that a message lists."""


class Registry(Generic[T]):
    """The named classes of one kind.

    Args:
        kind: what they are called in messages ("mechanism").
        base: the class they derive from.
        package: the package whose modules are searched. Which of them has a name is read from their text; the others
            are imported only when all classes are asked for, or for a name that no text has.
        group: the entry points by which installed packages offer more; empty: none.
    """

    def __init__(self, kind: str, base: type[T], package: str, group: str = "") -> None:
        self.kind, self.base, self.package, self.group = kind, base, package, group
        self._found: dict[str, type[T]] | None = None
        self._opened: dict[str, type[T] | None] = {}
        self._added: dict[str, type[T]] = {}
        self._offers: dict[str, list[Offer]] | None = None
        self._imported: dict[str, type[T] | str] = {}

    def all(self) -> dict[str, type[T]]:
        """Return every usable class by name, in the order of names; this imports the packages that offer some."""
        outcomes = {name: self._installed(name) for name in self._offered()}
        usable = {name: cls for name, cls in outcomes.items() if not isinstance(cls, str)}
        return dict(sorted({**usable, **self._here()}.items()))

    def unavailable(self) -> dict[str, str]:
        """Return the unusable names that packages offer, each with the reason; this imports the packages."""
        outcomes = {name: self._installed(name) for name in self._offered()}
        return {name: reason for name, reason in sorted(outcomes.items()) if isinstance(reason, str)}

    def names(self) -> list[str]:
        """Return every name that can be asked for, if possible from the text of modules, without importing them."""
        return sorted({*self._shipped_names(), *self._added, *self._offered()})

    def get(self, name: str) -> type[T]:
        """Return the class called `name`.

        Raises:
            InputError: unknown name (the closest known ones are offered), or a package's class that cannot be used.
        """
        cls = self._added.get(name) or self._open(name)
        if cls is None and name not in self._offered():
            cls = self._shipped().get(name)
        if cls is not None:
            return cls
        if name not in self._offered():
            close = get_close_matches(name, self.names(), n=1)
            hint = f"did you mean {close[0]!r}?" if close else self._without_near_name()
            raise InputError(f"unknown {self.kind} {shown(name)}; {hint}")
        outcome = self._installed(name)
        if isinstance(outcome, str):
            raise InputError(outcome)
        return outcome

    def package_of(self, cls: type) -> str:
        """Return the installed package that offers a class, with its version; empty for all others."""
        return next((self._offered()[name][0].package for name, found in self._imported.items() if found is cls), "")

    def _without_near_name(self) -> str:
        """Return what to do about a name that is like none: look at what there is, or give the file it stands in."""
        names = self.names()
        if not self.group:
            return f"known: {', '.join(names)}"
        few = ", ".join(names[:FEW]) + (f", … (all {len(names)}: dynmech list)" if len(names) > FEW else "")
        return f"known: {few}; of your own? give --plugin FILE (in a study: plugins)"

    def _here(self) -> dict[str, type[T]]:
        """Return shipped classes and those of plug-in files, by name."""
        return {**self._shipped(), **self._added}

    def _shipped(self) -> dict[str, type[T]]:
        if self._found is None:
            modules = [importlib.import_module(name) for name in modules_below(self.package)]
            self._found = {name: cls for module in modules for name, cls in self.classes(module)}
        return self._found

    def _shipped_names(self) -> Collection[str]:
        """Return the names of shipped classes, if possible from the text of modules, without importing them."""
        index = None if self._found is not None else modules_by_name(self.package)
        return self._shipped() if index is None else index

    def _open(self, name: str) -> type[T] | None:
        """Return the shipped class called `name`; only modules whose text has that name are imported."""
        index = None if self._found is not None else modules_by_name(self.package)
        if index is None:
            return self._shipped().get(name)
        if name not in self._opened:
            modules = [importlib.import_module(module) for module in index.get(name, ())]
            self._opened[name] = dict(pair for module in modules for pair in self.classes(module)).get(name)
        return self._opened[name]

    # Installed packages

    def _offered(self) -> dict[str, list[Offer]]:
        """Return what packages offer, by name; their metadata are read once."""
        if self._offers is None:
            found: dict[str, list[Offer]] = {}
            for offer in offers(self.group) if self.group else ():
                found.setdefault(offer.name, []).append(offer)
            self._offers = found
        return self._offers

    def _installed(self, name: str) -> type[T] | str:
        """Return the class that a package offers under a name, imported when first asked for, or why it is unusable."""
        if name not in self._imported:
            self._imported[name] = self._clash(name) or self._import(self._offered()[name][0])
        return self._imported[name]

    def _clash(self, name: str) -> str:
        """Return in words who else has a name that a package offers; empty if nobody has."""
        first, *others = self._offered()[name]
        shipped = self._open(name)
        if shipped is not None:
            return f"{self.kind} {name!r}: {first} offers it, but {shipped.__module__} has that name; it needs another"
        if others:
            return f"{self.kind} {name!r}: both {first} and {others[0]} offer it; one of them must go"
        return ""

    def _import(self, offer: Offer) -> type[T] | str:
        who = f"{self.kind} {offer.name!r} of {offer}"
        if offer.entry is None:
            return f"{who}: {offer.problem}"
        if not NAME.fullmatch(offer.name):
            return f"{who}: a name is letters and digits with - . _ between"
        if not offer.module:
            return f"{who}: the entry point is not of the form module:Class"
        own = offer.module.partition(".")[0]
        USERS.add(offer.module if own == SHIPPED else own)
        try:
            with redirect_stdout(sys.stderr):
                found = offer.load()
            problem = self._misfit(found, offer.name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return f"{who}: {format_exception(error)}"
        return f"{who}: {problem}" if problem else found

    def _misfit(self, found: object, name: str) -> str:
        """Return why an imported object cannot be used under a name; empty if it can."""
        base = f"{self.base.__module__}.{self.base.__name__}"
        if not inspect.isclass(found):
            return f"it is of type {type(found).__name__}, expected a class derived from {base}"
        if not issubclass(found, self.base):
            return f"class {found.__name__} does not derive from {base}"
        if inspect.isabstract(found):
            return f"class {found.__name__} lacks {', '.join(sorted(vars(found)['__abstractmethods__']))}"
        if getattr(found, "name", None) != name:
            return (
                f"class {found.__name__} is called {getattr(found, 'name', None)!r}; its name must be the entry point's"
            )
        return ""

    # Modules

    def classes(self, module: ModuleType) -> Iterator[tuple[str, type[T]]]:
        """Yield the concrete classes defined in `module` that have a name of their own."""
        for cls in vars(module).values():
            if (
                inspect.isclass(cls)
                and issubclass(cls, self.base)
                and cls.__module__ == module.__name__
                and not inspect.isabstract(cls)
                and isinstance(cls.__dict__.get("name"), str)
            ):
                yield cls.__dict__["name"], cls

    def add(self, module: ModuleType, where: str) -> int:
        """Take in a plug-in module's classes, in place of those it offered before. Returns how many there are.

        Raises:
            InputError: a name that is taken, given twice, or that cannot be typed as one word.
        """
        added = {name: cls for name, cls in self._added.items() if cls.__module__ != module.__name__}
        new: dict[str, type[T]] = {}
        for name, cls in self.classes(module):
            if name in added or self._open(name) is not None:
                raise InputError(f"{where}: {self.kind} {name!r} is there already; choose another name")
            if name in self._offered():
                offer = self._offered()[name][0]
                raise InputError(f"{where}: {self.kind} {name!r} is there already, from {offer}; choose another name")
            if new.get(name, cls) is not cls:
                raise InputError(f"{where}: two classes are called {self.kind} {name!r}; names must differ")
            if not NAME.fullmatch(name):
                raise InputError(f"{where}: {self.kind} {name!r}: a name is letters and digits with - . _ between")
            new[name] = cls
        self._added = added | new
        return len(new)

    def has_taken_in(self, module: str) -> bool:
        """Whether a plug-in's module offers classes here."""
        return any(cls.__module__ == module for cls in self._added.values())

    def unfinished(self, module: ModuleType) -> list[str]:
        """Return in words the named classes of `module` that miss methods."""
        return [
            f"{self.kind} {cls.__dict__['name']!r} lacks {', '.join(sorted(vars(cls)['__abstractmethods__']))}"
            for cls in vars(module).values()
            if inspect.isclass(cls)
            and issubclass(cls, self.base)
            and cls.__module__ == module.__name__
            and inspect.isabstract(cls)
            and isinstance(cls.__dict__.get("name"), str)
        ]


def modules_below(package: str) -> list[str]:
    """Return the dotted names of all modules of a package and of the packages inside it, in a fixed order."""
    path = importlib.import_module(package).__path__
    return sorted(info.name for info in pkgutil.walk_packages(path, f"{package}.") if not info.ispkg)


PLUGIN = "dynmech_plugin_"
"""How the modules of plug-in files are called."""

SHIPPED = "dynmech"
"""Our package."""

LONGEST = 400
"""Characters of an error's own text that are shown."""

USERS: set[str] = set()
"""Modules and packages from which entry points were loaded."""


def place(error: BaseException) -> str:
    """Return where in users' code, or in the running script, an error arose (` (mine.py, line 3)`), else nothing."""
    at = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module, file = str(frame.f_globals.get("__name__")), Path(frame.f_code.co_filename)
        if module.startswith(PLUGIN) or module == "__main__":
            at = f" ({file.name}, line {line})"
        elif any(module == user or module.startswith(f"{user}.") for user in USERS):
            depth = module.count(".") + (2 if file.name == "__init__.py" else 1)
            at = f" ({'/'.join(file.parts[-depth:])}, line {line})"
    return at


def format_exception(error: BaseException) -> str:
    """Return an error as one line with the place in users' code, even if its own text cannot be made.

    >>> format_exception(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as second:  # its own __str__ fails
        text = f"(no text: its __str__ raised {type(second).__name__})"
    text = escaped(f"{type(error).__name__}: {text}")
    return f"{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}{place(error)}"
