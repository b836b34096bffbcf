"""Ends from outside: SIGTERM and SIGHUP end a command as Ctrl-C does, tidily and with one line."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")
"""Signals that ask a program to end, besides Ctrl-C; those that are ignored (`nohup`) stay so."""


@contextmanager
def told_endings() -> Iterator[list[int]]:
    """Inside the block the first such signal raises KeyboardInterrupt; yields the list to which its number is added."""
    heard: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if not heard:  # whoever asks again does not disturb the tidying up
            heard.append(number)
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield heard
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield heard
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
