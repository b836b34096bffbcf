"""Run a piece of work in a child process with limited time and memory, and collect its output.

The child is forked, so it starts in milliseconds with everything already imported; whatever it does to its own process
(exit, crash, change global state) ends with it, and so does every process that it has started. It inherits no open file
but the pipe for its result. It can still reach files and the network.
"""

import os
import pickle
import selectors
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import cloudpickle

from dynmech.experiments.workers.interrupts import ENDINGS
from dynmech.experiments.workers.process_tree import adopting, die_with_parent, end_descendants
from dynmech.experiments.workers.warm_modules import import_noted, imported_since, note_imports, warm_modules
from dynmech.sim.core.errors import DynmechError, InputError, PlayError, Refusal, StorageError
from dynmech.sim.core.registry import format_exception

HEAD = struct.Struct("!Q")
"""A result is sent as its length, then its bytes."""

SHOWN = 60
"""Characters of unwanted output that are shown."""


@dataclass(frozen=True)
class Limits:
    """What one piece of users' code may take.

    Attributes:
        seconds: wall time of one piece of work.
        memory: bytes on top of what the program itself holds.
    """

    seconds: float = 120.0
    memory: int = 2 << 30

    def __post_init__(self) -> None:
        if not 0 < self.seconds < 1e9:
            raise InputError(f"time limit: {self.seconds:g} s is not a positive number of seconds")
        if self.memory < 1 << 20:
            raise InputError(f"memory limit: {self.memory:,} bytes is below one megabyte")


@dataclass(frozen=True)
class Answer:
    """The result of a piece of work: a value or an error, and a sentence about what it wrote to standard output.

    An error is `bare` where it does not say whose it is: the work was ended, or ended itself, from outside the rules.
    A child's value is `packed` until it is where its classes are known. `imported` names modules that the child had
    to import.
    """

    value: Any = None
    error: DynmechError | None = None
    wrote: str = ""
    bare: bool = False
    packed: bytes = b""
    imported: tuple[str, ...] = ()

    def opened(self) -> "Answer":
        """Unpickle the value; a value that cannot be unpickled becomes an error."""
        if not self.packed:
            return self
        try:
            return replace(self, value=pickle.loads(self.packed), packed=b"")
        except Exception as error:
            return replace(self, packed=b"", error=PlayError(f"its result cannot be read: {located(error)}"), bare=True)


def can_confine() -> bool:
    """Whether the platform can fork; elsewhere work is run as it is."""
    return hasattr(os, "fork")


def attempted(work: Callable[[], Any]) -> Answer:
    """Run work in this process and return its value or its error."""
    try:
        return Answer(work())
    except DynmechError as error:
        return Answer(error=error)
    except Exception as error:
        return Answer(error=PlayError(located(error)), bare=True)


def confined(work: Callable[[], Any], limits: Limits) -> Answer:
    """Run work in a child process of its own.

    The answer's error is what the work raised, or a PlayError that says how the child ended.
    """
    if not can_confine():
        return attempted(work)
    import_noted()
    with adopting() as others:
        try:
            return _confined(work, limits)
        finally:
            end_descendants(others)


def _confined(work: Callable[[], Any], limits: Limits) -> Answer:
    results, send = os.pipe()
    output, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a watching thread is harmless
        parent = os.getpid()
        pid = os.fork()
    if pid == 0:
        _child(work, limits, send, write, parent)
    os.close(send)
    os.close(write)
    try:
        return _listen(pid, results, output, limits)
    finally:
        os.close(results)
        os.close(output)


# The child


def _child(work: Callable[[], Any], limits: Limits, send: int, write: int, parent: int) -> NoReturn:
    code = 1
    with suppress(BaseException):
        os.setsid()
        for name in ENDINGS:  # the program may listen to them; its child does what is usual
            if callable(signal.getsignal(getattr(signal, name))):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        die_with_parent(parent)
        _open_only(send, write)
        answer = _answer(work, limits)
        for stream in (sys.stdout, sys.stderr):
            with suppress(BaseException):
                stream.flush()
        _send(send, answer)
        code = 0
    os._exit(code)


