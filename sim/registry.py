"""Names: every module of a package that defines a concrete, named class offers it under that name.

Nothing is listed by hand; a new mechanism, strategy or scenario is a module, and everything that shows names follows.
"""

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from sim.errors import InputError

T = TypeVar("T")


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
        """Take in a plug-in module's classes; a name that is taken is refused. Returns how many there were."""
        count = 0
        for name, cls in self.classes(module):
            if name in self.all() and self.all()[name].__module__ != cls.__module__:
                raise InputError(f"{where}: {self.kind} {name!r} is there already; choose another name")
            self._added[name] = cls
            count += 1
        return count


def load_plugin(path: Path) -> ModuleType:
    """Import a user's file under a name of its own.

    Raises:
        InputError: the file is missing or raises while it is imported; one line.
    """
    if not path.is_file():
        raise InputError(f"plug-in {path}: no such file")
    name = f"dynmech_plugin_{blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"plug-in {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"plug-in {path}: {text}") from error
    return module
