"""Names: every module of a package that defines a concrete, named class offers it under that name.

Nothing is listed by hand; a new mechanism, strategy or scenario is a module, and everything that shows names follows.
"""

import importlib
import inspect
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from sim.errors import InputError

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*")
"""What a class may be called on the command line."""


class Registry(Generic[T]):
    """The named classes of one kind.

    Args:
        kind: what they are called in messages ("mechanism").
        base: the class they derive from.
        package: the package whose modules are searched, once, when first asked.
    """

    def __init__(self, kind: str, base: type[T], package: str) -> None:
        self.kind, self.base, self.package = kind, base, package
        self._found: dict[str, type[T]] | None = None
        self._added: dict[str, type[T]] = {}

    def all(self) -> dict[str, type[T]]:
        """Every class by name, in the order of names."""
        if self._found is None:
            package = importlib.import_module(self.package)
            modules = [
                importlib.import_module(f"{self.package}.{m.name}") for m in pkgutil.iter_modules(package.__path__)
            ]
            self._found = {name: cls for module in modules for name, cls in self.classes(module)}
        return dict(sorted({**self._found, **self._added}.items()))

    def classes(self, module: ModuleType) -> Iterator[tuple[str, type[T]]]:
        """Concrete classes defined in `module` that have a name of their own."""
        for cls in vars(module).values():
            if (
                inspect.isclass(cls)
                and issubclass(cls, self.base)
                and cls.__module__ == module.__name__
                and not inspect.isabstract(cls)
                and isinstance(cls.__dict__.get("name"), str)
            ):
                yield cls.__dict__["name"], cls

    def get(self, name: str) -> type[T]:
        """The class called `name`.

        Raises:
            InputError: unknown name; the closest known ones are offered.
        """
        known = self.all()
        if name in known:
            return known[name]
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        raise InputError(f"unknown {self.kind} {name!r}; {hint}")

    def add(self, module: ModuleType, where: str) -> int:
        """Take in a plug-in module's classes, in place of those it offered before. Returns how many there are.

        Raises:
            InputError: a name that is taken, given twice, or that cannot be typed as one word.
        """
        known = {name: cls for name, cls in self.all().items() if cls.__module__ != module.__name__}
        new: dict[str, type[T]] = {}
        for name, cls in self.classes(module):
            if name in known:
                raise InputError(f"{where}: {self.kind} {name!r} is there already; choose another name")
            if new.get(name, cls) is not cls:
                raise InputError(f"{where}: two classes are called {self.kind} {name!r}; names must differ")
            if not NAME.fullmatch(name):
                raise InputError(f"{where}: {self.kind} {name!r}: a name is letters and digits with - . _ between")
            new[name] = cls
        self._added = {name: cls for name, cls in self._added.items() if cls.__module__ != module.__name__} | new
        return len(new)

    def unfinished(self, module: ModuleType) -> list[str]:
        """Named classes of `module` that cannot be used because methods are missing, in words."""
        return [
            f"{self.kind} {cls.__dict__['name']!r} lacks {', '.join(sorted(vars(cls)['__abstractmethods__']))}"
            for cls in vars(module).values()
            if inspect.isclass(cls)
            and issubclass(cls, self.base)
            and cls.__module__ == module.__name__
            and inspect.isabstract(cls)
            and isinstance(cls.__dict__.get("name"), str)
        ]


PLUGIN = "dynmech_plugin_"


def place(error: BaseException) -> str:
    """Where in a plug-in (or in the script that is running) an error arose: ` (mine.py, line 3)`, else nothing."""
    at = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__"))
        if module.startswith(PLUGIN) or module == "__main__":
            at = f" ({Path(frame.f_code.co_filename).name}, line {line})"
    return at


def load_plugin(path: Path) -> ModuleType:
    """Import a user's file under a name of its own; again if it has changed since.

    Raises:
        InputError: the file is missing or raises while it is imported; one line.
    """
    if not path.is_file():
        raise InputError(f"plug-in {path}: no such file")
    try:
        digest = blake2b(path.read_bytes(), digest_size=8).hexdigest()
    except OSError as error:
        raise InputError(f"plug-in {path}: cannot be read: {error.strerror}") from None
    name = f"{PLUGIN}{blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()}"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__dict__.get("__digest__") == digest:
        return loaded
    if path.suffix != ".py":
        raise InputError(f"plug-in {path}: not a Python file, its name should end in .py")
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__dict__["__digest__"] = digest
    sys.modules[name] = module
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"plug-in {path}: {text}{place(error)}") from error
    return module