def _open_only(send: int, write: int) -> None:
    """Close every inherited file descriptor except the result pipe `send`; input is empty, output goes to `write`."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (write, 1), (write, 2)):
        os.dup2(source, target)
    os.closerange(3, send)
    os.closerange(send + 1, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout, sys.stderr = (open(k, "w", buffering=1, errors="replace", closefd=False) for k in (1, 2))  # noqa: SIM115


def _answer(work: Callable[[], Any], limits: Limits) -> bytes:
    """Do the work and return the pickled answer; a value that cannot be pickled becomes an error."""
    limit_memory(limits.memory)
    before = warm_modules()
    try:
        packed = cloudpickle.dumps(work())
        return pickle.dumps(Answer(packed=packed, imported=imported_since(before)))
    except BaseException as raised:
        limit_memory(None)
        text = located(raised)
        if "MemoryError" in text:
            text += f" (limit: {limits.memory / 2**30:.3g} GB)"
        return pickle.dumps(Answer(error=_kind(raised)(text), bare=not isinstance(raised, DynmechError)))


def _kind(error: BaseException) -> type[DynmechError]:
    """Return the class of ours that an error belongs to: the parent may not know a user's own subclass."""
    ours = (InputError, Refusal, PlayError, StorageError, DynmechError)
    return next((kind for kind in ours if isinstance(error, kind)), PlayError)


def located(error: BaseException) -> str:
    """Return an error as one printable line with file and line number; our own errors name the place themselves."""
    text, trace = format_exception(error), error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if isinstance(error, DynmechError):
        with suppress(Exception):
            text = " ".join(str(error).split())
    elif trace and not (text.endswith(")") and ", line " in text):
        text += f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _send(pipe: int, payload: bytes) -> None:
    rest = memoryview(HEAD.pack(len(payload)) + payload)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def limit_memory(extra: int | None) -> None:
    """Limit the address space to `extra` bytes more than is in use now; None lifts the limit."""
    try:
        import resource
    except ImportError:  # not on this platform
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if extra is None:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return
    with suppress(OSError, ValueError):
        with open("/proc/self/statm", encoding="ascii") as file:
            held = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        wanted = held + extra
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


# The parent


def _listen(pid: int, results: int, output: int, limits: Limits) -> Answer:
    """Read result and output until the result is complete, the child has ended, or the time is up."""
    deadline = time.monotonic() + limits.seconds
    payload, written, status = bytearray(), _Output(), None
    with selectors.DefaultSelector() as ready:
        ready.register(results, selectors.EVENT_READ)
        ready.register(output, selectors.EVENT_READ)
        while not _whole(payload) and status is None and time.monotonic() < deadline:
            events = ready.select(min(0.2, max(0.0, deadline - time.monotonic())))
            for key, _ in events:
                piece = os.read(key.fd, 1 << 16)
                if not piece:
                    ready.unregister(key.fd)
                elif key.fd == results:
                    payload += piece
                else:
                    written.hear(piece)
            if not events or not ready.get_map():
                status = _ended(pid)
    late = status is None and not _whole(payload)
    _finish(pid, reap=status is None)
    written.drain(output)
    if _whole(payload):
        return replace(_read(payload), wrote=written.words)
    how = f"still running after {limits.seconds:g} s" if late else _how(status or 0)
    return Answer(error=PlayError(how), wrote=written.words, bare=True)


def _whole(payload: bytearray) -> bool:
    return len(payload) >= HEAD.size and len(payload) >= HEAD.size + HEAD.unpack_from(payload)[0]


def _read(payload: bytearray) -> Answer:
    """Unpickle what the child sent; an error if users' code has written to the pipe."""
    with suppress(Exception):
        answer: object = pickle.loads(payload[HEAD.size :])
        if isinstance(answer, Answer):
            note_imports(answer.imported)
            return replace(answer, imported=())
    return Answer(error=PlayError("sent back what nobody can read"), bare=True)


def _ended(pid: int) -> int | None:
    """Return the child's exit status, None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return status if ended else None


def _finish(pid: int, *, reap: bool) -> None:
    """Kill the child and its process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if reap:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # it may not have come as far as to have a group
        os.waitpid(pid, 0)


def _how(status: int) -> str:
    """Say how a process ended."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        name = signal.Signals(-code).name if -code in {int(s) for s in signal.Signals} else str(-code)
        return f"ended its process (signal {name})"
    return f"ended its process (exit code {code})"


class _Output:
    """The beginning of what a child wrote, and how many bytes it was in all."""

    def __init__(self) -> None:
        self.start, self.count = bytearray(), 0

    def hear(self, piece: bytes) -> None:
        """Keep the beginning, count the rest."""
        self.start += piece[: 4 * SHOWN - len(self.start)]
        self.count += len(piece)

    def drain(self, pipe: int) -> None:
        """Read what is still in the pipe, without waiting, and no more than a pipe can hold."""
        os.set_blocking(pipe, False)
        end = self.count + (1 << 20)
        with suppress(BlockingIOError):
            while self.count < end and (piece := os.read(pipe, 1 << 16)):
                self.hear(piece)

    @property
    def words(self) -> str:
        """`wrote 12 bytes to standard output: 'hello'`, or nothing."""
        if not self.count:
            return ""
        text = " ".join(self.start.decode(errors="replace").split())
        short = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
        return f"wrote {self.count:,} bytes to standard output or error: {short!r}"
