"""Users' code answers questions; it changes nothing of the world: no table of the game, no module, no global state.

What is changed all the same is put back, as far as it can be, and named. Python is no sandbox: this finds mistakes and
honest cheats, not an adversary who rewrites the interpreter.
"""

import builtins
import os
import pickle
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import PlayError

OURS = "dynmech"
"""The package whose modules and classes must stay as they are."""

COMPARED = 1 << 16
"""Numbers of an array that are compared, evenly spread over a larger one."""


class _Part(NamedTuple):
    """One thing that must stay: what it is called, how to tell that it has not, how to put it back."""

    what: str
    changed: Callable[[], bool]
    restore: Callable[[], object]


@contextmanager
def no_side_effects(who: str, *things: object) -> Iterator[None]:
    """Raise PlayError, naming `who`, if what is run inside changes these things or the state of the process.

    What is raised inside goes first, unless these things or our modules have been changed.

    Args:
        things: dataclasses (frozen or not), tuples and arrays, looked through to the bottom.
    """
    world, state = [*_modules(), *_inside(things)], list(_process())
    try:
        yield
    except BaseException as error:
        changed, _ = _put_back(world), _put_back(state)
        if changed and not isinstance(error, KeyboardInterrupt):  # then nobody else is to blame
            raise _complaint(who, changed) from error
        raise
    changed = _put_back(world) + _put_back(state)
    if changed:
        raise _complaint(who, changed)


def _put_back(parts: list[_Part]) -> list[str]:
    """Restore what has changed and return its name."""
    changed = [part for part in parts if part.changed()]
    for part in changed:
        with suppress(Exception):
            part.restore()
    return [part.what for part in changed]


def _complaint(who: str, changed: list[str]) -> PlayError:
    return PlayError(f"{who}: it changes {changed[0]}; it may only answer what it is asked")


# The process


def _process() -> Iterator[_Part]:
    """Yield the global state that any code can reach."""
    yield _state("the working directory", os.getcwd, os.chdir)
    yield _state("environment variables", lambda: dict(os.environ), _set_environ)
    yield _state("sys.path", lambda: list(sys.path), lambda old: sys.path.__setitem__(slice(None), old))
    yield _state("sys.stdout", lambda: sys.stdout, lambda old: setattr(sys, "stdout", old))
    yield _state("sys.stderr", lambda: sys.stderr, lambda old: setattr(sys, "stderr", old))
    yield _state("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit)
    yield _state("the filters of warnings", lambda: list(warnings.filters), lambda old: _fill(warnings.filters, old))
    yield _state("NumPy's handling of errors", np.geterr, lambda old: np.seterr(**old))
    yield _state("how NumPy prints", np.get_printoptions, lambda old: np.set_printoptions(**old))
    yield _state("random's generator", random.getstate, random.setstate)
    yield _state(
        "np.random's generator",
        lambda: pickle.dumps(HIDDEN.get_state(legacy=False)),
        lambda old: HIDDEN.set_state(pickle.loads(old)),
    )
    yield _state("the threads that run", lambda: {t.ident for t in threading.enumerate()}, lambda _: None)


HIDDEN: Any = np.random.mtrand._rand
"""The generator behind np.random.rand and its like."""


def _state(what: str, read: Callable[[], Any], write: Callable[[Any], object]) -> _Part:
    before = read()

    def changed() -> bool:
        try:
            return bool(read() != before)
        except OSError:  # the working directory has been deleted
            return True

    return _Part(what, changed, lambda: write(before))


def _set_environ(old: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(old)


def _fill(place: Any, old: list[Any]) -> None:
    place[:] = old


# Modules and classes


def _modules() -> Iterator[_Part]:
    """Yield the names in our modules and their classes, in NumPy, and Python's own functions."""
    modules = [m for name, m in list(sys.modules.items()) if name.partition(".")[0] == OURS and m is not None]
    for module in [builtins, np, *modules]:
        yield from _names(module.__name__, module)
        for cls in list(vars(module).values()) if module not in (builtins, np) else ():
            if isinstance(cls, type) and cls.__module__ == module.__name__:
                yield from _names(f"{module.__name__}.{cls.__name__}", cls)


def _names(called: str, holder: Any) -> Iterator[_Part]:
    """Yield the names of one module or class as one part; names may be added (a cache, a submodule)."""
    before = {name: value for name, value in vars(holder).items() if name not in LIVELY}

    def changed() -> bool:
        now = vars(holder)
        return not (before.keys() <= now.keys() and all(map(is_, map(now.__getitem__, before), before.values())))

    def restore() -> None:
        for name, value in before.items():
            if vars(holder).get(name, _Part) is not value:
                setattr(holder, name, value)

    yield _Part(called, changed, restore)


LIVELY = {"__warningregistry__", "__abstractmethods__", "_abc_impl", "__doc__", "_"}
"""Names that Python itself changes."""


# The game


def _inside(things: object, called: str = "", seen: set[int] | None = None) -> Iterator[_Part]:
    """Yield fields of dataclasses and numbers of arrays, recursively; each object once."""
    seen = set() if seen is None else seen
    if id(things) in seen:
        return
    seen.add(id(things))
    if isinstance(things, np.ndarray):
        yield _numbers(called, things)
    elif isinstance(things, tuple):
        for thing in things:
            yield from _inside(thing, called, seen)
    elif is_dataclass(things) and not isinstance(things, type):
        for field in fields(things):
            value = getattr(things, field.name)
            name = f"{type(things).__name__}.{field.name}"
            yield _field(name, things, field.name, value)
            yield from _inside(value, name, seen)


def _field(called: str, holder: object, name: str, value: object) -> _Part:
    return _Part(
        called,
        lambda: getattr(holder, name, _Part) is not value,
        lambda: object.__setattr__(holder, name, value),
    )


def _numbers(called: str, array: Array) -> _Part:
    rows = array.reshape(-1)[:: max(1, array.size // COMPARED)]
    before, writeable = rows.copy(), array.flags.writeable

    def restore() -> None:
        array.flags.writeable = True
        array.reshape(-1)[:: max(1, array.size // COMPARED)] = before
        array.flags.writeable = writeable

    return _Part(f"numbers of {called}", lambda: rows.tobytes() != before.tobytes(), restore)
