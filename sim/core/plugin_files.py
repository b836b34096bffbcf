"""Plug-in files: users' Python files, imported under names of their own; files side by side import each other.

In a plug-in, `import other` and `from other import Rule` mean the file `other.py` beside it, where there is one;
Python's own modules come before it, installed ones after it. That file is a plug-in's module too: `sys.modules` has it
under its own name only, so files of two folders may be called the same. A plug-in is the same while its own text and
that of all files that it imports in this way, directly or not, are the same.
"""

import ast
import builtins
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from dynmech.sim.core.errors import InputError
from dynmech.sim.core.moved_imports import moved_import
from dynmech.sim.core.registry import PLUGIN, format_exception

Importer = Callable[..., ModuleType]

WHERE = "; a plug-in imports installed packages and files beside it"
"""What is said where a module is not found."""


class PluginError(InputError):
    """A plug-in file cannot be imported."""


def load_plugin(path: Path) -> ModuleType:
    """Import a user's file under a name of its own; again if it, or a file that it imports, has changed since.

    Raises:
        InputError: the file is missing or raises while it is imported; one line.
    """
    digest = _digest(path)
    name = f"{PLUGIN}{blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()}"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__dict__.get("__digest__") == digest:
        return loaded
    if path.suffix != ".py":
        raise PluginError(f"plug-in {path}: not a Python file, its name should end in .py")
    module = ModuleType(name)
    module.__file__, module.__package__ = str(path), ""
    module.__dict__["__digest__"] = digest
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importing(path)}
    sys.modules[name] = module
    try:
        with redirect_stdout(sys.stderr):
            exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    except (KeyboardInterrupt, PluginError):
        sys.modules.pop(name, None)
        raise
    except BaseException as error:
        sys.modules.pop(name, None)
        hint = moved_import(path.read_text(encoding="utf-8")) if isinstance(error, ImportError) else ""
        more = WHERE if isinstance(error, ModuleNotFoundError) else ""
        raise PluginError(f"plug-in {path}: {hint or format_exception(error) + more}") from error
    return module


def imported_files(path: Path) -> list[Path]:
    """Return a plug-in's file and all files that it imports from beside it, directly or not, itself first.

    Raises:
        InputError: one of them cannot be read.
    """
    found = [path]
    for file in found:
        found += [new for new in dict.fromkeys(_neighbours(file)) if not any(new.samefile(old) for old in found)]
    return found


def _digest(path: Path) -> str:
    """Return a hash of a plug-in's text and of that of the files that it imports from beside it."""
    first, *others = [_text(file) for file in imported_files(path)]
    texts = [first, *(blake2b(text).digest() for text in others)]
    return blake2b(b"".join(texts), digest_size=8).hexdigest()


def _text(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PluginError(f"plug-in {path}: no such file")
        return path.read_bytes()
    except OSError as error:
        raise PluginError(f"plug-in {path}: cannot be read: {error.strerror}") from None


def _neighbours(path: Path) -> Iterator[Path]:
    """Yield the files beside a plug-in that its text imports; none where that is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(_text(path))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in nodes:
        names: list[tuple[str, int]] = []
        if isinstance(node, ast.Import):
            names = [(alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inside = node.module is None  # `from . import other`
            names = [(alias.name if inside else str(node.module), node.level) for alias in node.names]
        yield from filter(None, (_neighbour(path, name, level) for name, level in names))


def _neighbour(path: Path, name: str, level: int) -> Path | None:
    """Return the file that an import in a plug-in means; None where it is not one beside it."""
    file = path.parent / f"{name}.py"
    if "." in name or level > 1 or (level == 0 and name in sys.stdlib_module_names) or file.name == path.name:
        return None
    return file if file.is_file() else None


def _importing(path: Path) -> Importer:
    """Return what `import` does in a plug-in."""

    def imported(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 1 and not name:  # `from . import other`
            files = {wanted: _neighbour(path, wanted, level) for wanted in fromlist or ()}
            if files and all(files.values()):
                beside = ModuleType(f"files beside {path.name}")
                beside.__dict__.update({wanted: load_plugin(file) for wanted, file in files.items() if file})
                return beside
        file = _neighbour(path, name, level) if name else None
        return load_plugin(file) if file else builtins.__import__(name, globals, locals, fromlist or (), level)

    return imported
