"""Ctrl-C belongs to the program that was called: the processes that it starts do not hear of it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker as mp_tracker
from typing import Any

from loky.backend import resource_tracker

QUIET = "ignore:resource_tracker"
"""A filter of warnings: that workers were killed is no news."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the end; processes that are started meanwhile have it blocked."""
    here = threading.current_thread() is threading.main_thread() and hasattr(signal, "pthread_sigmask")
    before = signal.getsignal(signal.SIGINT)
    if not (here and callable(before)):
        yield
        return
    held: list[Any] = []
    signal.signal(signal.SIGINT, lambda *what: held.append(what))
    _start_trackers()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if held:
        before(*held[0])


def _start_trackers() -> None:
    """Start the processes that clean up after workers, as their start would end the blocking."""
    sys.warnoptions.append(QUIET)
    try:
        for tracker in (mp_tracker, resource_tracker):
            tracker.ensure_running()
    finally:
        sys.warnoptions.remove(QUIET)
