"""Short hashes of users' code and files: a run is resumed only with the same ones."""

import inspect
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from dynmech.experiments.catalog.names import is_shipped


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


def file_hash(path: Path) -> str:
    """16 hexadecimal digits over a file's bytes."""
    return sha256(path.read_bytes()).hexdigest()[:16]
