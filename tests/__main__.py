"""Every gate: format and lint; then types, import floors and docs beside the tests with doctests. `python -m tests`.

`python -m tests alone` plays the tests only: what the other gates find does not depend on the interpreter that runs
them (types are those of the oldest that is supported), so a second interpreter need not look for it again.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FIRST = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
}
BESIDE = {
    "types": ["mypy"],
    "floors": ["lint-imports"],
    "docs": ["sphinx-build", "-W", "-q", "-E", "-t", "check", "docs", "build/check"],
}
TESTS = ["pytest", "-q", "-n", "logical", "--dist", "loadfile", "--no-loadscope-reorder"]
ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
    "1",
)
"""There is a process for each core: threads of linear algebra would only take turns with them."""


def main(words: list[str]) -> int:
    """Run the gates; return the code of the first that fails, in the order in which they stand here."""
    if words not in ([], ["alone"]):
        say(f"python -m tests: {' '.join(words)!r} is not understood; the only word is 'alone', for the tests only")
        return 2
    if words:
        return run("tests", TESTS)
    if code := run_in_order(FIRST):
        return code
    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(run_in_order, BESIDE)
        code = run("tests", TESTS)
    return others.result() or code


def run_in_order(gates: dict[str, list[str]]) -> int:
    """Run gates one after the other; stop at the first that fails and return its code."""
    return next((code for name, command in gates.items() if (code := run(name, command))), 0)


def run(name: str, command: list[str]) -> int:
    """Run one gate and return its code; tests print as they go, the others when they have ended."""
    start, tool = time.monotonic(), Path(sys.executable).parent / command[0]
    if name == "tests":
        say(f"== {name}: {' '.join(command)}")
    output = None if name == "tests" else subprocess.PIPE
    ended = subprocess.run(
        [tool, *command[1:]],
        cwd=ROOT,
        env=environment(),
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        text=True,
        check=False,
    )
    result = "ok" if ended.returncode == 0 else "FAILED"
    shown = f"== {name}: {' '.join(command)}\n{ended.stdout}" if output else ""
    say(f"{shown}== {name}: {result} ({time.monotonic() - start:.0f} s)")
    return ended.returncode


def environment() -> dict[str, str]:
    """Return the variables of a gate. Bytecode is kept: hundreds of processes would each compile the whole tree."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **ONE_THREAD}


def say(text: str) -> None:
    """Print for whoever runs the gates."""
    print(text, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
