"""The guard: whatever happens in the child, the parent gets one answer, in time, and nothing is left behind."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from dynmech.experiments.workers.sandbox import Answer, Limits, attempted, confined, located
from dynmech.sim.core.errors import DynmechError, InputError, PlayError, Refusal, StorageError
from tests.builders.sandboxed import QUICK

pytestmark = pytest.mark.usefixtures("nothing_is_left_behind")

# What comes back


def test_a_value_comes_back_whatever_its_size() -> None:
    values: list[Any] = [None, 7, "ü", {"a": [1, (2.5,)]}, b"x" * 70_000, np.arange(5_000_000)]
    for value in values:
        answer = confined(lambda value=value: value, QUICK).opened()  # type: ignore[misc]
        assert answer.error is None
        assert np.array_equal(answer.opened().value, value)
        assert (answer.wrote, answer.bare) == ("", False)


class Odd:
    """Can be sent, but not received."""

    def __init__(self, works: bool = True) -> None:
        if not works:
            raise ValueError("not here")

    def __reduce__(self) -> Any:
        return Odd, (False,)


def test_what_cannot_be_sent_is_an_error() -> None:
    for value in (threading.Lock(), (n for n in range(3)), sys.stdout):
        answer = confined(lambda value=value: value, QUICK).opened()  # type: ignore[misc]
        assert isinstance(answer.error, PlayError)
        assert answer.bare
        assert "pickle" in str(answer.error)


def test_what_cannot_be_received_is_an_error() -> None:
    answer = confined(Odd, QUICK).opened()
    assert isinstance(answer.error, PlayError)
    assert "ValueError: not here" in str(answer.error)
    assert answer.bare


@pytest.mark.parametrize("kind", [InputError, Refusal, PlayError, DynmechError, StorageError])
def test_an_error_of_ours_stays_what_it_is(kind: type[DynmechError]) -> None:
    def work() -> None:
        raise kind("agent 'a' in period 3: too much")

    for answer in (confined(work, QUICK), attempted(work)):
        assert type(answer.error) is kind
        assert str(answer.error) == "agent 'a' in period 3: too much"
        assert not answer.bare


class Mine(PlayError):
    """A user's own kind of error, which the parent may not know, with two arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


class Mute(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError("no words")


class Loud(Exception):
    """Says it in many lines."""

    def __str__(self) -> str:
        return "one\ntwo\r\n\tthree\x1b[31m " + "x" * 10_000


def raising(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("k"), "KeyError: 'k' (test_guard.py, line "),
        (ZeroDivisionError(), "ZeroDivisionError: (test_guard.py, line "),
        (Mine("a", "b"), "a b"),
        (Mute(), "Mute: (no text: its __str__ raised ValueError)"),
        (Loud(), "Loud: one two three"),
        (PlayError("two\nlines"), "two lines"),
        (SystemExit(0), "SystemExit: 0"),
        (SystemExit("bye"), "SystemExit: bye"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit(), "GeneratorExit"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "MemoryError: (test_guard.py, line "),
        (ExceptionGroup("many", [ValueError("a"), TypeError("b")]), "ExceptionGroup: many (2 sub-exceptions)"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "UnicodeDecodeError: "),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_is_raised_is_one_line(error: BaseException, said: str) -> None:
    answer = confined(raising(error), QUICK)
    text = str(answer.error)
    assert type(answer.error) is PlayError
    assert text.startswith(said)
    assert len(text.splitlines()) == 1
    assert text.isprintable()
    assert len(text) < 600
    if isinstance(error, Exception) and not isinstance(error, MemoryError | PlayError):
        assert str(attempted(raising(error)).error) == text, "here as there"


def test_the_place_of_an_error_is_said_once() -> None:
    with pytest.raises(ValueError, match="x") as raised:
        raise ValueError("x")
    assert located(raised.value).startswith("ValueError: x (test_guard.py, line ")
    assert located(PlayError("it stands there already")) == "it stands there already"


# How it may end


def segfault() -> None:
    ctypes.string_at(0)


def recurse_in_c() -> None:
    sys.setrecursionlimit(10**9)
    text = "[" * 10**6 + "]" * 10**6
    eval(compile(text, "", "eval"))


def kill_the_group() -> None:
    os.killpg(0, signal.SIGTERM)
    time.sleep(5)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (lambda: os._exit(0), "ended its process (exit code 0)"),
        (lambda: os._exit(3), "ended its process (exit code 3)"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "ended its process (signal SIGKILL)"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "ended its process (signal SIGTERM)"),
        (lambda: signal.raise_signal(signal.SIGALRM), "ended its process (signal SIGALRM)"),
        (os.abort, "ended its process (signal SIGABRT)"),
        (segfault, "ended its process (signal SIGSEGV)"),
        (kill_the_group, "ended its process (signal SIGTERM)"),
        (lambda: os.execvp("true", ["true"]), "ended its process (exit code 0)"),
        (lambda: os.execvp("false", ["false"]), "ended its process (exit code 1)"),
        (sys.exit, "SystemExit: "),
        (lambda: signal.raise_signal(signal.SIGINT), "KeyboardInterrupt"),
    ],
)
def test_an_end_from_outside_the_rules_is_named(work: Callable[[], object], said: str) -> None:
    start = time.monotonic()
    answer = confined(work, QUICK)
    assert type(answer.error) is PlayError
    assert str(answer.error).startswith(said)
    assert answer.bare
    assert time.monotonic() - start < 5, "it is not waited for"


