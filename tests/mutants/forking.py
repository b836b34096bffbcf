"""Runs pytest in forks of a process that has imported other people's packages already: they take seconds to import.

A process of its own, started by its file, so that it has nothing of ours imported: `Forks` is how to ask it. It reads a
line of JSON at a time from standard input. `{"modules": […]}`: import them. `{"words", "seconds", "room", "kept"}`:
fork, run pytest with these words in the working directory, and print `{"code", "said"}`, where `code` is null if it
took longer; with a room, keep in that file what `executed.py` finds.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO


class Forks:
    """A process that forks to run tests."""

    def __init__(self, folder: Path) -> None:
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment = {**os.environ, **single, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def pytest(
        self, words: Sequence[str], seconds: float | None = None, room: str | None = None, kept: str = ""
    ) -> tuple[int | None, str]:
        """Exit code and output; no code where it took longer."""
        answer = self._ask({"words": words, "seconds": seconds, "room": room, "kept": kept})
        return answer["code"], answer["said"]

    def load(self, modules: Sequence[str]) -> None:
        """Import what is other people's, for all forks to come."""
        self._ask({"modules": modules})

    def __enter__(self) -> "Forks":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def _ask(self, request: dict[str, object]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer until nothing more is asked."""
    for line in requests:
        request = json.loads(line)
        answer = load(request["modules"]) if "modules" in request else run(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def load(modules: Sequence[str]) -> dict[str, object]:
    """Import modules for all forks to come; what cannot be imported by its name is left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    return {}


def run(words: Sequence[str], seconds: float | None, room: str | None, kept: str) -> dict[str, object]:
    """Run pytest in a fork."""
    with tempfile.TemporaryFile() as output:
        if not (child := os.fork()):
            _child(words, room, kept, output.fileno())
        code = _wait(child, seconds)
        with contextlib.suppress(ProcessLookupError):  # workers that the tests left
            os.killpg(child, signal.SIGKILL)
        output.seek(0)
        return {"code": code, "said": output.read().decode(errors="replace")}


def _child(words: Sequence[str], room: str | None, kept: str, output: int) -> None:
    """Play the part of `python -m pytest`, and end."""
    code = 3
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = (open(number, "w", closefd=False, encoding="utf-8") for number in (1, 2))  # noqa: SIM115
        import pytest

        code = int(pytest.main(list(words), plugins=[] if room is None else [_executed(room, kept)]))
        sys.stdout.flush()
    finally:
        os._exit(code)


def _executed(room: str, kept: str) -> object:
    """The plug-in beside this file, begun."""
    specification = importlib.util.spec_from_file_location("executed", Path(__file__).with_name("executed.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    executed = module.Executed(Path.cwd(), room, Path(kept))
    executed.start()
    return executed


def _wait(child: int, seconds: float | None) -> int | None:
    """The code with which a fork ended; None where it took longer and was killed."""
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, 0 if end is None else os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if end is not None and time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.05)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what is printed while modules are imported is no answer
    serve(sys.stdin, answers)
