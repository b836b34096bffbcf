"""Data for other processes: pickled once, and opened where the plug-in files are the same."""

import hashlib
import io
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

from dynmech.experiments.catalog.names import use_plugins
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError, StorageError
from dynmech.sim.core.registry import PLUGIN, load_plugin
from dynmech.sim.core.whole_files import replacing
from dynmech.sim.play.output_validation import one_line


@dataclass(frozen=True)
class Parcel:
    """Data for workers, pickled once; large data lie in the file `path` and are not sent with every call.

    The plug-in files whose classes it holds are imported before it is unpickled.
    """

    payload: bytes = b""
    path: Path | None = None
    digest: str = ""
    plugins: tuple[tuple[str, str], ...] = ()

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
        return cls(payload=payload, plugins=tuple(plugins_in(payload)))

    def kept(self, path: Path) -> "Parcel":
        """Write the payload to a file and return a parcel that refers to it."""
        digest = hashlib.sha256(self.payload).hexdigest()
        try:
            with replacing(path) as file:
                file.write(self.payload)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from None
        return Parcel(path=path, digest=digest, plugins=self.plugins)

    def open(self) -> Any:
        """Unpickle the thing.

        Raises:
            InputError: a plug-in has changed since the parcel was packed.
        """
        use_plugins([Path(path) for path, _ in self.plugins])
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


def plugins_in(payload: bytes) -> Iterator[tuple[str, str]]:
    """Yield path and digest of the plug-in modules whose names occur in pickled bytes."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PLUGIN) and name.encode() in payload:
            yield str(Path(str(module.__file__)).resolve()), str(module.__dict__["__digest__"])


@lru_cache(maxsize=2)
def _unpacked(path: Path, digest: str) -> Any:
    payload = path.read_bytes()
    if hashlib.sha256(payload).hexdigest() != digest:
        raise InputError(f"{path}: changed while it was in use")
    return pickle.loads(payload)
