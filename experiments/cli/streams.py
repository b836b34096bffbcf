"""Standard streams that may be full, closed or read by somebody who stops reading."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

PIPE_CLOSED = 141
"""Exit code where nobody reads standard output any more: that of a program that SIGPIPE ends (128 + 13)."""


class OutputLostError(BaseException):
    """Standard output takes no more; no `except Exception` on the way mistakes it for something else.

    Args:
        error: what the system said.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error

    @property
    def line(self) -> str:
        """What is said about it; nothing where the reader has gone, who knows."""
        return "" if self._closed else f"standard output: cannot be written: {self.error.strerror or self.error}"

    @property
    def code(self) -> int:
        """The exit code."""
        return PIPE_CLOSED if self._closed else 2

    @property
    def _closed(self) -> bool:
        return self.error.errno in (errno.EPIPE, errno.ESHUTDOWN)


class _Results(io.FileIO):
    """Standard output: what cannot be written ends the program, once."""

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type] # typeshed's name for a buffer is private
        except OSError as error:
            _point_at_nothing(self.fileno())  # what is still in a buffer must not fail again at the end
            raise OutputLostError(error) from None


class _Remarks(io.FileIO):
    """Standard error: what cannot be written is dropped, as results matter and progress does not."""

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


@contextmanager
def careful_streams() -> Iterator[None]:
    """Let standard streams be closed or full: of lost results one error is raised, lost remarks are dropped.

    Raises:
        OutputLostError: standard output takes no more, inside the block or when it ends.
    """
    _open_closed()
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _over(out, _Results), _over(err, _Remarks)
    try:
        yield
    finally:
        try:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        finally:
            sys.stdout, sys.stderr = out, err


def _open_closed() -> None:
    """Put nothing where a standard stream is closed: else the next file that is opened becomes standard output."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            _point_at_nothing(descriptor)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the program runs


def _point_at_nothing(descriptor: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
        os.close(nothing)
    else:
        os.set_inheritable(descriptor, True)


def _over(stream: TextIO, kind: type[io.FileIO]) -> TextIO:
    """Return a stream on the same file with a `write` of that kind; what it cannot encode becomes "?"."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="replace")
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if type(raw) is not io.FileIO:  # a Windows console, or memory
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(kind(raw.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
