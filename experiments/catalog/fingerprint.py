"""Short hashes of users' code and files: a run is resumed only with the same ones."""

import inspect
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.names import SCENARIOS, is_shipped, names_file
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.plugin_files import imported_files
from dynmech.sim.core.registry import PLUGIN


def code_hashes(things: Iterable[object]) -> dict[str, str]:
    """Hashes of the source of users' own classes, by name: the same name with other code is another run."""
    out = {}
    for thing in things:
        cls = thing if inspect.isclass(thing) else type(thing)
        if is_shipped(cls):
            continue
        try:
            source = getattr(sys.modules.get(cls.__module__), "__digest__", None) or inspect.getsource(cls)
        except (OSError, TypeError):  # typed at a prompt: nothing to read
            source = ""
        out[str(getattr(cls, "name", cls.__name__))] = sha256(source.encode()).hexdigest()[:16]
    return out


def mechanism_files(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return hashes of the mechanism files among some mechanisms, as a part of a run's configuration; else nothing."""
    hashes = {text: file_hash(Path(text)) for text in texts if names_file(text)}
    return {"mechanism_files": hashes} if hashes else {}


def profile_files(strategies: Iterable[Strategy]) -> dict[str, dict[str, str]]:
    """Return hashes of the profile files that strategies play, as a part of a run's configuration; else nothing."""
    parts = [part for one in strategies for part in one.components() if is_shipped(part)]
    files = {str(getattr(part, "file", "")) for part in parts} - {""}
    for file in sorted(files):
        if not Path(file).is_file():
            raise InputError(f"{file}: cannot be read: no such profile file")
    return {"profile_files": {file: file_hash(Path(file)) for file in sorted(files)}} if files else {}


def file_hash(path: Path) -> str:
    """16 hexadecimal digits over a file's bytes."""
    return sha256(path.read_bytes()).hexdigest()[:16]


def plugin_hash(path: Path) -> str:
    """16 hexadecimal digits over a plug-in's bytes, and over those of the files that it imports from beside it."""
    first, *others = [file_hash(file) for file in imported_files(path)]
    return sha256("".join([first, *others]).encode()).hexdigest()[:16] if others else first


def scenario_classes(text: str) -> list[type]:
    """Return the class of a scenario that is given by name; none of a file, or of what was given as an object."""
    name = text.partition(":")[0]
    return [SCENARIOS.get(name)] if name in SCENARIOS.names() and not names_file(text) else []


def with_plugin_files(given: Iterable[Path], things: Iterable[object]) -> tuple[Path, ...]:
    """Return the plug-in files that are given, and those that users' classes were taken in from before."""
    files = {path.resolve(): path for path in given}
    for thing in things:
        module = (thing if inspect.isclass(thing) else type(thing)).__module__
        file = getattr(sys.modules.get(module), "__file__", None) if module.startswith(PLUGIN) else None
        if file is not None and Path(file).is_file():
            files.setdefault(Path(file).resolve(), Path(file))
    return tuple(files.values())
