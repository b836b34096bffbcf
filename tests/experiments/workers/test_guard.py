"""The guard: whatever happens in the child, the parent gets one answer, in time, and nothing is left behind."""

import ctypes
import os
import random
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.experiments.workers.sandbox import Answer, Limits, attempted, confined, located
from dynmech.sim.core.errors import DynmechError, InputError, PlayError, Refusal, StorageError
from tests.builders.processes import alive, gone
from tests.builders.runs import ROOT

QUICK = Limits(seconds=20, memory=300 << 20)


def children() -> set[int]:
    """Processes that this one has started, the dead that nobody has buried among them."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(stat.parent.name))
    return found


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def state() -> list[Any]:
    """What a child could have changed if it were not one."""
    return [
        *(
            {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
            os.getcwd(),
            list(sys.path),
            np.geterr(),
            random.getstate(),
            sys.getrecursionlimit(),
        ),
        *(str(np.random.get_state()), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),  # noqa: NPY002
        *(resource.getrlimit(resource.RLIMIT_AS), threading.active_count(), os.umask(os.umask(0o22))),
    ]


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    os.umask(0o22)
    before = (children(), descriptors(), state())
    yield
    assert children() == before[0], "no process, dead or alive"
    assert descriptors() == before[1], "no open file"
    assert state() == before[2]


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


def test_a_thread_that_never_ends_does_not_hold_the_result() -> None:
    def work() -> int:
        threading.Thread(target=time.sleep, args=(100,)).start()
        return 7

    start = time.monotonic()
    assert confined(work, QUICK).opened().value == 7
    assert time.monotonic() - start < 3


# What it may start


def started(how: Callable[[int], None]) -> int:
    """Run `how` in a child; the process id that it has reported of a grandchild."""

    def work() -> int:
        read, write = os.pipe()
        how(write)
        return int(os.read(read, 20).split()[0])

    answer = confined(work, QUICK)
    assert answer.error is None, answer.error
    return int(answer.opened().value)


def fork(write: int) -> None:
    if os.fork() == 0:
        os.write(write, f"{os.getpid()} ".encode())
        time.sleep(60)
        os._exit(0)


def shell(write: int) -> None:
    os.write(write, f"{subprocess.Popen(['sleep', '60']).pid} ".encode())


def daemon(write: int) -> None:
    """Twice forked, with a session of its own: not in the child's group any more."""
    if os.fork() == 0:
        os.setsid()
        fork(write)
        os._exit(0)


@pytest.mark.parametrize("how", [fork, shell, daemon])
def test_what_it_has_started_ends_with_it(how: Callable[[int], None]) -> None:
    assert gone(started(how))


def test_a_process_that_holds_the_line_open_is_not_waited_for() -> None:
    def work() -> int:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        os._exit(4)

    start = time.monotonic()
    assert str(confined(work, QUICK).error) == "ended its process (exit code 4)"
    assert time.monotonic() - start < 3


def test_ten_processes_that_fork_are_all_ended(tmp_path: Path) -> None:
    def work() -> None:
        for _ in range(10):
            if os.fork() == 0:
                (tmp_path / str(os.getpid())).touch()
                while True:
                    time.sleep(1)
        while len(list(tmp_path.iterdir())) < 10:
            time.sleep(0.02)
        raise ValueError("enough")

    assert "ValueError: enough" in str(confined(work, QUICK).error)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 10
    assert all(gone(pid) for pid in pids)


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed: nobody is left to end the child but the system."""
    script = (
        "import os, time\n"
        "from dynmech.experiments.workers.sandbox import Limits, confined\n"
        "def work():\n"
        "    open('child', 'w').write(f'{os.getpid()} ')\n"
        "    time.sleep(60)\n"
        "confined(work, Limits())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=env)
    while not (tmp_path / "child").exists() or not (child := (tmp_path / "child").read_text()):
        time.sleep(0.02)
    assert alive(int(child))
    parent.kill()
    parent.wait()
    assert gone(int(child))


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