def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def deaf() -> None:
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    while True:
        time.sleep(1)


def spin() -> None:
    while True:
        pass


def hold_the_lock() -> None:
    sum(range(10**12))  # in C, the interpreter's lock held


def catch_everything() -> None:
    while True:
        with suppress(BaseException):
            time.sleep(100)


def close_everything_and_wait() -> None:
    os.closerange(0, 1000)
    time.sleep(100)


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(work, marks=[pytest.mark.slow] if k else [])
        for k, work in enumerate((deaf, spin, hold_the_lock, catch_everything, close_everything_and_wait, stop_itself))
    ],
)
def test_what_takes_too_long_is_ended(work: Callable[[], None]) -> None:
    start = time.monotonic()
    answer = confined(work, Limits(seconds=0.5, memory=300 << 20))
    assert str(answer.error) == "still running after 0.5 s"
    assert answer.bare
    assert 0.5 <= time.monotonic() - start < 3


def test_a_result_much_larger_than_a_pipe_comes_whole() -> None:
    answer = confined(lambda: np.zeros(20_000_000), Limits(seconds=20, memory=1 << 30))
    assert answer.opened().value.sum() == 0


# Memory


def hoard() -> None:
    held = []
    while True:
        held.append(bytearray(10 << 20))


def hoard_quietly() -> None:
    with suppress(MemoryError):
        hoard()
    np.ones(1 << 28)


@pytest.mark.parametrize("work", [lambda: np.ones(1 << 27), lambda: bytearray(1 << 30), hoard, hoard_quietly])
def test_memory_is_limited(work: Callable[[], object]) -> None:
    answer = confined(work, QUICK)
    assert "MemoryError" in str(answer.error)
    assert str(answer.error).endswith("(limit: 0.293 GB)")
    assert answer.bare


def test_what_fits_is_let_through() -> None:
    answer = confined(lambda: float(np.ones(20 << 20).sum()), QUICK)  # 160 MB
    assert answer.opened().value == 20 << 20


def test_the_limit_is_on_top_of_what_the_program_holds() -> None:
    held = np.ones(45 << 20)  # 360 MB
    assert confined(lambda: float(np.ones(10 << 20).sum() + held[0]), QUICK).error is None


# Limits themselves


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"seconds": 0}, "time limit: 0 s is not a positive number of seconds"),
        ({"seconds": -1}, "time limit: -1 s is not"),
        ({"seconds": float("nan")}, "time limit: nan s is not"),
        ({"seconds": float("inf")}, "time limit: inf s is not"),
        ({"memory": 1000}, "memory limit: 1,000 bytes is below one megabyte"),
    ],
)
def test_limits_make_sense(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Limits(**limits)


def test_where_nothing_can_be_forked_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert confined(os.getpid, QUICK).opened() == Answer(os.getpid())
    assert str(confined(raising(PlayError("no")), QUICK).error) == "no"
