"""Output of work in the sandbox is kept apart and counted; what it changes is changed there only."""

import ctypes
import os
import random
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest

from dynmech.experiments.workers.sandbox import Limits, confined
from dynmech.sim.core.errors import PlayError
from tests.builders.sandboxed import QUICK

pytestmark = pytest.mark.usefixtures("nothing_is_left_behind")

# Output


def write_in_every_way() -> int:
    print("one ", end="", flush=True)  # noqa: T201
    sys.stderr.write("two ")
    sys.stderr.flush()
    os.write(1, b"three ")
    os.write(2, b"four ")
    subprocess.run(["echo", "five"], check=True)
    libc = ctypes.CDLL(None)
    libc.puts(b"six")
    libc.fflush(None)
    return 7


def test_output_is_kept_apart_and_counted(capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        pass
    answer = confined(write_in_every_way, QUICK)
    assert answer.opened().value == 7
    size = len("one two three four five\nsix\n")
    assert answer.wrote == f"wrote {size} bytes to standard output or error: 'one two three four five six'"
    assert capfd.readouterr() == ("", "")


def test_what_was_not_flushed_before_is_not_written_twice(capfd: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("ours")
    confined(lambda: None, QUICK)
    sys.stdout.flush()
    assert capfd.readouterr().out == "ours"


def test_strange_output_is_shown_as_one_line() -> None:
    answer = confined(lambda: os.write(1, b"\xff\x00\x1b[2J\x07a\r\nb" * 100), QUICK)
    assert answer.wrote.startswith("wrote 1,100 bytes")
    assert answer.wrote.isprintable()
    assert len(answer.wrote) < 300


def flood(size: int) -> int:
    piece = b"spam " * 20_000
    for _ in range(size // len(piece)):
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(1, rest) :]
    return size // len(piece) * len(piece)


@pytest.mark.parametrize("size", [5 << 20, pytest.param(3 << 30, marks=pytest.mark.slow)])
def test_a_flood_is_counted_to_the_last_byte_and_not_kept(size: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3 if size < 1 << 30 else 1):
        answer = confined(lambda: flood(size), Limits(seconds=120))
        assert answer.wrote.startswith(f"wrote {answer.opened().value:,} bytes to standard output or error: 'spam spam")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "in kB"


def test_a_flood_without_end_is_ended() -> None:
    answer = confined(lambda: flood(1 << 50), Limits(seconds=0.5))
    assert str(answer.error) == "still running after 0.5 s"


def test_standard_input_is_empty() -> None:
    assert confined(lambda: sys.stdin.read() + os.read(0, 10).decode(), QUICK).opened().value == ""


# What it may do to its process


def change_everything() -> None:
    os.environ["DYNMECH_CHANGED"] = "1"
    os.chdir("/")
    sys.path.clear()
    np.seterr(all="raise")
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    sys.setrecursionlimit(500)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
    os.umask(0)
    os.nice(5)


def test_whatever_it_changes_is_changed_in_the_child_only() -> None:
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    assert confined(change_everything, QUICK).error is None
    assert os.getpriority(os.PRIO_PROCESS, 0) == priority  # and the fixture looks at the rest


def test_what_it_shares_is_a_copy() -> None:
    shared = np.zeros(3)
    assert confined(lambda: shared.fill(7), QUICK).error is None
    assert shared.tolist() == [0, 0, 0]


def close_everything() -> int:
    os.closerange(0, 1000)
    return 7


def close_our_pipes() -> int:
    for number in range(3, 300):
        with suppress(OSError):
            os.close(number)
    return 7


@pytest.mark.parametrize("work", [close_everything, close_our_pipes])
def test_who_closes_the_line_has_ended(work: Callable[[], int]) -> None:
    answer = confined(work, QUICK)
    assert type(answer.error) is PlayError
    assert "ended its process (exit code 1)" in str(answer.error)


def scribble() -> None:
    """Write nonsense to whatever is open."""
    for number in range(3, 100):
        for piece in (b"\0" * 8, b"\0\0\0\0\0\0\0\5hello", b"\xff" * 100):
            with suppress(OSError):
                if stat_is_pipe(number) and select.select([], [number], [], 0)[1]:
                    os.write(number, piece)


def stat_is_pipe(number: int) -> bool:
    return os.readlink(f"/proc/self/fd/{number}").startswith("pipe:")


def test_nonsense_on_the_line_is_an_error() -> None:
    read, write = os.pipe()
    try:
        answer = confined(scribble, QUICK).opened()
        assert type(answer.error) is PlayError
        assert answer.bare
        assert not select.select([read], [], [], 0)[0], "nothing of ours within its reach"
    finally:
        os.close(read)
        os.close(write)
