"""Import a plug-in in a process of its own, and see what that has done to the process besides defining things.

Compared before and after: functions and classes of loaded modules, signal handlers, the working directory, threads,
exit handlers, processes that are left running. What differs here would differ in the program itself, so the file is
not opened there. This keeps slips and rough code out; it is no wall against a file that sets out to deceive.
"""

import _thread
import atexit
import builtins
import hashlib
import io
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from dynmech.experiments.catalog.names import take_in_plugins
from dynmech.experiments.workers.process_tree import adopting, living
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.registry import PLUGIN

WATCHED = (builtins, os, sys, json, hashlib, pickle)
"""Modules besides our own whose functions must stay what they are."""

Places = dict[str, Any]
"""Functions and classes by where they stand."""


def try_import(path: Path) -> None:
    """Import a plug-in and raise if that did more than define things.

    Raises:
        InputError: it cannot be imported, or what it did, in words.
    """
    places, signals, folder, threads = _places(), _signals(), os.getcwd(), _thread._count()
    with adopting() as others, _exit_handlers() as handlers:
        take_in_plugins([path])
        left = living() - others
    done = [f"replaces {name}" for name in _replaced(places)[:1]]
    done += [f"changes what signal {name} does" for name in _changed(signals)[:1]]
    done += ["changes the working directory"] if _folder() != folder else []
    done += ["starts a thread"] if _thread._count() > threads else []
    done += ["asks for something to be done at exit"] if handlers else []
    done += ["leaves a process running"] if left else []
    if done:
        raise InputError(f"plug-in {path}: when it is imported it {' and '.join(done)}; a plug-in only defines things")


@contextmanager
def unheard() -> Iterator[None]:
    """Inside the block nothing that is written to standard output or error is shown."""
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    kept = [os.dup(number) for number in (1, 2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nothing, number)
    os.close(nothing)
    try:
        with redirect_stdout(_Nowhere()), redirect_stderr(_Nowhere()):
            yield
    finally:
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)


class _Nowhere(io.TextIOBase):
    """A stream that keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        return len(text)


def _ours() -> list[ModuleType]:
    """Return the loaded modules of ours."""
    named = list(sys.modules.items())
    return [module for name, module in named if name.startswith("dynmech.") and isinstance(module, ModuleType)]


def _places() -> Places:
    """Return what stands in the watched modules, and in the classes that our own define."""
    found: Places = {}
    for module in (*WATCHED, *_ours()):
        for name, thing in list(vars(module).items()):
            if callable(thing) or isinstance(thing, ModuleType):
                found[f"{module.__name__}.{name}"] = thing
            if isinstance(thing, type) and thing.__module__ == module.__name__ and module not in WATCHED:
                found |= {f"{module.__name__}.{name}.{key}": value for key, value in _functions(thing)}
    return found


def _functions(cls: type) -> list[tuple[str, Any]]:
    kinds: tuple[type[Any], ...] = (FunctionType, classmethod, staticmethod, property)
    return [(name, value) for name, value in list(vars(cls).items()) if isinstance(value, kinds)]


def _replaced(before: Places) -> list[str]:
    """Return places at which something else stands, or a plug-in's own function in a module of ours."""
    after = _places()
    moved = [name for name, thing in before.items() if after.get(name) is not thing]
    return [*moved, *(name for name, thing in after.items() if name not in before and _of_plugin(thing))]


def _of_plugin(thing: Any) -> bool:
    return isinstance(thing, FunctionType) and str(thing.__module__).startswith(PLUGIN)


def _signals() -> dict[str, Any]:
    """Return what every signal does."""
    return {number.name: signal.getsignal(number) for number in signal.valid_signals() if hasattr(number, "name")}


def _changed(before: dict[str, Any]) -> list[str]:
    return [name for name, handler in _signals().items() if before.get(name) is not handler]


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


@contextmanager
def _exit_handlers() -> Iterator[list[object]]:
    """Inside the block, yield a list to which the exit handlers are added that a plug-in itself registers."""
    asked: list[object] = []
    register = atexit.register

    def watching(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if str(caller).startswith(PLUGIN) or _of_plugin(function):
            asked.append(function)
        return register(function, *args, **options)

    atexit.register = watching  # type: ignore[assignment] # in the child only
    try:
        yield asked
    finally:
        atexit.register = register
