"""Data for other processes: pickled once, and opened where the plug-in files are the same."""

import hashlib
import io
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

from dynmech.experiments.catalog.names import in_use, take_in_plugins
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError, StorageError
from dynmech.sim.core.plugin_files import load_plugin
from dynmech.sim.core.registry import PLUGIN
from dynmech.sim.core.whole_files import replacing
from dynmech.sim.play.output_validation import one_line


@dataclass(frozen=True)
class Parcel:
    """Data for workers, pickled once; large data lie in the file `path` and are not sent with every call.

    The plug-in files whose classes it holds are imported before it is unpickled; those `in_use` are taken in for their
    names, too.
    """

    payload: bytes = b""
    path: Path | None = None
    digest: str = ""
    plugins: tuple[tuple[str, str], ...] = ()
    in_use: tuple[str, ...] = ()

    @classmethod
    def of(cls, thing: Any) -> "Parcel":
        """Pickle a thing.

        Raises:
            PlayError: something in it cannot be pickled.
        """
        file = io.BytesIO()
        try:
            _Pickler(file).dump(thing)
        except Exception as error:
            raise PlayError(f"cannot be sent to another process: {one_line(error)}") from error
        payload = file.getvalue()
        modules = dict(plugins_in(payload))
        used = tuple(path for name, (path, _) in modules.items() if in_use(name))
        return cls(payload=payload, plugins=tuple(modules.values()), in_use=used)

    def kept(self, path: Path) -> "Parcel":
        """Write the payload to a file and return a parcel that refers to it."""
        digest = hashlib.sha256(self.payload).hexdigest()
        try:
            with replacing(path) as file:
                file.write(self.payload)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from None
        return replace(self, payload=b"", path=path, digest=digest)

    def open(self) -> Any:
        """Unpickle the thing.

        Raises:
            InputError: a plug-in has changed since the parcel was packed.
        """
        take_in_plugins(map(Path, self.in_use))
        for path, digest in self.plugins:
            if load_plugin(Path(path)).__dict__["__digest__"] != digest:
                raise InputError(f"plug-in {path}: changed while it was in use")
        return pickle.loads(self.payload) if self.path is None else _unpacked(self.path, self.digest)


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc] # it ships no types
    """A pickler that keeps read-only arrays read-only."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is np.ndarray and not obj.flags.writeable and not obj.dtype.hasobject:
            return _sealed, (obj.copy(order="K"),)
        return super().reducer_override(obj)


def _sealed(array: Array) -> Array:
    array.flags.writeable = False
    return array


def plugins_in(payload: bytes) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the names of plug-in modules that occur in pickled bytes, each with path and digest."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PLUGIN) and name.encode() in payload:
            yield name, (str(Path(str(module.__file__)).resolve()), str(module.__dict__["__digest__"]))


@lru_cache(maxsize=2)
def _unpacked(path: Path, digest: str) -> Any:
    payload = path.read_bytes()
    if hashlib.sha256(payload).hexdigest() != digest:
        raise InputError(f"{path}: changed while it was in use")
    return pickle.loads(payload)
