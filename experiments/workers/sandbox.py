"""Run a piece of work in a child process that cannot do harm: time and memory limited, its output kept apart.

The child is forked, so it starts in milliseconds with everything already imported; whatever it does to its own process
(exit, crash, change global state) ends with it, and so does every process that it has started. Of what is open here it
has nothing but its line back. Python is no sandbox: files and the network stay within reach.
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

from dynmech.experiments.workers.process_tree import adopting, die_with_parent, end_descendants
from dynmech.sim.core.errors import DynmechError, InputError, PlayError, Refusal, StorageError
from dynmech.sim.core.registry import format_exception

HEAD = struct.Struct("!Q")
"""A result is sent as its length, then its bytes."""

SHOWN = 60
"""Characters of unwanted output that are shown."""


@dataclass(frozen=True)
class Limits:
    """What users' code may take.

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
    """What came of a piece of work: a value, or an error; and what it wrote to standard output, in words.

    An error is `bare` where it does not say whose it is: the work was ended, or ended itself, from outside the rules.
    A child's value is `packed` until it is where its classes are known.
    """

    value: Any = None
    error: DynmechError | None = None
    wrote: str = ""
    bare: bool = False
    packed: bytes = b""

    def opened(self) -> "Answer":
        """The same with its value; that this cannot be had is an error too."""
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
    """Run work here; an error becomes part of the answer."""
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
    """Standard input is empty, output goes to `write`; of everything else that is open only `send` stays so."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (write, 1), (write, 2)):
        os.dup2(source, target)
    os.closerange(3, send)
    os.closerange(send + 1, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout, sys.stderr = (open(k, "w", buffering=1, errors="replace", closefd=False) for k in (1, 2))  # noqa: SIM115


def _answer(work: Callable[[], Any], limits: Limits) -> bytes:
    """The answer as bytes; what cannot be sent is an error too."""
    limit_memory(limits.memory)
    try:
        return pickle.dumps(Answer(packed=cloudpickle.dumps(work())))
    except BaseException as raised:
        limit_memory(None)
        text = located(raised)
        if "MemoryError" in text:
            text += f" (limit: {limits.memory / 2**30:.3g} GB)"
        return pickle.dumps(Answer(error=_kind(raised)(text), bare=not isinstance(raised, DynmechError)))


def _kind(error: BaseException) -> type[DynmechError]:
    """Which of our errors it is; a user's own kind may not be known elsewhere."""
    ours = (InputError, Refusal, PlayError, StorageError, DynmechError)
    return next((kind for kind in ours if isinstance(error, kind)), PlayError)


def located(error: BaseException) -> str:
    """An error as one line that can be printed, with the file and line at which it arose; ours say themselves where."""
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
    """Let the process have at most `extra` bytes of address space more than it has; None: as much as before."""
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
    """Collect result and output until the result is whole, the child has ended, or the time is up."""
    deadline = time.monotonic() + limits.seconds
    payload, said, status = bytearray(), _Said(), None
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
                    said.hear(piece)
            if not events or not ready.get_map():
                status = _ended(pid)
    late = status is None and not _whole(payload)
    _finish(pid, reap=status is None)
    said.drain(output)
    if _whole(payload):
        return replace(_read(payload), wrote=said.words)
    how = f"still running after {limits.seconds:g} s" if late else _how(status or 0)
    return Answer(error=PlayError(how), wrote=said.words, bare=True)


def _whole(payload: bytearray) -> bool:
    return len(payload) >= HEAD.size and len(payload) >= HEAD.size + HEAD.unpack_from(payload)[0]


def _read(payload: bytearray) -> Answer:
    """What the child sent, unless somebody in it wrote to the line."""
    with suppress(Exception):
        answer: object = pickle.loads(payload[HEAD.size :])
        if isinstance(answer, Answer):
            return answer
    return Answer(error=PlayError("sent back what nobody can read"), bare=True)


def _ended(pid: int) -> int | None:
    """The child's status if it has ended."""
    done, status = os.waitpid(pid, os.WNOHANG)
    return status if done else None


def _finish(pid: int, *, reap: bool) -> None:
    """End the child and its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if reap:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # it may not have come as far as to have a group
        os.waitpid(pid, 0)


def _how(status: int) -> str:
    """How a process ended, in words."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        name = signal.Signals(-code).name if -code in {int(s) for s in signal.Signals} else str(-code)
        return f"ended its process (signal {name})"
    return f"ended its process (exit code {code})"


class _Said:
    """What a child wrote: its beginning, and how much it was."""

    def __init__(self) -> None:
        self.start, self.count = bytearray(), 0

    def hear(self, piece: bytes) -> None:
        """Keep the beginning, count the rest."""
        self.start += piece[: 4 * SHOWN - len(self.start)]
        self.count += len(piece)

    def drain(self, pipe: int) -> None:
        """What is still in the pipe, without waiting; no more than a pipe can hold."""
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
