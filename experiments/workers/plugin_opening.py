"""Open plug-in files: each is imported in a process of its own first, from Python as from the command line."""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from dynmech.experiments.catalog.fingerprint import plugin_hash
from dynmech.experiments.catalog.names import take_in_plugins
from dynmech.experiments.workers.import_trial import try_import, unheard
from dynmech.experiments.workers.pool import Workers
from dynmech.experiments.workers.sandbox import Answer, Limits, confined
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError

_TRIED: set[tuple[Path, str]] = set()
"""Plug-in files that have been tried by this process, with their hashes."""


@checked_arguments
def use_plugins(paths: str | PathLike[str] | Iterable[str | PathLike[str]]) -> None:
    """Import users' files; their strategies, mechanisms and scenarios can then be used by name.

    A file is imported in a child process first. What does more than define things there (starts a thread or a process,
    changes signals, the working directory or functions of others, ends its process) is not imported here.

    Parameters
    ----------
    paths : str or Path, or an iterable of these
        A Python file, or several.

    Raises
    ------
    InputError
        A file cannot be imported, does more than define things, defines nothing that has a name, or defines a name that
        exists already.

    Examples
    --------
    >>> use_plugins([Path("missing.py")])
    Traceback (most recent call last):
    dynmech.sim.core.plugin_files.PluginError: plug-in missing.py: no such file
    """
    given = [paths] if isinstance(paths, str | PathLike) else list(paths)
    for path in given:
        if not isinstance(path, str | PathLike):
            raise InputError(f"plug-ins: an object of type {type(path).__name__} stands among them, and is no path")
    open_plugins(map(Path, given), Workers())


def open_plugins(paths: Iterable[Path], workers: Workers) -> None:
    """Take in plug-ins, each being tried in a process of its own: what does more than define is not opened here.

    Raises
    ------
        InputError: a file cannot be imported, or does something else when it is.
    """
    for path in paths:
        if path.is_file():
            try_plugin(path, workers.limits)
        with unheard():
            take_in_plugins([path])


def try_plugin(path: Path, limits: Limits) -> None:
    """Import a plug-in in a child process, unless that has been done; what it wrote is told on standard error.

    Raises
    ------
        InputError: it cannot be imported, or does something else when it is.
    """
    if path.is_file() and (path.resolve(), plugin_hash(path)) in _TRIED:
        return
    answer = confined(partial(try_import, path), limits)
    if answer.error is not None:
        raise InputError(f"plug-in {path}: {answer.error}" if answer.bare else str(answer.error))
    if answer.wrote:
        sys.stderr.write(f"plug-in {path}: {answer.wrote}\n")
    _TRIED.add((path.resolve(), plugin_hash(path)))


def beside_plugins(paths: Sequence[Path], work: Callable[[], Any], limits: Limits = Limits()) -> Any:  # noqa: B008
    """Return what a piece of work gives in a child that has taken in plug-ins; here none of them is imported.

    Raises
    ------
        DynmechError: a plug-in is not as `open_plugins` asks, or the work raised it.
    """
    answer = with_plugins(paths, work, limits)
    if answer.error is not None:
        raise answer.error
    return answer.value


def with_plugins(paths: Sequence[Path], work: Callable[[], Any], limits: Limits) -> Answer:
    """As `beside_plugins`, but return the answer, which may be an error.

    Raises
    ------
        InputError: a plug-in is not as `open_plugins` asks.
    """
    for path in paths:
        try_plugin(path, limits)

    def worked() -> Any:
        with unheard():
            take_in_plugins(paths)
        return work()

    return confined(worked, limits).opened()
