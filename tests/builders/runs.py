"""For tests of runs: commands in processes of their own, what they leave behind, plug-ins that are planted."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]

COMMAND = [sys.executable, "-c", "from dynmech.experiments.cli.app import main; main()"]

MARK = "DYNMECH_TEST_MARK"
"""An environment variable by which the processes of one command are known, however far they have gone."""


def bytes_below(folder: Path, *, beside: Sequence[str] = ()) -> dict[str, bytes]:
    """Every file of a folder; `beside`: names that are passed over."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in beside)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def marked(mark: str) -> list[int]:
    """Process ids of whatever was started with this mark and still runs."""
    sign = f"{MARK}={mark}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if sign in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return sorted(found)


def command_line(pid: int) -> str:
    """How a process was called; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


class Command:
    """`dynmech …` in a process group of its own.

    Attributes:
        process: the process.
    """

    def __init__(self, words: Sequence[str], folder: Path, **variables: str) -> None:
        self.mark = uuid4().hex
        env = {**os.environ, "PYTHONPATH": str(ROOT), MARK: self.mark, **variables}
        self._out, self._err = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - closed by `wait`
        self.process = subprocess.Popen(
            [*COMMAND, *words], cwd=folder, env=env, stdout=self._out, stderr=self._err, start_new_session=True
        )

    def says(self, text: str, seconds: float = 60) -> None:
        """Wait until it has written some text to standard error."""
        deadline = time.monotonic() + seconds
        while text not in self._read(self._err):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it never said {text!r}, but {self._read(self._err)!r}")
            time.sleep(0.01)

    def wait(self, seconds: float = 120) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise
        with self._out, self._err:
            return self.process.returncode, self._read(self._out), self._read(self._err)

    @staticmethod
    def _read(file: IO[bytes]) -> str:
        size = os.fstat(file.fileno()).st_size
        return os.pread(file.fileno(), size, 0).decode()

    def everybody(self) -> list[int]:
        """Process ids of all that it has started and that still run, itself included."""
        return marked(self.mark)

    def left(self, seconds: float = 2.0) -> list[str]:
        """What still runs after so many seconds, as command lines."""
        deadline = time.monotonic() + seconds
        while (there := self.everybody()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [command_line(pid) for pid in there]

    def end(self) -> None:
        """Kill all of it."""
        for pid in self.everybody():
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.process.wait()


def call(words: Sequence[str], folder: Path, **variables: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that may end by itself."""
    return Command(words, folder, **variables).wait()


def strategy(name: str, body: str, *, head: str = "", top: str = "") -> str:
    """A plug-in file with one strategy, its `message` given line by line."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    inside = "\n".join(f"    {line}" for line in head.splitlines())
    return (
        f"{top}\nimport numpy as np\nfrom dynmech.agents.strategies.base import Strategy\n"
        f"class Planted(Strategy):\n    name = {name!r}\n    source = 'planted'\n{inside}\n"
        f"    def message(self, view):\n{lines}\n"
    )


def planted(path: Path, text: str) -> Path:
    """A plug-in file; returns its path."""
    path.write_text(text, encoding="utf-8")
    return path


def no_space(*_: Any, **__: Any) -> Any:
    """What a full disk says."""
    raise OSError(28, "No space left on device")
