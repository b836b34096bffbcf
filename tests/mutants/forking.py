"""Runs pytest in forks of a process that has imported everything already: importing takes longer than most tests.

A process of its own, started by its file, so that it has nothing of ours imported: `Forks` is how to ask it. It reads a
line of JSON at a time from standard input and answers with one:

- `{"modules": […]}`: import them;
- `{"collect": […]}`: import a room's tests, and with them what they import, as pytest does with these words;
- `{"words", "trace", "tests", "limits", "change"}`: fork, run pytest with these words in the working directory, and say
  `{"code", "said", "kept"}`. With a room to trace, `kept` is what `executed.py` finds; with tests, these are run in
  their order and `kept` is what `chosen.py` finds. Where one takes more than its limit in seconds of CPU, `code` is
  null. A change, `{"path", "before", "after"}`, is put in place in the fork; with no `before` all of ours is imported
  anew.
"""

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

SLOW = (-signal.SIGPROF, -signal.SIGALRM)
"""How a process ends where a test takes too long."""


class Forks:
    """A process that forks to run tests."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            cwd=folder,
            env={**environment, **single, "PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def pytest(self, words: Sequence[str], **more: object) -> dict[str, Any]:
        """Exit code (none where it took longer), output, and what was kept of the tests."""
        return self._ask({"words": words, **more})

    def load(self, modules: Sequence[str]) -> None:
        """Import what is other people's, for all forks to come."""
        self._ask({"modules": modules})

    def collect(self, words: Sequence[str]) -> None:
        """Import a room's tests, for all forks to come."""
        self._ask({"collect": words})

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
        if "modules" in request:
            answer = load(request["modules"])
        elif "collect" in request:
            answer = collect(request["collect"])
        else:
            answer = run(**request)
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


def collect(words: Sequence[str]) -> dict[str, object]:
    """Collect a room's tests, for all forks to come."""
    import pytest

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        pytest.main([*words, "--collect-only"])
    return {}


def run(words: Sequence[str], limits: Sequence[float] = (), **more: Any) -> dict[str, object]:
    """Run pytest in a fork."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as kept:
        if not (child := os.fork()):
            _child(words, limits, output.fileno(), kept.fileno(), **more)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with contextlib.suppress(ProcessLookupError):  # workers that the tests left
            os.killpg(child, signal.SIGKILL)
        output.seek(0)
        kept.seek(0)
        return {
            "code": None if code in SLOW else code,
            "said": output.read().decode(errors="replace"),
            "kept": json.loads(kept.read() or b"{}"),
        }


def _child(
    words: Sequence[str],
    limits: Sequence[float],
    output: int,
    kept: int,
    trace: str | None = None,
    tests: Sequence[str] = (),
    change: dict[str, str] | None = None,
) -> None:
    """Play the part of `python -m pytest`, and end."""
    code = 3
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = (open(number, "w", closefd=False, encoding="utf-8") for number in (1, 2))  # noqa: SIM115
        import pytest

        if change is not None:
            sys.dont_write_bytecode = True
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
            _put(**change)
        plugin: Any = _beside("chosen").Chosen(tests, limits)
        if trace is not None:
            plugin = _beside("executed").Executed(Path.cwd(), trace)
            plugin.start()
        code = int(pytest.main(list(words), plugins=[plugin]))
        found = plugin.found() if trace is not None else {"seconds": plugin.seconds, "failed": plugin.failed}
        with open(kept, "w", closefd=False, encoding="utf-8") as file:
            json.dump(found, file)
        sys.stdout.flush()
    finally:
        os._exit(code)


def _put(path: str, after: str, before: str | None = None) -> None:
    """Change the loaded module; where that cannot be done, forget all of ours, to be imported from the changed file."""
    if before is not None and _beside("replacing").replace(Path(path), before, after):
        return
    top = Path.cwd().resolve()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file).resolve().is_relative_to(top):
            del sys.modules[name]
    gc.collect()


def _beside(name: str) -> Any:
    """The module of this name beside this file."""
    specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what is printed while modules are imported is no answer
        serve(sys.stdin, answers)
