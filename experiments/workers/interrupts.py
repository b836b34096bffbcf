"""Keep Ctrl-C from the processes that the program starts; only the program itself reacts to it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker as mp_tracker
from typing import Any

from loky.backend import resource_tracker

QUIET = "ignore:resource_tracker"
"""A filter of warnings about resources of workers that were killed on purpose."""


ENDINGS = ("SIGTERM", "SIGHUP")
"""What else than Ctrl-C asks a program to end; it is delayed where the program listens to it."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C, and other requests to end, until the block ends; processes started inside have Ctrl-C blocked."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    held: list[Any] = []
    names = ("SIGINT", *ENDINGS)
    handlers = {number: signal.getsignal(number) for name in names if (number := getattr(signal, name, None))}
    waiting = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in waiting:
        signal.signal(number, lambda *what: held.append(what))
    _start_trackers()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in waiting.items():
            signal.signal(number, handler)
    if held:
        waiting[held[0][0]](*held[0])


def _start_trackers() -> None:
    """Start the resource trackers now: starting them later would unblock Ctrl-C."""
    sys.warnoptions.append(QUIET)
    try:
        for tracker in (mp_tracker, resource_tracker):
            tracker.ensure_running()
    finally:
        sys.warnoptions.remove(QUIET)
