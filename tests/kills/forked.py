"""Commands run in forks of a process that has imported everything already, so that kills meet work and not imports."""

import json
import os
import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType

from dynmech.experiments.cli.app import main
from tests.builders.processes import alive
from tests.builders.runs import command_line

WAIT = 900.0
"""Seconds after which a command is taken to hang: the machine may be busy."""


class Forked:
    """`dynmech …` in a fork of this process, in a session of its own.

    Attributes:
        pid: the process.
        code: how it ended; None while it runs.
    """

    def __init__(self, words: Sequence[str], folder: Path, listing: Path | None = None) -> None:
        self._out = TemporaryFile()  # noqa: SIM115 - closed by `wait`
        self.code: int | None = None
        self.begun = time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            _play(words, folder, self._out.fileno(), listing)

    def running(self) -> bool:
        """Whether it has not ended."""
        if self.code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if ended else None
        return self.code is None

    def workers(self) -> list[int]:
        """Its workers, and the processes in which they run users' code."""
        return [pid for pid in _below(self.pid) if "popen_loky" in command_line(pid)]

    def until(self, happened: Callable[[], object], seconds: float) -> bool:
        """Wait until something has happened; False where the command ends, or the time is up, before that."""
        deadline = time.monotonic() + seconds
        while self.running() and time.monotonic() < deadline:
            if happened():
                return True
            time.sleep(0.02)
        return False

    def kill(self, pid: int) -> bool:
        """Kill one process of it; False where it, or the command, has ended before."""
        if not self.running() or not alive(pid):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def wait(self) -> tuple[int, str]:
        """Exit code and what it wrote; raise TimeoutError where it hangs."""
        hangs = self.until(lambda: time.monotonic() - self.begun > WAIT, WAIT + 60.0)
        if hangs:
            self.end()
        with self._out:
            self._out.seek(0)
            said = self._out.read().decode(errors="replace")
        if hangs:
            raise TimeoutError(f"still running after {WAIT:g} s: {said[-300:]}")
        assert self.code is not None
        return self.code, said

    def left(self, seconds: float) -> list[str]:
        """Command lines of what still runs in its session after so many seconds."""
        deadline = time.monotonic() + seconds
        while (there := list(_session(self.pid))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [command_line(pid) for pid in there]

    def end(self) -> None:
        """Kill all of it."""
        for pid in _session(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.until(lambda: False, 5.0)


def _play(words: Sequence[str], folder: Path, output: int, listing: Path | None) -> None:
    """Be the command, in a child; list what it has imported, where that is wanted."""
    code = 3
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = (open(number, "w", closefd=False, encoding="utf-8") for number in (1, 2))  # noqa: SIM115
        vars(weakref.finalize)["_registry"].clear()  # what this process would tidy up is not the child's
        sys.modules["__main__"] = ModuleType("__main__")  # workers would import ours
        main(list(words))
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 0
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(BaseException):
                stream.flush()
        if listing is not None:
            listing.write_text(json.dumps([name for name in sys.modules if name != "__main__"]), encoding="utf-8")
        os._exit(_at_exit(code))


def _at_exit(code: int) -> int:
    """Do what Python does at exit, where workers are ended."""
    import atexit

    with suppress(BaseException):
        atexit._run_exitfuncs()
    return code


def _below(pid: int) -> Iterator[int]:
    """Every process that one has started, directly or not, and that still runs."""
    for place in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, place.read_text().split()):
                yield child
                yield from _below(child)


def _session(leader: int) -> Iterable[int]:
    """Process ids of what runs in a session, the dead left out."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            fields = place.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] not in "ZX":
                yield int(place.parent.name)


@contextmanager
def single_threads() -> Iterator[None]:
    """Inside the block commands compute with one thread each."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
